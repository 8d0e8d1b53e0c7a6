import type { Reals } from "./real.js";
import type { Tier } from "./store.js";
import type { TensorStep } from "./tensor-step.js";
import type { Vectors } from "./vectors.js";

/** The element type of an optimizer's buffers. */
export type Dtype = "f32" | "f64";

/** The element types of state that is kept small: bytes, and bfloat16 numbers, which are the upper halves of float32 ones. */
export type Small = "u8" | "u16";

/** What an option can be: a number for a hyperparameter, a boolean for a flag, a string for a choice. */
export type Value = number | boolean | string;

/** A rule's options with their default values. */
export type Defaults = Readonly<Record<string, Value>>;

/** The strings that an option can be. */
export type Choices = Readonly<Record<string, readonly string[]>>;

/**
 * The libraries whose numbers a rule can give. Where PyTorch lacks the rule, "torch" is its authors' implementation, which is
 * written for PyTorch.
 */
export type Convention = "torch" | "timm" | "optax" | "big_vision" | "keras" | "tfjs";

/** Options by the kind of their values, with a choice as the union of its strings. */
export type Values<H, C extends Choices = Record<never, never>> = {
  readonly [K in keyof H]: K extends keyof C ? C[K][number] : H[K] extends boolean ? boolean : number;
};

/** All options of a rule. */
export type AllValues<H, C extends Choices, L extends Convention> = Values<H & Common, C> & {
  /** The library whose defaults and numbers these are: see `conventions` of the class. Default the first, "torch" for most. */
  readonly convention: L;
};

/** The names of the hyperparameters that are numbers. */
export type Numeric<H> = { [K in keyof H]: H[K] extends boolean | string ? never : K }[keyof H];

/** A half-open interval: from <= x < to, or a closed one: from <= x <= to. */
export type Range = readonly [from: number, to: number, closed?: "closed"];

/** A kernel in TypeScript: `n` elements, buffers, and the step's scalars last. */
export type Twin = (n: number, ...buffers: never[]) => void;

export type Twins = Readonly<Record<string, Twin>>;

/** What is remembered from step to step, besides the state of the parameters. */
export type Memory = Record<string, number>;

/** The options that every rule has, because they are the step's business: see step.ts. */
export const common = { weightDecay: 0, maximize: false, ema: 0 };

export const commonRanges: Readonly<Record<string, Range>> = { ema: [0, 1, "closed"] };

export type Common = {
  /**
   * How strongly weights are drawn to 0: `weightDecay` times the weights is added to the gradient, or, where the optimizer's weight
   * decay is its own or with `decoupled`, weights shrink by `lr` times it. Default 0, where the optimizer has no other.
   */
  weightDecay: number;
  /** Whether steps go uphill. Default false. */
  maximize: boolean;
  /** The decay of an average of the parameters, in the slot `ema` of the state; 0 for none. In [0, 1]. Default 0. */
  ema: number;
};

/** Slots of state that are the step's: the average of the parameters, and the sum of the gradients of several calls. */
export const extraSlots: Readonly<Record<string, Start>> = { ema: "params", gradSum: 0 };

/** What a buffer of state starts from: a number, or the parameters as they are at the first step. */
export type Start = number | "params";

/** A buffer of state whose elements are not of the optimizer's dtype. */
export interface SmallSlot {
  readonly from: number;
  readonly type: Small;
}

/** A buffer of state whose shape is not the parameter's, or whose elements are not of the optimizer's dtype. */
export interface Slot extends Partial<SmallSlot> {
  readonly from: number;
  readonly shape?: readonly number[];
}

/** A method of the class that is no step: it runs a kernel over parameters, gradients and state. */
export interface Method<V> {
  /** The kernel to run: it takes the same buffers as that of a step. */
  kernel(h: V): string;
  /** Writes the kernel's scalars and notes in `memory` what was done; false if there is nothing to do. `t` steps were taken. */
  scalars(s: Reals, h: V, t: number, memory: Memory): boolean;
}

/** What every rule says, whether it looks at elements or at tensors. */
interface Base<H extends Defaults, C extends Choices, L extends Convention, V> {
  /** The class's name; in lower case, the canonical name. */
  readonly name: string;
  /** The rule's own options. It gets the common ones too, and may state another default for them. */
  readonly defaults: H;
  /** What a number can be, where that is not any number from 0 on. */
  readonly ranges?: { readonly [K in Numeric<H>]?: Range };
  /** What each option that is a string can be. */
  readonly choices?: C;
  /**
   * The libraries whose numbers it gives, each with its defaults that differ from the rule's: what the option `convention` can be.
   * The first is its default; a rule without gives PyTorch's.
   */
  readonly conventions?: { readonly [K in L]: Partial<Values<H & Common, C>> };
  /**
   * Whether the rule decays the weights itself. Otherwise the step does: it adds `weightDecay` times p to the gradient, or shrinks
   * the weights first if the rule has the option `decoupled` and it is set, and under Keras's convention.
   */
  decoupled?(h: V): boolean;
  /** Options that exclude each other: the sentence to throw, without the class's name. */
  conflict?(h: V): string | undefined;
  /** Why the next step cannot be taken, if so: the sentence to throw, without the class's name. */
  refuse?(h: V, memory: Memory): string | undefined;
  /** What multiplies all gradients, for a rule that clips them by their norm over all parameters. */
  clip?(h: V, norm: () => number): number;
  /** Options that memory starts from, or that only decide about the form of the state: they stay as constructed. */
  readonly fixed?: readonly (keyof H)[];
  /** Options that hold for one step, and go back to their defaults after it. No state dict has them. */
  readonly once?: readonly (keyof H)[];
  readonly twins: Readonly<Record<Dtype, Twins>>;
}

