import type { Memory } from "./backend.js";
import type { Tensor } from "./params.js";
import type { Numbers, Reals } from "./real.js";
import type { Dtype, Slot, Small, Start } from "./rule.js";

/** Bytes of an element. */
export const SIZE: Readonly<Record<Dtype | Small, number>> = { f32: 4, f64: 8, u8: 1, u16: 2 };

/**
 * Bytes of each stream in a block: what a pass over it leaves in the cache. Measured for Adam with all stages on 2^20 elements, in
 * multiples of the plain step: 2.1 with 32 KB, 1.9 with 64, 1.6 with 128, 1.7 with 256, which is too much for a small second cache.
 */
export const BLOCK_BYTES = 131072;

/** What streams of several blocks are shifted by, so that they do not meet in the same sets of the cache (measured: Adam on
 *  2^25 elements runs at 14.9 GB/s without and at 22 GB/s with it). */
export const STAGGER = 4352;

/** The memory of one part, at most: a WebAssembly memory without its last page. */
export const PART_BYTES = 2 ** 32 - 65536;

/** Elements of a chunk of a reduction: with float64, what a block has. */
export const CHUNK = 8192;

const VECTOR = 16;

/** Bytes that a kernel's loop may advance by. */
export const LINE = 128;

/** Elements of a block. */
export function blockLength(dtype: Dtype): number {
  return BLOCK_BYTES / SIZE[dtype];
}

/** A length rounded up to whole vectors. */
export function padded(length: number, dtype: Dtype): number {
  const lanes = VECTOR / SIZE[dtype];
  return Math.ceil(length / lanes) * lanes;
}

/** The number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1);
}

/** A stream's length: whole lines, so that a kernel may take eight vectors at a time. */
export function lined(length: number, dtype: Dtype): number {
  const elements = LINE / SIZE[dtype];
  return Math.ceil(length / elements) * elements;
}

/** Where each stream starts, in bytes, for streams of so many bytes, and where the last one ends. */
export function layOut(streams: readonly number[]): { starts: number[]; end: number } {
  const gap = streams.some((bytes) => bytes > BLOCK_BYTES) ? STAGGER : 0;
  let end = 0;
  const starts = streams.map((bytes) => {
    const start = end;
    end += bytes + gap;
    return start;
  });
  return { starts, end };
}

/** A slot of state with nothing left open, for a parameter of that shape. */
export function slotOf(slot: Start | Slot, shape: readonly number[], dtype: Dtype) {
  if (typeof slot === "object") return { shape, type: dtype, ...slot };
  return { shape, type: dtype, from: slot === "params" ? 0 : slot };
}

/** What a memory holds beside that many streams, at most: scratch, scalars and gaps. */
export function overhead(streams: number): number {
  return 4 * BLOCK_BYTES + streams * STAGGER;
}

/** Tensors in batches that fit in `limit` bytes, where `bytesOf` says what one takes. */
export function batches<T extends Tensor>(
  who: string,
  tensors: readonly T[],
  bytesOf: (tensor: T) => number,
  limit: number,
): T[][] {
  const result: T[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (bytes > limit) {
      throw new RangeError(
        `${who}: parameter "${tensor.name}" has ${tensor.length} elements and takes ${bytes} bytes, expected at most ` +
          `${limit}, because it shares one memory with its gradient and state; split it`,
      );
    }
    if (result.length === 0 || bytes > room) {
      result.push([]);
      room = limit;
    }
    result[result.length - 1].push(tensor);
    room -= bytes;
  }
  return result;
}

/** The caller's array of a tensor, if there is one: where memory has grown, it is made anew. */
export function ownOf(memory: Memory, dtype: Dtype, { own, at, length }: Tensor): Reals | undefined {
  return at === undefined || own?.buffer === memory.buffer ? own : viewOf(memory, dtype, at, length);
}

/** Elements of a tensor that kernels can take from where they stand: whole lines of an array in another module's memory. */
export function inPlace({ at, length }: Tensor, dtype: Dtype): number {
  return at === undefined ? 0 : length - (length % lined(1, dtype));
}

/** Elements that a tensor takes in a stream. */
export function roomOf(tensor: Tensor, dtype: Dtype): number {
  return (inPlace(tensor, dtype) > 0 ? lined : padded)(tensor.length, dtype);
}

interface ArrayClass {
  readonly name: string;
  new (buffer: ArrayBufferLike, offset: number, length: number): Numbers;
}

/** The arrays of each element type. */
export const arrays: Readonly<Record<Dtype | Small, ArrayClass>> = {
  f32: Float32Array,
  f64: Float64Array,
  u8: Uint8Array,
  u16: Uint16Array,
};

export function viewOf(memory: Memory, type: Dtype, offset: number, length: number): Reals;
export function viewOf(memory: Memory, type: Dtype | Small, offset: number, length: number): Numbers;
export function viewOf({ buffer }: Memory, type: Dtype | Small, offset: number, length: number): Numbers {
  return new arrays[type](buffer, offset, length);
}

/** A view on elements of an array that may be of a class of the caller's. */
export function slice(array: Reals, dtype: Dtype, start: number, end: number): Reals {
  return viewOf(array, dtype, array.byteOffset + start * SIZE[dtype], end - start);
}
