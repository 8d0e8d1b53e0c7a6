// The words that twins are written in: float64, one number at a time. `real.f32.ts` rounds each result to float32;
// assembly/lanes.ts has the same words for a whole vector. A twin imports this file; its float32 form is derived.

/** A buffer of the optimizer's dtype. */
export type Reals = Float32Array | Float64Array;

export function add(a: number, b: number): number {
  return a + b;
}

export function sub(a: number, b: number): number {
  return a - b;
}

export function mul(a: number, b: number): number {
  return a * b;
}

export function div(a: number, b: number): number {
  return a / b;
}

export function sqrt(x: number): number {
  return Math.sqrt(x);
}

export function abs(x: number): number {
  return Math.abs(x);
}

export function square(x: number): number {
  return x * x;
}

/** `b` where `a < b`, else `a`: a NaN in `a` stays. */
export function max(a: number, b: number): number {
  return a < b ? b : a;
}

/** `b` where `b < a`, else `a`: a NaN in `a` stays. */
export function min(a: number, b: number): number {
  return b < a ? b : a;
}

/** Whether a < b; never if one is NaN. */
export function less(a: number, b: number): boolean {
  return a < b;
}

/** `a` if the condition holds, else `b`. */
export function where(condition: boolean, a: number, b: number): number {
  return condition ? a : b;
}

/** The number, for which the kernels fill a vector. */
export function all(x: number): number {
  return x;
}

/** -1, 1, or `x` itself if it is a zero or NaN. */
export function sign(x: number): number {
  return x < 0 ? -1 : 0 < x ? 1 : x;
}

/** Moves `a` towards `b` by the share `w`: a + w (b - a). */
export function lerp(a: number, b: number, w: number): number {
  return add(a, mul(w, sub(b, a)));
}

/** The cube root, to an ulp. */
export function cbrt(x: number): number {
  const a = abs(x);
  // the guess needs a normal number
  const small = less(a, 1);
  const y = where(small, mul(a, 2 ** 54), a);
  const near = halley(y, halley(y, guess(y)));
  const root = halley(y, upperHalf(near));
  const size = where(small, mul(root, 2 ** -18), root);
  // 0, infinity and NaN are their own roots
  return where(less(a, add(a, a)), where(less(x, 0), sub(0, size), size), x);
}

/** A cube root that is right to a thirtieth: a third of the bits, and a constant that makes up for the exponent's bias. */
function guess(y: number): number {
  word.setFloat64(0, y);
  const high = word.getUint32(0);
  let third = (high >>> 2) + (high >>> 4);
  third += third >>> 4;
  third += third >>> 8;
  third += third >>> 16;
  word.setUint32(0, third + 715094163);
  word.setUint32(4, 0);
  return word.getFloat64(0);
}

/** A step of Halley's iteration: it triples the right digits. */
function halley(y: number, root: number): number {
  const other = div(y, square(root));
  return add(root, div(mul(root, sub(other, root)), add(add(root, root), other)));
}

/** The upper half of the digits, whose square is exact (Veltkamp). */
function upperHalf(x: number): number {
  const c = mul(x, 2 ** 27 + 1);
  return sub(c, sub(c, x));
}

/** e^x for x <= 0, to an ulp: x = k ln 2 + r. Where it would not be a normal number, it is 0. */
export function exp(x: number): number {
  // k, rounded because so large a number has no digits after the point
  const shifted = add(mul(x, Math.LOG2E), SHIFT);
  const k = sub(shifted, SHIFT);
  const r = sub(sub(x, mul(k, 0.6931471803691238)), mul(k, 1.9082149292705877e-10));
  const c = sub(r, series(square(r)));
  const power = add(add(div(mul(r, c), sub(2, c)), r), 1);
  return where(less(x, -708), 0, mul(power, powerOfTwo(shifted)));
}

/** r coth(r / 2) - 2, of r^2. */
function series(z: number): number {
  const tail = sub(1 / 23950080, mul(z, 691 / 653837184000));
  let sum = sub(1 / 15120, mul(z, sub(1 / 604800, mul(z, tail))));
  sum = sub(1 / 360, mul(z, sum));
  return mul(z, sub(1 / 6, mul(z, sum)));
}

/** 2^k, of SHIFT + k: its last digits become the exponent. */
function powerOfTwo(shifted: number): number {
  word.setFloat64(0, shifted);
  word.setUint32(0, word.getUint32(4) << 20);
  word.setUint32(4, 0);
  return word.getFloat64(0);
}

/** A number so large that its last digit is 1, and the bias of the exponent. */
const SHIFT = 1.5 * 2 ** 52 + 1023;

const word = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));
