import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/signum.js";
import { lerp, mul, type Reals, sign, sub } from "../real.js";

/**
 * Signum: steps along the sign of a moving average of the gradients.
 *
 * @remarks Use it where steps of one length are wanted, with one buffer.
 * @option beta how much of the average of gradients a step keeps
 * @see Bernstein et al., 2018, signSGD: Compressed Optimisation for Non-Convex Problems (arXiv 1802.04434)
 */
export const Signum = /* @__PURE__ */ defineOptimizer({
  name: "Signum",
  defaults: { lr: 1e-3, beta: 0.9 },
  ranges: { beta: [0, 1] },
  conventions: { torch: {}, optax: {} },
  state: () => ({ m: 0 }),
  kernel: () => "signum",
  scalars(s, h) {
    s[0] = h.lr;
    s[1] = 1 - h.beta;
  },
  twins: { f32, f64: { signum } },
});

export function signum(n: number, p: Reals, g: Reals, m: Reals, h: Reals): void {
  const lr = h[0];
  const w = h[1];
  for (let i = 0; i < n; i++) {
    const mi = lerp(m[i], g[i], w);
    m[i] = mi;
    p[i] = sub(p[i], mul(lr, sign(mi)));
  }
}
