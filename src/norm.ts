import type { Reals } from "./real.js";
import { dot } from "./reduce.js";

/** The Euclidean norm of several arrays together. */
export function norm(arrays: readonly Reals[]): number {
  return Math.sqrt(arrays.reduce((squares, x) => squares + dot(x.length, x, x), 0));
}
