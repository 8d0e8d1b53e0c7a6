import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adabelief.js";
import { power } from "../power.js";
import { add, all, div, lerp, less, max, mul, type Reals, sqrt, sub, where } from "../real.js";
import type { Values } from "../rule.js";
import { averageLength, rectification } from "./radam.js";

/**
 * AdaBelief: Adam whose second moment is that of the gradient's distance from its own moving average.
 *
 * @remarks Use it where Adam trains fast but SGD generalizes better. `epsRoot` adds up in `s`; the authors' and timm's one `eps`
 * is both, and optax's rule is `rectify: false`.
 * @option epsRoot added to the second moment at each step, so that it adds up
 * @see Zhuang et al., 2020, AdaBelief Optimizer: Adapting Stepsizes by the Belief in Observed Gradients (arXiv 2010.07468)
 */
export const AdaBelief = /* @__PURE__ */ defineOptimizer({
  name: "AdaBelief",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-16,
    epsRoot: 1e-16,
    decoupled: true,
    fixedDecay: false,
    rectify: true,
    degeneratedToSgd: true,
    amsgrad: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: { rectify: false } },
  state: (h) => ({ m: 0, s: 0, ...(hasMaximum(h) && { smax: 0 }) }),
  kernel: (h) => (hasMaximum(h) ? "adabeliefAmsgrad" : "adabelief"),
  kernelAt(h, t, kernel) {
    return h.rectify && averageLength(h.beta2, t, power(h.beta2, t)) < 5 ? "adabeliefUnrectified" : kernel;
  },
  scalars(s, h, t) {
    const step = h.lr / (1 - power(h.beta1, t));
    const left2 = power(h.beta2, t);
    const root = Math.sqrt(1 - left2);
    const length = averageLength(h.beta2, t, left2);
    const decay = h.fixedDecay ? h.weightDecay : h.lr * h.weightDecay;
    s[0] = h.decoupled ? 1 - decay : 1;
    if (!h.rectify) s[1] = step * root;
    else if (length >= 5) s[1] = step * rectification(h.beta2, length) * root;
    else s[1] = h.degeneratedToSgd ? step : 0;
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.epsRoot;
    s[6] = h.rectify ? h.eps : h.eps * root;
  },
  decoupled: (h) => h.decoupled,
  twins: { f32, f64: { adabelief, adabeliefAmsgrad, adabeliefUnrectified } },
});

/** Whether the maximum of s is kept: the authors' rectified step does without it. */
function hasMaximum(h: Values<{ amsgrad: boolean; rectify: boolean }>): boolean {
  return h.amsgrad && !h.rectify;
}

export function adabelief(n: number, p: Reals, g: Reals, m: Reals, s: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const ei = sub(gi, mi);
    const si = add(add(mul(b2, s[i]), mul(mul(w2, ei), ei)), root);
    m[i] = mi;
    s[i] = si;
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), add(sqrt(si), eps)));
  }
}

export function adabeliefAmsgrad(n: number, p: Reals, g: Reals, m: Reals, s: Reals, smax: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const ei = sub(gi, mi);
    const si = add(add(mul(b2, s[i]), mul(mul(w2, ei), ei)), root);
    const ui = max(si, smax[i]);
    m[i] = mi;
    s[i] = si;
    smax[i] = ui;
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), add(sqrt(ui), eps)));
  }
}

export function adabeliefUnrectified(n: number, p: Reals, g: Reals, m: Reals, s: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const zero = all(0);
  const moves = less(zero, step);
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const ei = sub(gi, mi);
    m[i] = mi;
    s[i] = add(add(mul(b2, s[i]), mul(mul(w2, ei), ei)), root);
    p[i] = sub(mul(keep, p[i]), where(moves, mul(step, mi), zero));
  }
}
