import type { Reals } from "./real.js";

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

/** What a group remembers from step to step, besides the state of its parameters. */
export type Memory = Record<string, number>;

/** The options that every rule has, because they are the step's business: see blocks.ts. */
export const common = { weightDecay: 0, maximize: false };

export const commonRanges: Readonly<Record<string, Range>> = { weightDecay: [0, Infinity] };

export type Common = { weightDecay: number; maximize: boolean };

/** An update rule: data, the scalars of a step, and the loops. */
export interface Rule<H extends Defaults, V = Values<H & Common>> {
  /** The class's name; in lower case, the canonical name. */
  readonly name: string;
  /** The rule's own options. It gets the common ones too, and may state another default for them. */
  readonly defaults: H;
  readonly ranges: { readonly [K in Exclude<Numeric<H>, keyof Common>]: Range };
  /** The slots of its state, in the order its kernels take them, each with the value it starts from. */
  state(h: V): Readonly<Record<string, number>>;
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
  /** Whether the rule decays the weights itself; otherwise the step adds `weightDecay` times p to the gradient. */
  decoupled?(h: V): boolean;
  /** Options that exclude each other: the sentence to throw, without the class's name. */
  conflict?(h: V): string | undefined;
  readonly twins: Readonly<Record<Dtype, Twins>>;
}

/** Options whose names are not known to the type checker. */
export type AnyValues = Record<string, number | boolean> & Common;

/** A rule with its types put aside: what the machinery works on. */
export type AnyRule = Rule<Record<string, number | boolean>, AnyValues>;
