// State in bytes: see src/quantise.ts, which gives the same bits.
import { abs, all, div, max, min, mul, read, VECTOR, write } from "./lanes";

const SIZE: usize = sizeof<real>();

/** Elements of a block. */
export const BLOCK: usize = 256;

/** Bytes of a map and of the means between its neighbours, which stand behind it. */
export const MAP: usize = 512 * SIZE;

/** Bytes of the codes to start from. */
export const STARTS: usize = 8192;

/** x = a block of n numbers, of which `codes` are the places in the map. */
export function dequantise(n: usize, x: usize, codes: usize, absmax: usize, map: usize): void {
  const largest = load<real>(absmax);
  for (let i: usize = 0; i < n; i++) {
    store<real>(x + i * SIZE, load<real>(map + <usize>load<u8>(codes + i) * SIZE) * largest);
  }
}

/** Puts a block into codes: of each number how many of the means between neighbours in the map are less than its share. */
export function quantise(n: usize, x: usize, codes: usize, absmax: usize, map: usize, starts: usize): void {
  memory.fill(x + n * SIZE, 0, (BLOCK - n) * SIZE);
  let largest = all(0);
  for (let i: usize = 0; i < BLOCK * SIZE; i += VECTOR) largest = max(largest, abs(read(x + i)));
  largest = max(largest, v128.shuffle<i64>(largest, largest, 1, 0));
  if (SIZE === 4) largest = max(largest, v128.shuffle<i32>(largest, largest, 1, 0, 3, 2));
  const least = max(largest, all(<real>(<f32>1e-38)));
  const scale = div(all(1), least);
  const whole = n === BLOCK;
  store<real>(absmax, v128.extract_lane<real>(whole ? largest : least, 0));
  for (let i: usize = 0; i < n * SIZE; i += VECTOR) {
    const share = whole ? mul(read(x + i), scale) : div(read(x + i), least);
    // in an order that makes -1 of a NaN, which only a caller can have put into the state
    write(x + i, min(max(all(-1), share), all(1)));
  }
  for (let i: usize = 0; i < n; i++) store<u8>(codes + i, place(load<real>(x + i * SIZE), map, starts));
}

/** How many of the means are less: what `starts` has for the upper half of its bits as a float32 number, or one more. */
function place(share: real, map: usize, starts: usize): usize {
  const upper: i32 = reinterpret<u32>(<f32>share) >>> 16;
  const half = (upper & 0x7fff) - 13312;
  // no less than 0, without a branch
  const code = <usize>load<u8>(starts + (half & ~(half >> 31)) + 4096 * (upper >>> 15));
  return code + <usize>i32(load<real>(map + (BLOCK + code) * SIZE) < share);
}
