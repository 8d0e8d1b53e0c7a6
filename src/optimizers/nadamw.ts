import { cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import { lookAhead, nadamTwins } from "./nadam.js";

/**
 * NAdamW: AdamW that steps along the momentum of the next step, as in the AlgoPerf benchmark.
 *
 * @remarks Use it where AdamW is used and a few steps fewer count.
 * @see Dozat, 2016, Incorporating Nesterov Momentum into Adam
 * @see Dahl et al., 2023, Benchmarking Neural Network Training Algorithms (arXiv 2306.07179)
 */
export const NAdamW = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "NAdamW",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, epsRoot: 0, weightDecay: 1e-2, cautious: false },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: { weightDecay: 1e-4 } },
  state: () => ({ m: 0, v: 0 }),
  kernel: () => "nadam",
  scalars: (s, h, t) => lookAhead(s, h, t, h.weightDecay),
  decoupled: () => true,
  twins: nadamTwins,
});
