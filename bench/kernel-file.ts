import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { layOut } from "../src/layout.js";

type Kernel = (...args: number[]) => void;

/** Kernels on a memory of its own, without an optimizer around them. */
export interface Bench {
  readonly kernels: Readonly<Record<string, Kernel>>;
  /** Where each stream starts, in bytes. */
  readonly starts: readonly number[];
  readonly views: readonly Float32Array[];
}

/** The float32 kernels as they are published, and streams of so many elements, laid out as an optimizer lays out its own. */
export function openKernels(lengths: readonly number[]): Bench {
  const file = createRequire(import.meta.url).resolve("gradstep/kernels/f32.wasm");
  const { starts, end } = layOut(lengths.map((length) => Math.ceil(length / 32) * 128));
  const pages = Math.ceil(end / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), { env: { memory } });
  return {
    kernels: exports as Record<string, Kernel>,
    starts,
    views: starts.map((start, i) => new Float32Array(memory.buffer, start, lengths[i])),
  };
}
