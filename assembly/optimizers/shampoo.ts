import { mul, read, scalar, sub, VECTOR, write } from "../lanes";

export function shampoo(n: usize, p: usize, g: usize, h: usize): void {
  const lr = scalar(h, 0);
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(p + i, sub(read(p + i), mul(lr, read(g + i))));
  }
}
