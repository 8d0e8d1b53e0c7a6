import type { Schedule } from "../types.js";
import { boundaries, choice, count, list, optional, positive, readOptions, real, schedule } from "./options.js";
import { between, cosine, countReached, progress, raise } from "./shape.js";

/** The same value at every step. */
export function constant(value: number): Schedule {
  const checked = real()("constant", "value", value);
  return () => checked;
}

export interface ConstantFactorOptions {
  /** Default 1/3. */
  readonly factor?: number;
  /** How many steps are multiplied; default 5. */
  readonly steps?: number;
}

/** value × factor for the first `steps` steps, then the value. PyTorch's ConstantLR. */
export function constantFactor(value: number, options: ConstantFactorOptions = {}): Schedule {
  const who = "constantFactor";
  const full = real()(who, "value", value);
  const { factor, steps } = readOptions(who, options, { factor: real(1 / 3), steps: count(5) });
  return (step) => (step < steps ? full * factor : full);
}

export interface StepDecayOptions {
  /** How many steps a value lasts. */
  readonly stepSize: number;
  /** What it is multiplied by then; default 0.1. */
  readonly gamma?: number;
}

/** init × gamma^floor(step / stepSize). PyTorch's StepLR. */
export function stepDecay(init: number, options: StepDecayOptions): Schedule {
  const who = "stepDecay";
  const start = real()(who, "init", init);
  const { stepSize, gamma } = readOptions(who, options, { stepSize: positive(), gamma: count(0.1) });
  return (step) => start * raise(gamma, Math.floor(Math.max(0, step) / stepSize));
}

export interface MultiStepDecayOptions {
  /** Steps, not falling; one that comes twice counts twice. */
  readonly milestones: readonly number[];
  /** What the value is multiplied by at each; default 0.1. */
  readonly gamma?: number;
}

/** init × gamma^(milestones reached). PyTorch's MultiStepLR. */
export function multiStepDecay(init: number, options: MultiStepDecayOptions): Schedule {
  const who = "multiStepDecay";
  const start = real()(who, "init", init);
  const { milestones, gamma } = readOptions(who, options, { milestones: boundaries(), gamma: count(0.1) });
  return (step) => start * raise(gamma, countReached(milestones, step));
}

/** Values after `init`, one for each boundary: themselves, or what each multiplies the value before it by. */
interface Pieces {
  /** Steps, not falling. */
  readonly boundaries: readonly number[];
  readonly values?: readonly number[];
  readonly scales?: readonly number[];
}

export interface PiecewiseConstantOptions extends Pieces {
  /** Whether a value starts at its boundary ("optax", the default) or one step later ("keras"). */
  readonly convention?: "optax" | "keras";
}

/** A value between each two boundaries. optax's piecewise_constant_schedule, Keras's PiecewiseConstantDecay. */
export function piecewiseConstant(init: number, options: PiecewiseConstantOptions): Schedule {
  const who = "piecewiseConstant";
  const { convention, ...pieces } = readOptions(who, options, {
    ...pieceFields(),
    convention: choice("optax", "keras"),
  });
  const values = valuesOf(who, init, pieces);
  const { boundaries: bounds } = pieces;
  return (step) => values[countReached(bounds, step, convention === "keras")];
}

export interface PiecewiseInterpolateOptions extends Pieces {
  /** Default "linear". */
  readonly interpolate?: "linear" | "cosine";
}

/** A line, or half a wave, from each value to the next, which is reached at its boundary. optax's piecewise_interpolate_schedule. */
export function piecewiseInterpolate(init: number, options: PiecewiseInterpolateOptions): Schedule {
  const who = "piecewiseInterpolate";
  const { interpolate, ...pieces } = readOptions(who, options, {
    ...pieceFields(),
    interpolate: choice("linear", "cosine"),
  });
  const values = valuesOf(who, init, pieces);
  const { boundaries: bounds } = pieces;
  return (step) => {
    const i = countReached(bounds, step);
    if (i === bounds.length) return values[i];
    const begin = i === 0 ? 0 : bounds[i - 1];
    const share = progress(step, begin, bounds[i] - begin);
    return between(values[i], values[i + 1], interpolate === "cosine" ? cosine(share) : 1 - share);
  };
}

function pieceFields() {
  return { boundaries: boundaries(), values: optional(list(real())), scales: optional(list(real())) };
}

function valuesOf(who: string, init: number, { boundaries: bounds, values, scales }: Pieces): readonly number[] {
  const start = real()(who, "init", init);
  const given = values ?? scales;
  if (!given || (values && scales)) throw new TypeError(`${who}: expected either values or scales`);
  if (given.length !== bounds.length) {
    const name = values ? "values" : "scales";
    throw new RangeError(`${who}: ${name} must be as many as boundaries, ${bounds.length}, got ${given.length}`);
  }
  if (values) return [start, ...values];
  const products = [start];
  for (const scale of given) products.push(products[products.length - 1] * scale);
  return products;
}

/**
 * init × factor(1) × … × factor(step): each step multiplies the value by a factor. PyTorch's MultiplicativeLR. Asked for one step
 * after the other, it goes on from the last.
 */
export function multiplicative(init: number, factor: Schedule): Schedule {
  const who = "multiplicative";
  const start = real()(who, "init", init);
  const by = schedule()(who, "factor", factor);
  let reached = 0;
  let value = start;
  return (step) => {
    if (step < reached) [reached, value] = [0, start];
    for (; reached + 1 <= step; reached++) value *= by(reached + 1);
    return value;
  };
}
