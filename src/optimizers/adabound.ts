import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adabound.js";
import { power } from "../power.js";
import { add, div, lerp, max, min, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * AdaBound: Adam whose rates are drawn into a narrowing band around `finalLr`.
 *
 * @remarks Use it to start as Adam and end as SGD.
 * @option gamma how fast the band around `finalLr` narrows
 * @see Luo et al., 2019, Adaptive Gradient Methods with Dynamic Bound of Learning Rate (arXiv 1902.09843)
 */
export const AdaBound = /* @__PURE__ */ defineOptimizer({
  name: "AdaBound",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, finalLr: 0.1, gamma: 1e-3, amsbound: false },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  state: (h) => ({ m: 0, v: 0, ...(h.amsbound && { vmax: 0 }) }),
  // the rate at the start: the band moves with the rate, unless that rises from 0
  memory: (h) => ({ firstLr: h.lr }),
  kernel: (h) => (h.amsbound ? "adaboundAmsbound" : "adabound"),
  scalars(s, h, t, memory) {
    const final = memory.firstLr === 0 ? h.finalLr : h.finalLr * (h.lr / memory.firstLr);
    s[0] = (h.lr * Math.sqrt(1 - power(h.beta2, t))) / (1 - power(h.beta1, t));
    s[1] = 1 - h.beta1;
    s[2] = h.beta2;
    s[3] = 1 - h.beta2;
    s[4] = h.eps;
    s[5] = final * (1 - 1 / (h.gamma * t + 1));
    s[6] = final * (1 + 1 / (h.gamma * t));
  },
  twins: { f32, f64: { adabound, adaboundAmsbound } },
});

export function adabound(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const step = h[0];
  const w1 = h[1];
  const b2 = h[2];
  const w2 = h[3];
  const eps = h[4];
  const low = h[5];
  const high = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const size = min(max(div(step, add(sqrt(vi), eps)), low), high);
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(p[i], mul(size, mi));
  }
}

export function adaboundAmsbound(n: number, p: Reals, g: Reals, m: Reals, v: Reals, vmax: Reals, h: Reals): void {
  const step = h[0];
  const w1 = h[1];
  const b2 = h[2];
  const w2 = h[3];
  const eps = h[4];
  const low = h[5];
  const high = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const ui = max(vi, vmax[i]);
    const size = min(max(div(step, add(sqrt(ui), eps)), low), high);
    m[i] = mi;
    v[i] = vi;
    vmax[i] = ui;
    p[i] = sub(p[i], mul(size, mi));
  }
}
