import { power } from "./power.js";

// exp, log and pow from + - * / alone, within a few units in the last place: `Math`'s may differ between engines, and what they
// give goes into every parameter.

// ln 2 in two parts: the high one times a whole number up to 2^11 is exact (Cody and Waite, 1980)
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/** base^exponent for base > 0. The relative error grows with the logarithm of the result. */
export function pow(base: number, exponent: number): number {
  return exp(exponent * log(base));
}

/** e^x: x = k ln 2 + r, and the series of e^r on |r| < 0.35. */
export function exp(x: number): number {
  if (x > 709.79) return Infinity;
  if (x < -745.2) return 0;
  const k = Math.round(x / Math.LN2);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = 15; n >= 1; n--) sum = 1 + (r / n) * sum;
  // 2^k in two factors, so that neither leaves the range
  const half = Math.trunc(k / 2);
  return sum * powerOfTwo(half) * powerOfTwo(k - half);
}

/** The natural logarithm of x > 0: x = m 2^k, log m = 2 atanh((m - 1) / (m + 1)). */
export function log(x: number): number {
  if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x > 0 ? x : Number.NaN;
  let k = 0;
  let m = x;
  for (; m > Math.SQRT2; m /= 2) k++;
  for (; m < Math.SQRT1_2; m *= 2) k--;
  const z = (m - 1) / (m + 1);
  let sum = 0;
  for (let n = 23; n >= 1; n -= 2) sum = sum * z * z + 1 / n;
  return k * LN2_HIGH + (2 * z * sum + k * LN2_LOW);
}

function powerOfTwo(k: number): number {
  return k < 0 ? 1 / power(2, -k) : power(2, k);
}
