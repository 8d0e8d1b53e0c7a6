// What rules of whole tensors do with buffers beside their own kernels. src/vectors.ts gives the same bits.
import { read, sub, VECTOR, write } from "./lanes";

/** out = a */
export function copy(n: usize, a: usize, out: usize): void {
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(out + i, read(a + i));
  }
}

/** out = a - b */
export function subtract(n: usize, a: usize, b: usize, out: usize): void {
  for (let i: usize = 0; i < n; i += VECTOR) {
    write(out + i, sub(read(a + i), read(b + i)));
  }
}
