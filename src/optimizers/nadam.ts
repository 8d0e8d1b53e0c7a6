import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/nadam.js";
import { pow } from "../math.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";
import type { Convention, Values } from "../rule.js";

export const nadamTwins = { f32, f64: { nadam } };

/**
 * NAdam: Adam with Nesterov's momentum, warmed up by a schedule of its own.
 *
 * @remarks Use it where Adam with momentum that looks ahead settles faster.
 * @see Dozat, 2016, Incorporating Nesterov Momentum into Adam
 */
export const NAdam = /* @__PURE__ */ defineOptimizer({
  name: "NAdam",
  defaults: { lr: 2e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, epsRoot: 0, momentumDecay: 4e-3, decoupled: false },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: {}, keras: { lr: 1e-3, eps: 1e-7, momentumDecay: 1 } },
  state: () => ({ m: 0, v: 0 }),
  memory: () => ({ muProduct: 1 }),
  kernel: () => "nadam",
  scalars(s, h, t, memory) {
    const decay = h.decoupled ? h.weightDecay : 0;
    if (h.convention === "optax") {
      lookAhead(s, h, t, decay);
      return;
    }
    const mu = h.beta1 * (1 - 0.5 * pow(0.96, t * h.momentumDecay));
    const next = h.beta1 * (1 - 0.5 * pow(0.96, (t + 1) * h.momentumDecay));
    memory.muProduct *= mu;
    nadamScalars(s, h, t, (1 - mu) / (1 - memory.muProduct), next / (1 - memory.muProduct * next), decay);
  },
  decoupled: (h) => h.decoupled,
  twins: nadamTwins,
});

type NadamValues = Values<{ lr: number; beta1: number; beta2: number; eps: number; epsRoot: number }> & {
  readonly convention: Convention;
};

/** The scalars of a step along the momentum of the next step. `decay` is the weight decay that the kernel applies. */
export function lookAhead(s: Reals, h: NadamValues, t: number, decay: number): void {
  const left = power(h.beta1, t);
  // optax corrects the momentum for the step that it belongs to
  const leftNext = left * (h.convention === "optax" ? h.beta1 : 1);
  nadamScalars(s, h, t, (1 - h.beta1) / (1 - left), h.beta1 / (1 - leftNext), decay);
}

/** The scalars of a step along `gradient` g + `momentum` m. */
function nadamScalars(s: Reals, h: NadamValues, t: number, gradient: number, momentum: number, decay: number): void {
  const c2 = 1 - power(h.beta2, t);
  const root = Math.sqrt(c2);
  s[0] = 1 - h.lr * decay;
  s[1] = h.lr * momentum * root;
  s[2] = 1 - h.beta1;
  s[3] = h.beta2;
  s[4] = 1 - h.beta2;
  s[5] = h.epsRoot * c2;
  s[6] = h.eps * root;
  s[7] = h.lr * gradient * root;
}

export function nadam(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const momentumStep = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  const gradientStep = h[7];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const denominator = add(sqrt(add(vi, root)), eps);
    const step = add(mul(gradientStep, gi), mul(momentumStep, mi));
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(mul(keep, p[i]), div(step, denominator));
  }
}
