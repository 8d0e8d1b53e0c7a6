import type { Schedule } from "../types.js";
import { join, warmup as warm } from "./combine.js";
import { type CosineDecayOptions, cosineDecay } from "./cosine.js";
import { type ExponentialDecayOptions, exponentialDecay } from "./decay.js";
import { choice, count, exponentialFields, list, optional, positive, readOptions, real } from "./options.js";
import { constant } from "./piecewise.js";
import { between, cosine, progress } from "./shape.js";

interface Warmup {
  /** How many steps it takes to the peak. */
  readonly warmup: number;
  /** The value at step 0; default 0. */
  readonly init?: number;
}

function warmupFields() {
  return { warmup: count(), init: real(0) };
}

export interface WarmupConstantOptions extends Warmup {}

/** A line from `init` up to `peak`, which then stays. optax's warmup_constant_schedule. */
export function warmupConstant(peak: number, options: WarmupConstantOptions): Schedule {
  const who = "warmupConstant";
  const top = real()(who, "peak", peak);
  const { warmup, init } = readOptions(who, options, warmupFields());
  return warm(warmup, constant(top), { init });
}

export interface WarmupCosineDecayOptions extends Warmup, CosineDecayOptions {
  /** Whether `steps` counts the warm-up too ("optax", the default) or what follows it ("keras"). */
  readonly convention?: "optax" | "keras";
}

/** A line from `init` up to `peak`, and a cosine down to `end`. optax's warmup_cosine_decay_schedule, Keras's CosineDecay. */
export function warmupCosineDecay(peak: number, options: WarmupCosineDecayOptions): Schedule {
  const who = "warmupCosineDecay";
  const top = real()(who, "peak", peak);
  const fields = { ...warmupCosineFields(), convention: choice("optax", "keras") };
  const { convention, ...cycle } = readOptions(who, options, fields);
  return warmupCosine(who, { ...cycle, peak: top, steps: cycle.steps + (convention === "keras" ? cycle.warmup : 0) });
}

export interface SgdrCycle extends Warmup, CosineDecayOptions {
  readonly peak: number;
}

/** Cycles of `warmupCosineDecay`, each of its own `steps`, with the warm-up; the last one stays at its end. optax's sgdr_schedule. */
export function sgdr(cycles: readonly SgdrCycle[]): Schedule {
  const who = "sgdr";
  const read = list((_, name, cycle) => {
    return readOptions(`${who}: ${name}`, cycle as SgdrCycle, { ...warmupCosineFields(), peak: real() });
  })(who, "cycles", cycles);
  if (read.length === 0) throw new RangeError(`${who}: expected one cycle or more, got none`);
  const ends: number[] = [];
  for (const { steps } of read.slice(0, -1)) ends.push(steps + (ends[ends.length - 1] ?? 0));
  return join(
    read.map((cycle) => warmupCosine(who, cycle)),
    ends,
  );
}

function warmupCosineFields() {
  return { ...warmupFields(), steps: count(), end: real(0), exponent: positive(1) };
}

function warmupCosine(who: string, { peak, warmup, init, steps, end, exponent }: Required<SgdrCycle>): Schedule {
  if (steps < warmup) throw new RangeError(`${who}: steps must be at least warmup, ${warmup}, got ${steps}`);
  return warm(warmup, cosineDecay(peak, { steps: steps - warmup, end, exponent }), { init });
}

export interface WarmupExponentialDecayOptions extends Warmup, ExponentialDecayOptions {}

/**
 * A line from `init` up to `peak`, and then `exponentialDecay`, which counts its steps from there. optax's
 * warmup_exponential_decay_schedule.
 */
export function warmupExponentialDecay(peak: number, options: WarmupExponentialDecayOptions): Schedule {
  const who = "warmupExponentialDecay";
  const top = real()(who, "peak", peak);
  const { warmup, init, ...decay } = readOptions(who, options, { ...warmupFields(), ...exponentialFields() });
  return warm(warmup, exponentialDecay(top, decay), { init });
}

export interface InverseSqrtOptions extends Warmup {
  /** How many steps after the peak the value has fallen to peak / √2; default: the warm-up's steps, or 1 if there are none. */
  readonly timescale?: number;
}

/** A line from `init` up to `peak`, and then peak / √(1 + (step - warmup) / timescale): by default peak √(warmup / step). */
export function inverseSqrt(peak: number, options: InverseSqrtOptions): Schedule {
  const who = "inverseSqrt";
  const top = real()(who, "peak", peak);
  const fields = { ...warmupFields(), timescale: optional(positive()) };
  const { warmup, init, timescale = warmup || 1 } = readOptions(who, options, fields);
  return warm(warmup, (step) => top / Math.sqrt(1 + Math.max(0, step) / timescale), { init });
}

export interface NoamOptions {
  /** The width of the model. */
  readonly dModel: number;
  /** Default 4000. */
  readonly warmup?: number;
}

/**
 * factor dModel^-0.5 min(n^-0.5, n warmup^-1.5), where n = step + 1, as the paper counts from 1. Vaswani et al., 2017, Attention
 * is all you need (arXiv 1706.03762).
 */
export function noam(factor: number, options: NoamOptions): Schedule {
  const who = "noam";
  const by = real()(who, "factor", factor);
  const { dModel, warmup } = readOptions(who, options, { dModel: positive(), warmup: count(4000) });
  return (step) => {
    const n = Math.max(0, step) + 1;
    return (by / Math.sqrt(dModel)) * Math.min(1 / Math.sqrt(n), n / (warmup * Math.sqrt(warmup)));
  };
}

export interface WsdOptions extends Warmup {
  /** How many steps the peak lasts. */
  readonly stable: number;
  /** How many steps it takes from the peak to the end. */
  readonly decay: number;
  /** The value from then on; default 0. */
  readonly end?: number;
  /** How it falls, by the share of `decay` that is over; default "1-sqrt". */
  readonly shape?: "1-sqrt" | "linear" | "1-square" | "cosine";
}

const shapes = {
  "1-sqrt": (share: number) => 1 - Math.sqrt(share),
  linear: (share: number) => 1 - share,
  "1-square": (share: number) => 1 - share * share,
  cosine,
};

/**
 * Warm-up, stable, decay: a line from `init` up to `peak`, the peak for a while, and down to `end`. Hu et al., 2024, MiniCPM (arXiv
 * 2404.06395); "1-sqrt": Hägele et al., 2024, Scaling laws and compute-optimal training beyond fixed training durations (arXiv
 * 2405.18392).
 */
export function wsd(peak: number, options: WsdOptions): Schedule {
  const who = "wsd";
  const top = real()(who, "peak", peak);
  const { warmup, init, stable, decay, end, shape } = readOptions(who, options, {
    ...warmupFields(),
    stable: count(),
    decay: count(),
    end: real(0),
    shape: choice("1-sqrt", "linear", "1-square", "cosine"),
  });
  return warm(warmup, (step) => between(top, end, shapes[shape](progress(step, stable, decay))), { init });
}
