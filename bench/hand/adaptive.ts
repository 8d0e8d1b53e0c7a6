// Hand-written JavaScript for the rules with a division: the bias correction is folded into the step and eps, so that one
// division and one square root are left. These bound the loop; unrolling, counting down, Math.fround and two short
// passes were tried and are not faster.
import type { Hyperparameters, Reals } from "../hand.js";

export function adagrad(p: Reals, g: Reals, h: Hyperparameters, t: number, s: Reals): void {
  const lr = h.lr / (1 + (t - 1) * h.lrDecay);
  const eps = h.eps;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const si = s[i] + gi * gi;
    s[i] = si;
    p[i] -= (lr * gi) / (Math.sqrt(si) + eps);
  }
}

export function adadelta(p: Reals, g: Reals, h: Hyperparameters, _t: number, s: Reals, d: Reals): void {
  const lr = h.lr;
  const rho = h.rho;
  const w = 1 - rho;
  const eps = h.eps;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const di = d[i];
    const si = rho * s[i] + w * gi * gi;
    // one square root for both: sqrt(a) / sqrt(b) = sqrt(a / b)
    const delta = Math.sqrt((di + eps) / (si + eps)) * gi;
    s[i] = si;
    d[i] = rho * di + w * delta * delta;
    p[i] -= lr * delta;
  }
}

export function rmsprop(p: Reals, g: Reals, h: Hyperparameters, _t: number, v: Reals): void {
  const lr = h.lr;
  const alpha = h.alpha;
  const w = 1 - alpha;
  const eps = h.eps;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = alpha * v[i] + w * gi * gi;
    v[i] = vi;
    p[i] -= (lr * gi) / (Math.sqrt(vi) + eps);
  }
}

export function rmspropDecay(p: Reals, g: Reals, h: Hyperparameters, _t: number, v: Reals): void {
  const lr = h.lr;
  const alpha = h.alpha;
  const w = 1 - alpha;
  const eps = h.eps;
  const decay = h.weightDecay;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i] + decay * p[i];
    const vi = alpha * v[i] + w * gi * gi;
    v[i] = vi;
    p[i] -= (lr * gi) / (Math.sqrt(vi) + eps);
  }
}

export function rmspropMomentum(p: Reals, g: Reals, h: Hyperparameters, _t: number, v: Reals, buf: Reals): void {
  const lr = h.lr;
  const alpha = h.alpha;
  const w = 1 - alpha;
  const eps = h.eps;
  const mu = h.momentum;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = alpha * v[i] + w * gi * gi;
    const bi = mu * buf[i] + gi / (Math.sqrt(vi) + eps);
    v[i] = vi;
    buf[i] = bi;
    p[i] -= lr * bi;
  }
}

export function rmspropCentered(p: Reals, g: Reals, h: Hyperparameters, _t: number, v: Reals, mg: Reals): void {
  const lr = h.lr;
  const alpha = h.alpha;
  const w = 1 - alpha;
  const eps = h.eps;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = alpha * v[i] + w * gi * gi;
    const mi = alpha * mg[i] + w * gi;
    v[i] = vi;
    mg[i] = mi;
    p[i] -= (lr * gi) / (Math.sqrt(vi - mi * mi) + eps);
  }
}

export function adam(p: Reals, g: Reals, h: Hyperparameters, t: number, m: Reals, v: Reals): void {
  const b1 = h.beta1;
  const b2 = h.beta2;
  const w1 = 1 - b1;
  const w2 = 1 - b2;
  const root = Math.sqrt(1 - b2 ** t);
  const step = (h.lr / (1 - b1 ** t)) * root;
  const eps = h.eps * root;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = b1 * m[i] + w1 * gi;
    const vi = b2 * v[i] + w2 * gi * gi;
    m[i] = mi;
    v[i] = vi;
    p[i] -= (step * mi) / (Math.sqrt(vi) + eps);
  }
}

export function adamDecay(p: Reals, g: Reals, h: Hyperparameters, t: number, m: Reals, v: Reals): void {
  const b1 = h.beta1;
  const b2 = h.beta2;
  const w1 = 1 - b1;
  const w2 = 1 - b2;
  const root = Math.sqrt(1 - b2 ** t);
  const step = (h.lr / (1 - b1 ** t)) * root;
  const eps = h.eps * root;
  const decay = h.weightDecay;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i] + decay * p[i];
    const mi = b1 * m[i] + w1 * gi;
    const vi = b2 * v[i] + w2 * gi * gi;
    m[i] = mi;
    v[i] = vi;
    p[i] -= (step * mi) / (Math.sqrt(vi) + eps);
  }
}

export function adamAmsgrad(p: Reals, g: Reals, h: Hyperparameters, t: number, m: Reals, v: Reals, top: Reals): void {
  const b1 = h.beta1;
  const b2 = h.beta2;
  const w1 = 1 - b1;
  const w2 = 1 - b2;
  const root = Math.sqrt(1 - b2 ** t);
  const step = (h.lr / (1 - b1 ** t)) * root;
  const eps = h.eps * root;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = b1 * m[i] + w1 * gi;
    const vi = b2 * v[i] + w2 * gi * gi;
    let ui = top[i];
    if (ui < vi) ui = vi;
    m[i] = mi;
    v[i] = vi;
    top[i] = ui;
    p[i] -= (step * mi) / (Math.sqrt(ui) + eps);
  }
}

export function adamw(p: Reals, g: Reals, h: Hyperparameters, t: number, m: Reals, v: Reals): void {
  const b1 = h.beta1;
  const b2 = h.beta2;
  const w1 = 1 - b1;
  const w2 = 1 - b2;
  const root = Math.sqrt(1 - b2 ** t);
  const step = (h.lr / (1 - b1 ** t)) * root;
  const eps = h.eps * root;
  const keep = 1 - h.lr * h.weightDecay;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = b1 * m[i] + w1 * gi;
    const vi = b2 * v[i] + w2 * gi * gi;
    m[i] = mi;
    v[i] = vi;
    p[i] = keep * p[i] - (step * mi) / (Math.sqrt(vi) + eps);
  }
}

export function adamax(p: Reals, g: Reals, h: Hyperparameters, t: number, m: Reals, u: Reals): void {
  const b1 = h.beta1;
  const b2 = h.beta2;
  const w1 = 1 - b1;
  const step = h.lr / (1 - b1 ** t);
  const eps = h.eps;
  const n = p.length;
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = b1 * m[i] + w1 * gi;
    const size = Math.abs(gi) + eps;
    let ui = b2 * u[i];
    if (ui < size) ui = size;
    m[i] = mi;
    u[i] = ui;
    p[i] -= (step * mi) / ui;
  }
}
