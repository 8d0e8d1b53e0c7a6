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
  kernelsAs(form, memory, dtype) {
    try {
      compile(`${dtype}-${form}`);
      return bind(memory as WasmMemory, `${dtype}-${form}`);
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
    modules[kind] = compiled(unpack(kind));
  } catch (error) {
    failures[kind] = error as Error;
    throw error;
  }
}

function compiled(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    // it may be that a page does not allow it
    throw WebAssembly.validate(bytes) ? error : new Error("this engine has no WebAssembly SIMD", { cause: error });
  }
}

const forms = ["", "-decay", "-fused"] as const;

/**
 * Takes a compiled kernel module, for runtimes that refuse to compile bytes: import `gradstep/kernels/f32.wasm` or `f64.wasm`
 * as a `WebAssembly.Module` and hand it over before the first optimizer of that dtype is made. `f32-decay.wasm`, `f32-fused.wasm` and
 * those of f64 may follow: they make steps of Adam, AdamW, Momentum, RMSprop and SGD with weight decay or other options faster.
 */
export function useModule(module: object): void {
  const probe = instantiate(module as WebAssembly.Module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const [bytes, form] = [probe.REAL_BYTES, probe.FORM].map((value) => (value as WebAssembly.Global | undefined)?.value);
  if ((bytes !== 4 && bytes !== 8) || form === undefined) {
    throw new TypeError("useModule: expected a module of gradstep/kernels");
  }
  modules[`${bytes === 4 ? "f32" : "f64"}${forms[form]}`] = module as WebAssembly.Module;
}

function bind({ memory, bound }: WasmMemory, kind: Kind): Kernels {
  bound[kind] ??= instantiate(modules[kind] as WebAssembly.Module, memory) as unknown as Kernels;
  return bound[kind];
}

// the loader's own exports go through a closure for each call, so take the instance's
function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  return instantiateSync(module, { env: { memory } }).instance.exports;
}
