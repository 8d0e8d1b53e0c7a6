// The words of `real.ts` in float32: each operation rounds once, as a lane of the WebAssembly kernels does.

import { abs, less, where } from "./real.js";

export { bitsOf, readHalf, writeHalf } from "./half.js";
// these round nothing
export { abs, all, less, max, min, type Reals, sign, where } from "./real.js";

export function add(a: number, b: number): number {
  return Math.fround(a + b);
}

export function sub(a: number, b: number): number {
  return Math.fround(a - b);
}

export function mul(a: number, b: number): number {
  return Math.fround(a * b);
}

export function div(a: number, b: number): number {
  return Math.fround(a / b);
}

export function sqrt(x: number): number {
  return Math.fround(Math.sqrt(x));
}

export function square(x: number): number {
  return Math.fround(x * x);
}

export function lerp(a: number, b: number, w: number): number {
  return add(a, mul(w, sub(b, a)));
}

export function cbrt(x: number): number {
  const a = abs(x);
  const small = less(a, 1);
  const y = where(small, mul(a, 2 ** 54), a);
  const near = halley(y, guess(y));
  const root = halley(y, upperHalf(near));
  const size = where(small, mul(root, 2 ** -18), root);
  return where(less(a, add(a, a)), where(less(x, 0), sub(0, size), size), x);
}

function guess(y: number): number {
  word.setFloat32(0, y);
  const bits = word.getUint32(0);
  let third = (bits >>> 2) + (bits >>> 4);
  third += third >>> 4;
  third += third >>> 8;
  third += third >>> 16;
  word.setUint32(0, third + 709958130);
  return word.getFloat32(0);
}

function halley(y: number, root: number): number {
  const other = div(y, square(root));
  return add(root, div(mul(root, sub(other, root)), add(add(root, root), other)));
}

function upperHalf(x: number): number {
  const c = mul(x, 2 ** 12 + 1);
  return sub(c, sub(c, x));
}

export function exp(x: number): number {
  const shifted = add(mul(x, Math.fround(Math.LOG2E)), SHIFT);
  const k = sub(shifted, SHIFT);
  const r = sub(sub(x, mul(k, 0.693359375)), mul(k, Math.fround(-2.1219444005469057e-4)));
  const c = sub(r, series(square(r)));
  const power = add(add(div(mul(r, c), sub(2, c)), r), 1);
  return where(less(x, -87), 0, mul(power, powerOfTwo(shifted)));
}

function series(z: number): number {
  const sum = sub(Math.fround(1 / 360), mul(z, Math.fround(1 / 15120)));
  return mul(z, sub(Math.fround(1 / 6), mul(z, sum)));
}

function powerOfTwo(shifted: number): number {
  word.setFloat32(0, shifted);
  word.setUint32(0, word.getUint32(0) << 23);
  return word.getFloat32(0);
}

const SHIFT = 1.5 * 2 ** 23 + 127;

const word = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(4));
