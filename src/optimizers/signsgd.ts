import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/signsgd.js";
import { mul, type Reals, sign, sub } from "../real.js";

/**
 * SignSGD: steps along the sign of the gradient.
 *
 * @remarks Use it where gradients are sent as one bit each.
 * @see Bernstein et al., 2018, signSGD: Compressed Optimisation for Non-Convex Problems (arXiv 1802.04434)
 */
export const SignSGD = /* @__PURE__ */ defineOptimizer({
  name: "SignSGD",
  defaults: { lr: 1e-3 },
  conventions: { torch: {}, optax: {} },
  state: () => ({}),
  kernel: () => "signsgd",
  scalars(s, h) {
    s[0] = h.lr;
  },
  twins: { f32, f64: { signsgd } },
});

export function signsgd(n: number, p: Reals, g: Reals, h: Reals): void {
  const lr = h[0];
  for (let i = 0; i < n; i++) {
    p[i] = sub(p[i], mul(lr, sign(g[i])));
  }
}
