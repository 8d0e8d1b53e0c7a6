import { optimizers } from "../src/index.js";
import { js } from "../src/js.js";
import { type Case, type OptimizerClass, optionsOf } from "./cases.js";
import { fill } from "./data.js";
import type { Kernel } from "./kernels.js";

/** A kernel's walks over some buffers. */
export interface Pass {
  readonly kernel: string;
  /** What it does with each buffer: "rw r rw rw". */
  readonly streams: string;
  readonly words: Kernel["words"];
  /** Elements that it walks over, in a step, per element of the parameters. */
  readonly share: number;
}

/** What a step asks of the machine. */
export interface Work {
  readonly passes: readonly Pass[];
  /** Operations in products of square matrices, in a step: this times n to the power of 1.5. */
  readonly flops: number;
}

type Kernels = ReadonlyMap<string, Kernel>;

type Watch = (name: string, args: readonly unknown[]) => void;

// so many that what a rule does every few steps is seen as often as it happens
const steps = 60;

/** What a step of a case runs, seen on the fallback: WebAssembly runs the same kernels. */
export function workOf(c: Case, kernels: Kernels): Work {
  const work = workAt(c, kernels, 16);
  // the products of larger matrices take seconds; without them, what has the length of a side counts too much in a small one
  return work.flops > 0 ? work : workAt(c, kernels, 64);
}

function workAt(c: Case, kernels: Kernels, side: number): Work {
  const n = side * side;
  const passes = new Map<string, Omit<Pass, "share">>();
  const walked = new Map<string, number>();
  let flops = 0;
  let watching = false;
  const restore = watchKernels((name, args) => {
    const kernel = kernels.get(name);
    // in WebAssembly the kernels of elements add the weight decay themselves
    if (!watching || !kernel || (elementwise && name === "decayGradient")) return;
    const sizes = args.slice(0, args.findIndex(ArrayBuffer.isView)) as number[];
    const elements = sizes.reduce((product, size) => product * size);
    if (name === "matmul") flops += 2 * elements;
    else {
      const streams = streamsOf(kernel, args, elements);
      const key = `${name} ${streams}`;
      passes.set(key, { kernel: name, streams, words: kernel.words });
      walked.set(key, (walked.get(key) ?? 0) + elements);
    }
  });
  const made = (optimizers as unknown as Record<string, OptimizerClass>)[c.rule];
  const elementwise = "kernel" in made.rule;
  try {
    const optimizer = new made({ w: [side, side] }, { ...optionsOf(c, made), dtype: "f32", backend: "js" });
    fill(optimizer.params.w, optimizer.grads.w);
    for (let t = 1; t <= 2 * steps; t++) {
      watching = t > steps;
      optimizer.step();
    }
  } finally {
    restore();
  }
  const each = [...passes].map(([key, pass]) => ({ ...pass, share: (walked.get(key) ?? 0) / (steps * n) }));
  return { passes: each, flops: flops / (steps * n ** 1.5) };
}

/** Calls `watch` before each kernel of the optimizers that are made on the fallback from now on, until what it returns is called. */
function watchKernels(watch: Watch): () => void {
  const { kernels } = js;
  js.kernels = (...args) => {
    const watched = Object.entries(kernels(...args)).map(([name, kernel]) => {
      const call: typeof kernel = (...args) => {
        watch(name, args);
        return kernel(...args);
      };
      return [name, call] as const;
    });
    return Object.fromEntries(watched);
  };
  return () => {
    js.kernels = kernels;
  };
}

/** What a kernel does with the buffers of a call that are as long as the walk. One that is there twice counts once. */
export function streamsOf({ access }: Kernel, args: readonly unknown[], elements: number): string {
  const streams = new Map<unknown, Set<string>>();
  for (const [i, letters] of access.entries()) {
    const buffer = args[i] as Float32Array;
    if (letters === "" || !(buffer.length >= elements)) continue;
    const known = streams.get(buffer.byteOffset) ?? new Set();
    streams.set(buffer.byteOffset, known);
    for (const letter of letters) known.add(letter);
  }
  return [...streams.values()].map((letters) => [...letters].sort().join("")).join(" ");
}
