import { checkChoice } from "./check.js";
import type { ForeignMemory, ForeignOptions } from "./foreign.js";
import { js } from "./js.js";
import type { Part } from "./part.js";
import type { Numbers, Reals } from "./real.js";
import type { Dtype, Library, Small } from "./rule.js";
import type { StateDict } from "./state-dict.js";
import type { Source } from "./store.js";
import { openForeign, openWasm } from "./wasm.js";

/** What a kernel takes for a buffer: a pointer in WebAssembly, a typed array in JavaScript. */
export type Ref = number | Numbers;

/** A loop over `n` bytes (WebAssembly) or elements (JavaScript) of some buffers. */
export type Kernel = (n: number, ...refs: Ref[]) => void;

export type Kernels = Readonly<Record<string, Kernel>>;

/** Memory that kernels can run on. Its buffer never grows, so that views on it stay valid, unless it is another module's. */
export interface Memory {
  readonly buffer: ArrayBufferLike;
}

/** What a module of kernels was compiled for. */
export type Kind = Dtype | `${Dtype}-${Form}`;

/**
 * What kernels do beside their rule's formula: scale the gradient and add the coupled weight decay; or scale and clip it, average the
 * parameters and clear it.
 */
export type Form = "decay" | "fused";

/** Where loops run. */
export interface Backend {
  readonly name: "wasm" | "js";
  /** Zero-filled memory of at least that many bytes; throws a RangeError if it cannot be had. */
  createMemory(bytes: number): Memory;
  /** The kernels that stand beside these twins, bound to a memory. */
  kernels(memory: Memory, dtype: Dtype, twins: Readonly<Record<Dtype, Library>>): Kernels;
  /** The same in another form, those of them that have it. */
  kernelsAs(form: Form, memory: Memory, dtype: Dtype): Kernels | undefined;
  /** `length` elements of a memory, from the byte `offset` on. */
  ref(memory: Memory, type: Dtype | Small, offset: number, length: number): Ref;
  /** What a kernel takes for `length` elements. */
  count(dtype: Dtype, length: number): number;
  /** The modules of its kernels. */
  bytes?(kind: Kind): Uint8Array;
  /** The threads that work on its memories, if there are several, and the same backend without them. */
  readonly crew?: Crew;
  readonly alone?: Backend;
  /** The memory of another module that all stands in. */
  readonly foreign?: ForeignMemory;
}

/** Threads that share the work on the memories of one optimizer: see threads/. */
export interface Crew {
  readonly threads: number;
  /** Itself, if a memory is shared. */
  on(memory: Memory): Crew | undefined;
  /**
   * Does to each block of a part what `walk` does to the one block it is given; false, and nothing, if that does not pay. `passes`
   * says whether the caller's own parameters pass through scratch.
   */
  each(part: Part, source: Source, passes: boolean, walk: (part: Part) => void): boolean;
  /** Notes the squares of a part's gradients, likewise. */
  measure(part: Part, source: Source): boolean;
  /**
   * The kernels of a memory, if it is shared. `longest` is the length of the longest buffer; `sizes` has the bytes of an element for
   * buffers of another type, and 0 for scalars.
   */
  spread(memory: Memory, dtype: Dtype, longest: number, sizes: ReadonlyMap<Ref, number>): Spread | undefined;
  /** Throws if a step is under way. */
  checkIdle(who: string): void;
  /** Throws if a step is under way, or one was cut off and no state dict loaded since; for a load, if it has to wait. */
  check(who: string): void;
  /** Takes note that a state dict was loaded. */
  loaded<T>(dict: StateDict, result: T): T;
  /** Takes a step, the kernels of which workers run. */
  stepAsync<T>(step: () => T): Promise<T>;
  dispose(): void;
}

/** Kernels on shared memory, each call of which threads share if it is large: for rules that call them on whole tensors. */
export interface Spread {
  /** The tensor that is being stepped. */
  tensor: string;
  readonly kernels: Kernels;
  readonly reduce: Functions;
  readonly matrix: Functions;
  readonly carrier: Carrier;
}

/** Functions of sizes and buffers; some return a number. */
export type Functions = Readonly<Record<string, (...args: (number | Ref)[]) => number>>;

/** Copies numbers to shared memory, and back. */
export interface Carrier {
  bring(to: Reals, at: number, from: Reals): void;
  fetch(to: Reals, from: Reals, at: number): void;
}

type OpenThreads = (who: string, plain: Backend, dtype: Dtype, threads: unknown) => Backend;

let openThreads: OpenThreads | undefined;

/** What gradstep/threads calls when it is imported. */
export function useThreads(open: OpenThreads): void {
  openThreads = open;
}

/** The backend of that name for a dtype, and that many threads where it can have them; or on the memory of another module. */
export function openBackend(
  who: string,
  name: unknown,
  dtype: Dtype,
  threads: unknown,
  foreign?: ForeignOptions,
): Backend {
  const opened = openShared(who, name, dtype, threads);
  return foreign ? openForeign(who, opened, dtype, foreign) : opened;
}

function openShared(who: string, name: unknown, dtype: Dtype, threads: unknown): Backend {
  const backend = openAlone(who, name, dtype);
  if (threads === 1) return backend;
  if (openThreads) return openThreads(who, backend, dtype, threads);
  if (backend === js) return js;
  throw new Error(`${who}: the option threads needs import "gradstep/threads"`);
}

/** "auto" is WebAssembly where it works, else JavaScript. */
function openAlone(who: string, name: unknown, dtype: Dtype): Backend {
  if (checkChoice(who, "backend", name, ["auto", "wasm", "js"]) === "js") return js;
  try {
    return openWasm(dtype);
  } catch (error) {
    if (name === "auto") return js;
    throw new Error(`${who}: backend "wasm" cannot be had: ${(error as Error).message}`, { cause: error });
  }
}
