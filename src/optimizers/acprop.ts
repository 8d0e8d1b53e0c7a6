import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/acprop.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * ACProp: the gradient over the centered second moment of the steps before.
 *
 * @remarks Use it where Adam or AdaBelief diverges: the denominator does not depend on the gradient that it divides.
 * @option epsRoot added to the second moment at each step, so that it adds up
 * @see Zhuang et al., 2021, Momentum Centering and Asynchronous Update for Adaptive Gradient Methods (arXiv 2110.05454)
 */
export const ACProp = /* @__PURE__ */ defineOptimizer({
  name: "ACProp",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-16, epsRoot: 1e-16 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: {} },
  state: () => ({ m: 0, s: 0 }),
  kernel: () => "acprop",
  scalars(s, h, t) {
    // the first gradient is divided by 1, and s is 0 then
    const root = t === 1 ? 1 : Math.sqrt(1 - power(h.beta2, t - 1));
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = h.lr * root;
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.epsRoot;
    s[6] = t === 1 ? 1 + h.eps : h.eps * root;
  },
  decoupled: () => true,
  twins: { f32, f64: { acprop } },
});

export function acprop(n: number, p: Reals, g: Reals, m: Reals, s: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = m[i];
    const si = s[i];
    const ei = sub(gi, mi);
    m[i] = lerp(mi, gi, w1);
    s[i] = add(add(mul(b2, si), mul(mul(w2, ei), ei)), root);
    p[i] = sub(mul(keep, p[i]), div(mul(step, gi), add(sqrt(si), eps)));
  }
}
