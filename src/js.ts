import type { Backend } from "./backend.js";
import { viewOf } from "./layout.js";

/** The fallback: the twins, on ordinary memory. */
export const js: Backend = {
  name: "js",
  createMemory: (bytes) => ({ buffer: new ArrayBuffer(bytes) }),
  kernels: (_memory, dtype, twins) => twins[dtype] as ReturnType<Backend["kernels"]>,
  kernelsAs: () => undefined,
  ref: viewOf,
  count: (_dtype, length) => length,
};
