import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/nadam.js";
import { pow } from "../math.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * NAdam: Adam with Nesterov's momentum, warmed up by a schedule of its own. Dozat, 2016. Use it where Adam with momentum that
 * looks ahead settles faster.
 */
export const NAdam = /* @__PURE__ */ defineOptimizer({
  name: "NAdam",
  defaults: { lr: 2e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, momentumDecay: 4e-3, decoupled: false },
  ranges: {
    lr: [0, Infinity],
    beta1: [0, 1],
    beta2: [0, 1],
    eps: [0, Infinity],
    momentumDecay: [0, Infinity],
  },
  state: () => ({ m: 0, v: 0 }),
  memory: () => ({ muProduct: 1 }),
  kernel: () => "nadam",
  scalars(s, h, t, memory) {
    const mu = h.beta1 * (1 - 0.5 * pow(0.96, t * h.momentumDecay));
    const next = h.beta1 * (1 - 0.5 * pow(0.96, (t + 1) * h.momentumDecay));
    memory.muProduct *= mu;
    s[0] = 1 - h.lr * (h.decoupled ? h.weightDecay : 0);
    s[1] = (h.lr * (1 - mu)) / (1 - memory.muProduct);
    s[2] = (h.lr * next) / (1 - memory.muProduct * next);
    s[3] = 1 - h.beta1;
    s[4] = h.beta2;
    s[5] = 1 - h.beta2;
    s[6] = 1 / Math.sqrt(1 - power(h.beta2, t));
    s[7] = h.eps;
  },
  decoupled: (h) => h.decoupled,
  twins: { f32, f64: { nadam } },
});

export function nadam(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const gradientStep = h[1];
  const momentumStep = h[2];
  const w1 = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const c2 = h[6];
  const eps = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const denominator = add(mul(c2, sqrt(vi)), eps);
    const step = add(mul(gradientStep, gi), mul(momentumStep, mi));
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(step, denominator));
  }
}
