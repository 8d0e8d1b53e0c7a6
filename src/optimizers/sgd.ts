import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/sgd.js";
import { add, mul, type Reals, sub } from "../real.js";
import type { Values } from "../rule.js";

type SgdValues = Values<{ momentum: number; dampening: number; nesterov: boolean }>;

// What SGD and SGDW share.
export const sgdState = (h: SgdValues): Record<string, number> => (h.momentum === 0 ? {} : { buf: 0 });
export const sgdKernel = (h: SgdValues) => (h.momentum === 0 ? "sgd" : h.nesterov ? "sgdNesterov" : "sgdMomentum");
export const sgdConflict = (h: SgdValues) =>
  h.nesterov && (h.momentum === 0 || h.dampening !== 0)
    ? `nesterov needs momentum > 0 and dampening 0, got momentum ${h.momentum} and dampening ${h.dampening}`
    : undefined;

/**
 * SGD: stochastic gradient descent, with momentum as PyTorch writes it.
 *
 * @remarks Use it where the rate can be tuned, with momentum and a rate that falls.
 * @see Robbins and Monro, 1951, A Stochastic Approximation Method
 * @see Sutskever et al., 2013, On the Importance of Initialization and Momentum in Deep Learning
 */
export const SGD = /* @__PURE__ */ defineOptimizer({
  name: "SGD",
  defaults: { lr: 1e-3, momentum: 0, dampening: 0, nesterov: false },
  state: sgdState,
  kernel: sgdKernel,
  conventions: { torch: {}, optax: {}, keras: { lr: 1e-2 }, tfjs: {} },
  scalars(s, h, t) {
    // Keras keeps the step in the buffer, rate and sign included
    const keras = h.convention === "keras";
    // the first gradient enters the buffer whole
    const mix = t === 1 ? 1 : 1 - h.dampening;
    s[0] = h.lr;
    s[1] = h.momentum;
    s[2] = keras ? -h.lr * mix : mix;
    s[3] = keras ? -1 : h.lr;
  },
  conflict: sgdConflict,
  twins: { f32, f64: { sgd, sgdMomentum, sgdNesterov } },
});

export function sgd(n: number, p: Reals, g: Reals, h: Reals): void {
  const lr = h[0];
  for (let i = 0; i < n; i++) {
    p[i] = sub(p[i], mul(lr, g[i]));
  }
}

export function sgdMomentum(n: number, p: Reals, g: Reals, buf: Reals, h: Reals): void {
  const mu = h[1];
  const mix = h[2];
  const step = h[3];
  for (let i = 0; i < n; i++) {
    const bi = add(mul(mu, buf[i]), mul(mix, g[i]));
    buf[i] = bi;
    p[i] = sub(p[i], mul(step, bi));
  }
}

export function sgdNesterov(n: number, p: Reals, g: Reals, buf: Reals, h: Reals): void {
  const mu = h[1];
  const mix = h[2];
  const step = h[3];
  for (let i = 0; i < n; i++) {
    const gi = mul(mix, g[i]);
    const bi = add(mul(mu, buf[i]), gi);
    buf[i] = bi;
    p[i] = sub(p[i], mul(step, add(gi, mul(mu, bi))));
  }
}
