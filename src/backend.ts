import { describe } from "./check.js";
import { js } from "./js.js";
import type { Numbers } from "./real.js";
import type { Dtype, Library, Small } from "./rule.js";
import { openWasm } from "./wasm.js";

/** What a kernel takes for a buffer: a pointer in WebAssembly, a typed array in JavaScript. */
export type Ref = number | Numbers;

/** A loop over `n` bytes (WebAssembly) or elements (JavaScript) of some buffers. */
export type Kernel = (n: number, ...refs: Ref[]) => void;

export type Kernels = Readonly<Record<string, Kernel>>;

/** Memory that kernels can run on. Its buffer never grows, so that views on it stay valid. */
export interface Memory {
  readonly buffer: ArrayBufferLike;
}

/** Where loops run. */
export interface Backend {
  readonly name: "wasm" | "js";
  /** Zero-filled memory of at least that many bytes; throws a RangeError if it cannot be had. */
  createMemory(bytes: number): Memory;
  /** The kernels that stand beside these twins, bound to a memory. */
  kernels(memory: Memory, dtype: Dtype, twins: Readonly<Record<Dtype, Library>>): Kernels;
  /** The same, adding the coupled weight decay in scalar slot 15 to the gradient themselves, where there are such. */
  decayKernels(memory: Memory, dtype: Dtype): Kernels | undefined;
  /** `length` elements of a memory, from the byte `offset` on. */
  ref(memory: Memory, type: Dtype | Small, offset: number, length: number): Ref;
  /** What a kernel takes for `length` elements. */
  count(dtype: Dtype, length: number): number;
}

/** The backend of that name for a dtype: "auto" is WebAssembly where it works, else JavaScript. */
export function openBackend(who: string, name: unknown, dtype: Dtype): Backend {
  if (name === "js") return js;
  if (name !== "wasm" && name !== "auto") {
    throw new TypeError(`${who}: backend must be "auto", "wasm" or "js", got ${describe(name)}`);
  }
  try {
    return openWasm(dtype);
  } catch (error) {
    if (name === "auto") return js;
    throw new Error(`${who}: backend "wasm" cannot be had: ${(error as Error).message}`, { cause: error });
  }
}
