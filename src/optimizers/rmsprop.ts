import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/rmsprop.js";
import { add, div, lerp, mul, type Reals, sqrt, square, sub } from "../real.js";

/**
 * RMSprop: the gradient over a moving root mean square of itself.
 *
 * @remarks Use it for recurrent networks and reinforcement learning. TensorFlow's form, `RMSpropTF` in timm, is `alpha: 0.9, eps: 0,
 * epsRoot: 1e-10, initialAccumulator: 1, lrInMomentum: true`.
 * @see Tieleman and Hinton, 2012, Neural Networks for Machine Learning, lecture 6.5
 */
export const RMSprop = /* @__PURE__ */ defineOptimizer({
  name: "RMSprop",
  defaults: {
    lr: 1e-2,
    alpha: 0.99,
    eps: 1e-8,
    epsRoot: 0,
    initialAccumulator: 0,
    momentum: 0,
    lrInMomentum: false,
    centered: false,
    decoupled: false,
  },
  ranges: {
    lr: [0, Infinity],
    alpha: [0, 1],
    eps: [0, Infinity],
    epsRoot: [0, Infinity],
    initialAccumulator: [0, Infinity],
    momentum: [0, Infinity],
  },
  state: (h) => ({ v: h.initialAccumulator, ...(h.centered && { mg: 0 }), ...(h.momentum !== 0 && { buf: 0 }) }),
  kernel: (h) => `rmsprop${h.centered ? "Centered" : ""}${h.momentum !== 0 ? "Momentum" : ""}`,
  scalars(s, h) {
    s[0] = 1 - h.lr * (h.decoupled ? h.weightDecay : 0);
    s[1] = h.lr;
    s[2] = h.alpha;
    s[3] = 1 - h.alpha;
    s[4] = h.epsRoot;
    s[5] = h.eps;
    s[6] = h.momentum;
    s[7] = h.lrInMomentum ? h.lr : 1;
    s[8] = h.lrInMomentum ? 1 : h.lr;
  },
  decoupled: (h) => h.decoupled,
  twins: { f32, f64: { rmsprop, rmspropMomentum, rmspropCentered, rmspropCenteredMomentum } },
});

export function rmsprop(n: number, p: Reals, g: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const alpha = h[2];
  const w = h[3];
  const root = h[4];
  const eps = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(mul(lr, gi), denominator));
  }
}

export function rmspropMomentum(n: number, p: Reals, g: Reals, v: Reals, buf: Reals, h: Reals): void {
  const keep = h[0];
  const alpha = h[2];
  const w = h[3];
  const root = h[4];
  const eps = h[5];
  const mu = h[6];
  const inner = h[7];
  const outer = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const bi = add(mul(mu, buf[i]), div(mul(inner, gi), denominator));
    v[i] = vi;
    buf[i] = bi;
    p[i] = sub(mul(keep, p[i]), mul(outer, bi));
  }
}

export function rmspropCentered(n: number, p: Reals, g: Reals, v: Reals, mg: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const alpha = h[2];
  const w = h[3];
  const root = h[4];
  const eps = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, square(mi)), root)), eps);
    v[i] = vi;
    mg[i] = mi;
    p[i] = sub(mul(keep, p[i]), div(mul(lr, gi), denominator));
  }
}

export function rmspropCenteredMomentum(
  n: number,
  p: Reals,
  g: Reals,
  v: Reals,
  mg: Reals,
  buf: Reals,
  h: Reals,
): void {
  const keep = h[0];
  const alpha = h[2];
  const w = h[3];
  const root = h[4];
  const eps = h[5];
  const mu = h[6];
  const inner = h[7];
  const outer = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, square(mi)), root)), eps);
    const bi = add(mul(mu, buf[i]), div(mul(inner, gi), denominator));
    v[i] = vi;
    mg[i] = mi;
    buf[i] = bi;
    p[i] = sub(mul(keep, p[i]), mul(outer, bi));
  }
}
