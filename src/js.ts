import type { Backend } from "./backend.js";

/** The fallback: the twins, on ordinary memory. */
export const js: Backend = {
  name: "js",
  createMemory: (bytes) => ({ buffer: new ArrayBuffer(bytes) }),
  kernels: (_memory, dtype, twins) => twins[dtype] as ReturnType<Backend["kernels"]>,
  decayKernels: () => undefined,
  ref: (memory, dtype, offset, length) =>
    dtype === "f32" ? new Float32Array(memory.buffer, offset, length) : new Float64Array(memory.buffer, offset, length),
  count: (_dtype, length) => length,
};
