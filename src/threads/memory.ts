import type { Backend, Kernels, Kind, Memory } from "../backend.js";
import { BLOCK_BYTES, STAGGER } from "../layout.js";
import type { Dtype } from "../rule.js";

const PAGE = 65536;
const MOST_PAGES = 65536;

/** A block of scratch, and what keeps those of two threads out of the same sets of the cache. */
export const SCRATCH_BYTES = BLOCK_BYTES + STAGGER;

/** The seats for each worker: it has one when there is work in the one before. */
const SEATS = 4;

/** How many places there are where workers find numbers that only the calling thread can read. */
function seatsFor(workers: number): number {
  return SEATS * workers;
}

/** A seat has scratch for gradients and for parameters. */
function seatBytes(workers: number): number {
  return seatsFor(workers) * 2 * SCRATCH_BYTES;
}

/** Memory of WebAssembly that threads share, with seats of scratch at its end. */
export class SharedMemory implements Memory {
  readonly memory: WebAssembly.Memory;
  readonly buffer: ArrayBufferLike;
  readonly scratch: number;
  readonly seats: number;
  readonly #bound: Partial<Record<Kind, Kernels>> = {};

  constructor(bytes: number, workers: number) {
    this.scratch = Math.ceil(bytes / 128) * 128;
    this.seats = seatsFor(workers);
    const pages = Math.min(MOST_PAGES, Math.ceil((this.scratch + seatBytes(workers)) / PAGE));
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.buffer = this.memory.buffer;
  }

  kernels(kind: Kind, modules: Modules): Kernels {
    this.#bound[kind] ??= new WebAssembly.Instance(modules.get(kind), { env: { memory: this.memory } })
      .exports as unknown as Kernels;
    return this.#bound[kind];
  }
}

/** Whether that many bytes and the workers' scratch are no more than a memory can have. */
export function fits(bytes: number, workers: number): boolean {
  return bytes + seatBytes(workers) <= MOST_PAGES * PAGE;
}

/** The kernels' modules for shared memory, compiled once. */
export class Modules {
  readonly #bytes: Required<Backend>["bytes"];
  readonly #made: Partial<Record<Kind, WebAssembly.Module>> = {};

  constructor(bytes: Required<Backend>["bytes"]) {
    this.#bytes = bytes;
  }

  get(kind: Kind): WebAssembly.Module {
    this.#made[kind] ??= new WebAssembly.Module(shareMemory(this.#bytes(kind)));
    return this.#made[kind];
  }

  /** The kernels of a dtype in all their forms. */
  of(dtype: Dtype): WebAssembly.Module[] {
    return [this.get(dtype), this.get(`${dtype}-decay`), this.get(`${dtype}-fused`)];
  }
}

const IMPORTS = 2;
const MEMORY = [...Array.from("memory", (c) => c.charCodeAt(0)), 2];
const LIMITS = [0, 0];
// shared, at least no page and at most 65536
const SHARED_LIMITS = [3, 0, 0x80, 0x80, 4];

/** The same module, but it imports a memory that is shared: the only import, with limits that say so. */
export function shareMemory(module: Uint8Array): Uint8Array<ArrayBuffer> {
  let section = 8;
  while (module[section] !== IMPORTS) {
    if (section >= module.length) throw new Error("a module of kernels imports no memory");
    const { value, end } = integer(module, section + 1);
    section = end + value;
  }
  const { value: length, end: start } = integer(module, section + 1);
  const end = start + length;
  const tail = [...MEMORY, ...LIMITS];
  if (tail.some((byte, i) => module[end - tail.length + i] !== byte) || length > 100) {
    throw new Error("a module of kernels imports something else than its memory");
  }
  const added = SHARED_LIMITS.length - LIMITS.length;
  const result = new Uint8Array(module.length + added);
  result.set(module.subarray(0, end - LIMITS.length));
  result[section + 1] += added;
  result.set(SHARED_LIMITS, end - LIMITS.length);
  result.set(module.subarray(end), end + added);
  return result;
}

/** A number in the form of WebAssembly's: seven bits a byte. */
function integer(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  let end = at;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[end++];
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return { value, end };
  }
}
