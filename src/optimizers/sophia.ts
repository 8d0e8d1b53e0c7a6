import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/sophia.js";
import { abs, add, all, div, lerp, min, mul, type Reals, sign, sub } from "../real.js";
import type { Method, Values } from "../rule.js";

/**
 * Sophia: steps by the momentum over an estimate of the Hessian's diagonal, clipped to a sign. Every ten steps or so hand the
 * gradient of a batch whose labels were drawn from the model to `updateHessian`.
 * `gradScale` is not for these.
 *
 * @remarks Use it for language models, where a second backward pass now and then is paid back.
 * @option beta2 how much of the average of the Hessian's estimates an update keeps
 * @option rho how large the momentum may be, as a multiple of the Hessian's estimate times `bs`, before the step is clipped
 * @see Liu et al., 2023, Sophia: A Scalable Stochastic Second-order Optimizer for Language Model Pre-training (arXiv 2305.14342)
 */
export const Sophia = /* @__PURE__ */ defineOptimizer({
  name: "Sophia",
  defaults: { lr: 1e-4, beta1: 0.965, beta2: 0.99, rho: 0.04, bs: 5120, weightDecay: 0.1 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  state: () => ({ m: 0, hessian: 0 }),
  kernel: () => "sophia",
  scalars(s, h) {
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = h.lr;
    s[2] = 1 - h.beta1;
    s[3] = h.rho * h.bs;
    s[4] = 1e-15;
  },
  decoupled: () => true,
  methods: { updateHessian: /* @__PURE__ */ updateHessian() },
  twins: { f32, f64: { sophia, sophiaHessian } },
});

/** The moving average of the squared gradients of batches with sampled labels. */
function updateHessian(): Method<Values<{ beta2: number }>> {
  return {
    kernel: () => "sophiaHessian",
    scalars(s, h) {
      s[0] = h.beta2;
      s[1] = 1 - h.beta2;
      return true;
    },
  };
}

export function sophia(n: number, p: Reals, g: Reals, m: Reals, hessian: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const w1 = h[2];
  const scale = h[3];
  const eps = h[4];
  for (let i = 0; i < n; i++) {
    const mi = lerp(m[i], g[i], w1);
    const ratio = min(div(abs(mi), add(mul(scale, hessian[i]), eps)), all(1));
    m[i] = mi;
    p[i] = sub(mul(keep, p[i]), mul(lr, mul(sign(mi), ratio)));
  }
}

export function sophiaHessian(n: number, _p: Reals, g: Reals, _m: Reals, hessian: Reals, h: Reals): void {
  const b2 = h[0];
  const w2 = h[1];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    hessian[i] = add(mul(b2, hessian[i]), mul(mul(w2, gi), gi));
  }
}
