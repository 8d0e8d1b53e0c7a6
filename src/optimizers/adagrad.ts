import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adagrad.js";
import { add, div, mul, type Reals, sqrt, square, sub } from "../real.js";

/**
 * Adagrad: each element's rate falls with the sum of its squared gradients.
 *
 * @remarks Use it for sparse features and for convex problems.
 * @option eps what keeps a division by 0 away: added to the root, but under it where the convention is not "torch"
 * @see Duchi, Hazan and Singer, 2011, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization
 */
export const Adagrad = /* @__PURE__ */ defineOptimizer({
  name: "Adagrad",
  defaults: { lr: 1e-2, lrDecay: 0, initialAccumulator: 0, eps: 1e-10, epsRoot: 0 },
  conventions: {
    torch: {},
    optax: { initialAccumulator: 0.1, eps: 1e-7 },
    keras: { lr: 1e-3, initialAccumulator: 0.1, eps: 1e-7 },
    tfjs: { initialAccumulator: 0.1, eps: 1e-7 },
  },
  state: (h) => ({ s: h.initialAccumulator }),
  kernel: () => "adagrad",
  scalars(s, h, t) {
    s[0] = h.lr / (1 + (t - 1) * h.lrDecay);
    // only PyTorch adds eps to the root; the others add it under the root
    const under = h.convention === "torch" ? 0 : 1;
    s[1] = h.epsRoot + h.eps * under;
    s[2] = h.eps * (1 - under);
  },
  twins: { f32, f64: { adagrad } },
});

export function adagrad(n: number, p: Reals, g: Reals, s: Reals, h: Reals): void {
  const lr = h[0];
  const root = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const si = add(s[i], square(gi));
    const denominator = add(sqrt(add(si, root)), eps);
    s[i] = si;
    p[i] = sub(p[i], div(mul(lr, gi), denominator));
  }
}
