import { describe, dtypeOf, isRecord } from "../check.js";
import type { Reals } from "../real.js";

/** Typed arrays by name, a list of them, or one. */
export type Arrays = Reals | readonly Reals[] | { readonly [name: string]: Reals };

/** Throws unless they are arrays; returns them by name, "0", "1", … in a list. `what` is one of them, such as "gradient". */
export function readArrays(who: string, what: string, arrays: unknown): Readonly<Record<string, Reals>> {
  if (dtypeOf(arrays)) return { 0: arrays as Reals };
  if (!Array.isArray(arrays) && !isRecord(arrays)) {
    throw new TypeError(`${who}: ${what}s must be arrays by name, a list of arrays or one, got ${describe(arrays)}`);
  }
  for (const [name, array] of Object.entries(arrays)) {
    if (dtypeOf(array)) continue;
    throw new TypeError(`${who}: ${what} "${name}" must be a Float32Array or a Float64Array, got ${describe(array)}`);
  }
  return arrays as never;
}

/** x = factor x, with the factor rounded to the array's dtype, as a step's `gradScale` and `clipNorm` do. */
export function scaleBy(x: Reals, factor: number): void {
  if (factor === 1) return;
  const c = roundFor(x)(factor);
  for (let i = 0; i < x.length; i++) x[i] *= c;
}

/** What rounds a number to the array's dtype. */
export function roundFor(x: Reals): (value: number) => number {
  return dtypeOf(x) === "f32" ? Math.fround : (value) => value;
}
