// bfloat16 numbers are the upper halves of float32 numbers. A float64 number comes to one by way of float32, as in PyTorch.

/** The bits of x as a float32 number. */
export function bitsOf(x: number): number {
  single[0] = x;
  return word[0];
}

/** The float32 number of these bits. */
export function ofBits(bits: number): number {
  word[0] = bits;
  return single[0];
}

/** Element i of an array of bfloat16 numbers. */
export function readHalf(x: Uint16Array, i: number): number {
  return ofBits(x[i] << 16);
}

/** Rounds to the nearest bfloat16 number, of two to the even one. Every NaN becomes 0xffff. */
export function writeHalf(x: Uint16Array, i: number, value: number): void {
  const bits = bitsOf(value);
  x[i] = Number.isNaN(value) ? 0xffff : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}

const single = /* @__PURE__ */ new Float32Array(1);
const word = /* @__PURE__ */ new Uint32Array(single.buffer);
