import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/lars.js";
import { add, mul, type Reals, sub } from "../real.js";
import type { Convention, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * LARS: SGD whose rate for each tensor follows the ratio of its norm to its gradient's.
 *
 * @remarks Use it to train convolutional networks with very large batches.
 * @option eps added to the norm of the gradient that is divided by
 * @see You et al., 2017, Large Batch Training of Convolutional Networks (arXiv 1708.03888)
 */
export const LARS = /* @__PURE__ */ defineTensorOptimizer({
  name: "LARS",
  defaults: {
    lr: 1,
    momentum: 0,
    dampening: 0,
    nesterov: false,
    trustCoeff: 1e-3,
    eps: 1e-8,
    trustClip: false,
    alwaysAdapt: false,
  },
  conventions: { torch: {}, optax: { momentum: 0.9, eps: 0, alwaysAdapt: true } },
  state: (h): Record<string, number> => (h.momentum === 0 ? {} : { buf: 0 }),
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        const optax = h.convention === "optax";
        if (optax) x.addDecay(h.weightDecay);
        const ratio = trustRatio(x, h);
        if (!optax) x.addDecay(h.weightDecay);
        // optax keeps the rate in the buffer
        x.s[0] = optax ? 1 : h.lr;
        x.s[1] = optax ? h.lr * ratio : ratio;
        x.s[2] = h.momentum;
        // the first gradient enters the buffer whole
        x.s[3] = t === 1 ? 1 : 1 - h.dampening;
        if (h.momentum === 0) x.run("lars", x.p, x.g);
        else x.run(h.nesterov ? "larsNesterov" : "larsMomentum", x.p, x.g, x.state.buf);
      },
    },
  ],
  twins: { f32, f64: { lars, larsMomentum, larsNesterov } },
});

type LarsValues = Values<{
  lr: number;
  trustCoeff: number;
  eps: number;
  trustClip: boolean;
  alwaysAdapt: boolean;
  weightDecay: number;
}> & { readonly convention: Convention };

/** What the decayed gradient of a tensor is multiplied by. */
function trustRatio(x: TensorStep, h: LarsValues): number {
  const { lr, weightDecay, trustCoeff, eps, trustClip, alwaysAdapt, convention } = h;
  if (weightDecay === 0 && !alwaysAdapt) return 1;
  const p = x.norm(x.p);
  const g = x.norm(x.g);
  // optax measures the gradient as it is decayed already
  const decay = convention === "optax" ? 0 : weightDecay * p;
  const ratio = p > 0 && g > 0 ? (trustCoeff * p) / (g + decay + eps) : 1;
  return trustClip ? Math.min(ratio / lr, 1) : ratio;
}

export function lars(n: number, p: Reals, g: Reals, h: Reals): void {
  const lr = h[0];
  const ratio = h[1];
  for (let i = 0; i < n; i++) {
    p[i] = sub(p[i], mul(lr, mul(ratio, g[i])));
  }
}

export function larsMomentum(n: number, p: Reals, g: Reals, buf: Reals, h: Reals): void {
  const lr = h[0];
  const ratio = h[1];
  const mu = h[2];
  const mix = h[3];
  for (let i = 0; i < n; i++) {
    const gi = mul(ratio, g[i]);
    const bi = add(mul(mu, buf[i]), mul(mix, gi));
    buf[i] = bi;
    p[i] = sub(p[i], mul(lr, bi));
  }
}

export function larsNesterov(n: number, p: Reals, g: Reals, buf: Reals, h: Reals): void {
  const lr = h[0];
  const ratio = h[1];
  const mu = h[2];
  const mix = h[3];
  for (let i = 0; i < n; i++) {
    const gi = mul(ratio, g[i]);
    const bi = add(mul(mu, buf[i]), mul(mix, gi));
    buf[i] = bi;
    p[i] = sub(p[i], mul(lr, add(gi, mul(mu, bi))));
  }
}
