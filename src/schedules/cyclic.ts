import type { Schedule } from "../types.js";
import { choice, count, optional, positive, readOptions, real } from "./options.js";
import { between, progress, raise } from "./shape.js";

export interface CyclicOptions {
  /** The lowest value: that of step 0, or of the momentum at the top. */
  readonly base: number;
  /** Steps from one end to the other; default 2000. */
  readonly stepSizeUp?: number;
  /** Steps back; default: as many. */
  readonly stepSizeDown?: number;
  /** All cycles alike, each half as high as the one before, or gamma^step as high; default "triangular". */
  readonly mode?: "triangular" | "triangular2" | "exp_range";
  /** For "exp_range", greater than 0; default 1. */
  readonly gamma?: number;
}

/**
 * From `base` up to `max` and back, for ever. Smith, 2015, Cyclical learning rates for training neural networks (arXiv 1506.01186);
 * PyTorch's CyclicLR.
 */
export function cyclic(max: number, options: CyclicOptions): Schedule {
  const { top, base, height } = read("cyclic", max, options);
  return (step) => between(top, base, height(step));
}

/** The momentum that goes with `cyclic`: down from `max` to `base` and back; in PyTorch from 0.9 to 0.8. */
export function cyclicMomentum(max: number, options: CyclicOptions): Schedule {
  const { top, base, height } = read("cyclicMomentum", max, options);
  return (step) => between(base, top, height(step));
}

function read(who: string, max: number, options: CyclicOptions) {
  const top = real()(who, "max", max);
  const fields = {
    base: real(),
    stepSizeUp: count(2000),
    stepSizeDown: optional(count()),
    mode: choice("triangular", "triangular2", "exp_range"),
    gamma: positive(1),
  };
  const { base, stepSizeUp: up, stepSizeDown: down = up, mode, gamma } = readOptions(who, options, fields);
  const length = up + down;
  const height = (step: number) => {
    const now = Math.max(0, step);
    if (length === 0) return 1;
    const inCycle = now % length;
    const side = inCycle <= up ? progress(inCycle, 0, up) : 1 - progress(inCycle, up, down);
    if (mode === "triangular2") return side * raise(0.5, Math.floor(now / length));
    return mode === "exp_range" ? side * raise(gamma, now) : side;
  };
  return { top, base, height };
}
