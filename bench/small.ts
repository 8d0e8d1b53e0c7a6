import { getHeapStatistics } from "node:v8";
import { type Case, cases, casesNamed, create, type Steppable } from "./cases.js";
import { fill } from "./data.js";
import { timeSteps } from "./measure.js";
import { type Summary, summarize } from "./statistics.js";

/** What a step costs when there is next to nothing to update. */
export interface SmallRow {
  name: string;
  backend: "wasm" | "js";
  nsPerStep: number;
  spread: Omit<Summary, "median">;
  /** Bytes of JavaScript heap that a step leaves behind. */
  bytesPerStep: number;
}

const tensors = (count: number, length: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`w${i}`, length]));

const shapes: Readonly<Record<string, () => unknown>> = {
  "one tensor of 2": () => tensors(1, 2),
  "two tensors of 1": () => tensors(2, 1),
  "ten tensors of 10": () => tensors(10, 10),
  "your own array of 2": () => ({ w0: new Float32Array(2) }),
};

/** Times small steps of Adam f32, after every rule, both dtypes and both backends have run in this process. */
export function runSmall(milliseconds: number, rounds: number): SmallRow[] {
  runEverything();
  const [adam] = casesNamed(["adam"]);
  const subjects = (["wasm", "js"] as const).flatMap((backend) =>
    Object.entries(shapes).map(([shape, params]) => ({ ...subject(adam, backend, params()), shape, backend })),
  );
  const times: number[][] = subjects.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    subjects.forEach(({ step }, k) => {
      const time = timeSteps(step, 100, milliseconds);
      if (round > 0) times[k].push(time);
    });
  }
  return subjects.map(({ shape, backend, step, close }, k) => {
    const { median, ...spread } = summarize(times[k]);
    const bytesPerStep = bytesPerCall(step);
    close();
    return { name: `adam, ${shape}`, backend, nsPerStep: median, spread, bytesPerStep };
  });
}

/** Code that has met one optimizer only is faster than code that has met many: this is what a program looks like. */
function runEverything(): void {
  for (const c of cases) {
    for (const dtype of ["f32", "f64"] as const) {
      for (const backend of ["wasm", "js"] as const) {
        const optimizer = create(c, dtype, backend, { a: [4, 4], b: 3 });
        for (const name of ["a", "b"]) fill(optimizer.params[name], optimizer.grads[name]);
        for (let i = 0; i < 500; i++) optimizer.step();
        optimizer.dispose();
      }
    }
  }
}

function subject(c: Case, backend: "wasm" | "js", params: unknown): { step: () => void; close: () => void } {
  const optimizer: Steppable = create(c, "f32", backend, params);
  for (const name of Object.keys(optimizer.params)) fill(optimizer.params[name], optimizer.grads[name]);
  return { step: () => optimizer.step(), close: () => optimizer.dispose() };
}

/** Growth of the heap per call, from many short series of calls: a collection spoils a few of them, not the median. */
export function bytesPerCall(call: () => void, calls = 1000, series = 101): number {
  const growth = (f: () => void) => {
    const deltas = Array.from({ length: series }, () => {
      const before = getHeapStatistics().used_heap_size;
      for (let i = 0; i < calls; i++) f();
      return getHeapStatistics().used_heap_size - before;
    });
    return summarize(deltas).median;
  };
  growth(call);
  const own = growth(() => {});
  return Math.max(0, (growth(call) - own) / calls);
}
