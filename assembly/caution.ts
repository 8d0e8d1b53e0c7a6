import { all, less, mul, read, scalar, sign, VECTOR, where, write } from "./lanes";

/** step = scale step where it goes against the gradient, else 0 */
export function caution(n: usize, step: usize, g: usize, h: usize): void {
  const scale = scalar(h, 0);
  const zero = all(0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const si = read(step + i);
    const against = less(mul(sign(si), read(g + i)), zero);
    write(step + i, mul(si, where(against, scale, zero)));
  }
}
