import { mul, read, scalar, sign, sub, VECTOR, write } from "../lanes";

export function signsgd(n: usize, p: usize, g: usize, h: usize): void {
  const lr = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, sub(read(p + i), mul(lr, sign(read(g + i)))));
  }
}