/** An update rule that looks at each element alone: data, the scalars of a step, and the loops. */
export interface Rule<
  H extends Defaults,
  C extends Choices = Record<never, never>,
  L extends Convention = "torch",
  M extends string = string,
  V = AllValues<H, C, L>,
> extends Base<H, C, L, V> {
  /** The slots of its state, in the order its kernels take them, each with what it starts from. */
  state(h: V): Readonly<Record<string, Start | SmallSlot>>;
  /** The kernel to run, one of `twins`. */
  kernel(h: V): string;
  /** The kernel of step t, for a rule that does not always run the same; `kernel` is what `kernel(h)` gave at construction. */
  kernelAt?(h: V, t: number, kernel: string): string;
  /** Numbers that a group remembers from step to step, with the values they start from; `scalars` updates them. */
  memory?(h: V): Readonly<Record<string, number>>;
  /**
   * Writes what does not depend on the element: hyperparameters, the step number t = 1, 2, … and memory, in float64, to be
   * rounded once.
   */
  scalars(s: Reals, h: V, t: number, memory: Memory): void;
  /** Further methods of the class, by name. */
  readonly methods?: Readonly<Record<M, Method<V>>>;
}

/** A buffer to work with whose elements are not of the optimizer's dtype. */
export interface SmallWork {
  readonly length: number;
  readonly type: Small;
}

/** An update rule that looks at whole tensors: at their norms, or their shapes. */
export interface TensorRule<
  H extends Defaults,
  C extends Choices = Record<never, never>,
  L extends Convention = "torch",
  V = AllValues<H, C, L>,
> extends Base<H, C, L, V> {
  /** The slots of a tensor's state: what each starts from, and its shape and element type if they are not the tensor's. */
  state(h: V, shape: readonly number[], name: string): Readonly<Record<string, Start | Slot>>;
  /** Buffers that a step works with, by their lengths. They hold what the tensor before left in them. */
  work?(h: V, shape: readonly number[]): readonly (number | SmallWork)[];
  /** Numbers that the optimizer remembers from step to step, over all groups, with the values they start from. */
  memory?(h: V): Readonly<Record<string, number>>;
  /** Writes what is the same for all tensors of a group. Each finds it in its scalars when a pass comes to it. */
  scalars?(s: Reals, h: V, t: number, memory: Memory): void;
  /** What a step does to one tensor after the other, more than once where it takes something from all of them. */
  readonly passes: readonly Pass<V>[];
  /**
   * A step that evaluates the loss at points of its own choice, instead of passes: `evaluate` takes the parameters in "p", writes the
   * slot "gradient" and returns the loss. Returns the loss where it began.
   */
  minimize?(v: Vectors, h: V, memory: Memory, evaluate: () => number): number;
  /** Kernels that it shares with other rules: see matrix.ts. */
  readonly matrix?: Readonly<Record<Dtype, Library>>;
}

/** What a rule of elements does where it looks at whole tensors. */
export interface Whole extends Pick<AnyTensorRule, "work" | "matrix"> {
  /** Whether it does, by flags alone. */
  when(h: AnyValues): boolean;
  readonly passes: readonly [Pass<AnyValues>];
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
export type AnyValues = Record<string, Value> & Common & { lr: number };

/** Rules with their types put aside: what the machinery works on. */
export type AnyElementRule = Rule<Record<string, Value>, Choices, Convention, string, AnyValues>;
export type AnyTensorRule = TensorRule<Record<string, Value>, Choices, Convention, AnyValues>;
export type AnyRule = AnyElementRule | AnyTensorRule;

/** A rule as a class has it: with all its options, and the properties that show them. */
export interface Kind extends Tier {
  readonly rule: AnyRule;
  // what every step asks for: to find that a rule lacks it costs as much as the rest of a small step
  readonly refuse: AnyRule["refuse"];
  readonly clip: AnyRule["clip"];
  readonly once: AnyRule["once"];
  readonly defaults: Defaults;
  /** The defaults under each convention. */
  readonly conventions: Readonly<Record<string, Defaults>>;
  readonly choices: Choices;
  readonly accessors: PropertyDescriptorMap;
}
