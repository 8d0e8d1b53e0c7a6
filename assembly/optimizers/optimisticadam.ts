import { add, div, lerp, mul, read, scalar, sqrt, sub, VECTOR, write } from "../lanes";

export function optimisticadam(n: usize, p: usize, g: usize, m: usize, v: usize, previous: usize, h: usize): void {
  const momentumShare = scalar(h, 0);
  const gradientShare = scalar(h, 1);
  const w1 = scalar(h, 2);
  const b2 = scalar(h, 3);
  const w2 = scalar(h, 4);
  const root = scalar(h, 5);
  const eps = scalar(h, 6);
  const forth = scalar(h, 7);
  const back = scalar(h, 8);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const mi = lerp(read(m + i), gi, w1);
    const vi = add(mul(b2, read(v + i)), mul(mul(w2, gi), gi));
    const mean = add(mul(momentumShare, mi), mul(gradientShare, gi));
    const direction = div(mean, add(sqrt(add(vi, root)), eps));
    const step = sub(mul(forth, direction), mul(back, read(previous + i)));
    write(m + i, mi);
    write(v + i, vi);
    write(previous + i, direction);
    write(p + i, sub(read(p + i), step));
  }
}
