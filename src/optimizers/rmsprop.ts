import { cautiousConflict, cautiously } from "../cautiously.js";
import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/rmsprop.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, square, sub } from "../real.js";

/**
 * RMSprop: the gradient over a moving root mean square of itself.
 *
 * @remarks Use it for recurrent networks and reinforcement learning, where gradients keep changing their size.
 * @option alpha how much of the average of squared gradients a step keeps
 * @option eps what keeps a division by 0 away: added to the root, but under it where the convention is not "torch"
 * @see Tieleman and Hinton, 2012, Neural Networks for Machine Learning, lecture 6.5
 */
export const RMSprop = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "RMSprop",
  defaults: {
    lr: 1e-2,
    alpha: 0.99,
    eps: 1e-8,
    epsRoot: 0,
    momentum: 0,
    initialAccumulator: 0,
    nesterov: false,
    centered: false,
    biasCorrection: false,
    decoupled: false,
    cautious: false,
  },
  ranges: { alpha: [0, 1] },
  conventions: {
    torch: {},
    optax: { alpha: 0.9 },
    keras: { lr: 1e-3, alpha: 0.9, eps: 1e-7 },
    tfjs: { alpha: 0.9, eps: 1e-7 },
  },
  state: (h) => ({ v: h.initialAccumulator, ...(h.centered && { mg: 0 }), ...(h.momentum !== 0 && { buf: 0 }) }),
  kernel(h) {
    const momentum = h.momentum === 0 ? "" : h.nesterov ? "Nesterov" : "Momentum";
    return `rmsprop${h.centered ? "Centered" : ""}${momentum}`;
  },
  scalars(s, h, t) {
    // PyTorch adds eps to the root, and keeps the rate out of the buffer; the others add it under the root, and keep the rate in
    const torch = h.convention === "torch" ? 1 : 0;
    const c = h.biasCorrection ? 1 - power(h.alpha, t) : 1;
    const root = Math.sqrt(c);
    s[0] = h.lr * root;
    s[1] = h.alpha;
    s[2] = 1 - h.alpha;
    s[3] = (h.epsRoot + h.eps * (1 - torch)) * c;
    s[4] = h.eps * torch * root;
    s[5] = 1 / c;
    s[6] = h.momentum;
    s[7] = torch ? root : h.lr * root;
    s[8] = torch ? h.lr : 1;
  },
  conflict(h) {
    if (h.nesterov && h.momentum === 0) return "nesterov needs momentum > 0, got momentum 0";
    if (h.centered && h.convention === "tfjs") {
      return (
        'centered must be false under convention "tfjs", which subtracts eps from the variance and gives NaN; ' +
        'convention "keras" adds it, got centered true'
      );
    }
    return cautiousConflict(h);
  },
  twins: {
    f32,
    f64: {
      rmsprop,
      rmspropMomentum,
      rmspropNesterov,
      rmspropCentered,
      rmspropCenteredMomentum,
      rmspropCenteredNesterov,
    },
  },
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
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const mu = h[6];
  const rate = h[7];
  const step = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, buf[i]), ui);
    v[i] = vi;
    buf[i] = bi;
    p[i] = sub(p[i], mul(step, bi));
  }
}

export function rmspropNesterov(n: number, p: Reals, g: Reals, v: Reals, buf: Reals, h: Reals): void {
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const mu = h[6];
  const rate = h[7];
  const step = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, buf[i]), ui);
    v[i] = vi;
    buf[i] = bi;
    p[i] = sub(p[i], mul(step, add(ui, mul(mu, bi))));
  }
}

export function rmspropCentered(n: number, p: Reals, g: Reals, v: Reals, mg: Reals, h: Reals): void {
  const lr = h[0];
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const share = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, mul(share, square(mi))), root)), eps);
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
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const share = h[5];
  const mu = h[6];
  const rate = h[7];
  const step = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, mul(share, square(mi))), root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, buf[i]), ui);
    v[i] = vi;
    mg[i] = mi;
    buf[i] = bi;
    p[i] = sub(p[i], mul(step, bi));
  }
}

export function rmspropCenteredNesterov(
  n: number,
  p: Reals,
  g: Reals,
  v: Reals,
  mg: Reals,
  buf: Reals,
  h: Reals,
): void {
  const alpha = h[1];
  const w = h[2];
  const root = h[3];
  const eps = h[4];
  const share = h[5];
  const mu = h[6];
  const rate = h[7];
  const step = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(alpha, v[i]), mul(mul(w, gi), gi));
    const mi = lerp(mg[i], gi, w);
    const denominator = add(sqrt(add(sub(vi, mul(share, square(mi))), root)), eps);
    const ui = div(mul(rate, gi), denominator);
    const bi = add(mul(mu, buf[i]), ui);
    v[i] = vi;
    mg[i] = mi;
    buf[i] = bi;
    p[i] = sub(p[i], mul(step, add(ui, mul(mu, bi))));
  }
}
