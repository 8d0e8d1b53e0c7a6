import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/ftrl.js";
import { add, div, max, min, mul, type Reals, sqrt, square, sub } from "../real.js";

/**
 * FTRL-Proximal: Adagrad's rates, with penalties that hold weights at exactly 0.
 *
 * @remarks Use it for linear models of sparse features: `l1` keeps weights at 0 until their gradients add up to more than it.
 * @option beta added to the root of the squared gradients' sum in the rate
 * @see McMahan et al., 2013, Ad Click Prediction: a View from the Trenches (KDD 2013), as in Keras
 */
export const Ftrl = /* @__PURE__ */ defineOptimizer({
  name: "Ftrl",
  defaults: { lr: 1e-3, initialAccumulator: 0.1, l1: 0, l2: 0, l2Shrinkage: 0, beta: 0 },
  ranges: {
    // above 0, because the rule divides by it
    lr: [5e-324, Infinity],
  },
  conventions: { keras: {} },
  state: (h) => ({ s: h.initialAccumulator, z: 0 }),
  kernel: () => "ftrl",
  scalars(s, h) {
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = 1 / h.lr;
    s[2] = -h.l1;
    s[3] = h.l1;
    s[4] = 2 * h.l2 + h.beta / h.lr;
    s[5] = 2 * h.l2Shrinkage;
  },
  decoupled: () => true,
  twins: { f32, f64: { ftrl } },
});

export function ftrl(n: number, p: Reals, g: Reals, s: Reals, z: Reals, h: Reals): void {
  const keep = h[0];
  const perRate = h[1];
  const low = h[2];
  const high = h[3];
  const ridge = h[4];
  const shrinkage = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const pi = mul(keep, p[i]);
    const old = s[i];
    const si = add(old, square(gi));
    const root = sqrt(si);
    const growth = mul(perRate, sub(root, sqrt(old)));
    const zi = add(z[i], sub(add(gi, mul(shrinkage, pi)), mul(growth, pi)));
    const excess = sub(min(max(zi, low), high), zi);
    s[i] = si;
    z[i] = zi;
    p[i] = div(excess, add(mul(perRate, root), ridge));
  }
}
