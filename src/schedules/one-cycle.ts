import type { Schedule } from "../types.js";
import { choice, count, flag, positive, readOptions, real, within } from "./options.js";
import { piecewiseInterpolate } from "./piecewise.js";
import { between, cosine, progress } from "./shape.js";

interface Cycle {
  /** The length of the cycle; its last value is that of step `steps - 1`. */
  readonly steps: number;
  /** The share of the steps that it takes to the top; default 0.3. */
  readonly pctStart?: number;
  /** Default "cos". */
  readonly anneal?: "cos" | "linear";
  /** Whether it goes back to where it started, and from there to its end; default false. */
  readonly threePhase?: boolean;
}

function cycleFields() {
  return {
    steps: count(),
    pctStart: within(0, 1, 0.3),
    anneal: choice("cos", "linear"),
    threePhase: flag(false),
  };
}

export interface OneCycleOptions extends Cycle {
  /** What `max` is divided by at the start; default 25. */
  readonly divFactor?: number;
  /** What the start is divided by at the end; default 10,000. */
  readonly finalDivFactor?: number;
}

/**
 * From max / divFactor up to `max` and down to max / divFactor / finalDivFactor, where it stays. Smith and Topin, 2017,
 * Super-convergence (arXiv 1708.07120); PyTorch's OneCycleLR.
 */
export function oneCycle(max: number, options: OneCycleOptions): Schedule {
  const who = "oneCycle";
  const top = real()(who, "max", max);
  const fields = { ...cycleFields(), divFactor: positive(25), finalDivFactor: positive(1e4) };
  const { divFactor, finalDivFactor, ...cycle } = readOptions(who, options, fields);
  const start = top / divFactor;
  const end = start / finalDivFactor;
  return phases(cycle, cycle.threePhase ? [start, top, start, end] : [start, top, end]);
}

export interface OneCycleMomentumOptions extends Cycle {
  /** The lowest value: that at the top of the learning rate; default 0.85. */
  readonly base?: number;
}

/** The momentum that goes with `oneCycle`: down from `max`, in PyTorch 0.95, to `base` and back. */
export function oneCycleMomentum(max: number, options: OneCycleMomentumOptions): Schedule {
  const who = "oneCycleMomentum";
  const top = real()(who, "max", max);
  const { base, ...cycle } = readOptions(who, options, { ...cycleFields(), base: real(0.85) });
  return phases(cycle, cycle.threePhase ? [top, base, top, top] : [top, base, top]);
}

/** From each value to the next. PyTorch ends a phase one step early, for the steps count from 0. */
function phases({ steps, pctStart, anneal, threePhase }: Required<Cycle>, values: readonly number[]): Schedule {
  const up = pctStart * steps - 1;
  const ends = threePhase ? [up, 2 * up, steps - 1] : [up, steps - 1];
  return (step) => {
    const now = Math.max(0, Math.min(step, steps - 1));
    let i = 0;
    while (i < ends.length - 1 && now > ends[i]) i++;
    if (now >= ends[i]) return values[i + 1];
    const begin = i === 0 ? 0 : ends[i - 1];
    const share = progress(now, begin, ends[i] - begin);
    return between(values[i], values[i + 1], anneal === "cos" ? cosine(share) : 1 - share);
  };
}

export interface CosineOneCycleOptions {
  /** The length of the cycle; its last value is that of step `steps`. */
  readonly steps: number;
  /** The share of the steps that it takes to the peak, rounded down to a whole step; default 0.3. */
  readonly pctStart?: number;
  /** What the peak is divided by at the start; default 25. */
  readonly divFactor?: number;
  /** What the start is divided by at the end; default 10,000. */
  readonly finalDivFactor?: number;
}

function optaxFields() {
  return { steps: count(), pctStart: within(0, 1, 0.3), divFactor: positive(25), finalDivFactor: positive(1e4) };
}

/** optax's cosine_onecycle_schedule: as `oneCycle`, but the peak is at step trunc(pctStart × steps) and the end at `steps`. */
export function cosineOneCycle(peak: number, options: CosineOneCycleOptions): Schedule {
  const who = "cosineOneCycle";
  const top = real()(who, "peak", peak);
  const { steps, pctStart, divFactor, finalDivFactor } = readOptions(who, options, optaxFields());
  const start = top / divFactor;
  return piecewiseInterpolate(start, {
    boundaries: [Math.trunc(pctStart * steps), steps],
    values: [top, start / finalDivFactor],
    interpolate: "cosine",
  });
}

export interface LinearOneCycleOptions extends CosineOneCycleOptions {
  /** The share of the steps after which it is back at its start; default 0.85. */
  readonly pctFinal?: number;
}

/**
 * optax's linear_onecycle_schedule: lines up to the peak, back to the start's value at step trunc(pctFinal × steps), and down to
 * the end at `steps`.
 */
export function linearOneCycle(peak: number, options: LinearOneCycleOptions): Schedule {
  const who = "linearOneCycle";
  const top = real()(who, "peak", peak);
  const fields = { ...optaxFields(), pctFinal: within(0, 1, 0.85) };
  const { steps, pctStart, pctFinal, divFactor, finalDivFactor } = readOptions(who, options, fields);
  if (pctFinal < pctStart)
    throw new RangeError(`${who}: pctFinal must be at least pctStart, ${pctStart}, got ${pctFinal}`);
  const start = top / divFactor;
  return piecewiseInterpolate(start, {
    boundaries: [Math.trunc(pctStart * steps), Math.trunc(pctFinal * steps), steps],
    values: [top, start, start / finalDivFactor],
  });
}
