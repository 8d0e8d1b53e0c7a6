import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adamax.js";
import { power } from "../power.js";
import { abs, add, div, lerp, max, mul, type Reals, sub } from "../real.js";

/**
 * Adamax: Adam with the infinity norm of past gradients.
 *
 * @remarks Use it for embeddings, whose gradients come rarely.
 * @option beta2 how much of the largest gradient so far a step keeps
 * @option eps what keeps a division by 0 away: added to |g|, but to the maximum under "keras" and "tfjs"
 * @see Kingma and Ba, 2014, Adam: A Method for Stochastic Optimization (arXiv 1412.6980)
 */
export const Adamax = /* @__PURE__ */ defineOptimizer({
  name: "Adamax",
  defaults: { lr: 2e-3, lrDecay: 0, beta1: 0.9, beta2: 0.999, eps: 1e-8, decoupled: false, biasCorrection: true },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: {}, keras: { lr: 1e-3, eps: 1e-7 }, tfjs: { eps: 1e-7 } },
  state: () => ({ m: 0, u: 0 }),
  kernel: () => "adamax",
  scalars(s, h, t) {
    // eps guards the division in Keras and TensorFlow.js, and |g| in the others
    const divides = h.convention === "keras" || h.convention === "tfjs" ? 1 : 0;
    const c1 = h.biasCorrection ? 1 - power(h.beta1, t) : 1;
    s[0] = h.lr / (1 + (t - 1) * h.lrDecay) / c1;
    s[1] = 1 - h.beta1;
    s[2] = h.beta2;
    s[3] = h.eps * (1 - divides);
    s[4] = h.eps * divides;
  },
  twins: { f32, f64: { adamax } },
});

export function adamax(n: number, p: Reals, g: Reals, m: Reals, u: Reals, h: Reals): void {
  const step = h[0];
  const w1 = h[1];
  const b2 = h[2];
  const floor = h[3];
  const eps = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const ui = max(add(abs(gi), floor), mul(b2, u[i]));
    m[i] = mi;
    u[i] = ui;
    p[i] = sub(p[i], div(mul(step, mi), add(ui, eps)));
  }
}
