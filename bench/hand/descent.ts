// Hand-written JavaScript for the rules without a division, unrolled by four
// (measured: 0.66 against 1.06 ns per element for SGD, 1.17 against 1.55 with momentum; by eight is slower again).
import type { Hyperparameters, Reals } from "../hand.js";

export function sgd(p: Reals, g: Reals, h: Hyperparameters): void {
  const lr = h.lr;
  const n = p.length;
  let i = 0;
  for (; i < n - 3; i += 4) {
    p[i] -= lr * g[i];
    p[i + 1] -= lr * g[i + 1];
    p[i + 2] -= lr * g[i + 2];
    p[i + 3] -= lr * g[i + 3];
  }
  for (; i < n; i++) p[i] -= lr * g[i];
}

export function sgdDecay(p: Reals, g: Reals, h: Hyperparameters): void {
  const lr = h.lr;
  const keep = 1 - lr * h.weightDecay;
  const n = p.length;
  let i = 0;
  for (; i < n - 3; i += 4) {
    p[i] = keep * p[i] - lr * g[i];
    p[i + 1] = keep * p[i + 1] - lr * g[i + 1];
    p[i + 2] = keep * p[i + 2] - lr * g[i + 2];
    p[i + 3] = keep * p[i + 3] - lr * g[i + 3];
  }
  for (; i < n; i++) p[i] = keep * p[i] - lr * g[i];
}

export function sgdMomentum(p: Reals, g: Reals, h: Hyperparameters, t: number, buf: Reals): void {
  const lr = h.lr;
  const mu = h.momentum;
  const mix = t === 1 ? 1 : 1 - h.dampening;
  const n = p.length;
  let i = 0;
  for (; i < n - 3; i += 4) {
    const b0 = mu * buf[i] + mix * g[i];
    const b1 = mu * buf[i + 1] + mix * g[i + 1];
    const b2 = mu * buf[i + 2] + mix * g[i + 2];
    const b3 = mu * buf[i + 3] + mix * g[i + 3];
    buf[i] = b0;
    buf[i + 1] = b1;
    buf[i + 2] = b2;
    buf[i + 3] = b3;
    p[i] -= lr * b0;
    p[i + 1] -= lr * b1;
    p[i + 2] -= lr * b2;
    p[i + 3] -= lr * b3;
  }
  for (; i < n; i++) {
    const bi = mu * buf[i] + mix * g[i];
    buf[i] = bi;
    p[i] -= lr * bi;
  }
}

export function sgdMomentumDecay(p: Reals, g: Reals, h: Hyperparameters, t: number, buf: Reals): void {
  const lr = h.lr;
  const mu = h.momentum;
  const mix = t === 1 ? 1 : 1 - h.dampening;
  const decay = mix * h.weightDecay;
  const n = p.length;
  let i = 0;
  for (; i < n - 3; i += 4) {
    const b0 = mu * buf[i] + mix * g[i] + decay * p[i];
    const b1 = mu * buf[i + 1] + mix * g[i + 1] + decay * p[i + 1];
    const b2 = mu * buf[i + 2] + mix * g[i + 2] + decay * p[i + 2];
    const b3 = mu * buf[i + 3] + mix * g[i + 3] + decay * p[i + 3];
    buf[i] = b0;
    buf[i + 1] = b1;
    buf[i + 2] = b2;
    buf[i + 3] = b3;
    p[i] -= lr * b0;
    p[i + 1] -= lr * b1;
    p[i + 2] -= lr * b2;
    p[i + 3] -= lr * b3;
  }
  for (; i < n; i++) {
    const bi = mu * buf[i] + mix * g[i] + decay * p[i];
    buf[i] = bi;
    p[i] -= lr * bi;
  }
}

export function sgdNesterov(p: Reals, g: Reals, h: Hyperparameters, _t: number, buf: Reals): void {
  const lr = h.lr;
  const mu = h.momentum;
  const n = p.length;
  let i = 0;
  for (; i < n - 3; i += 4) {
    const b0 = mu * buf[i] + g[i];
    const b1 = mu * buf[i + 1] + g[i + 1];
    const b2 = mu * buf[i + 2] + g[i + 2];
    const b3 = mu * buf[i + 3] + g[i + 3];
    buf[i] = b0;
    buf[i + 1] = b1;
    buf[i + 2] = b2;
    buf[i + 3] = b3;
    p[i] -= lr * (g[i] + mu * b0);
    p[i + 1] -= lr * (g[i + 1] + mu * b1);
    p[i + 2] -= lr * (g[i + 2] + mu * b2);
    p[i + 3] -= lr * (g[i + 3] + mu * b3);
  }
  for (; i < n; i++) {
    const bi = mu * buf[i] + g[i];
    buf[i] = bi;
    p[i] -= lr * (g[i] + mu * bi);
  }
}

export function momentum(p: Reals, g: Reals, h: Hyperparameters, t: number, m: Reals): void {
  const step = h.lr / (1 - h.beta ** t);
  const b = h.beta;
  const w = 1 - b;
  const n = p.length;
  let i = 0;
  for (; i < n - 3; i += 4) {
    const m0 = b * m[i] + w * g[i];
    const m1 = b * m[i + 1] + w * g[i + 1];
    const m2 = b * m[i + 2] + w * g[i + 2];
    const m3 = b * m[i + 3] + w * g[i + 3];
    m[i] = m0;
    m[i + 1] = m1;
    m[i + 2] = m2;
    m[i + 3] = m3;
    p[i] -= step * m0;
    p[i + 1] -= step * m1;
    p[i + 2] -= step * m2;
    p[i + 3] -= step * m3;
  }
  for (; i < n; i++) {
    const mi = b * m[i] + w * g[i];
    m[i] = mi;
    p[i] -= step * mi;
  }
}
