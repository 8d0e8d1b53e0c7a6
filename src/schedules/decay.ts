import { tanh } from "../math.js";
import type { Schedule } from "../types.js";
import { count, exponentialFields, flag, positive, readOptions, real } from "./options.js";
import { between, progress, raise } from "./shape.js";

export interface LinearOptions {
  /** The length of the way, in steps. */
  readonly steps: number;
  /** The value from then on; default 0. */
  readonly end?: number;
  /** The step at which it starts; default 0. */
  readonly begin?: number;
}

/** A straight line from `init` to `end` over `steps` steps. PyTorch's LinearLR, optax's linear_schedule. */
export function linear(init: number, options: LinearOptions): Schedule {
  const who = "linear";
  const start = real()(who, "init", init);
  const { steps, end, begin } = readOptions(who, options, { steps: count(), end: real(0), begin: count(0) });
  return (step) => between(start, end, 1 - progress(step, begin, steps));
}

export interface PolynomialOptions extends LinearOptions {
  /** The exponent of what is left of the way; default 1. */
  readonly power?: number;
  /** Whether the way gets longer by `steps` whenever it ends, with a jump up, as Keras does it; default false. */
  readonly cycle?: boolean;
}

/** end + (init - end) (1 - t)^power, t from 0 to 1 in `steps` steps. PyTorch's PolynomialLR, Keras's PolynomialDecay. */
export function polynomial(init: number, options: PolynomialOptions): Schedule {
  const who = "polynomial";
  const start = real()(who, "init", init);
  const fields = { steps: count(), end: real(0), begin: count(0), power: positive(1), cycle: flag(false) };
  const { steps, end, begin, power, cycle } = readOptions(who, options, fields);
  return (step) => {
    const ways = cycle && steps > 0 ? Math.max(1, Math.ceil((step - begin) / steps)) : 1;
    return between(start, end, raise(1 - progress(step, begin, ways * steps), power));
  };
}

export interface ExponentialDecayOptions {
  /** What `steps` steps multiply by, greater than 0. */
  readonly gamma: number;
  /** Default 1. */
  readonly steps?: number;
  /** The step at which it starts; default 0. */
  readonly begin?: number;
  /** Whether the value changes only every `steps` steps; default false. */
  readonly staircase?: boolean;
  /** The value to stop at; default: none. */
  readonly end?: number;
}

/** init gamma^(step / steps). PyTorch's ExponentialLR, optax's exponential_decay, Keras's ExponentialDecay. */
export function exponentialDecay(init: number, options: ExponentialDecayOptions): Schedule {
  const who = "exponentialDecay";
  const start = real()(who, "init", init);
  const { gamma, steps, begin, staircase, end } = readOptions(who, options, exponentialFields());
  const stop = gamma < 1 ? Math.max : Math.min;
  return (step) => {
    const value = start * raise(gamma, stairs(step - begin, steps, staircase));
    return end === undefined ? value : stop(value, end);
  };
}

export interface InverseTimeDecayOptions {
  /** 0 or more. */
  readonly decay: number;
  /** Default 1. */
  readonly steps?: number;
  /** Whether the value changes only every `steps` steps; default false. */
  readonly staircase?: boolean;
}

/** init / (1 + decay step / steps). Keras's InverseTimeDecay; with `steps` 1, the `decay` of older optimizers. */
export function inverseTimeDecay(init: number, options: InverseTimeDecayOptions): Schedule {
  const who = "inverseTimeDecay";
  const start = real()(who, "init", init);
  const fields = { decay: count(), steps: positive(1), staircase: flag(false) };
  const { decay, steps, staircase } = readOptions(who, options, fields);
  return (step) => start / (1 + decay * stairs(step, steps, staircase));
}

/** How many times `steps` a schedule is over, 0 or more. */
function stairs(step: number, steps: number, staircase: boolean): number {
  const times = Math.max(0, step) / steps;
  return staircase ? Math.floor(times) : times;
}

export interface TanhDecayOptions {
  /** The length of the way, in steps. */
  readonly steps: number;
  /** The value from then on; default 0. */
  readonly end?: number;
  /** The part of the hyperbolic tangent that is used; default -7 to 3. */
  readonly lower?: number;
  readonly upper?: number;
}

/**
 * end + (init - end) (1 - tanh(x)) / 2, x from `lower` to `upper` in `steps` steps. Hsueh et al., 2018, Stochastic gradient
 * descent with hyperbolic-tangent decay on classification (arXiv 1806.01593); timm's TanhLRScheduler.
 */
export function tanhDecay(init: number, options: TanhDecayOptions): Schedule {
  const who = "tanhDecay";
  const start = real()(who, "init", init);
  const fields = { steps: count(), end: real(0), lower: real(-7), upper: real(3) };
  const { steps, end, lower, upper } = readOptions(who, options, fields);
  return (step) => {
    const t = progress(step, 0, steps);
    return t === 1 ? end : between(start, end, (1 - tanh(lower * (1 - t) + upper * t)) / 2);
  };
}
