import { describe } from "../check.js";
import { checkReal, checkSaved, checkWhole, readOptions, type Saved } from "./check.js";
import { emaDebiased } from "./ema.js";

/** What a divergence guard saw. */
export interface Divergence {
  readonly value: number;
  /** The running mean of the magnitudes before; NaN if there were none. */
  readonly mean: number;
}

export interface DivergenceGuardOptions {
  /** How many times the running mean a value may be; default 4. */
  readonly factor?: number;
  /** The decay of the running mean, as of an exponential moving average without bias; default 0.98. */
  readonly decay?: number;
  /** How many values make a mean to compare with; before, only values that are not finite count. Default 20. */
  readonly warmup?: number;
  /** Called when a value has jumped, after the guard has taken note of it. */
  readonly onDivergence?: (divergence: Divergence) => void;
}

/** What looks out for values that jump: see `divergenceGuard`. */
export interface DivergenceGuard {
  /** The running mean of the magnitudes; NaN before there is a finite value. */
  readonly mean: number;
  /** Takes a loss or a norm of gradients, and says whether it has jumped. */
  update(value: number): boolean;
  /** Forgets the mean: the next values make a new one. */
  reset(): void;
  /** The mean, and how many values made it. */
  stateDict(): Saved;
  /** Takes over such a dict; it is checked whole before anything changes. */
  loadStateDict(dict: Saved): void;
}

const defaults = {
  factor: 4,
  decay: 0.98,
  warmup: 20,
  onDivergence: undefined as DivergenceGuardOptions["onDivergence"],
};

/**
 * Looks out for a loss, or `opt.gradNorm`, that is more than `factor` times its running mean, or not finite; a program can then
 * lower its rate, or go back to a checkpoint. A value that has jumped counts in the mean as `factor` times the mean, so that it does
 * not hide the next, and the mean still follows what stays high.
 */
export function divergenceGuard(options: DivergenceGuardOptions = {}): DivergenceGuard {
  const who = "divergenceGuard";
  const { factor, decay, warmup, onDivergence } = readOptions(who, options, defaults);
  checkReal(who, "factor", factor, [1, Infinity]);
  const decayAt = emaDebiased(checkReal(who, "decay", decay, [0, 1]));
  checkWhole(who, "warmup", warmup, 1);
  if (onDivergence !== undefined && typeof onDivergence !== "function") {
    throw new TypeError(`${who}: onDivergence must be a function, got ${describe(onDivergence)}`);
  }
  let mean = 0;
  let seen = 0;
  const now = () => (seen === 0 ? Number.NaN : mean);
  return {
    get mean() {
      return now();
    },
    update(value) {
      if (typeof value !== "number") throw new TypeError(`${who}: expected a number, got ${describe(value)}`);
      const before = now();
      const limit = seen < warmup ? Infinity : factor * mean;
      const jumped = !Number.isFinite(value) || value > limit;
      if (Number.isFinite(value)) {
        const kept = decayAt(seen);
        mean = kept * mean + (1 - kept) * Math.min(Math.abs(value), limit);
        seen++;
      }
      if (jumped) onDivergence?.({ value, mean: before });
      return jumped;
    },
    reset() {
      mean = seen = 0;
    },
    stateDict: () => ({ mean, seen }),
    loadStateDict(dict) {
      checkSaved(dict, {
        mean: (value) => checkReal("loadStateDict", "mean", value, [0, Infinity]),
        seen: (value) => checkWhole("loadStateDict", "seen", value, 0),
      });
      mean = dict.mean as number;
      seen = dict.seen as number;
    },
  };
}
