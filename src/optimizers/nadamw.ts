import { cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/nadamw.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * NAdamW: AdamW that steps along the momentum of the next step. Dozat, 2016, as in the AlgoPerf benchmark and timm. Use it where
 * AdamW is used and the last bit of speed counts.
 */
export const NAdamW = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "NAdamW",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2, cautious: false },
  ranges: { lr: [0, Infinity], beta1: [0, 1], beta2: [0, 1], eps: [0, Infinity] },
  state: () => ({ m: 0, v: 0 }),
  kernel: () => "nadamw",
  scalars(s, h, t) {
    const root = Math.sqrt(1 - power(h.beta2, t));
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = (h.lr / (1 - power(h.beta1, t))) * root;
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.eps * root;
  },
  decoupled: () => true,
  twins: { f32, f64: { nadamw } },
});

export function nadamw(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const eps = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const ahead = lerp(mi, gi, w1);
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(mul(step, ahead), add(sqrt(vi), eps)));
  }
}
