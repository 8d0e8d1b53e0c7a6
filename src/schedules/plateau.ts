import { describe, isRecord } from "../check.js";
import type { Schedule } from "../types.js";
import { choice, count, optional, readOptions, real, share, stored, toStored, whole } from "./options.js";

export interface ReduceOnPlateauOptions {
  /** Whether less or more is better; default "min". */
  readonly mode?: "min" | "max";
  /** What the value is multiplied by, in [0, 1); default 0.1. */
  readonly factor?: number;
  /** How many metrics in a row may be no better; default 10. */
  readonly patience?: number;
  /** How much better than the best one a metric has to be; default 1e-4. */
  readonly threshold?: number;
  /** Whether `threshold` is a share of the best metric, or a difference from it; default "rel". */
  readonly thresholdMode?: "rel" | "abs";
  /** A share and a difference at once, in place of `threshold`: optax's names. */
  readonly rtol?: number;
  readonly atol?: number;
  /** How many metrics after a reduction do not count as bad; default 0. */
  readonly cooldown?: number;
  /** The least value; default 0. PyTorch's min_lr, optax's min_scale. */
  readonly min?: number;
  /** A reduction by no more than this is left out; default 1e-8, under optax's convention 0. */
  readonly eps?: number;
  /** How many metrics are averaged into one; default 1. */
  readonly accumulationSize?: number;
  /** Whether the value falls at the metric after `patience` bad ones ("torch", the default) or at the last of them ("optax"). */
  readonly convention?: "torch" | "optax";
}

/** A schedule that falls when a metric does not get better; not a function of the step, so it is saved with the optimizer's state. */
export interface ReduceOnPlateau extends Schedule {
  /** Tells it the metric, such as the loss on validation data after an epoch. NaN is no better than anything. */
  update(metric: number): void;
  /** What it knows, as numbers and strings that JSON keeps. */
  stateDict(): Record<string, number | string>;
  /** Takes over what `stateDict` of one with the same options returned. After an error nothing has changed. */
  loadStateDict(dict: Readonly<Record<string, unknown>>): void;
}

interface State {
  value: number;
  best: number;
  /** Metrics in a row that were no better, and those that still do not count. */
  bad: number;
  cooldown: number;
  /** Metrics since the last average, and theirs. */
  count: number;
  average: number;
}

/**
 * `init`, multiplied by `factor` whenever `update` has been told of no better metric for a while. PyTorch's ReduceLROnPlateau,
 * optax.contrib's reduce_on_plateau (with `init` 1, as a factor).
 */
export function reduceOnPlateau(init: number, options: ReduceOnPlateauOptions = {}): ReduceOnPlateau {
  const who = "reduceOnPlateau";
  const start = real()(who, "init", init);
  const { mode, factor, rtol, atol, limit, cooldown, min, eps, accumulationSize } = readPlateau(who, options);
  let state: State = {
    value: start,
    best: mode === "min" ? Infinity : -Infinity,
    bad: 0,
    cooldown: 0,
    count: 0,
    average: 0,
  };

  function update(metric: number): void {
    if (typeof metric !== "number") throw new TypeError(`${who}: metric must be a number, got ${describe(metric)}`);
    state.average = (state.count * state.average + metric) / (state.count + 1);
    state.count++;
    if (state.count < accumulationSize) return;
    judge(state.average);
    state.count = state.average = 0;
  }

  function judge(metric: number): void {
    const { value, best } = state;
    const isBetter = mode === "min" ? metric < best * (1 - rtol) - atol : metric > best * (1 + rtol) + atol;
    if (isBetter) state.best = metric;
    state.bad = isBetter || state.cooldown > 0 ? 0 : state.bad + 1;
    if (state.cooldown > 0) state.cooldown--;
    if (state.bad < limit) return;
    const reduced = Math.max(value * factor, min);
    if (value - reduced > eps) state.value = reduced;
    state.cooldown = cooldown;
    state.bad = 0;
  }

  return Object.assign(() => state.value, {
    update,
    stateDict: () => Object.fromEntries(Object.entries(state).map(([name, value]) => [name, toStored(value)])),
    loadStateDict(dict: Readonly<Record<string, unknown>>): void {
      if (!isRecord(dict)) throw new TypeError(`${who}: expected what stateDict returned, got ${describe(dict)}`);
      state = { ...readOptions(who, dict as Partial<State>, stateFields()) };
    },
  });
}

function stateFields() {
  return { value: real(), best: stored(), bad: whole(0), cooldown: whole(0), count: whole(0), average: stored() };
}

/** Options with one meaning under either convention: `limit` bad metrics in a row are too many. */
function readPlateau(who: string, options: ReduceOnPlateauOptions) {
  const { threshold, thresholdMode, rtol, atol, ...read } = readOptions(who, options, {
    mode: choice("min", "max"),
    factor: share(0.1),
    patience: whole(0, 10),
    threshold: optional(count()),
    thresholdMode: optional(choice("rel", "abs")),
    rtol: optional(share()),
    atol: optional(count()),
    cooldown: whole(0, 0),
    min: real(0),
    eps: optional(count()),
    accumulationSize: whole(1, 1),
    convention: choice("torch", "optax"),
  });
  const isOptax = read.convention === "optax";
  const limit = isOptax ? read.patience : read.patience + 1;
  if (limit === 0) throw new RangeError(`${who}: patience must be 1 or more under optax's convention, got 0`);
  const eps = read.eps ?? (isOptax ? 0 : 1e-8);
  if (rtol !== undefined || atol !== undefined) {
    if (threshold !== undefined || thresholdMode !== undefined) {
      throw new TypeError(`${who}: expected either threshold and thresholdMode or rtol and atol`);
    }
    return { ...read, limit, eps, rtol: rtol ?? 1e-4, atol: atol ?? 0 };
  }
  const by = thresholdMode === "abs" ? "atol" : "rtol";
  const both = { rtol: 0, atol: 0, [by]: threshold ?? 1e-4 };
  share()(who, "threshold", both.rtol);
  return { ...read, limit, eps, ...both };
}
