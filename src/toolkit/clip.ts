import { checkChoice, checkFlag } from "../check.js";
import { clipFactor } from "../clip.js";
import type { Reals } from "../real.js";
import { dot } from "../reduce.js";
import { type Arrays, readArrays, roundFor, scaleBy } from "./arrays.js";
import { checkReal, readOptions } from "./check.js";
import { checkNormType, type NormOptions, normOf } from "./norm.js";

/** The libraries whose ways of clipping are known. */
export type ClipConvention = "torch" | "optax" | "keras";

export interface ClipByNormOptions extends NormOptions {
  /** Whose formula it is: PyTorch adds 1e-6 to the norm, optax and Keras do not. Default "torch". */
  readonly convention?: ClipConvention;
}

export interface ClipGradNormOptions extends ClipByNormOptions {
  /** Whether a norm that is NaN or infinite is an error, before anything has changed. Default false. */
  readonly errorIfNonfinite?: boolean;
}

const conventions: readonly ClipConvention[] = ["torch", "optax", "keras"];

/**
 * Scales gradients in place so that the p-norm of all together is `max` at most, and returns the norm that they had.
 *
 * `grads` are Float32Arrays or Float64Arrays by name, a list of them, or one. With the default options, `opt.step()` then does what
 * it would do with the option `clipNorm`. After an error nothing has changed.
 *
 * @see torch.nn.utils.clip_grad_norm_; optax.clip_by_global_norm; the option global_clipnorm of Keras
 */
export function clipGradNorm(grads: Arrays, max: number, options: ClipGradNormOptions = {}): number {
  const who = "clipGradNorm";
  const all = readGradients(who, grads, max);
  const defaults = { normType: 2, convention: "torch", errorIfNonfinite: false };
  const { normType, convention, errorIfNonfinite } = readOptions(who, options, defaults);
  const chosen = checkConvention(who, convention);
  checkFlag(who, "errorIfNonfinite", errorIfNonfinite);
  const norm = normOf(all, checkNormType(who, normType));
  if (errorIfNonfinite && !Number.isFinite(norm)) {
    throw new RangeError(`${who}: the norm of the gradients is ${norm}, expected a finite number`);
  }
  const factor = clipFactor(norm, max, chosen);
  for (const x of all) scaleBy(x, factor);
  return norm;
}

/**
 * Scales each gradient in place so that its own p-norm is `max` at most. After an error nothing has changed.
 *
 * @see the option clipnorm of Keras; torch.nn.utils.clip_grad_norm_ with one tensor
 */
export function clipByNorm(grads: Arrays, max: number, options: ClipByNormOptions = {}): void {
  const who = "clipByNorm";
  const all = readGradients(who, grads, max);
  const { normType, convention } = readOptions(who, options, { normType: 2, convention: "torch" });
  const p = checkNormType(who, normType);
  // one tensor alone is what Keras does as optax would: an infinite norm leaves the finite elements 0
  const chosen = checkConvention(who, convention) === "torch" ? "torch" : "optax";
  for (const x of all) scaleBy(x, clipFactor(normOf([x], p), max, chosen));
}

/**
 * Scales each gradient in place so that its root mean square is `max` at most. After an error nothing has changed.
 *
 * @see optax.clip_by_block_rms; Shazeer and Stern, 2018, Adafactor (arXiv 1804.04235), section 6
 */
export function clipByBlockRms(grads: Arrays, max: number): void {
  for (const x of readGradients("clipByBlockRms", grads, max, Number.MIN_VALUE)) {
    const rms = Math.sqrt(dot(x.length, x, x) / x.length);
    divideBy(x, Math.max(1, rms / max));
  }
}

/**
 * Brings gradients in place into [-max, max]. NaN stays NaN. After an error nothing has changed.
 *
 * @see torch.nn.utils.clip_grad_value_; optax.clip; the option clipvalue of Keras
 */
export function clipGradValue(grads: Arrays, max: number): void {
  for (const x of readGradients("clipGradValue", grads, max)) {
    for (let i = 0; i < x.length; i++) {
      if (x[i] > max) x[i] = max;
      else if (x[i] < -max) x[i] = -max;
    }
  }
}

/** The gradients, if they are some, and `max` is a number from `least` on. */
function readGradients(who: string, grads: unknown, max: unknown, least = 0): readonly Reals[] {
  const all = readArrays(who, "gradient", grads);
  checkReal(who, "max", max, [least, Infinity, "closed"]);
  return Object.values(all);
}

function checkConvention(who: string, value: unknown): ClipConvention {
  return checkChoice(who, "convention", value, conventions) as ClipConvention;
}

function divideBy(x: Reals, divisor: number): void {
  if (divisor === 1) return;
  const d = roundFor(x)(divisor);
  for (let i = 0; i < x.length; i++) x[i] /= d;
}
