import { cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adopt.js";
import { pow } from "../math.js";
import { add, div, lerp, max, min, mul, type Reals, sqrt, square, sub } from "../real.js";

/**
 * ADOPT: Adam that divides by the second moment of the step before, and so converges with any beta2; its first step only
 * measures.
 *
 * @remarks Use it where Adam is unstable, with beta2 near 1.
 * @option eps the least that the root of the second moment is
 * @see Taniguchi et al., 2024, ADOPT: Modified Adam Can Converge with Any β2 with the Optimal Rate (arXiv 2411.02853)
 */
export const ADOPT = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "ADOPT",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.9999,
    eps: 1e-6,
    clip: 0.25,
    clipping: true,
    nesterov: false,
    decoupled: false,
    cautious: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: {} },
  state: () => ({ m: 0, v: 0 }),
  kernel: (h) => (h.nesterov ? "adoptNesterov" : "adopt"),
  kernelAt: (_h, t, kernel) => (t === 1 ? "adoptStart" : kernel),
  scalars(s, h, t) {
    // the ratio is held below k^clip at step k + 1
    const bound = h.clipping && t > 1 ? pow(t - 1, h.clip) : Infinity;
    s[0] = h.decoupled && t > 1 ? 1 - h.lr * h.weightDecay : 1;
    s[1] = h.lr;
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.eps;
    s[6] = -bound;
    s[7] = bound;
  },
  decoupled: (h) => h.decoupled,
  twins: { f32, f64: { adopt, adoptNesterov, adoptStart } },
});

export function adopt(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const eps = h[5];
  const low = h[6];
  const high = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = v[i];
    const ratio = min(max(div(gi, max(sqrt(vi), eps)), low), high);
    const mi = lerp(m[i], ratio, w1);
    m[i] = mi;
    v[i] = add(mul(b2, vi), mul(mul(w2, gi), gi));
    p[i] = sub(mul(keep, p[i]), mul(lr, mi));
  }
}

export function adoptNesterov(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const eps = h[5];
  const low = h[6];
  const high = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = v[i];
    const ratio = min(max(div(gi, max(sqrt(vi), eps)), low), high);
    const mi = lerp(m[i], ratio, w1);
    m[i] = mi;
    v[i] = add(mul(b2, vi), mul(mul(w2, gi), gi));
    p[i] = sub(mul(keep, p[i]), mul(lr, lerp(mi, ratio, w1)));
  }
}

export function adoptStart(n: number, _p: Reals, g: Reals, _m: Reals, v: Reals, _h: Reals): void {
  for (let i = 0; i < n; i++) {
    v[i] = square(g[i]);
  }
}
