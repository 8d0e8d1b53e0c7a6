import { type Reals, sub } from "./real.js";

// What rules of whole tensors do with buffers beside their own kernels. assembly/vectors.ts gives the same bits.

/** out = a */
export function copy(n: number, a: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    out[i] = a[i];
  }
}

/** out = a - b */
export function subtract(n: number, a: Reals, b: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) {
    out[i] = sub(a[i], b[i]);
  }
}
