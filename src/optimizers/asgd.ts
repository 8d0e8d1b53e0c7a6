import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/asgd.js";
import { pow } from "../math.js";
import { lerp, mul, type Reals, sub } from "../real.js";

/**
 * ASGD: descent whose rate falls, with the average of the weights in `ax`.
 *
 * @remarks Use it for convex problems, and take the average, which begins at step `t0`.
 * @option alpha the power with which the rate falls
 * @see Polyak and Juditsky, 1992, Acceleration of Stochastic Approximation by Averaging
 */
export const ASGD = /* @__PURE__ */ defineOptimizer({
  name: "ASGD",
  defaults: { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6 },
  state: () => ({ ax: 0 }),
  // the rate of the next step: zero before the first, which takes lr itself
  memory: () => ({ eta: 0 }),
  kernel: () => "asgd",
  kernelAt: (h, t) => (averageShare(h.t0, t) === 1 ? "asgdStart" : "asgd"),
  scalars(s, h, t, memory) {
    const eta = t === 1 ? h.lr : memory.eta;
    s[0] = 1 - h.lambd * eta;
    s[1] = eta;
    s[2] = averageShare(h.t0, t);
    memory.eta = h.lr / pow(1 + h.lambd * h.lr * t, h.alpha);
  },
  twins: { f32, f64: { asgd, asgdStart } },
});

/** How far the average moves towards the weights at step t. */
function averageShare(t0: number, t: number): number {
  return 1 / Math.max(1, t - 1 - t0);
}

export function asgd(n: number, p: Reals, g: Reals, ax: Reals, h: Reals): void {
  const keep = h[0];
  const eta = h[1];
  const mu = h[2];
  for (let i = 0; i < n; i++) {
    const pi = sub(mul(keep, p[i]), mul(eta, g[i]));
    p[i] = pi;
    ax[i] = lerp(ax[i], pi, mu);
  }
}

export function asgdStart(n: number, p: Reals, g: Reals, ax: Reals, h: Reals): void {
  const keep = h[0];
  const eta = h[1];
  for (let i = 0; i < n; i++) {
    const pi = sub(mul(keep, p[i]), mul(eta, g[i]));
    p[i] = pi;
    ax[i] = pi;
  }
}
