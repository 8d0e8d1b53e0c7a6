import { instantiateSync } from "@assemblyscript/loader";
import type { Backend, Kernels, Memory } from "./backend.js";
import { kernels } from "./generated/kernels.js";
import type { Dtype } from "./rule.js";

const PAGE = 65536;

/** A memory, and the kernels of each dtype once they are needed on it. */
interface WasmMemory extends Memory {
  readonly memory: WebAssembly.Memory;
  readonly bound: Partial<Record<Dtype, Kernels>>;
}

// compiled once, and shared by all memories
const modules: Partial<Record<Dtype, WebAssembly.Module>> = {};
const failures: Partial<Record<Dtype, Error>> = {};

const wasm: Backend = {
  name: "wasm",
  createMemory(bytes): WasmMemory {
    const pages = Math.ceil(bytes / PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    return { memory, buffer: memory.buffer, bound: {} };
  },
  kernels(memory, dtype) {
    const { memory: imported, bound } = memory as WasmMemory;
    bound[dtype] ??= instantiate(modules[dtype] as WebAssembly.Module, imported) as unknown as Kernels;
    return bound[dtype];
  },
  ref: (_memory, _dtype, offset) => offset,
  // whole vectors: the rest of the last one is padding
  count: (dtype, length) => (dtype === "f32" ? Math.ceil(length / 4) : Math.ceil(length / 2)) * 16,
};

/** The WebAssembly backend, with the kernels of a dtype compiled; throws if this engine cannot, or may not, run them. */
export function openWasm(dtype: Dtype): Backend {
  if (modules[dtype]) return wasm;
  if (failures[dtype]) throw failures[dtype];
  try {
    if (typeof WebAssembly === "undefined") throw new Error("this engine has no WebAssembly");
    const bytes = Uint8Array.from(atob(kernels[dtype]), (c) => c.charCodeAt(0));
    if (!WebAssembly.validate(bytes)) throw new Error("this engine has no WebAssembly SIMD");
    useModule(new WebAssembly.Module(bytes));
    return wasm;
  } catch (error) {
    failures[dtype] = error as Error;
    throw error;
  }
}

/**
 * Takes a compiled kernel module, for runtimes that refuse to compile bytes: import `gradstep/kernels/f32.wasm` or `f64.wasm`
 * as a `WebAssembly.Module` and hand it over before the first optimizer of that dtype is made.
 */
export function useModule(module: object): void {
  const probe = instantiate(module as WebAssembly.Module, new WebAssembly.Memory({ initial: 1, maximum: 1 }));
  const bytes = (probe.REAL_BYTES as WebAssembly.Global | undefined)?.value;
  if (bytes !== 4 && bytes !== 8) throw new TypeError("useModule: expected a module of gradstep/kernels");
  modules[bytes === 4 ? "f32" : "f64"] = module as WebAssembly.Module;
}

// the loader's own exports go through a closure for each call, so take the instance's
function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  return instantiateSync(module, { env: { memory } }).instance.exports;
}
