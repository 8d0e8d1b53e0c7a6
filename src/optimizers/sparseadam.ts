import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adam.js";
import { power } from "../power.js";
import { adam } from "./adam.js";

/**
 * SparseAdam: Adam for gradients of which few rows are not zero. Give it rows by `stepRows`: the others, and their moments, stay
 * as they are.
 *
 * @remarks Use it for embeddings, where a batch touches few of the rows.
 * @see Kingma and Ba, 2014, Adam: A Method for Stochastic Optimization (arXiv 1412.6980), as in PyTorch
 */
export const SparseAdam = /* @__PURE__ */ defineOptimizer({
  name: "SparseAdam",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  state: () => ({ m: 0, v: 0 }),
  kernel: () => "adam",
  scalars(s, h, t) {
    s[0] = 1;
    s[1] = (h.lr / (1 - power(h.beta1, t))) * Math.sqrt(1 - power(h.beta2, t));
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = 0;
    // added to the root of the moment that is not corrected
    s[6] = h.eps;
  },
  twins: { f32: { adam: f32.adam }, f64: { adam } },
});
