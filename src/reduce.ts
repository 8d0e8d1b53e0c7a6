import { CHUNK } from "./layout.js";
import type { Reals } from "./real.js";

// Reductions over n elements: float64 sums in a fixed order, whatever the dtype. Of each chunk, whole eights go to eight running
// sums, which are added as a tree; what is left over follows one by one. assembly/reduce.ts adds in the same order.

const PRODUCTS = 0;
const NUMBERS = 1;
const MAGNITUDES = 2;
const OPPOSITES = 3;

/** sum x y */
export function dot(n: number, x: Reals, y: Reals): number {
  return reduce(PRODUCTS, 0, n, x, y);
}

/** out = the dot product of each of n rows of m elements of x and of y */
export function rowDots(n: number, m: number, x: Reals, y: Reals, out: Reals): void {
  for (let i = 0; i < n; i++) out[i] = reduce(PRODUCTS, i * m, i * m + m, x, y);
}

/** sum x */
export function sum(n: number, x: Reals): number {
  return reduce(NUMBERS, 0, n, x, x);
}

/** sum |x| */
export function sumAbs(n: number, x: Reals): number {
  return reduce(MAGNITUDES, 0, n, x, x);
}

/** How many elements of x and y have opposite signs. */
export function opposites(n: number, x: Reals, y: Reals): number {
  return reduce(OPPOSITES, 0, n, x, y);
}

/** The largest |x|; 0 for none, NaN if there is one. */
export function maxAbs(n: number, x: Reals): number {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(x[i]));
  return largest;
}

/** Over the elements from `start` on, before `stop`. */
function reduce(what: number, start: number, stop: number, x: Reals, y: Reals): number {
  let total = 0;
  const s = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let from = start; from < stop; from += CHUNK) {
    const end = Math.min(stop, from + CHUNK);
    let i = from;
    s.fill(0);
    for (; i + 8 <= end; i += 8) {
      for (let k = 0; k < 8; k++) s[k] += term(what, x[i + k], y[i + k]);
    }
    let part = s[0] + s[4] + (s[2] + s[6]) + (s[1] + s[5] + (s[3] + s[7]));
    for (; i < end; i++) part += term(what, x[i], y[i]);
    total += part;
  }
  return total;
}

function term(what: number, x: number, y: number): number {
  if (what === PRODUCTS) return x * y;
  if (what === OPPOSITES) return (x < 0 && 0 < y) || (0 < x && y < 0) ? 1 : 0;
  return what === NUMBERS ? x : Math.abs(x);
}
