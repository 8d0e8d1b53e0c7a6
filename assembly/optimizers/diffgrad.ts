import { abs, add, all, div, exp, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function diffgrad(n: usize, p: usize, g: usize, m: usize, v: usize, previous: usize, h: usize): void {
  const step = scalar(h, 0);
  const w1 = scalar(h, 1);
  const b2 = scalar(h, 2);
  const w2 = scalar(h, 3);
  const eps = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const change = abs(sub(read(previous + i), gi));
    const friction = add(all(1), exp(sub(all(0), change)));
    write(m + i, mi);
    write(v + i, vi);
    write(previous + i, gi);
    write(p + i, sub(read(p + i), div(mul(step, mi), mul(add(sqrt(vi), eps), friction))));
  }
}
