import { cautiousConflict, cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/sgdw.js";
import { add, mul, type Reals, sub } from "../real.js";
import { sgdConflict, sgdKernel, sgdState } from "./sgd.js";

/**
 * SGDW: SGD whose weight decay shrinks the weights, not the gradient.
 *
 * @remarks Use it where SGD has both momentum and decay.
 * @see Loshchilov and Hutter, 2017, Decoupled Weight Decay Regularization (arXiv 1711.05101)
 */
export const SGDW = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "SGDW",
  defaults: { lr: 1e-3, momentum: 0, dampening: 0, nesterov: false, cautious: false },
  state: sgdState,
  kernel: (h) => sgdKernel(h).replace("sgd", "sgdw"),
  scalars(s, h, t) {
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = h.lr;
    s[2] = h.momentum;
    s[3] = t === 1 ? 1 : 1 - h.dampening;
  },
  conflict: (h) => cautiousConflict(h) ?? sgdConflict(h),
  decoupled: () => true,
  twins: { f32, f64: { sgdw, sgdwMomentum, sgdwNesterov } },
});

export function sgdw(n: number, p: Reals, g: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  for (let i = 0; i < n; i++) {
    p[i] = sub(mul(keep, p[i]), mul(lr, g[i]));
  }
}

export function sgdwMomentum(n: number, p: Reals, g: Reals, buf: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const mu = h[2];
  const mix = h[3];
  for (let i = 0; i < n; i++) {
    const bi = add(mul(mu, buf[i]), mul(mix, g[i]));
    buf[i] = bi;
    p[i] = sub(mul(keep, p[i]), mul(lr, bi));
  }
}

export function sgdwNesterov(n: number, p: Reals, g: Reals, buf: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const mu = h[2];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const bi = add(mul(mu, buf[i]), gi);
    buf[i] = bi;
    p[i] = sub(mul(keep, p[i]), mul(lr, add(gi, mul(mu, bi))));
  }
}
