import { defineMixedOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adan.js";
import { sizeOf } from "../layout.js";
import { power } from "../power.js";
import { add, all, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";
import type { Whole } from "../rule.js";

/**
 * Adan: Nesterov's momentum for Adam, by a moving average of the gradients' differences.
 *
 * @remarks Use it with large rates and large batches.
 * @option beta1 how much of the average of gradients a step keeps
 * @option beta2 how much of the average of the gradients' differences a step keeps
 * @option beta3 how much of the average of squared gradients a step keeps
 * @see Xie et al., 2022, Adan: Adaptive Nesterov Momentum Algorithm for Faster Optimizing Deep Models (arXiv 2208.06677)
 */
export const Adan = /* @__PURE__ */ defineMixedOptimizer(cautiously, {
  name: "Adan",
  defaults: {
    lr: 1e-3,
    beta1: 0.98,
    beta2: 0.92,
    beta3: 0.99,
    eps: 1e-8,
    epsRoot: 0,
    noProx: false,
    maxGradNorm: 0,
    cautious: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], beta3: [0, 1] },
  conventions: { torch: {}, optax: { epsRoot: 1e-8, noProx: true } },
  state: () => ({ m: 0, d: 0, v: 0, previous: 0 }),
  kernel: () => "adan",
  // the first gradient differs from none
  kernelAt: (_h, t) => (t === 1 ? "adanStart" : "adan"),
  scalars(s, h, t) {
    const c3 = 1 - power(h.beta3, t);
    const root = Math.sqrt(c3);
    // the weight of the difference: beta2, or in optax 1 - beta2
    const share = Math.abs(h.beta2 - (h.convention === "optax" ? 1 : 0));
    const decay = h.lr * h.weightDecay;
    s[0] = h.noProx ? 1 - decay : 1;
    s[1] = h.noProx ? 1 : 1 / (1 + decay);
    s[2] = (h.lr / (1 - power(h.beta1, t))) * root;
    s[3] = ((h.lr * share) / (1 - power(h.beta2, t))) * root;
    s[4] = 1 - h.beta1;
    s[5] = 1 - h.beta2;
    s[6] = share;
    s[7] = h.beta3;
    s[8] = 1 - h.beta3;
    s[9] = h.epsRoot * c3;
    s[10] = h.eps * root;
  },
  decoupled: () => true,
  clip: (h, norm) => (h.maxGradNorm === 0 ? 1 : Math.min(1, h.maxGradNorm / (norm() + h.eps))),
  twins: { f32, f64: { adan, adanStart, adanMomentum } },
});

/** With `cautious`, the momentum's part of the step is taken apart from the differences', and masked. */
function cautiously(): Whole {
  return {
    when: (h) => h.cautious === true,
    work: (_h, shape) => [sizeOf(shape)],
    passes: [
      {
        tensor(x, _h, t) {
          const [step] = x.work;
          const { m, d, v, previous } = x.state;
          const rate = -x.s[1] * x.s[2];
          const [root, eps] = [x.s[9], x.s[10]];
          x.s[2] = 0;
          x.run(t === 1 ? "adanStart" : "adan", x.p, x.g, m, d, v, previous);
          x.s[0] = rate;
          x.s[1] = root;
          x.s[2] = eps;
          x.run("adanMomentum", step, m, v);
          x.caution(step);
          x.combine(x.p, 1, x.p, 1, step);
        },
      },
    ],
  };
}

export function adan(n: number, p: Reals, g: Reals, m: Reals, d: Reals, v: Reals, previous: Reals, h: Reals): void {
  const keep = h[0];
  const shrink = h[1];
  const momentumStep = h[2];
  const differenceStep = h[3];
  const w1 = h[4];
  const w2 = h[5];
  const share = h[6];
  const b3 = h[7];
  const w3 = h[8];
  const root = h[9];
  const eps = h[10];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const change = sub(gi, previous[i]);
    const mi = lerp(m[i], gi, w1);
    const di = lerp(d[i], change, w2);
    const ahead = add(gi, mul(share, change));
    const vi = add(mul(b3, v[i]), mul(mul(w3, ahead), ahead));
    const step = add(mul(momentumStep, mi), mul(differenceStep, di));
    const moved = sub(mul(keep, p[i]), div(step, add(sqrt(add(vi, root)), eps)));
    m[i] = mi;
    d[i] = di;
    v[i] = vi;
    previous[i] = gi;
    p[i] = mul(shrink, moved);
  }
}

export function adanStart(
  n: number,
  p: Reals,
  g: Reals,
  m: Reals,
  d: Reals,
  v: Reals,
  previous: Reals,
  h: Reals,
): void {
  const keep = h[0];
  const shrink = h[1];
  const momentumStep = h[2];
  const differenceStep = h[3];
  const w1 = h[4];
  const w2 = h[5];
  const share = h[6];
  const b3 = h[7];
  const w3 = h[8];
  const root = h[9];
  const eps = h[10];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const change = all(0);
    const mi = lerp(m[i], gi, w1);
    const di = lerp(d[i], change, w2);
    const ahead = add(gi, mul(share, change));
    const vi = add(mul(b3, v[i]), mul(mul(w3, ahead), ahead));
    const step = add(mul(momentumStep, mi), mul(differenceStep, di));
    const moved = sub(mul(keep, p[i]), div(step, add(sqrt(add(vi, root)), eps)));
    m[i] = mi;
    d[i] = di;
    v[i] = vi;
    previous[i] = gi;
    p[i] = mul(shrink, moved);
  }
}

/** step = the part of the momentum */
export function adanMomentum(n: number, step: Reals, m: Reals, v: Reals, h: Reals): void {
  const rate = h[0];
  const root = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    step[i] = div(mul(rate, m[i]), add(sqrt(add(v[i], root)), eps));
  }
}
