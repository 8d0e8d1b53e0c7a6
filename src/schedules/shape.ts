import { cos, pow } from "../math.js";
import { power } from "../power.js";

// Schedules fall from one value to another: `rest` says how much of the way is left, 1 at the start and 0 at the end.

/** The share of a phase that is over, in [0, 1]. A phase of no steps is over when it begins. */
export function progress(step: number, begin: number, steps: number): number {
  if (step < begin) return 0;
  return step >= begin + steps ? 1 : (step - begin) / steps;
}

/** The value between `start` and `end`, both exact. */
export function between(start: number, end: number, rest: number): number {
  return rest === 1 ? start : end + (start - end) * rest;
}

/** Half a wave of the cosine, from 1 at 0 to 0 at 1. */
export function cosine(share: number): number {
  return (1 + cos(Math.PI * share)) / 2;
}

/** How many of the boundaries, which do not fall, are reached: at their step, or after it. */
export function countReached(boundaries: readonly number[], step: number, after = false): number {
  let i = 0;
  while (i < boundaries.length && (after ? boundaries[i] < step : boundaries[i] <= step)) i++;
  return i;
}

/** base^exponent for base >= 0: by squaring if the exponent is whole. */
export function raise(base: number, exponent: number): number {
  if (Number.isInteger(exponent)) return exponent < 0 ? 1 / power(base, -exponent) : power(base, exponent);
  return base === 0 ? (exponent < 0 ? Infinity : 0) : pow(base, exponent);
}
