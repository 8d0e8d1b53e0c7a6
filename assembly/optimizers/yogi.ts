import { add, div, lerp, mul, read, scalar, sign, sqrt, square, sub, VECTOR, write } from "../lanes";

export function yogi(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const step = scalar(h, 0);
  const w1 = scalar(h, 1);
  const w2 = scalar(h, 2);
  const root = scalar(h, 3);
  const eps = scalar(h, 4);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const g2 = square(gi);
    const old = read(v + i);
    const vi = sub(old, mul(w2, mul(sign(sub(old, g2)), g2)));
    const denominator = add(sqrt(add(vi, root)), eps);
    write(m + i, mi);
    write(v + i, vi);
    write(p + i, sub(read(p + i), div(mul(step, mi), denominator)));
  }
}
