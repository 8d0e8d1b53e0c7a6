import type { Functions, Kernel, Kernels, Ref, Spread } from "../backend.js";
import { CHUNK, SIZE } from "../layout.js";
import type { Dtype } from "../rule.js";
import { type Cutting, PIECES } from "./bench.js";
import type { Carrier } from "./carrier.js";
import type { Posted } from "./pool.js";

// A rule of whole tensors calls kernels one after the other. A call that is large enough threads share: a kernel by stretches of
// elements, a reduction by its chunks, whose results are added in their order, and what goes over rows by rows.

/** Who runs calls. */
export interface Runner {
  /** Whether it pays to share a call that looks at so many numbers. */
  pays(numbers: number): boolean;
  /** A desk for that many entries. */
  post(entries: number): Posted;
  /**
   * Runs a call, which can be repeated unless it changes a tensor; false if its desk is not to be used again. Throws if a worker ended
   * while it changed the tensor.
   */
  call(posted: Posted, cutting: Cutting, tape: readonly number[], tensor: string | undefined): boolean;
}

type Call = (n: number, ...args: number[]) => number;

const sum = (a: number, b: number) => a + b;

/** How a reduction comes from those of its chunks. */
const reductions: Readonly<Record<string, (a: number, b: number) => number>> = {
  dot: sum,
  sum,
  sumAbs: sum,
  opposites: sum,
  maxAbs: Math.max,
};

/** What goes over rows: how many numbers it looks at, and by how many its arguments advance with each row. */
const rowwise: Readonly<Record<string, (n: number, ...sizes: number[]) => { work: number; steps: number[] }>> = {
  matmul: (n, k, m) => ({ work: n * k * m, steps: [0, 0, k, 0, m] }),
  rowDots: (n, m) => ({ work: 2 * n * m, steps: [0, m, m, 1] }),
  rowSums: (n, m) => ({ work: n * m, steps: [0, m, 1] }),
  spreadRows: (n, m) => ({ work: n * m, steps: [0, 1, m] }),
};

/** Kernels, large calls of which threads share: see `Crew.spread`. */
export function spreadKernels(
  kernels: Kernels,
  dtype: Dtype,
  longest: number,
  sizes: ReadonlyMap<Ref, number>,
  carrier: Carrier,
  runner: Runner,
): Spread {
  const size = SIZE[dtype];
  const names = Object.keys(kernels);
  let posted: Posted | undefined;

  function share(name: string, cutting: Cutting, tape: readonly number[], tensor?: string): Float64Array {
    const at = posted ?? runner.post(Math.max(PIECES, Math.ceil(longest / CHUNK)));
    posted = undefined;
    if (runner.call(at, cutting, [names.indexOf(name), tape.length / 2, ...tape], tensor)) posted = at;
    return at.desk.results;
  }

  const overElements = (name: string, kernel: Call): Call => {
    return (n, ...refs) => {
      const count = n / size;
      if (!runner.pays(count * refs.length)) return kernel(n, ...refs);
      const tape = refs.flatMap((ref) => [ref, sizes.get(ref) ?? size]);
      share(name, { count, step: stepOf(count, CHUNK), unit: size, merges: size }, tape, spread.tensor);
      return 0;
    };
  };

  const overRows = (name: string, kernel: Call): Call => {
    const rows = rowwise[name];
    if (!rows) return kernel;
    return (n, ...args) => {
      const { work, steps } = rows(n, ...args);
      if (!runner.pays(work)) return kernel(n, ...args);
      const tape = args.flatMap((arg, i) => [arg, steps[i] * size]);
      share(name, { count: n, step: stepOf(n, 4), unit: 1, merges: 1 }, tape, spread.tensor);
      return 0;
    };
  };

  const overChunks = (name: string, kernel: Call): Call => {
    const join = reductions[name];
    if (!join) return overRows(name, kernel);
    return (n, ...refs) => {
      if (!runner.pays(n * refs.length)) return kernel(n, ...refs);
      const tape = refs.flatMap((ref) => [ref, size]);
      const results = share(name, { count: n, step: CHUNK, unit: 1, merges: 0 }, tape);
      return results.subarray(0, Math.ceil(n / CHUNK)).reduce(join, 0);
    };
  };

  const spread = {
    tensor: "",
    kernels: wrap(kernels, overElements),
    reduce: wrap(kernels, overChunks),
    matrix: wrap(kernels, overRows),
    carrier,
  };
  return spread;
}

function wrap(kernels: Kernels, how: (name: string, kernel: Call) => Call): Kernels & Functions {
  const all = Object.entries(kernels as unknown as Readonly<Record<string, Call | WebAssembly.Global>>);
  const loops = all.filter((one): one is [string, Call] => typeof one[1] === "function");
  const wrapped = loops.map(([name, kernel]) => [name, how(name, kernel) as unknown as Kernel & Functions[string]]);
  return Object.fromEntries(wrapped) as Kernels & Functions;
}

/** The length of a piece: a multiple of what a kernel takes at a time. */
function stepOf(count: number, multiple: number): number {
  return Math.ceil(count / PIECES / multiple) * multiple;
}
