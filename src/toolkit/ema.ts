import { pow } from "../math.js";
import { power } from "../power.js";
import type { Schedule } from "../types.js";
import { checkReal, checkWhole, readOptions } from "./check.js";

// Schedules for the option `ema`. Step s is the one after s steps: its average is decay · average + (1 - decay) · parameters.

export interface EmaWarmupOptions {
  /** What the decay rises to; default 0.9999. */
  readonly decay?: number;
  /** How many steps make the unit of time; default 1. */
  readonly gamma?: number;
  /** How fast it rises; default 2/3. */
  readonly power?: number;
  /** What the decay is at least once it is not 0; default 0. */
  readonly minDecay?: number;
  /** After how many steps averaging begins; until then the average is a copy. Default 0. */
  readonly updateAfterStep?: number;
}

const share = [0, 1] as const;
const positive = [Number.MIN_VALUE, Infinity] as const;

/**
 * A decay that rises as 1 - (1 + s / gamma)^-power, so that the average forgets where training began. The first step copies.
 *
 * @see timm's ModelEmaV3 with `use_warmup`; EMAModel of diffusers with `use_ema_warmup`
 */
export function emaWarmup(options: EmaWarmupOptions = {}): Schedule {
  const who = "emaWarmup";
  const defaults = { decay: 0.9999, gamma: 1, power: 2 / 3, minDecay: 0, updateAfterStep: 0 };
  const { decay, gamma, power: exponent, minDecay, updateAfterStep } = readOptions(who, options, defaults);
  checkReal(who, "decay", decay, share);
  checkReal(who, "gamma", gamma, positive);
  checkReal(who, "power", exponent, positive);
  checkReal(who, "minDecay", minDecay, share);
  checkWhole(who, "updateAfterStep", updateAfterStep, 0);
  return (step) => {
    const s = step - updateAfterStep;
    if (s <= 0) return 0;
    return Math.max(minDecay, Math.min(decay, 1 - pow(1 + s / gamma, -exponent)));
  };
}

/**
 * The decay that makes the average that of optax with `debias`: one from zero, divided by the sum of its weights, which is
 * 1 - decay^t after t steps.
 *
 * @see optax.ema; Kingma and Ba, 2014 (arXiv 1412.6980), section 3
 */
export function emaDebiased(decay: number): Schedule {
  checkReal("emaDebiased", "decay", decay, share);
  return (step) => (decay * (1 - power(decay, step))) / (1 - power(decay, step + 1));
}

/**
 * A decay that holds from the step after `start` on; until then the average is a copy. With `start` 0, the first step copies, as
 * PyTorch and Keras do it.
 *
 * @see torch.optim.swa_utils.AveragedModel with get_ema_avg_fn; the option use_ema of Keras
 */
export function emaFrom(decay: number, start = 0): Schedule {
  checkReal("emaFrom", "decay", decay, [0, 1, "closed"]);
  checkWhole("emaFrom", "start", start, 0);
  return (step) => (step <= start ? 0 : decay);
}

export interface SwaOptions {
  /** After how many steps averaging begins; default 0. */
  readonly start?: number;
  /** How many steps lie between the parameters that count, such as those of an epoch; default 1. */
  readonly every?: number;
}

/**
 * Stochastic weight averaging: the mean of the parameters after `start + every`, `start + 2 every`, … steps. Until the first of
 * them, the average is a copy.
 *
 * @see Izmailov et al., 2018, Averaging Weights Leads to Wider Optima and Better Generalization (arXiv 1803.05407);
 *   torch.optim.swa_utils.AveragedModel
 */
export function swa(options: SwaOptions = {}): Schedule {
  const { start, every } = readOptions("swa", options, { start: 0, every: 1 });
  checkWhole("swa", "start", start, 0);
  checkWhole("swa", "every", every, 1);
  return (step) => {
    const seen = (step + 1 - start) / every;
    if (seen <= 1) return 0;
    return Number.isInteger(seen) ? (seen - 1) / seen : 1;
  };
}
