import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/diffgrad.js";
import { power } from "../power.js";
import { abs, add, all, div, exp, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * DiffGrad: Adam whose steps are up to twice as short where the gradient does not change.
 *
 * @remarks Use it where Adam overshoots: it slows down where the gradient is steady.
 * @see Dubey et al., 2019, diffGrad: An Optimization Method for Convolutional Neural Networks (arXiv 1909.11015)
 */
export const DiffGrad = /* @__PURE__ */ defineOptimizer({
  name: "DiffGrad",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  state: () => ({ m: 0, v: 0, previous: 0 }),
  kernel: () => "diffgrad",
  scalars(s, h, t) {
    s[0] = (h.lr * Math.sqrt(1 - power(h.beta2, t))) / (1 - power(h.beta1, t));
    s[1] = 1 - h.beta1;
    s[2] = h.beta2;
    s[3] = 1 - h.beta2;
    s[4] = h.eps;
  },
  twins: { f32, f64: { diffgrad } },
});

export function diffgrad(n: number, p: Reals, g: Reals, m: Reals, v: Reals, previous: Reals, h: Reals): void {
  const step = h[0];
  const w1 = h[1];
  const b2 = h[2];
  const w2 = h[3];
  const eps = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const change = abs(sub(previous[i], gi));
    const friction = add(all(1), exp(sub(all(0), change)));
    m[i] = mi;
    v[i] = vi;
    previous[i] = gi;
    p[i] = sub(p[i], div(mul(step, mi), mul(add(sqrt(vi), eps), friction)));
  }
}
