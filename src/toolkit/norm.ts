import { CHUNK } from "../layout.js";
import { pow } from "../math.js";
import { power } from "../power.js";
import type { Reals } from "../real.js";
import { dot, maxAbs, sum, sumAbs } from "../reduce.js";
import { type Arrays, readArrays } from "./arrays.js";
import { checkReal, readOptions } from "./check.js";

export interface NormOptions {
  /** p of the p-norm: above 0; `Infinity` takes the largest magnitude. Default 2. */
  readonly normType?: number;
}

/**
 * The p-norm of all arrays together, in float64: that of the norms of each. For `normType` 2 it has the bits of `opt.gradNorm`.
 *
 * @see optax.global_norm
 */
export function globalNorm(arrays: Arrays, options: NormOptions = {}): number {
  const { normType } = readOptions("globalNorm", options, { normType: 2 });
  return normOf(Object.values(readArrays("globalNorm", "array", arrays)), checkNormType("globalNorm", normType));
}

export function checkNormType(who: string, value: unknown): number {
  return checkReal(who, "normType", value, [Number.MIN_VALUE, Infinity, "closed"]);
}

/** The p-norm of arrays together. */
export function normOf(arrays: readonly Reals[], p: number): number {
  let total = 0;
  if (p === Infinity) {
    for (const x of arrays) total = Math.max(total, maxAbs(x.length, x));
    return total;
  }
  for (const x of arrays) total += sumOfPowers(x, p);
  return p === 2 ? Math.sqrt(total) : powerOf(total, 1 / p);
}

/** sum |x|^p, in the order of reduce.ts */
function sumOfPowers(x: Reals, p: number): number {
  if (p === 2) return dot(x.length, x, x);
  if (p === 1) return sumAbs(x.length, x);
  const powers = new Float64Array(Math.min(CHUNK, x.length));
  let total = 0;
  for (let from = 0; from < x.length; from += CHUNK) {
    const n = Math.min(CHUNK, x.length - from);
    for (let i = 0; i < n; i++) powers[i] = powerOf(Math.abs(x[from + i]), p);
    total += sum(n, powers);
  }
  return total;
}

/** base^exponent for base >= 0: by multiplications and a square root where twice the exponent is a whole number. */
function powerOf(base: number, exponent: number): number {
  if (Number.isInteger(exponent)) return power(base, exponent);
  if (Number.isInteger(2 * exponent)) return power(base, Math.floor(exponent)) * Math.sqrt(base);
  return base === 0 ? 0 : pow(base, exponent);
}
