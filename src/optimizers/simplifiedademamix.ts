import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/simplifiedademamix.js";
import { power } from "../power.js";
import { add, div, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * Simplified AdEMAMix: one slow sum of the gradients, and the gradient itself in place of AdEMAMix's fast average.
 *
 * @remarks Use it with small batches, `alpha: 0`, and with large ones, a larger `alpha`; m is a sum, so that the rate is about
 * 1 - beta1 times Adam's.
 * @option alpha how much the gradient counts beside the slow sum
 * @option beta1 how much of the sum of gradients a step keeps
 * @see Morwani et al., 2025, Connections between Schedule-Free Optimizers, AdEMAMix, and Accelerated SGD Variants (arXiv 2502.02431)
 */
export const SimplifiedAdEMAMix = /* @__PURE__ */ defineOptimizer({
  name: "SimplifiedAdEMAMix",
  defaults: { lr: 1e-5, beta1: 0.99, beta2: 0.95, alpha: 0, eps: 1e-8, epsRoot: 0 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { optax: {} },
  state: () => ({ m: 0, v: 0 }),
  kernel: () => "simplifiedademamix",
  scalars(s, h, t) {
    const c2 = 1 - power(h.beta2, t);
    const root = Math.sqrt(c2);
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = h.lr * root;
    // where alpha is 0 and the gradient infinite, so is v, and the step is NaN anyway
    s[2] = h.lr * h.alpha * root;
    s[3] = h.beta1;
    s[4] = h.beta2;
    s[5] = 1 - h.beta2;
    s[6] = h.epsRoot * c2;
    s[7] = h.eps * root;
  },
  decoupled: () => true,
  twins: { f32, f64: { simplifiedademamix } },
});

export function simplifiedademamix(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const momentumStep = h[1];
  const gradientStep = h[2];
  const b1 = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const root = h[6];
  const eps = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = add(mul(b1, m[i]), gi);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const step = add(mul(momentumStep, mi), mul(gradientStep, gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(step, denominator));
  }
}
