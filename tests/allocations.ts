// Run by memory.test.ts in a process of its own, with --expose-gc: prints the bytes of heap that a step takes, by case.
import { Adam, AdamW, RMSprop, SGD } from "../src/index.js";

// what reading the size of the heap takes itself, and a bit more
const overhead = 100;

const collect = (globalThis as unknown as { gc(): void }).gc;
const windows = 30;
// two blocks in float32, and a bit of a third
const large = 70_000;

type Case = readonly [name: string, wasmSteps: number, jsSteps: number, make: (backend: "wasm" | "js") => () => void];

const cases: Case[] = [
  [
    "views",
    20_000,
    20_000,
    (backend) => {
      const opt = new Adam({ w: 2, b: 1 }, { backend });
      opt.grads.w.fill(0.5);
      return () => opt.step();
    },
  ],
  [
    "weight decay and maximize",
    20_000,
    20_000,
    (backend) => {
      const opt = new Adam({ w: [3, 4], b: 4 }, { weightDecay: 0.01, maximize: true, backend });
      return () => opt.step();
    },
  ],
  [
    "the user's arrays with step(grads)",
    20_000,
    20_000,
    (backend) => {
      const grads = { w: new Float64Array([1, 2]), b: new Float64Array(100) };
      const opt = new AdamW({ w: new Float64Array(2), b: new Float64Array(100) }, { backend });
      return () => opt.step(grads);
    },
  ],
  [
    "step(grads) with other arrays each time",
    20_000,
    20_000,
    (backend) => {
      const grads = [1, 2, 3].map((x) => ({ w: new Float32Array(10).fill(x) }));
      const opt = new AdamW({ w: 10 }, { backend });
      return () => opt.step(grads[opt.steps % 3]);
    },
  ],
  [
    "a list, with step([grads])",
    20_000,
    20_000,
    (backend) => {
      const grads = [new Float32Array(10), new Float32Array(3)] as const;
      const opt = new AdamW([10, 3], { backend });
      return () => opt.step(grads);
    },
  ],
  [
    "several groups, and zeroGrad",
    20_000,
    20_000,
    (backend) => {
      const groups = [{ params: [5] }, { params: [3, 0] }, { params: [new Float32Array(7)], weightDecay: 0.1 }];
      const opt = new RMSprop(groups, { lr: 0.5, momentum: 0.9, backend });
      return () => opt.step().zeroGrad();
    },
  ],
  [
    "parameters and gradients in another module's memory, with step(grads)",
    20_000,
    20_000,
    (backend) => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      const [w, dw] = [64, 1024].map((at) => new Float32Array(memory.buffer, at, 100));
      const opt = new AdamW({ w }, { backend, memory, malloc: () => 2048 });
      const grads = { w: dw };
      return () => opt.step(grads);
    },
  ],
  [
    "several blocks",
    300,
    200,
    (backend) => {
      const opt = new AdamW({ w: large, b: 10 }, { backend });
      return () => opt.step();
    },
  ],
  [
    "several blocks of the user's arrays with step(grads) and coupled weight decay",
    300,
    200,
    (backend) => {
      const grads = { w: new Float32Array(large), b: new Float32Array(10) };
      const opt = new SGD({ w: new Float32Array(large), b: 10 }, { weightDecay: 0.1, backend });
      return () => opt.step(grads);
    },
  ],
];

/** The heap that a step takes once it is compiled: the least of several windows, the first with none being enough. */
function bytesPerStep(step: () => void, steps: number): number {
  let least = Infinity;
  for (let window = 0; window < windows && least > 0; window++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < steps; i++) step();
    // what is measured with takes some too
    const bytes = process.memoryUsage().heapUsed - before - overhead;
    if (window >= 5) least = Math.min(least, Math.max(0, bytes / steps));
  }
  return least;
}

let sink: unknown;
const leaky = () => {
  sink = [1, 2];
};
const result: Record<string, number> = { leaky: bytesPerStep(leaky, 20_000) };
for (const backend of ["wasm", "js"] as const) {
  for (const [name, wasmSteps, jsSteps, create] of cases) {
    result[`${name} (${backend})`] = bytesPerStep(create(backend), backend === "wasm" ? wasmSteps : jsSteps);
  }
}
console.log(JSON.stringify(sink ? result : {}));
