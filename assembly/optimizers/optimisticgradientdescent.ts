import { mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function optimisticgradientdescent(n: usize, p: usize, g: usize, previous: usize, h: usize): void {
  const forth = scalar(h, 0);
  const back = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const gi = read(g + i);
    const step = sub(mul(forth, gi), mul(back, read(previous + i)));
    write(previous + i, gi);
    write(p + i, sub(read(p + i), step));
  }
}
