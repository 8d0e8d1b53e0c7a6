import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/optimisticgradientdescent.js";
import { mul, type Reals, sub } from "../real.js";

/**
 * Optimistic gradient descent: descent that takes back a share of the last gradient, as if the next one were known.
 *
 * @remarks Use it for games and saddle points, where plain descent circles around the equilibrium.
 * @option alpha the rate as a multiple of `lr`
 * @option beta the share of the last gradient that is taken back
 * @see Mokhtari, Ozdaglar and Pattathil, 2019, A Unified Analysis of Extra-gradient and Optimistic Gradient Methods for Saddle
 * Point Problems (arXiv 1901.08511)
 */
export const OptimisticGradientDescent = /* @__PURE__ */ defineOptimizer({
  name: "OptimisticGradientDescent",
  defaults: { lr: 1e-3, alpha: 1, beta: 1 },
  conventions: { optax: {} },
  state: () => ({ previous: 0 }),
  kernel: () => "optimisticgradientdescent",
  scalars(s, h, t) {
    // the first gradient is the last one too
    s[0] = h.lr * (t === 1 ? h.alpha : h.alpha + h.beta);
    s[1] = h.lr * h.beta;
  },
  twins: { f32, f64: { optimisticgradientdescent } },
});

export function optimisticgradientdescent(n: number, p: Reals, g: Reals, previous: Reals, h: Reals): void {
  const forth = h[0];
  const back = h[1];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const step = sub(mul(forth, gi), mul(back, previous[i]));
    previous[i] = gi;
    p[i] = sub(p[i], step);
  }
}
