import { abs, bitsOf, div, max, min, mul, type Reals } from "./real.js";

// State in bytes: Dettmers et al., 2021, 8-bit Optimizers via Block-wise Quantization (arXiv 2110.02861), as bitsandbytes computes
// it on the CPU. Of each block of 256 elements the largest magnitude is kept, and of each element the place of its share of that
// in a map of 256 numbers, which stand closer to each other the smaller they are. assembly/quantise.ts gives the same bits.

/** x = a block of n numbers, of which `codes` are the places in the map that stands in `maps` from `map` on. */
export function dequantise(
  n: number,
  x: Reals,
  codes: Uint8Array,
  from: number,
  absmax: Reals,
  maps: Reals,
  map: number,
): void {
  const largest = absmax[from / 256];
  for (let i = 0; i < n; i++) {
    x[i] = mul(maps[map + codes[from + i]], largest);
  }
}

/**
 * Puts a block into codes: of each number how many of the means between neighbours in the map are less than its share. They stand
 * behind the map, and `starts` has a code for each upper half of a float32 number, which is right or too small by one.
 */
export function quantise(
  n: number,
  x: Reals,
  codes: Uint8Array,
  from: number,
  absmax: Reals,
  maps: Reals,
  map: number,
  starts: Uint8Array,
): void {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = max(largest, abs(x[i]));
  const least = max(largest, Math.fround(1e-38));
  const scale = div(1, least);
  const whole = n === 256;
  absmax[from / 256] = whole ? largest : least;
  for (let i = 0; i < n; i++) {
    // in an order that makes -1 of a NaN, which only a caller can have put into the state
    const share = min(max(-1, whole ? mul(x[i], scale) : div(x[i], least)), 1);
    const upper = bitsOf(share) >>> 16;
    const code = starts[16 * map + Math.max(0, (upper & 0x7fff) - 13312) + 4096 * (upper >>> 15)];
    codes[from + i] = maps[map + 256 + code] < share ? code + 1 : code;
  }
}
