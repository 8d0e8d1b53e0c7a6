import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/momentum.js";
import { power } from "../power.js";
import { lerp, mul, type Reals, sub } from "../real.js";

/**
 * Momentum: descent along a moving average of the gradients, `m = beta m + (1 - beta) g`.
 *
 * @remarks Use it in place of SGD with momentum where the rate should mean the same for every beta.
 * @option beta how much of the average of gradients a step keeps
 * @see Polyak, 1964, Some Methods of Speeding Up the Convergence of Iteration Methods
 */
export const Momentum = /* @__PURE__ */ defineOptimizer({
  name: "Momentum",
  defaults: { lr: 1e-3, beta: 0.9, biasCorrection: true },
  ranges: { beta: [0, 1] },
  state: () => ({ m: 0 }),
  kernel: () => "momentum",
  scalars(s, h, t) {
    s[0] = h.lr / (h.biasCorrection ? 1 - power(h.beta, t) : 1);
    s[1] = 1 - h.beta;
  },
  twins: { f32, f64: { momentum } },
});

export function momentum(n: number, p: Reals, g: Reals, m: Reals, h: Reals): void {
  const step = h[0];
  const w = h[1];
  for (let i = 0; i < n; i++) {
    const mi = lerp(m[i], g[i], w);
    m[i] = mi;
    p[i] = sub(p[i], mul(step, mi));
  }
}
