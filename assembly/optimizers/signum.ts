import { lerp, mul, read, scalar, sign, sub, VECTOR, write } from "../lanes";

export function signum(n: usize, p: usize, g: usize, m: usize, h: usize): void {
  const lr = scalar(h, 0);
  const w = scalar(h, 1);
  for (let i: usize = 0; i < n; i += VECTOR) {
    const mi = lerp(read(m + i), read(g + i), w);
    write(m + i, mi);
    write(p + i, sub(read(p + i), mul(lr, sign(mi))));
  }
}
