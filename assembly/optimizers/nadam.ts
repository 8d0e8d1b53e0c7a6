import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function nadam(n: usize, p: usize, g: usize, m: usize, v: usize, h: usize): void {
  const keep = scalar(h, 0);
  const momentumStep = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  const gradientStep = scalar(h, 7);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const step = add(mul(gradientStep, gi), mul(momentumStep, mi));
    write(m + i, mi);
    write(v + i, vi);
    write(p + i, sub(mul(keep, read(p + i)), div(step, denominator)));
  }
}
