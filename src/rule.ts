import type { Reals } from "./real.js";

/** The element type of an optimizer's buffers. */
export type Dtype = "f32" | "f64";

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
export type Convention = "torch" | "optax" | "keras" | "tfjs";

/** Options by the kind of their values, with a choice as the union of its strings. */
export type Values<H, C extends Choices = Record<never, never>> = {
  readonly [K in keyof H]: K extends keyof C ? C[K][number] : H[K] extends boolean ? boolean : number;
};

/** All options of a rule. */
export type AllValues<H, C extends Choices, L extends Convention> = Values<H & Common, C> & { readonly convention: L };

/** The names of the hyperparameters that are numbers. */
export type Numeric<H> = { [K in keyof H]: H[K] extends boolean | string ? never : K }[keyof H];

/** A half-open interval: from <= x < to. */
export type Range = readonly [from: number, to: number];

/** A kernel in TypeScript: `n` elements, buffers, and the step's scalars last. */
export type Twin = (n: number, ...buffers: Reals[]) => void;

export type Twins = Readonly<Record<string, Twin>>;

/** What a group remembers from step to step, besides the state of its parameters. */
export type Memory = Record<string, number>;

/** The options that every rule has, because they are the step's business: see blocks.ts. */
export const common = { weightDecay: 0, maximize: false };

export const commonRanges: Readonly<Record<string, Range>> = { weightDecay: [0, Infinity] };

export type Common = { weightDecay: number; maximize: boolean };

/** An update rule: data, the scalars of a step, and the loops. */
export interface Rule<
  H extends Defaults,
  C extends Choices = Record<never, never>,
  L extends Convention = "torch",
  V = AllValues<H, C, L>,
> {
  /** The class's name; in lower case, the canonical name. */
  readonly name: string;
  /** The rule's own options. It gets the common ones too, and may state another default for them. */
  readonly defaults: H;
  readonly ranges: { readonly [K in Exclude<Numeric<H>, keyof Common>]: Range };
  /** What each option that is a string can be. */
  readonly choices?: C;
  /**
   * The libraries whose numbers it gives, each with its defaults that differ from the rule's: what the option `convention` can be.
   * The first is its default; a rule without gives PyTorch's.
   */
  readonly conventions?: { readonly [K in L]: Partial<Values<H & Common, C>> };
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
  /**
   * Whether the kernel decays the weights itself. Otherwise the step does: it adds `weightDecay` times p to the gradient, or shrinks
   * the weights before the kernel if the rule has the option `decoupled` and it is set, and under Keras's convention.
   */
  decoupled?(h: V): boolean;
  /** Options that exclude each other: the sentence to throw, without the class's name. */
  conflict?(h: V): string | undefined;
  readonly twins: Readonly<Record<Dtype, Twins>>;
}

/** Options whose names are not known to the type checker. */
export type AnyValues = Record<string, Value> & Common & { lr: number };

/** A rule with its types put aside: what the machinery works on. */
export type AnyRule = Rule<Record<string, Value>, Choices, Convention, AnyValues>;

/** A rule as a class has it: with all its options, and the properties that show them. */
export interface Kind {
  readonly rule: AnyRule;
  readonly defaults: Defaults;
  /** The defaults under each convention. */
  readonly conventions: Readonly<Record<string, Defaults>>;
  readonly choices: Choices;
  readonly accessors: PropertyDescriptorMap;
}
