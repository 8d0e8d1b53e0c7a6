import type { Schedule } from "../types.js";
import { count, positive, readOptions, real, within } from "./options.js";
import { between, cosine, progress, raise } from "./shape.js";

export interface CosineAnnealingOptions {
  /** From `init` down to `end`, in steps. */
  readonly steps: number;
  /** The lowest value; default 0. */
  readonly end?: number;
}

export interface CosineDecayOptions extends CosineAnnealingOptions {
  /** Of the cosine's half wave, which falls from 1 to 0; default 1. */
  readonly exponent?: number;
}

/**
 * Half a wave of the cosine from `init` to `end`, where it stays. Loshchilov and Hutter, 2016, SGDR (arXiv 1608.03983), without
 * restarts; optax's cosine_decay_schedule, Keras's CosineDecay.
 */
export function cosineDecay(init: number, options: CosineDecayOptions): Schedule {
  const who = "cosineDecay";
  const start = real()(who, "init", init);
  const { steps, end, exponent } = readOptions(who, options, { steps: count(), end: real(0), exponent: positive(1) });
  return (step) => between(start, end, raise(cosine(progress(step, 0, steps)), exponent));
}

/** The cosine's wave, down to `end` and back to `init`, 2 × steps long, for ever. PyTorch's CosineAnnealingLR. */
export function cosineAnnealing(init: number, options: CosineAnnealingOptions): Schedule {
  const who = "cosineAnnealing";
  const start = real()(who, "init", init);
  const { steps, end } = readOptions(who, options, { steps: count(), end: real(0) });
  return (step) => {
    if (steps === 0) return end;
    return between(start, end, cosine((Math.max(0, step) % (2 * steps)) / steps));
  };
}

export interface CosineAnnealingWarmRestartsOptions {
  /** The length of the first cycle. */
  readonly steps: number;
  /** What each restart multiplies the length by, 1 or more; default 1. PyTorch's T_mult, Keras's t_mul, which has default 2. */
  readonly stepsFactor?: number;
  /** What each restart multiplies the height above `end` by; default 1. Keras's m_mul. */
  readonly heightFactor?: number;
  /** The lowest value; default 0. */
  readonly end?: number;
}

/**
 * Half a wave of the cosine from `init` to `end`, again and again. Loshchilov and Hutter, 2016, SGDR: stochastic gradient descent
 * with warm restarts (arXiv 1608.03983); PyTorch's CosineAnnealingWarmRestarts, Keras's CosineDecayRestarts.
 */
export function cosineAnnealingWarmRestarts(init: number, options: CosineAnnealingWarmRestartsOptions): Schedule {
  const who = "cosineAnnealingWarmRestarts";
  const start = real()(who, "init", init);
  const { steps, stepsFactor, heightFactor, end } = readOptions(who, options, {
    steps: count(),
    stepsFactor: within(1, Number.MAX_VALUE, 1),
    heightFactor: real(1),
    end: real(0),
  });
  return (step) => {
    if (steps === 0) return end;
    let done = Math.max(0, step);
    let length = steps;
    let restarts = 0;
    if (stepsFactor === 1) {
      restarts = Math.floor(done / steps);
      done %= steps;
    }
    for (; done >= length; length *= stepsFactor) {
      done -= length;
      restarts++;
    }
    return between(start, end, raise(heightFactor, restarts) * cosine(done / length));
  };
}
