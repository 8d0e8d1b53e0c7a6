import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/radam.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * RAdam: Adam that goes without its second moment until that can be trusted. Liu et al., 2019 (arXiv 1908.03265). Use it in place
 * of a warm-up.
 */
export const RAdam = /* @__PURE__ */ defineOptimizer({
  name: "RAdam",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, decoupled: false },
  ranges: { lr: [0, Infinity], beta1: [0, 1], beta2: [0, 1], eps: [0, Infinity] },
  state: () => ({ m: 0, v: 0 }),
  kernel: () => "radam",
  kernelAt: (h, t) => (isRectified(h.beta2, t) ? "radam" : "radamUnrectified"),
  scalars(s, h, t) {
    const step = h.lr / (1 - power(h.beta1, t));
    s[0] = 1 - h.lr * (h.decoupled ? h.weightDecay : 0);
    s[1] = isRectified(h.beta2, t) ? step * rectification(h.beta2, t) : step;
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.eps;
  },
  decoupled: (h) => h.decoupled,
  twins: { f32, f64: { radam, radamUnrectified } },
});

/** The length of the approximated simple moving average at step t, and in the limit. */
export function averageLength(beta2: number, t: number): number {
  const power2 = power(beta2, t);
  return limitLength(beta2) - (2 * t * power2) / (1 - power2);
}

function limitLength(beta2: number): number {
  return 2 / (1 - beta2) - 1;
}

function isRectified(beta2: number, t: number): boolean {
  return averageLength(beta2, t) > 5;
}

/** The variance rectification, times the bias correction of sqrt(v). */
export function rectification(beta2: number, t: number): number {
  const rho = averageLength(beta2, t);
  const limit = limitLength(beta2);
  const r = Math.sqrt(((rho - 4) * (rho - 2) * limit) / ((limit - 4) * (limit - 2) * rho));
  return r * Math.sqrt(1 - power(beta2, t));
}

export function radam(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
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
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), add(sqrt(vi), eps)));
  }
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
