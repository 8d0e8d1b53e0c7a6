import { checkChoice, checkFlag, describe, isObject } from "../check.js";
import type { Reals } from "../real.js";
import { scaleBy } from "./arrays.js";
import { checkReal, checkSaved, checkWhole, readOptions, type Saved } from "./check.js";

export interface LossScalerOptions {
  /** The scale to begin with; default 2^16, with the convention of Keras 2^15. */
  readonly initScale?: number;
  /** What the scale is multiplied by after `growthInterval` steps in a row; default 2. */
  readonly growthFactor?: number;
  /** What it is multiplied by when gradients were not finite; default 0.5. */
  readonly backoffFactor?: number;
  /** Default 2000. */
  readonly growthInterval?: number;
  /** Whose defaults are taken; default "torch". */
  readonly convention?: "torch" | "keras";
}

/** An optimizer as a loss scaler works with it, wrapped or not. */
export interface Scalable {
  get gradScale(): number;
  set gradScale(value: number);
  readonly nonFinite: string;
  readonly steps: number;
  readonly skipped: number;
  readonly state: object;
  step(...args: never[]): unknown;
}

/** What keeps small gradients from vanishing in numbers of few bits: see `lossScaler`. */
export interface LossScaler {
  /** What to multiply the loss by, and so its gradients. */
  readonly scale: number;
  /**
   * One step of an optimizer whose gradients are those of the scaled loss, in `grads` or handed over, and `update`. Says whether it
   * took the gradients: it leaves them out if one is not finite. The optimizer needs `nonFinite: "skip"`; its `gradScale` is set.
   * With `accumulate`, a scale that falls between the calls of one step takes the sum along. After an error nothing has changed.
   */
  step<O extends Scalable>(optimizer: O, grads?: Parameters<O["step"]>[0]): boolean;
  /** Brings the scale up to date after a step that was taken, or left out. `step` does it by itself. */
  update(skipped: boolean): void;
  /** The scale, and how many steps were taken since it changed. */
  stateDict(): Saved;
  /** Takes over such a dict; it is checked whole before anything changes. */
  loadStateDict(dict: Saved): void;
}

const starts = { torch: 2 ** 16, keras: 2 ** 15 };
const defaults = {
  initScale: undefined as number | undefined,
  growthFactor: 2,
  backoffFactor: 0.5,
  growthInterval: 2000,
  convention: "torch" as keyof typeof starts,
};

// what float32 has with all its digits, as PyTorch keeps the scale in it
const range = [2 ** -126, 2 ** 127, "closed"] as const;

/**
 * A loss scale that finds its value: it grows after so many good steps, and falls when gradients overflow, whose step is left out.
 *
 * ```
 * const scaler = lossScaler();
 * const opt = new AdamW({ w }, { nonFinite: "skip" });
 * opt.grads.w.set(gradientOf(scaler.scale * loss));
 * scaler.step(opt);
 * ```
 *
 * For several optimizers that share a scaler, set `opt.gradScale = scaler.scale`, step each, and `update` once.
 *
 * @see Micikevicius et al., 2017, Mixed Precision Training (arXiv 1710.03740); torch.amp.GradScaler;
 *   keras.optimizers.LossScaleOptimizer
 */
export function lossScaler(options: LossScalerOptions = {}): LossScaler {
  const who = "lossScaler";
  const { convention, initScale, growthFactor, backoffFactor, growthInterval } = readOptions(who, options, defaults);
  checkChoice(who, "convention", convention, Object.keys(starts));
  let scale = Math.fround(checkReal(who, "initScale", initScale ?? starts[convention], range));
  let goodSteps = 0;
  checkReal(who, "growthFactor", growthFactor, [1, Infinity]);
  checkReal(who, "backoffFactor", backoffFactor, [Number.MIN_VALUE, 1]);
  checkWhole(who, "growthInterval", growthInterval, 1);
  const multiply = (factor: number) => {
    const product = Math.fround(scale * factor);
    if (product >= range[0] && product <= range[1]) scale = product;
  };
  const update = (skipped: boolean) => {
    goodSteps = skipped ? 0 : goodSteps + 1;
    if (skipped) multiply(backoffFactor);
    if (goodSteps < growthInterval) return;
    multiply(growthFactor);
    goodSteps = 0;
  };
  return {
    get scale() {
      return scale;
    },
    update(skipped) {
      update(checkFlag(who, "skipped", skipped));
    },
    step(optimizer, grads) {
      checkScalable(optimizer);
      const { steps, skipped, gradScale } = optimizer;
      optimizer.gradScale = scale;
      try {
        (optimizer as { step(grads: unknown): unknown }).step(grads);
      } catch (error) {
        optimizer.gradScale = gradScale;
        throw error;
      }
      const left = optimizer.skipped > skipped;
      const before = scale;
      // a call that only adds to the sum of several says nothing yet
      if (left || optimizer.steps > steps) update(left);
      if (left && scale !== before) scaleSums(optimizer, scale / before);
      return !left;
    },
    stateDict: () => ({ scale, goodSteps }),
    loadStateDict(dict) {
      checkSaved(dict, {
        scale: (value) => checkReal("loadStateDict", "scale", value, range),
        goodSteps: (value) => checkWhole("loadStateDict", "goodSteps", value, 0),
      });
      scale = Math.fround(dict.scale as number);
      goodSteps = dict.goodSteps as number;
    },
  };
}

function checkScalable(optimizer: Scalable): void {
  if (!isObject(optimizer) || typeof optimizer.step !== "function") {
    throw new TypeError(`lossScaler: expected an optimizer, got ${describe(optimizer)}`);
  }
  if (optimizer.nonFinite !== "skip") {
    throw new RangeError(`lossScaler: nonFinite of the optimizer must be "skip", got ${describe(optimizer.nonFinite)}`);
  }
}

/** What an accumulating optimizer has summed up so far goes over to the new scale. */
function scaleSums({ state }: Scalable, factor: number): void {
  for (const { gradSum } of Object.values(state) as { readonly gradSum?: Reals }[]) {
    if (gradSum) scaleBy(gradSum, factor);
  }
}
