import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/rmsprop.js";
import { add, div, lerp, mul, type Reals, sqrt, square, sub } from "../real.js";

/** RMSprop: the gradient over a moving root mean square of itself. Tieleman and Hinton, 2012, lecture 6.5. */
export const RMSprop = /* @__PURE__ */ defineOptimizer({
  name: "RMSprop",
  defaults: { lr: 1e-2, alpha: 0.99, eps: 1e-8, epsRoot: 0, momentum: 0, centered: false },
  ranges: {
    lr: [0, Infinity],
    alpha: [0, 1],
    eps: [0, Infinity],
    epsRoot: [0, Infinity],
    momentum: [0, Infinity],
  },
  state: (h) => ({ v: 0, ...(h.centered && { mg: 0 }), ...(h.momentum !== 0 && { buf: 0 }) }),
  kernel: (h) => `rmsprop${h.centered ? "Centered" : ""}${h.momentum !== 0 ? "Momentum" : ""}`,
  scalars(s, h) {
    s[0] = h.lr;
    s[1] = h.alpha;
    s[2] = 1 - h.alpha;
    s[3] = h.epsRoot;
    s[4] = h.eps;
    s[5] = h.momentum;
  },
  twins: { f32, f64: { rmsprop, rmspropMomentum, rmspropCentered, rmspropCenteredMomentum } },
});

export function rmsprop(n: number, p: Reals, g: Reals, v: Reals, h: Reals): void {
  const lr = h[0];
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    v[i] = vi;
    p[i] = sub(p[i], div(mul(lr, gi), denominator));
  }
}

export function rmspropMomentum(n: number, p: Reals, g: Reals, v: Reals, buf: Reals, h: Reals): void {
  const lr = h[0];
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const mu = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const bi = add(mul(mu, buf[i]), div(gi, denominator));
    v[i] = vi;
    buf[i] = bi;
    p[i] = sub(p[i], mul(lr, bi));
  }
}

export function rmspropCentered(n: number, p: Reals, g: Reals, v: Reals, mg: Reals, h: Reals): void {
  const lr = h[0];
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, square(mi)), root)), eps);
    v[i] = vi;
    mg[i] = mi;
    p[i] = sub(p[i], div(mul(lr, gi), denominator));
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
  const lr = h[0];
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const mu = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, square(mi)), root)), eps);
    const bi = add(mul(mu, buf[i]), div(gi, denominator));
    v[i] = vi;
    mg[i] = mi;
    buf[i] = bi;
    p[i] = sub(p[i], mul(lr, bi));
  }
}
