import type { Backend, Memory } from "../backend.js";
import { BLOCK_BYTES, blockLength, CHUNK, SIZE, slice, viewOf } from "../layout.js";
import type { Reals } from "../real.js";
import { dot } from "../reduce.js";
import type { Dtype } from "../rule.js";
import type { SharedMemory } from "./memory.js";

// V8 copies to and from shared memory word by word, which takes four times as long as between ordinary arrays, and byte by byte if
// an array does not start on a whole word, which takes thirty times as long. So numbers go through a block of ordinary memory, and
// WebAssembly that has both memories copies them on.

/** (module (memory shared) (memory) (func "in" (memory.copy 0 1)) (func "out" (memory.copy 1 0))) */
// biome-ignore format: sections
const COPIES = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0,
  1, 7, 1, 96, 3, 127, 127, 127, 0,
  2, 22, 2, 3, 101, 110, 118, 1, 97, 2, 3, 0, 128, 128, 4, 3, 101, 110, 118, 1, 98, 2, 0, 0,
  3, 3, 2, 0, 0,
  7, 12, 2, 2, 105, 110, 0, 0, 3, 111, 117, 116, 0, 1,
  10, 27, 2, 12, 0, 32, 0, 32, 1, 32, 2, 252, 10, 0, 1, 11, 12, 0, 32, 0, 32, 1, 32, 2, 252, 10, 1, 0, 11,
]);

type Copy = (to: number, from: number, bytes: number) => void;

interface Between extends Memory {
  readonly memory: WebAssembly.Memory;
}

let between: Between | undefined;

function openBetween(plain: Backend): Between {
  between ??= plain.createMemory(BLOCK_BYTES) as Between;
  return between;
}

/** Brings numbers of ordinary arrays to shared memory and back. */
export class Carrier {
  readonly #between: Reals;
  readonly #dtype: Dtype;
  /** Undefined in engines where WebAssembly has one memory. */
  readonly #copies: { readonly in: Copy; readonly out: Copy } | undefined;

  constructor({ memory }: SharedMemory, plain: Backend, dtype: Dtype) {
    const between = openBetween(plain);
    this.#between = viewOf(between, dtype, 0, blockLength(dtype));
    this.#dtype = dtype;
    if (!WebAssembly.validate(COPIES)) return;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(COPIES), {
      env: { a: memory, b: between.memory },
    });
    this.#copies = exports as unknown as { in: Copy; out: Copy };
  }

  /** Writes numbers to shared memory, from its element `at` on. */
  bring(to: Reals, at: number, from: Reals): void {
    const { length } = this.#between;
    for (let i = 0; i < from.length; i += length) this.#bringBlock(to, at + i, this.#block(from, i));
  }

  /** Reads them back. */
  fetch(to: Reals, from: Reals, at: number): void {
    const { length } = this.#between;
    for (let i = 0; i < to.length; i += length) this.#fetchBlock(this.#block(to, i), from, at + i);
  }

  #block(x: Reals, start: number): Reals {
    const { length } = this.#between;
    return x.length <= length ? x : slice(x, this.#dtype, start, Math.min(x.length, start + length));
  }

  #bringBlock(to: Reals, at: number, from: Reals): void {
    if (!this.#copies && from.byteOffset % 8 === 0) to.set(from, at);
    else {
      this.#between.set(from);
      if (this.#copies) this.#copies.in(to.byteOffset + at * SIZE[this.#dtype], 0, from.byteLength);
      else to.set(this.#between.subarray(0, from.length), at);
    }
  }

  #fetchBlock(to: Reals, from: Reals, at: number): void {
    const between = this.#between.subarray(0, to.length);
    if (this.#copies) this.#copies.out(0, from.byteOffset + at * SIZE[this.#dtype], to.byteLength);
    else between.set(from.subarray(at, at + to.length));
    to.set(between);
  }
}

const twins = { f32: { dot }, f64: { dot } };

/** The sum of the squares of an ordinary array. */
export function squaresOf(x: Reals, plain: Backend, dtype: Dtype): number {
  const memory = openBetween(plain);
  const block = viewOf(memory, dtype, 0, CHUNK);
  const { dot } = plain.kernels(memory, dtype, twins) as unknown as { dot(n: number, x: number, y: number): number };
  let sum = 0;
  for (let from = 0; from < x.length; from += CHUNK) {
    const end = Math.min(x.length, from + CHUNK);
    block.set(slice(x, dtype, from, end));
    sum += dot(end - from, 0, 0);
  }
  return sum;
}
