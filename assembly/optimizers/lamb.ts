import { add, div, mul, read, scalar, sqrt, VECTOR, write } from "../lanes";

export function lamb(n: usize, step: usize, g: usize, m: usize, v: usize, h: usize): void {
  const clip = scalar(h, 0);
  const b1 = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const rate = scalar(h, 5);
  const root = scalar(h, 6);
  const eps = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = mul(clip, read(g + i));
    const mi = add(mul(b1, read(m + i)), mul(w1, gi));
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    write(m + i, mi);
    write(v + i, vi);
    write(step + i, div(mul(rate, mi), add(sqrt(add(vi, root)), eps)));
  }
}
