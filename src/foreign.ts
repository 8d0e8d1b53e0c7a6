import type { Region } from "./arena.js";
import type { Backend, Kernels, Memory, Ref } from "./backend.js";
import { describe } from "./check.js";
import { lined, SIZE } from "./layout.js";
import type { Tensor } from "./params.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";

// The memory of another module, such as training code. Its owner may let it grow at any time, and then all views on it are
// detached: what an optimizer has of views is made anew before it is used the next time. Pointers stay.

/** The options that hand over another module's memory, before they are checked. */
export interface ForeignOptions {
  readonly memory: Memory;
  readonly malloc: (bytes: number) => unknown;
  readonly free?: (pointer: number, bytes: number) => void;
}

const ALIGN = 64;

// by memory: the kernels, which every optimizer on it shares
const bindings = /* @__PURE__ */ new WeakMap<Memory, Record<string, Kernels>>();

/** Another module's memory, as one optimizer works on it. */
export class ForeignMemory implements Memory {
  readonly options: ForeignOptions;
  readonly memory: Memory;
  /** See wasm.ts. */
  readonly bound: Record<string, Kernels>;
  readonly #backend: Backend;
  #seen: Uint8Array;

  constructor(options: ForeignOptions, backend: Backend) {
    const { memory } = options;
    this.options = options;
    this.memory = memory;
    this.bound = bindings.get(memory) ?? {};
    bindings.set(memory, this.bound);
    this.#backend = backend;
    this.#seen = new Uint8Array(memory.buffer);
  }

  get buffer(): ArrayBufferLike {
    return this.memory.buffer;
  }

  /** Whether it has grown since this was last asked. The buffer that it had until then has no bytes any more. */
  hasGrown(): boolean {
    if (this.#seen.length > 0) return false;
    this.#seen = new Uint8Array(this.buffer);
    return true;
  }

  /** Zero-filled memory that its owner's malloc has given. */
  allocate(size: number): Region {
    const bytes = size + ALIGN - 1;
    const pointer = this.options.malloc(bytes) as number;
    // what a module exports returns the upper half of all pointers as negative numbers
    const start = typeof pointer === "number" ? pointer >>> 0 : 0;
    if (start === 0 || (start !== pointer && start - 2 ** 32 !== pointer) || start + bytes > this.buffer.byteLength) {
      throw new RangeError(`malloc must return where ${bytes} bytes of it start, got ${describe(pointer)}`);
    }
    const offset = Math.ceil(start / ALIGN) * ALIGN;
    new Uint8Array(this.buffer, offset, size).fill(0);
    return { memory: this, offset, bytes, pointer };
  }

  release({ pointer, bytes }: Region): void {
    this.options.free?.(pointer as number, bytes);
  }

  /** A tensor with the place of its array in this memory, if it stands there. */
  locate(tensor: Tensor): Tensor {
    const { own } = tensor;
    return own?.buffer === this.buffer ? { ...tensor, at: own.byteOffset } : tensor;
  }

  /** What kernels that read on to the end of a line take for elements of an array, if that stands in this memory. */
  refTo(array: Reals, dtype: Dtype, from: number, length: number): Ref | undefined {
    if (array.buffer !== this.buffer) return undefined;
    const offset = array.byteOffset + from * SIZE[dtype];
    if (offset + lined(length, dtype) * SIZE[dtype] > this.buffer.byteLength) return undefined;
    return this.#backend.ref(this, dtype, offset, length);
  }
}

/** A backend on that memory, with one thread; throws unless all that belongs to it was handed over. */
export function openForeign(who: string, opened: Backend, dtype: Dtype, options: ForeignOptions): Backend {
  const { memory, malloc, free = malloc } = options;
  if (describe(memory?.buffer) !== "ArrayBuffer") throw notOurs(who, memory);
  for (const [name, value] of Object.entries({ malloc, free })) {
    if (typeof value !== "function") throw new TypeError(`${who}: ${name} must be a function, got ${describe(value)}`);
  }
  const plain = opened.alone ?? opened;
  const foreign = new ForeignMemory(options, plain);
  try {
    plain.kernels(foreign, dtype, { f32: {}, f64: {} });
  } catch (cause) {
    throw notOurs(who, memory, cause);
  }
  return { ...plain, alone: plain, foreign };
}

function notOurs(who: string, memory: unknown, cause?: unknown): TypeError {
  const expected = "a module's memory, neither shared nor of 64 bits";
  return new TypeError(`${who}: memory must be ${expected}, got ${describe(memory)}`, { cause });
}
