import type { Dtype } from "../src/rule.js";
import type { Numbers, Reals } from "./tables.js";

export type Shapes = Readonly<Record<string, readonly number[]>>;

/** A module that has a memory: tensors without a gap between them stand at its end, and malloc gives room at its start. */
export class Module {
  readonly memory: WebAssembly.Memory;
  /** What malloc has given, and free has taken back. */
  readonly given: [pointer: number, bytes: number][] = [];
  readonly freed: [pointer: number, bytes: number][] = [];
  readonly #places = new Map<string, { readonly dtype: Dtype; readonly at: number; readonly length: number }>();
  readonly #grows: boolean;
  #heap = 72;
  #end: number;

  /** With `grows`, each malloc lets memory grow, as if it had been full. */
  constructor(pages = 4, grows = false) {
    this.memory = new WebAssembly.Memory({ initial: pages });
    this.#end = this.memory.buffer.byteLength;
    this.#grows = grows;
    new Uint8Array(this.memory.buffer).fill(0xa5);
  }

  readonly malloc = (bytes: number): number => {
    if (this.#grows) this.memory.grow(1);
    const pointer = this.#heap;
    // such as C's: aligned to 8 bytes, with something of its own between
    this.#heap += Math.ceil(bytes / 8) * 8 + 8;
    if (this.#heap > this.#end) throw new Error(`a module of the tests has no room for ${bytes} bytes`);
    this.given.push([pointer, bytes]);
    return pointer;
  };

  readonly free = (pointer: number, bytes: number): void => {
    this.freed.push([pointer, bytes]);
  };

  /** Places tensors, the last of which ends where those end that were placed before, or memory. */
  place(kind: string, dtype: Dtype, lengths: Readonly<Record<string, number>>): this {
    const size = dtype === "f32" ? 4 : 8;
    for (const [name, length] of Object.entries(lengths).reverse()) {
      this.#end -= size * length;
      this.#places.set(`${kind} ${name}`, { dtype, at: this.#end, length });
    }
    return this;
  }

  /** A view on a tensor, for as long as memory does not grow. */
  view(kind: string, name: string): Reals {
    const { dtype, at, length } = this.#places.get(`${kind} ${name}`) as { dtype: Dtype; at: number; length: number };
    return new (dtype === "f32" ? Float32Array : Float64Array)(this.memory.buffer, at, length);
  }

  views(kind: string, names: readonly string[]): Record<string, Reals> {
    return Object.fromEntries(names.map((name) => [name, this.view(kind, name)]));
  }

  /** Returns what gives the first byte that has changed since, outside of tensors and of what malloc has given; or -1. */
  watch(): () => number {
    const before = new Uint8Array(this.memory.buffer).slice();
    return () => {
      const now = new Uint8Array(this.memory.buffer).slice(0, before.length);
      const skip = (at: number, bytes: number) => now.set(before.subarray(at, at + bytes), at);
      for (const [pointer, bytes] of this.given) skip(pointer, bytes);
      for (const { dtype, at, length } of this.#places.values()) skip(at, (dtype === "f32" ? 4 : 8) * length);
      return Buffer.compare(now, before) === 0 ? -1 : now.findIndex((byte, i) => byte !== before[i]);
    };
  }

  /** Whether a view is on the memory as it is now. */
  has(x: Numbers): boolean {
    return x.buffer === this.memory.buffer;
  }
}

export const sizeOf = (shape: readonly number[]) => shape.reduce((size, n) => size * n, 1);
