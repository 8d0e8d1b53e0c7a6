import { defineOptimizer } from "../define.js";
import { adam as adamF32 } from "../generated/f32/optimizers/adam.js";
import { nadam as nadamF32 } from "../generated/f32/optimizers/nadam.js";
import { radamAhead as aheadF32, radamUnrectified as unrectifiedF32 } from "../generated/f32/optimizers/radam.js";
import { power } from "../power.js";
import { add, lerp, mul, type Reals, sub } from "../real.js";
import type { Convention } from "../rule.js";
import { adam } from "./adam.js";
import { nadam } from "./nadam.js";

/**
 * RAdam: Adam that goes without its second moment until that can be trusted.
 *
 * @remarks Use it in place of a warm-up.
 * @see Liu et al., 2019, On the Variance of the Adaptive Learning Rate and Beyond (arXiv 1908.03265)
 */
export const RAdam = /* @__PURE__ */ defineOptimizer({
  name: "RAdam",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    epsRoot: 0,
    threshold: 5,
    nesterov: false,
    decoupled: false,
  },
  ranges: {
    beta1: [0, 1],
    beta2: [0, 1],
    // below 4 there is no rectification
    threshold: [4, Infinity],
  },
  conventions: { torch: {}, optax: {} },
  state: () => ({ m: 0, v: 0 }),
  kernel: (h) => (h.nesterov ? "nadam" : "adam"),
  kernelAt(h, t, kernel) {
    if (isRectified(h, averageLength(h.beta2, t, power(h.beta2, t)))) return kernel;
    return h.nesterov ? "radamAhead" : "radamUnrectified";
  },
  scalars(s, h, t) {
    const left1 = power(h.beta1, t);
    const left2 = power(h.beta2, t);
    const root = Math.sqrt(1 - left2);
    const length = averageLength(h.beta2, t, left2);
    const rate = h.lr * (isRectified(h, length) ? rectification(h.beta2, length) * root : 1);
    const ahead = h.nesterov ? h.beta1 : 1;
    s[0] = 1 - h.lr * (h.decoupled ? h.weightDecay : 0);
    s[1] = (rate * ahead) / (1 - left1 * ahead);
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.epsRoot * (1 - left2);
    // PyTorch adds eps to the root of the second moment that is not corrected
    s[6] = h.eps * (h.convention === "torch" ? 1 : root);
    s[7] = (rate * (1 - h.beta1)) / (1 - left1);
  },
  decoupled: (h) => h.decoupled,
  twins: {
    f32: { adam: adamF32, nadam: nadamF32, radamUnrectified: unrectifiedF32, radamAhead: aheadF32 },
    f64: { adam, nadam, radamUnrectified, radamAhead },
  },
});

/** The length of the approximated simple moving average at step t, when `left` is beta2^t. */
export function averageLength(beta2: number, t: number, left: number): number {
  return limitLength(beta2) - (2 * t * left) / (1 - left);
}

/** The same after many steps. */
function limitLength(beta2: number): number {
  return 2 / (1 - beta2) - 1;
}

function isRectified(h: { threshold: number; convention: Convention }, length: number): boolean {
  return h.convention === "optax" ? length >= h.threshold : length > h.threshold;
}

/** The variance rectification of an average of that length. */
export function rectification(beta2: number, length: number): number {
  const limit = limitLength(beta2);
  return Math.sqrt(((length - 4) * (length - 2) * limit) / ((limit - 4) * (limit - 2) * length));
}

export function radamUnrectified(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    m[i] = mi;
    v[i] = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    p[i] = sub(mul(keep, p[i]), mul(step, mi));
  }
}

export function radamAhead(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const momentumStep = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const gradientStep = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    m[i] = mi;
    v[i] = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    p[i] = sub(mul(keep, p[i]), add(mul(gradientStep, gi), mul(momentumStep, mi)));
  }
}
