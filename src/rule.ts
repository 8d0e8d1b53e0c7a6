import type { Reals } from "./real.js";
import type { TensorStep } from "./tensor-step.js";

/** The element type of an optimizer's buffers. */
export type Dtype = "f32" | "f64";

/** A rule's options with their default values: a number for a hyperparameter, a boolean for a flag. */
export type Defaults = Readonly<Record<string, number | boolean>>;

/** Options as a step reads them. */
export type Values<H> = { readonly [K in keyof H]: H[K] extends boolean ? boolean : number };

/** The names of the hyperparameters that are numbers. */
export type Numeric<H> = { [K in keyof H]: H[K] extends boolean ? never : K }[keyof H];

/** A half-open interval: from <= x < to. */
export type Range = readonly [from: number, to: number];

/** A kernel in TypeScript: `n` elements, buffers, and the step's scalars last. */
export type Twin = (n: number, ...buffers: Reals[]) => void;

export type Twins = Readonly<Record<string, Twin>>;

/** What is remembered from step to step, besides the state of the parameters. */
export type Memory = Record<string, number>;

/** The options that every rule has, because they are the step's business: see step.ts. */
export const common = { weightDecay: 0, maximize: false };

export const commonRanges: Readonly<Record<string, Range>> = { weightDecay: [0, Infinity] };

export type Common = { weightDecay: number; maximize: boolean };

/** A buffer of state: what it starts from, and its shape if that is not the parameter's. */
export interface Slot {
  readonly shape: readonly number[];
  readonly from: number;
}

/** What every rule says, whether it looks at elements or at tensors. */
interface Base<H extends Defaults, V> {
  /** The class's name; in lower case, the canonical name. */
  readonly name: string;
  /** The rule's own options. It gets the common ones too, and may state another default for them. */
  readonly defaults: H;
  readonly ranges: { readonly [K in Exclude<Numeric<H>, keyof Common>]: Range };
  /** Whether the rule decays the weights itself; otherwise the step adds `weightDecay` times p to the gradient. */
  decoupled?(h: V): boolean;
  /** Options that exclude each other: the sentence to throw, without the class's name. */
  conflict?(h: V): string | undefined;
  /** What multiplies all gradients, for a rule that clips them by their norm over all parameters. */
  clip?(h: V, grads: readonly Reals[]): number;
  /** Options that memory starts from: they stay as constructed. */
  readonly fixed?: readonly (keyof H)[];
  /** Options that hold for one step, and go back to their defaults after it. No state dict has them. */
  readonly once?: readonly (keyof H)[];
  /** Why it cannot step now, by the first group's options: the sentence to throw, without the class's name. */
  refuse?(h: V): string | undefined;
  readonly twins: Readonly<Record<Dtype, Twins>>;
}

/** An update rule that looks at each element alone: data, the scalars of a step, and the loops. */
export interface Rule<H extends Defaults, V = Values<H & Common>> extends Base<H, V> {
  /** The slots of its state, in the order its kernels take them, each with the value it starts from. */
  state(h: V): Readonly<Record<string, number>>;
  /** The kernel to run, one of `twins`. */
  kernel(h: V): string;
  /** The kernel of step t, for a rule that does not always run the same. */
  kernelAt?(h: V, t: number): string;
  /** Numbers that a group remembers from step to step, with the values they start from; `scalars` updates them. */
  memory?(h: V): Readonly<Record<string, number>>;
  /**
   * Writes what does not depend on the element: hyperparameters, the step number t = 1, 2, … and memory, in float64, to be
   * rounded once.
   */
  scalars(s: Reals, h: V, t: number, memory: Memory): void;
}

/** An update rule that looks at whole tensors: at their norms, or their shapes. */
export interface TensorRule<H extends Defaults, V = Values<H & Common>> extends Base<H, V> {
  /** The slots of a tensor's state: the value each starts from, and its shape if it is not the tensor's. */
  state(h: V, shape: readonly number[]): Readonly<Record<string, number | Slot>>;
  /** Buffers that a step works with, by their lengths. They hold what the tensor before left in them. */
  work?(h: V, shape: readonly number[]): readonly number[];
  /** Numbers that the optimizer remembers from step to step, over all groups, with the values they start from. */
  memory?(h: V): Readonly<Record<string, number>>;
  /** What a step does to one tensor after the other, more than once where it takes something from all of them. */
  readonly passes: readonly Pass<V>[];
  /** Kernels that it shares with other rules: see matrix.ts. */
  readonly matrix?: Readonly<Record<Dtype, Library>>;
}

/** One walk over all tensors of all groups. `h` are the options of a tensor's group; before and after, those of the first. */
export interface Pass<V> {
  /** Whether a step takes it; it does if this is left out. */
  when?(memory: Memory): boolean;
  before?(memory: Memory, h: V, t: number): void;
  tensor(x: TensorStep, h: V, t: number, memory: Memory): void;
  after?(memory: Memory, h: V, t: number): void;
}

/** Functions of buffers and of numbers; some return a number. */
export type Library = Readonly<Record<string, (...args: never[]) => unknown>>;

/** Options whose names are not known to the type checker. */
export type AnyValues = Record<string, number | boolean> & Common;

/** Rules with their types put aside: what the machinery works on. */
export type AnyElementRule = Rule<Record<string, number | boolean>, AnyValues>;
export type AnyTensorRule = TensorRule<Record<string, number | boolean>, AnyValues>;
export type AnyRule = AnyElementRule | AnyTensorRule;
