import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/ademamix.js";
import { exp, log } from "../math.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * AdEMAMix: Adam with a second, slow average of the gradients.
 *
 * @remarks Use it for long runs, with both warm-ups as long as the run.
 * @option alpha how much the slow average counts beside the fast one
 * @option beta3 how much of the slow average of gradients a step keeps
 * @see Pagliardini et al., 2024, The AdEMAMix Optimizer: Better, Faster, Older (arXiv 2409.03137)
 */
export const AdEMAMix = /* @__PURE__ */ defineOptimizer({
  name: "AdEMAMix",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    beta3: 0.9999,
    alpha: 2,
    eps: 1e-8,
    epsRoot: 0,
    alphaWarmup: 0,
    beta3Warmup: 0,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], beta3: [0, 1] },
  conventions: { torch: {}, optax: { alpha: 5 } },
  state: () => ({ m1: 0, m2: 0, v: 0 }),
  kernel: () => "ademamix",
  scalars(s, h, t) {
    const c2 = 1 - power(h.beta2, t);
    const root = Math.sqrt(c2);
    const alpha = t < h.alphaWarmup ? (h.alpha * t) / h.alphaWarmup : h.alpha;
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = (h.lr / (1 - power(h.beta1, t))) * root;
    s[2] = h.lr * alpha * root;
    s[3] = 1 - h.beta1;
    s[4] = 1 - (t < h.beta3Warmup ? betweenHalfLives(h.beta1, h.beta3, t / h.beta3Warmup) : h.beta3);
    s[5] = h.beta2;
    s[6] = 1 - h.beta2;
    s[7] = h.epsRoot * c2;
    s[8] = h.eps * root;
  },
  decoupled: () => true,
  twins: { f32, f64: { ademamix } },
});

/** The decay whose half-life lies at the share x of the way between those of two others. */
function betweenHalfLives(from: number, to: number, x: number): number {
  const halfLife = (beta: number) => -Math.LN2 / log(beta + 1e-8) - 1;
  return exp(-Math.LN2 / ((1 - x) * halfLife(from) + x * halfLife(to) + 1));
}

export function ademamix(n: number, p: Reals, g: Reals, m1: Reals, m2: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const fast = h[1];
  const slow = h[2];
  const w1 = h[3];
  const w3 = h[4];
  const b2 = h[5];
  const w2 = h[6];
  const root = h[7];
  const eps = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const fi = lerp(m1[i], gi, w1);
    const si = lerp(m2[i], gi, w3);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const step = add(mul(fast, fi), mul(slow, si));
    m1[i] = fi;
    m2[i] = si;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(step, add(sqrt(add(vi, root)), eps)));
  }
}
