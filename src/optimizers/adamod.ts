import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adamod.js";
import { power } from "../power.js";
import { add, div, lerp, min, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * AdaMod: Adam whose rates are held below their own moving average.
 *
 * @remarks Use it without a warm-up.
 * @option beta3 how much of the average of rates a step keeps
 * @see Ding et al., 2019, An Adaptive and Momental Bound Method for Stochastic Learning (arXiv 1910.12249)
 */
export const AdaMod = /* @__PURE__ */ defineOptimizer({
  name: "AdaMod",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, beta3: 0.999, eps: 1e-8 },
  ranges: { beta1: [0, 1], beta2: [0, 1], beta3: [0, 1] },
  state: () => ({ m: 0, v: 0, e: 0 }),
  kernel: () => "adamod",
  scalars(s, h, t) {
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = (h.lr * Math.sqrt(1 - power(h.beta2, t))) / (1 - power(h.beta1, t));
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = 1 - h.beta3;
    s[6] = h.eps;
  },
  decoupled: () => true,
  twins: { f32, f64: { adamod } },
});

export function adamod(n: number, p: Reals, g: Reals, m: Reals, v: Reals, e: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const w3 = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const size = div(step, add(sqrt(vi), eps));
    const ei = lerp(e[i], size, w3);
    m[i] = mi;
    v[i] = vi;
    e[i] = ei;
    p[i] = sub(mul(keep, p[i]), mul(min(size, ei), mi));
  }
}
