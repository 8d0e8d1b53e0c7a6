import type { Kernel, Kernels, Ref } from "./backend.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";

/** Functions of sizes and buffers, as a backend has them; some return a number. */
type Functions = Readonly<Record<string, (...args: (number | Ref)[]) => number>>;

/** Where a tensor's buffers are. */
export interface Buffers {
  readonly p: Ref;
  readonly g: Ref;
  /** Where a gradient is prepared for the rule. */
  readonly prepared: Ref;
  readonly state: Readonly<Record<string, Ref>>;
  readonly work: readonly Ref[];
  readonly h: Ref;
}

/** What its kernels are. */
export interface Loops {
  readonly kernels: Kernels;
  readonly reduce: Functions;
  readonly matrix: Functions;
  readonly vectors: Kernels;
  readonly decayGradient: Kernel;
  /** What a kernel takes for that many elements. */
  readonly count: (length: number) => number;
}

/** One tensor in a step, as a rule of norms or shapes works on it. */
export class TensorStep {
  readonly name: string;
  readonly shape: readonly number[];
  readonly length: number;
  readonly dtype: Dtype;
  /** Its buffers, to hand to kernels. What the step does to a gradient first is done to `g`. */
  readonly p: Ref;
  g: Ref;
  readonly state: Readonly<Record<string, Ref>>;
  readonly work: readonly Ref[];
  /** Its state as numbers. */
  readonly numbers: Readonly<Record<string, Reals>>;
  /** What the next kernel takes its scalars from. */
  readonly s: Reals;
  /** Matrix products and the like, if the rule has them: see matrix.ts. */
  readonly matrix: Functions;
  /** What its kernels take for its length. */
  readonly n: number;
  readonly #loops: Loops;
  readonly #prepared: Ref;
  readonly #h: Ref;

  constructor(
    tensor: { readonly name: string; readonly shape: readonly number[]; readonly length: number },
    dtype: Dtype,
    { p, g, prepared, state, work, h }: Buffers,
    numbers: Readonly<Record<string, Reals>>,
    scalars: Reals,
    loops: Loops,
  ) {
    this.name = tensor.name;
    this.shape = tensor.shape;
    this.length = tensor.length;
    this.dtype = dtype;
    this.p = p;
    this.g = g;
    this.state = state;
    this.work = work;
    this.numbers = numbers;
    this.s = scalars;
    this.matrix = loops.matrix;
    this.n = loops.count(tensor.length);
    this.#loops = loops;
    this.#prepared = prepared;
    this.#h = h;
  }

  /** Adds `decay` times p to the gradient. */
  addDecay(decay: number): void {
    if (decay === 0) return;
    this.s[0] = 1;
    this.s[1] = decay;
    this.#loops.decayGradient(this.n, this.#prepared, this.g, this.p, this.#h);
    this.g = this.#prepared;
  }

  /** Runs a kernel over the tensor: on these buffers, and the scalars in `s`. */
  run(kernel: string, a: Ref, b?: Ref, c?: Ref, d?: Ref, e?: Ref, f?: Ref): void {
    call(this.#loops.kernels[kernel], this.n, this.#h, a, b, c, d, e, f);
  }

  /** Runs a kernel over the first `length` elements of these buffers. */
  over(length: number, kernel: string, a: Ref, b?: Ref, c?: Ref, d?: Ref, e?: Ref, f?: Ref): void {
    call(this.#loops.kernels[kernel], this.#loops.count(length), this.#h, a, b, c, d, e, f);
  }

  /** out = a, over the tensor's length. */
  copy(a: Ref, out: Ref): void {
    this.#loops.vectors.copy(this.n, a, out);
  }

  /** out = a - b, over the tensor's length. */
  subtract(a: Ref, b: Ref, out: Ref): void {
    this.#loops.vectors.subtract(this.n, a, b, out);
  }

  sum(x: Ref, length = this.length): number {
    return this.#loops.reduce.sum(length, x);
  }

  sumAbs(x: Ref, length = this.length): number {
    return this.#loops.reduce.sumAbs(length, x);
  }

  dot(x: Ref, y: Ref, length = this.length): number {
    return this.#loops.reduce.dot(length, x, y);
  }

  /** The Euclidean norm. */
  norm(x: Ref, length = this.length): number {
    return Math.sqrt(this.#loops.reduce.dot(length, x, x));
  }

  maxAbs(x: Ref, length = this.length): number {
    return this.#loops.reduce.maxAbs(length, x);
  }
}

// a spread call costs ten times as much
function call(kernel: Kernel, n: number, h: Ref, a: Ref, b?: Ref, c?: Ref, d?: Ref, e?: Ref, f?: Ref): void {
  if (b === undefined) kernel(n, a, h);
  else if (c === undefined) kernel(n, a, b, h);
  else if (d === undefined) kernel(n, a, b, c, h);
  else if (e === undefined) kernel(n, a, b, c, d, h);
  else if (f === undefined) kernel(n, a, b, c, d, e, h);
  else kernel(n, a, b, c, d, e, f, h);
}
