import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adamax.js";
import { power } from "../power.js";
import { abs, add, div, lerp, max, mul, type Reals, sub } from "../real.js";

/** Adamax: Adam with the infinity norm of past gradients. Kingma and Ba, 2014 (arXiv 1412.6980), algorithm 2. */
export const Adamax = /* @__PURE__ */ defineOptimizer({
  name: "Adamax",
  defaults: { lr: 2e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, biasCorrection: true },
  ranges: { lr: [0, Infinity], beta1: [0, 1], beta2: [0, 1], eps: [0, Infinity] },
  state: () => ({ m: 0, u: 0 }),
  kernel: () => "adamax",
  scalars(s, h, t) {
    s[0] = h.biasCorrection ? h.lr / (1 - power(h.beta1, t)) : h.lr;
    s[1] = 1 - h.beta1;
    s[2] = h.beta2;
    s[3] = h.eps;
  },
  twins: { f32, f64: { adamax } },
});

export function adamax(n: number, p: Reals, g: Reals, m: Reals, u: Reals, h: Reals): void {
  const step = h[0];
  const w1 = h[1];
  const b2 = h[2];
  const eps = h[3];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const ui = max(add(abs(gi), eps), mul(b2, u[i]));
    m[i] = mi;
    u[i] = ui;
    p[i] = sub(p[i], div(mul(step, mi), ui));
  }
}
