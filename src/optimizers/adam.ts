import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adam.js";
import { power } from "../power.js";
import { add, div, lerp, max, mul, type Reals, readHalf, sqrt, sub, writeHalf } from "../real.js";
import type { Convention, SmallSlot, Values } from "../rule.js";

type AdamValues = Values<{
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  epsRoot: number;
  amsgrad: boolean;
  biasCorrection: boolean;
}> & { readonly convention: Convention };

type AdamForm = { readonly amsgrad: boolean; readonly stateDtype?: "same" | "bf16" };

// What Adam and AdamW share: buffers and kernels.
export const adamChoices = { stateDtype: ["same", "bf16"] } as const;
export const adamConflict = (h: AdamForm) =>
  h.amsgrad && h.stateDtype === "bf16" ? 'stateDtype "bf16" excludes amsgrad' : undefined;
export const adamState = ({ amsgrad, stateDtype }: AdamForm): Record<string, number | SmallSlot> => {
  const from = stateDtype === "bf16" ? { from: 0, type: "u16" as const } : 0;
  return { m: from, v: from, ...(amsgrad && { vmax: 0 }) };
};
export const adamKernel = ({ amsgrad, stateDtype }: AdamForm) =>
  stateDtype === "bf16" ? "adamHalf" : amsgrad ? "adamAmsgrad" : "adam";
export const adamTwins = { f32, f64: { adam, adamAmsgrad, adamHalf } };

/**
 * Adam: moving averages of the gradient and its square.
 *
 * @remarks Use it first: it needs little tuning.
 * @see Kingma and Ba, 2014, Adam: A Method for Stochastic Optimization (arXiv 1412.6980)
 * @see Reddi et al., 2018, On the Convergence of Adam and Beyond (arXiv 1904.09237)
 */
export const Adam = /* @__PURE__ */ defineOptimizer({
  name: "Adam",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    epsRoot: 0,
    decoupled: false,
    amsgrad: false,
    biasCorrection: true,
    stateDtype: "same",
  },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: {}, keras: { eps: 1e-7 }, tfjs: { eps: 1e-7 } },
  choices: adamChoices,
  conflict: adamConflict,
  state: adamState,
  kernel: adamKernel,
  twins: adamTwins,
  scalars: (s, h, t) => adamScalars(s, h, t, h.decoupled ? h.weightDecay : 0),
  decoupled: (h) => h.decoupled,
});

/** The scalars of a step; `decay` is the weight decay that the kernel applies. */
export function adamScalars(s: Reals, h: AdamValues, t: number, decay: number): void {
  const c1 = h.biasCorrection ? 1 - power(h.beta1, t) : 1;
  const c2 = h.biasCorrection ? 1 - power(h.beta2, t) : 1;
  // optax takes AMSGrad's maximum of the corrected second moments, so that nothing is left to correct
  const left = h.amsgrad && h.convention === "optax" ? 1 : c2;
  const root = Math.sqrt(left);
  s[0] = 1 - h.lr * decay;
  // (m / c1) / (sqrt(v / c2 + epsRoot) + eps), times sqrt(c2) above and below: nothing stands between root and division;
  // Keras adds eps to the root of the moment that is not corrected
  s[1] = (h.lr / c1) * root;
  s[2] = 1 - h.beta1;
  s[3] = h.beta2;
  s[4] = 1 - h.beta2;
  s[5] = h.epsRoot * left;
  s[6] = h.eps * (h.convention === "keras" ? 1 : root);
  s[7] = left / c2;
}

export function adam(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), denominator));
  }
}

export function adamAmsgrad(n: number, p: Reals, g: Reals, m: Reals, v: Reals, vmax: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  const scale = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const ui = max(mul(scale, vi), vmax[i]);
    const denominator = add(sqrt(add(ui, root)), eps);
    m[i] = mi;
    v[i] = vi;
    vmax[i] = ui;
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), denominator));
  }
}

export function adamHalf(n: number, p: Reals, g: Reals, m: Uint16Array, v: Uint16Array, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(readHalf(m, i), gi, w1);
    const vi = add(mul(b2, readHalf(v, i)), mul(mul(w2, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    writeHalf(m, i, mi);
    writeHalf(v, i, vi);
    p[i] = sub(mul(keep, p[i]), div(mul(step, mi), denominator));
  }
}
