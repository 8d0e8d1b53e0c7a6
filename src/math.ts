import { power } from "./power.js";

// cos, exp, log, pow and tanh from + - * / alone, within a unit in the last place: `Math`'s may differ between engines, and what
// they give goes into every parameter. The methods and constants are those of fdlibm 5.3 (k_cos.c, k_sin.c, e_rem_pio2.c, e_exp.c,
// e_log.c, e_pow.c): Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Permission to use,
// copy, modify, and distribute this software is freely granted, provided that this notice is preserved.

// Numbers in parts, of which the high ones times a whole number of some bits are exact (Cody and Waite, 1980).
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const HALF_PI_HIGH = 1.5707963267341256;
const HALF_PI_MIDDLE = 6.077100506303966e-11;
const HALF_PI_LOW = 2.0222662487959506e-21;

/** The cosine of x, |x| < 2^20. */
export function cos(x: number): number {
  const quarters = Math.round(x / (Math.PI / 2));
  const coarse = x - quarters * HALF_PI_HIGH;
  const middle = quarters * HALF_PI_MIDDLE;
  const fine = coarse - middle;
  const low = quarters * HALF_PI_LOW - (coarse - fine - middle);
  const y = fine - low;
  const rest = fine - y - low;
  const value = quarters & 1 ? sinNear0(y, rest) : cosNear0(y, rest);
  return (quarters + 1) & 2 ? -value : value;
}

/** sin(x + rest), |x| < 0.79 */
function sinNear0(x: number, rest: number): number {
  const z = x * x;
  const r =
    0.00833333333332249 +
    z * (-0.0001984126982985795 + z * 2.7557313707070068e-6) +
    z * z * z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10);
  const v = z * x;
  return x - (z * (0.5 * rest - v * r) - rest + v * 0.16666666666666632);
}

/** cos(x + rest), |x| < 0.79 */
function cosNear0(x: number, rest: number): number {
  const z = x * x;
  const w = z * z;
  const r =
    z * (0.0416666666666666 + z * (-0.001388888888887411 + z * 2.480158728947673e-5)) +
    w * w * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 - z * 1.1359647557788195e-11));
  const half = 0.5 * z;
  const most = 1 - half;
  return most + (1 - most - half + (z * r - x * rest));
}

/** e^x */
export function exp(x: number): number {
  return expOfSum(x, 0);
}

/** e^(x + rest): x + rest = k ln 2 + r, |r| < 0.35. */
function expOfSum(x: number, rest: number): number {
  if (x > 709.79) return Infinity;
  if (x < -745.2) return 0;
  const k = Math.round(x / Math.LN2);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW - rest;
  const r = high - low;
  const z = r * r;
  const p = 6.613756321437934e-5 + z * (-1.6533902205465252e-6 + z * 4.1381367970572385e-8);
  const c = r - z * (0.16666666666666602 + z * (-0.0027777777777015593 + z * p));
  const value = 1 + ((r * c) / (2 - c) - low + high);
  // 2^k in two factors, so that neither leaves the range
  const half = Math.trunc(k / 2);
  return value * powerOfTwo(half) * powerOfTwo(k - half);
}

/** The hyperbolic tangent. */
export function tanh(x: number): number {
  if (Math.abs(x) > 20) return Math.sign(x);
  if (Math.abs(x) > 1) return x < 0 ? -tanh(-x) : 1 - 2 / (exp(2 * x) + 1);
  // x / (1 + x^2 / (3 + x^2 / (5 + …))), Lambert, 1768
  const z = x * x;
  let fraction = 0;
  for (let n = 21; n >= 3; n -= 2) fraction = z / (n + fraction);
  return x - (x * fraction) / (1 + fraction);
}

/** The natural logarithm of x > 0: x = m 2^k, log m = 2 atanh((m - 1) / (m + 1)). */
export function log(x: number): number {
  if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x > 0 ? x : Number.NaN;
  let k = 0;
  let m = x;
  for (; m > Math.SQRT2; m /= 2) k++;
  for (; m < Math.SQRT1_2; m *= 2) k--;
  const f = m - 1;
  const half = 0.5 * f * f;
  const s = f / (2 + f);
  const z = s * s;
  const p = 0.22222198432149784 + z * (0.1818357216161805 + z * (0.15313837699209373 + z * 0.14798198605116586));
  const r = z * (0.6666666666666735 + z * (0.3999999999940942 + z * (0.2857142874366239 + z * p)));
  return s * (half + r) + k * LN2_LOW - half + f + k * LN2_HIGH;
}

const TWO_THIRDS_HIGH = 0.6666666865348816;
const TWO_THIRDS_LOW = -1.9868214925130207e-8;

/**
 * base^exponent for base > 0: e^(exponent log base), with a logarithm of some 64 bits. Parts called high have 24 bits, so that
 * their products are exact.
 */
export function pow(base: number, exponent: number): number {
  if (!(base > 0 && base < Infinity && Math.abs(exponent) < 2 ** 64)) return exp(exponent * log(base));
  let k = 0;
  let m = base;
  for (; m > Math.SQRT2; m /= 2) k++;
  for (; m < Math.SQRT1_2; m *= 2) k--;
  // s + sLow = (m - 1) / (m + 1)
  const f = m - 1;
  const s = f / (m + 1);
  const sHigh = Math.fround(s);
  const sumHigh = Math.fround(m + 1);
  const sLow = (f - sHigh * sumHigh - sHigh * (m - (sumHigh - 1))) / (m + 1);
  // log m = 2/3 s (3 + s^2 + r)
  const z = s * s;
  let series = 0;
  for (let n = 29; n >= 5; n -= 2) series = series * z + 3 / n;
  const r = series * z * z + sLow * (sHigh + s);
  const square = sHigh * sHigh;
  const factorHigh = Math.fround(3 + square + r);
  const factorLow = r - (factorHigh - 3 - square);
  const product = sHigh * factorHigh;
  const productLow = sLow * factorHigh + factorLow * s;
  const threeHalves = Math.fround(product + productLow);
  const threeHalvesLow = productLow - (threeHalves - product);
  const logOfM = TWO_THIRDS_HIGH * threeHalves;
  const logLow = TWO_THIRDS_LOW * threeHalves + threeHalvesLow * (2 / 3) + k * LN2_LOW;
  const whole = k * LN2_HIGH;
  const sum = whole + logOfM;
  const logHigh = Math.fround(sum + logLow);
  const logRest = sum - logHigh + (logOfM - (sum - whole)) + logLow;
  const high = Math.fround(exponent);
  return expOfSum(high * logHigh, (exponent - high) * logHigh + exponent * logRest);
}

function powerOfTwo(k: number): number {
  return k < 0 ? 1 / power(2, -k) : power(2, k);
}
