import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/madgrad.js";
import { add, cbrt, div, mul, type Reals, sub } from "../real.js";

/**
 * MADGRAD: dual averaging, steps from the starting point by all gradients so far over the cube root of their squares' sum.
 *
 * @remarks Use it where SGD generalizes better than Adam, with less weight decay than either; with `momentum: 0` where gradients are
 * sparse.
 * @option eps added to the cube root that is divided by, and to the rate
 * @option momentum how much of the parameters a step keeps; 0 for none
 * @see Defazio and Jelassi, 2021, Adaptivity without Compromise (arXiv 2101.11075)
 */
export const MADGRAD = /* @__PURE__ */ defineOptimizer({
  name: "MADGRAD",
  defaults: { lr: 1e-2, momentum: 0.9, eps: 1e-6, decoupled: false },
  ranges: { momentum: [0, 1] },
  conventions: { torch: {}, optax: {} },
  state: (h) => ({ s: 0, q: 0, ...(h.momentum !== 0 && { x0: "params" }) }),
  kernel: (h) => (h.momentum === 0 ? "madgrad" : "madgradMomentum"),
  scalars(s, h, t) {
    s[0] = 1 - h.lr * (h.decoupled ? h.weightDecay : 0);
    s[1] = (h.lr + h.eps) * Math.sqrt(t);
    s[2] = h.eps;
    s[3] = h.momentum;
    s[4] = 1 - h.momentum;
  },
  decoupled: (h) => h.decoupled,
  twins: { f32, f64: { madgrad, madgradMomentum } },
});

export function madgrad(n: number, p: Reals, g: Reals, s: Reals, q: Reals, h: Reals): void {
  const keep = h[0];
  const lambda = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const sOld = s[i];
    const qOld = q[i];
    const start = add(mul(keep, p[i]), div(sOld, add(cbrt(qOld), eps)));
    const si = add(sOld, mul(lambda, gi));
    const qi = add(qOld, mul(mul(lambda, gi), gi));
    s[i] = si;
    q[i] = qi;
    p[i] = sub(start, div(si, add(cbrt(qi), eps)));
  }
}

export function madgradMomentum(n: number, p: Reals, g: Reals, s: Reals, q: Reals, x0: Reals, h: Reals): void {
  const keep = h[0];
  const lambda = h[1];
  const eps = h[2];
  const mu = h[3];
  const w = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const si = add(s[i], mul(lambda, gi));
    const qi = add(q[i], mul(mul(lambda, gi), gi));
    const zi = sub(x0[i], div(si, add(cbrt(qi), eps)));
    s[i] = si;
    q[i] = qi;
    p[i] = add(mul(mu, mul(keep, p[i])), mul(w, zi));
  }
}
