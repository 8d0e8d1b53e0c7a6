import { cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/laprop.js";
import { add, all, div, lerp, less, max, mul, type Reals, sqrt, square, sub, where } from "../real.js";

/** The steps before the mean of the gradients is trusted, in the centered form. */
const UNCENTERED = 10;

/**
 * LaProp: momentum of gradients that are each scaled first, where Adam scales the momentum.
 *
 * @remarks Use it where Adam is unstable, for beta1 and beta2 can be chosen apart from each other; `fixedDecay` takes the rate out
 * of the weight decay, as the authors' own version does.
 * @see Ziyin et al., 2020, LaProp: Separating Momentum and Adaptivity in Adam (arXiv 2002.04839)
 */
export const LaProp = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "LaProp",
  defaults: {
    lr: 4e-4,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-15,
    amsgrad: false,
    centered: false,
    fixedDecay: false,
    cautious: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  state: (h) => ({ m: 0, v: 0, ...(h.centered && { mg: 0 }), ...(h.amsgrad && { vmax: 0 }) }),
  // the moving average of the rates in m
  memory: () => ({ rate: 0, weight: 0 }),
  kernel: (h) => `laprop${h.centered ? "Centered" : ""}${h.amsgrad ? "Amsgrad" : ""}`,
  scalars(s, h, t, memory) {
    const rate = (1 - h.beta1) * h.lr;
    // averages of the rate and of 1, whose betas may change
    memory.rate = h.beta1 * memory.rate + rate;
    memory.weight = h.beta2 * memory.weight + (1 - h.beta2);
    const root = Math.sqrt(memory.weight);
    s[0] = 1 - (h.fixedDecay ? h.weightDecay : h.lr * h.weightDecay);
    s[1] = h.lr === 0 ? 1 : h.lr / memory.rate;
    s[2] = h.beta1;
    s[3] = rate * root;
    s[4] = h.beta2;
    s[5] = 1 - h.beta2;
    s[6] = h.eps * root;
    s[7] = t - UNCENTERED;
  },
  decoupled: () => true,
  twins: { f32, f64: { laprop, lapropAmsgrad, lapropCentered, lapropCenteredAmsgrad } },
});

export function laprop(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const b1 = h[2];
  const rate = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const mi = add(mul(b1, m[i]), div(mul(rate, gi), add(sqrt(vi), eps)));
    m[i] = mi;
    v[i] = vi;
    p[i] = mul(keep, sub(p[i], mul(step, mi)));
  }
}

export function lapropAmsgrad(n: number, p: Reals, g: Reals, m: Reals, v: Reals, vmax: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const b1 = h[2];
  const rate = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const ui = max(vi, vmax[i]);
    const mi = add(mul(b1, m[i]), div(mul(rate, gi), add(sqrt(ui), eps)));
    m[i] = mi;
    v[i] = vi;
    vmax[i] = ui;
    p[i] = mul(keep, sub(p[i], mul(step, mi)));
  }
}

export function lapropCentered(n: number, p: Reals, g: Reals, m: Reals, v: Reals, mg: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const b1 = h[2];
  const rate = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const eps = h[6];
  const centers = less(all(0), h[7]);
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const mean = lerp(mg[i], gi, w2);
    const ui = where(centers, sub(vi, square(mean)), vi);
    const mi = add(mul(b1, m[i]), div(mul(rate, gi), add(sqrt(ui), eps)));
    m[i] = mi;
    v[i] = vi;
    mg[i] = mean;
    p[i] = mul(keep, sub(p[i], mul(step, mi)));
  }
}

export function lapropCenteredAmsgrad(
  n: number,
  p: Reals,
  g: Reals,
  m: Reals,
  v: Reals,
  mg: Reals,
  vmax: Reals,
  h: Reals,
): void {
  const keep = h[0];
  const step = h[1];
  const b1 = h[2];
  const rate = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const eps = h[6];
  const centers = less(all(0), h[7]);
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const mean = lerp(mg[i], gi, w2);
    const old = vmax[i];
    const ui = where(centers, max(sub(vi, square(mean)), old), vi);
    const mi = add(mul(b1, m[i]), div(mul(rate, gi), add(sqrt(ui), eps)));
    m[i] = mi;
    v[i] = vi;
    mg[i] = mean;
    vmax[i] = where(centers, ui, old);
    p[i] = mul(keep, sub(p[i], mul(step, mi)));
  }
}
