import { cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import { adamChoices, adamConflict, adamKernel, adamScalars, adamState, adamTwins } from "./adam.js";

/**
 * AdamW: Adam whose weight decay shrinks the weights, not the gradient.
 *
 * @remarks Use it where weights are to decay, as in transformers.
 * @see Loshchilov and Hutter, 2017, Decoupled Weight Decay Regularization (arXiv 1711.05101)
 */
export const AdamW = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "AdamW",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    epsRoot: 0,
    weightDecay: 1e-2,
    amsgrad: false,
    biasCorrection: true,
    stateDtype: "same",
    cautious: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: { weightDecay: 1e-4 }, keras: { eps: 1e-7, weightDecay: 4e-3 } },
  choices: adamChoices,
  conflict: adamConflict,
  state: adamState,
  kernel: adamKernel,
  twins: adamTwins,
  scalars: (s, h, t) => adamScalars(s, h, t, h.weightDecay),
  decoupled: () => true,
});
