import type { Schedule } from "../types.js";
import { boundaries, count, list, optional, readOptions, real, schedule } from "./options.js";
import { between, countReached } from "./shape.js";

/**
 * One schedule after the other: from `boundaries[i]` on, `schedules[i + 1]`, which counts its own steps from 0. optax's
 * join_schedules, PyTorch's SequentialLR.
 */
export function join(schedules: readonly Schedule[], bounds: readonly number[]): Schedule {
  const who = "join";
  const parts = list(schedule())(who, "schedules", schedules);
  const starts = boundaries()(who, "boundaries", bounds);
  if (parts.length !== starts.length + 1) {
    throw new RangeError(`${who}: expected one boundary less than schedules, got ${starts.length} for ${parts.length}`);
  }
  return (step) => {
    const i = countReached(starts, step);
    return parts[i](i === 0 ? step : step - starts[i - 1]);
  };
}

/** The product of schedules. PyTorch's ChainedScheduler, where all but one of them are factors. */
export function product(...schedules: readonly Schedule[]): Schedule {
  const parts = list(schedule())("product", "schedules", schedules);
  return (step) => {
    let value = 1;
    for (const part of parts) value *= part(step);
    return value;
  };
}

/** factor × schedule */
export function scale(of: Schedule, factor: number): Schedule {
  const part = schedule()("scale", "schedule", of);
  const by = real()("scale", "factor", factor);
  return (step) => by * part(step);
}

export interface ClampOptions {
  /** Default: none. */
  readonly min?: number;
  /** Default: none. */
  readonly max?: number;
}

/** The schedule, but not below `min` or above `max`. */
export function clamp(of: Schedule, options: ClampOptions): Schedule {
  const who = "clamp";
  const part = schedule()(who, "schedule", of);
  const fields = { min: optional(real()), max: optional(real()) };
  const { min = -Infinity, max = Infinity } = readOptions(who, options, fields);
  if (min > max) throw new RangeError(`${who}: min must be at most max, ${max}, got ${min}`);
  return (step) => Math.min(max, Math.max(min, part(step)));
}

export interface WarmupOptions {
  /** The value at step 0; default 0. */
  readonly init?: number;
}

/** A line from `init` to where the schedule starts, over `steps` steps, and then the schedule, which counts from there. */
export function warmup(steps: number, then: Schedule, options: WarmupOptions = {}): Schedule {
  const who = "warmup";
  const length = count()(who, "steps", steps);
  const part = schedule()(who, "schedule", then);
  const { init } = readOptions(who, options, { init: real(0) });
  return (step) => {
    if (step >= length) return part(step - length);
    return between(init, part(0), 1 - Math.max(0, step) / length);
  };
}

/** The values at the steps 0, 1, …, n - 1, for a plot. */
export function sample(of: Schedule, n: number): number[] {
  const part = schedule()("sample", "schedule", of);
  if (!Number.isInteger(n) || n < 0) throw new RangeError(`sample: n must be a whole number, 0 or more, got ${n}`);
  return Array.from({ length: n }, (_, step) => part(step));
}
