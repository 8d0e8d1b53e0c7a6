import { cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/lion.js";
import { lerp, mul, type Reals, sign, sub } from "../real.js";

/**
 * Lion: steps of one length, along the sign of a momentum.
 *
 * @remarks Use it with large batches, a third to a tenth of AdamW's rate and a larger weight decay, where a second buffer is
 * too much.
 * @option beta1 the average's share, beside the gradient's, in the direction of the step
 * @option beta2 how much of the average of gradients a step keeps
 * @see Chen et al., 2023, Symbolic Discovery of Optimization Algorithms (arXiv 2302.06675)
 */
export const Lion = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "Lion",
  defaults: { lr: 1e-4, beta1: 0.9, beta2: 0.99, cautious: false, smoothing: 0 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: { weightDecay: 1e-3 }, keras: { lr: 1e-3 } },
  state: () => ({ m: 0 }),
  kernel: () => "lion",
  scalars(s, h) {
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = h.lr;
    s[2] = 1 - h.beta1;
    s[3] = 1 - h.beta2;
  },
  decoupled: () => true,
  twins: { f32, f64: { lion } },
});

export function lion(n: number, p: Reals, g: Reals, m: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const w1 = h[2];
  const w2 = h[3];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = m[i];
    m[i] = lerp(mi, gi, w2);
    p[i] = sub(mul(keep, p[i]), mul(lr, sign(lerp(mi, gi, w1))));
  }
}
