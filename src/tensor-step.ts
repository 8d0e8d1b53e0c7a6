import type { Functions, Kernel, Kernels, Ref } from "./backend.js";
import { SIZE } from "./layout.js";
import type { Numbers, Reals } from "./real.js";
import type { Dtype } from "./rule.js";

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
  readonly kernel: string;
  readonly kernels: Kernels;
  /** Those that look at blocks of a tensor. */
  readonly blocks: Kernels;
  readonly reduce: Functions;
  readonly matrix: Functions;
  readonly stages: Kernels;
  readonly caution: Kernel;
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
  readonly numbers: Readonly<Record<string, Numbers>>;
  /** Its work buffers as numbers. */
  readonly workNumbers: readonly Numbers[];
  /** What the next kernel takes its scalars from. */
  readonly s: Reals;
  /** Matrix products and the like, if the rule has them: see matrix.ts. */
  readonly matrix: Functions;
  /** What its kernels take for its length. */
  readonly n: number;
  /** The kernel of a rule of elements, as it was chosen at construction. */
  readonly kernel: string;
  readonly #slots: readonly Ref[];
  readonly #loops: Loops;
  readonly #prepared: Ref;
  readonly #h: Ref;

  constructor(
    tensor: { readonly name: string; readonly shape: readonly number[]; readonly length: number },
    dtype: Dtype,
    { p, g, prepared, state, work, h }: Buffers,
    numbers: { readonly state: Readonly<Record<string, Numbers>>; readonly work: readonly Numbers[] },
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
    this.numbers = numbers.state;
    this.workNumbers = numbers.work;
    this.s = scalars;
    this.matrix = loops.matrix;
    this.n = loops.count(tensor.length);
    this.kernel = loops.kernel;
    this.#slots = Object.values(state);
    this.#loops = loops;
    this.#prepared = prepared;
    this.#h = h;
  }

  /** A buffer by its name: "p", or that of a slot. */
  buffer(name: string): Ref {
    return name === "p" ? this.p : this.state[name];
  }

  /** Adds `decay` times p to the gradient. */
  addDecay(decay: number): void {
    if (decay === 0) return;
    this.combine(this.#prepared, 1, this.g, decay, this.p);
    this.g = this.#prepared;
  }

  /** out = 0 */
  clear(out: Ref): void {
    this.#loops.stages.clear(this.n, out);
  }

  /** out = a x, for the first `length` elements; out may be x. */
  scale(out: Ref, a: number, x: Ref, length = this.length): void {
    this.s[0] = a;
    this.#loops.stages.scaleGradient(this.#loops.count(length), out, x, this.#h);
  }

  /** out = a x + b y, for the first `length` elements; out may be x or y. */
  combine(out: Ref, a: number, x: Ref, b: number, y: Ref, length = this.length): void {
    this.s[0] = a;
    this.s[1] = b;
    this.#loops.stages.decayGradient(this.#loops.count(length), out, x, y, this.#h);
  }

  /** Writes to `step` what the kernel of a rule of elements makes of parameters that are zero. */
  stepFromZero(kernel: string, step: Ref): void {
    const [a, b, c, d] = this.#slots;
    this.clear(step);
    call(this.#loops.kernels[kernel], this.n, this.#h, step, this.g, a, b, c, d);
  }

  /** `length` elements of a buffer. */
  slice(x: Ref, from: number, length: number): Ref {
    return typeof x === "number" ? x + from * SIZE[this.dtype] : x.subarray(from, from + length);
  }

  /**
   * Leaves of a step only what goes against the gradient, and makes it larger by as much as is left out: Liang et al., 2024,
   * Cautious Optimizers (arXiv 2411.16085). `smoothing` is added to the number of elements that are left, which counts for a
   * thousandth of all at least without it. Returns what the step is multiplied by.
   */
  caution(step: Ref, smoothing = 0): number {
    const left = this.#loops.reduce.opposites(this.length, step, this.g);
    this.s[0] = this.length / (smoothing > 0 ? left + smoothing : Math.max(left, 1e-3 * this.length));
    this.#loops.caution(this.n, step, this.g, this.#h);
    return this.s[0];
  }

  /** Runs a kernel over the tensor: on these buffers, and the scalars in `s`. */
  run(kernel: string, a: Ref, b?: Ref, c?: Ref, d?: Ref, e?: Ref, f?: Ref): void {
    call(this.#loops.kernels[kernel], this.n, this.#h, a, b, c, d, e, f);
  }

  /** Runs a kernel over the first `length` elements of these buffers. */
  over(length: number, kernel: string, a: Ref, b?: Ref, c?: Ref, d?: Ref, e?: Ref, f?: Ref): void {
    call(this.#loops.kernels[kernel], this.#loops.count(length), this.#h, a, b, c, d, e, f);
  }

  /** Runs a kernel of seven buffers, or ten, that takes the tensor's length in elements because it looks at blocks of them. */
  runBlocks(kernel: string, a: Ref, b: Ref, c: Ref, d: Ref, e: Ref, f: Ref, g: Ref, h?: Ref, i?: Ref, j?: Ref): void {
    const loop = this.#loops.blocks[kernel];
    if (j === undefined) loop(this.length, a, b, c, d, e, f, g, this.#h);
    else loop(this.length, a, b, c, d, e, f, g, h as Ref, i as Ref, j, this.#h);
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

  /** out = the dot product of each of the rows that x and y are cut into */
  rowDots(rows: number, x: Ref, y: Ref, out: Ref): void {
    this.#loops.reduce.rowDots(rows, this.length / rows, x, y, out);
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
