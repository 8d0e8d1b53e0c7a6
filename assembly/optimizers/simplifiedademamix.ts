import { add, div, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function simplifiedademamix(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const momentumStep = scalar(h, 1);
  const gradientStep = scalar(h, 2);
  const b1 = scalar(h, 3);
  const b2 = scalar(h, 4);
  const w2 = scalar(h, 5);
  const root = scalar(h, 6);
  const eps = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = add(mul(b1, read(m + i)), gi);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const step = add(mul(momentumStep, mi), mul(gradientStep, gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    write(m + i, mi);
    write(v + i, vi);
    write(p + i, sub(mul(keep, read(p + i)), div(step, denominator)));
  }
}
