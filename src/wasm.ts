import type { Kind } from "./backend.js";
import { unpack } from "./unpack.js";

// The kernels stand before all else in a bundle: gzip looks back 32 KB, and finds more where they do not part the rest.

import { instantiateSync } from "@assemblyscript/loader";
import type { Backend, Kernels, Memory } from "./backend.js";
import { LINE, SIZE } from "./layout.js";
import type { Dtype } from "./rule.js";

export { openForeign } from "./foreign.js";

const PAGE = 65536;

/** A memory, and the kernels of each kind once they are needed on it. */
interface WasmMemory extends Memory {
  readonly memory: WebAssembly.Memory;
  readonly bound: Partial<Record<Kind, Kernels>>;
}

// compiled once, and shared by all memories
const modules: Partial<Record<Kind, WebAssembly.Module>> = {};
const failures: Partial<Record<Kind, Error>> = {};

const wasm: Backend = {
  name: "wasm",
  createMemory(bytes): WasmMemory {
    const pages = Math.ceil(bytes / PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return { memory, buffer: memory.buffer, bound: {} };
  },
  kernels: (memory, dtype) => bind(memory as WasmMemory, dtype),
  decayKernels(memory, dtype) {
    try {
      compile(`${dtype}-decay`);
      return bind(memory as WasmMemory, `${dtype}-decay`);
    } catch {
      // a runtime that was given only the plain module
      return undefined;
    }
  },
  ref: (_memory, _type, offset) => offset,
  // whole lines: the rest of the last one is padding
  count: (dtype, length) => Math.ceil((length * SIZE[dtype]) / LINE) * LINE,
  bytes: unpack,
};

/** The WebAssembly backend, with the kernels of a dtype compiled; throws if this engine cannot, or may not, run them. */
export function openWasm(dtype: Dtype): Backend {
  compile(dtype);
  return wasm;
}

function compile(kind: Kind): void {
  if (modules[kind]) return;
  if (failures[kind]) throw failures[kind];
  try {
    if (typeof WebAssembly === "undefined") throw new Error("this engine has no WebAssembly");
    const bytes = unpack(kind);
    if (!WebAssembly.validate(bytes)) throw new Error("this engine has no WebAssembly SIMD");
    modules[kind] = new WebAssembly.Module(bytes);
  } catch (error) {
    failures[kind] = error as Error;
    throw error;
  }
}

/**
 * Takes a compiled kernel module, for runtimes that refuse to compile bytes: import `gradstep/kernels/f32.wasm` or `f64.wasm`
 * as a `WebAssembly.Module` and hand it over before the first optimizer of that dtype is made. `f32-decay.wasm` and
 * `f64-decay.wasm` may follow: they make steps of Adam, Momentum, RMSprop and SGD with coupled weight decay faster.
 */
export function useModule(module: object): void {
  const probe = instantiate(module as WebAssembly.Module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const [bytes, decays] = [probe.REAL_BYTES, probe.DECAYS].map(
    (value) => (value as WebAssembly.Global | undefined)?.value,
  );
  if ((bytes !== 4 && bytes !== 8) || decays === undefined) {
    throw new TypeError("useModule: expected a module of gradstep/kernels");
  }
  modules[`${bytes === 4 ? "f32" : "f64"}${decays ? "-decay" : ""}`] = module as WebAssembly.Module;
}

function bind({ memory, bound }: WasmMemory, kind: Kind): Kernels {
  bound[kind] ??= instantiate(modules[kind] as WebAssembly.Module, memory) as unknown as Kernels;
  return bound[kind];
}

// the loader's own exports go through a closure for each call, so take the instance's
function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  return instantiateSync(module, { env: { memory } }).instance.exports;
}
