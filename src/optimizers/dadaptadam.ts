import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/dadaptadam.js";
import { sizeOf } from "../layout.js";
import { power } from "../power.js";
import { add, div, mul, type Reals, sqrt, sub } from "../real.js";
import type { Memory, Values } from "../rule.js";

/**
 * DAdaptAdam: Adam that estimates its rate from a lower bound of the distance to the solution.
 *
 * @remarks Use it where there is no time to look for a rate: leave `lr` at 1, or let it fall from there to 0.
 * @option lr what the estimated rate is multiplied by
 * @see Defazio and Mishchenko, 2023, Learning-Rate-Free Learning by D-Adaptation (arXiv 2301.07733)
 */
export const DAdaptAdam = /* @__PURE__ */ defineTensorOptimizer({
  name: "DAdaptAdam",
  defaults: {
    lr: 1,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    decoupled: false,
    useBiasCorrection: false,
    d0: 1e-6,
    growthRate: 1.7976931348623157e308,
    layerScale: 1,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], d0: [5e-324, Infinity], growthRate: [1, Infinity] },
  fixed: ["d0"],
  conventions: { torch: {}, optax: { decoupled: true, useBiasCorrection: true } },
  state: () => ({ m: 0, v: 0, s: 0 }),
  work: (_, shape) => [sizeOf(shape)],
  memory: ({ d0 }) => ({ d: d0, dBefore: d0, numerator: 0, progress: 0, denominator: 0, idle: 0 }),
  decoupled: (h) => h.decoupled,
  passes: [
    {
      before(memory) {
        memory.dBefore = memory.d;
        memory.progress = 0;
        memory.denominator = 0;
      },
      tensor(x, h, t, memory) {
        if (h.lr === 0) return;
        const { m, v, s } = x.state;
        const rate = adaptedRate(memory, h, t);
        const beta3 = Math.sqrt(h.beta2);
        x.s[0] = h.eps;
        x.run("dadaptRatio", v, s, x.work[0]);
        memory.progress += h.layerScale * rate * x.dot(x.g, x.work[0]);
        x.s[0] = h.beta1;
        x.s[1] = h.layerScale * rate * (1 - h.beta1);
        x.s[2] = h.beta2;
        x.s[3] = 1 - h.beta2;
        x.s[4] = beta3;
        x.s[5] = rate * (1 - beta3);
        x.run("dadaptMoments", x.g, m, v, s);
        memory.denominator += h.layerScale * x.sumAbs(s);
      },
      after(memory, h) {
        // nothing but zeros has come yet: this was no step
        if (memory.denominator === 0) {
          memory.idle++;
          return;
        }
        const beta3 = Math.sqrt(h.beta2);
        memory.numerator = beta3 * memory.numerator + (1 - beta3) * memory.progress;
        const estimate = memory.numerator / ((1 - beta3) * memory.denominator);
        memory.d = grown(memory.d, estimate, h.growthRate);
      },
    },
    {
      when: (memory) => memory.denominator !== 0,
      tensor(x, h, t, memory) {
        if (h.lr === 0) return;
        x.s[0] = h.decoupled ? 1 - adaptedRate(memory, h, t) * h.weightDecay : 1;
        x.s[1] = 1;
        x.s[2] = h.eps;
        x.run("dadaptStep", x.p, x.state.m, x.state.v);
      },
    },
  ],
  twins: { f32, f64: { dadaptMoments, dadaptRatio, dadaptStep } },
});

type RateValues = Values<{ lr: number; beta1: number; beta2: number; useBiasCorrection: boolean }>;

/** The rate of step t by the estimate before it. */
export function adaptedRate(memory: Memory, { lr, beta1, beta2, useBiasCorrection }: RateValues, t: number): number {
  const rate = memory.dBefore * lr;
  if (!useBiasCorrection) return rate;
  const steps = t - memory.idle;
  return (rate * Math.sqrt(1 - power(beta2, steps))) / (1 - power(beta1, steps));
}

/** An estimate that only grows, and not faster than by `growthRate`. One that is NaN changes nothing. */
export function grown(d: number, estimate: number, growthRate: number): number {
  return estimate > d ? Math.min(estimate, d * growthRate) : d;
}

export function dadaptRatio(n: number, v: Reals, s: Reals, out: Reals, h: Reals): void {
  const eps = h[0];
  for (let i = 0; i < n; i++) {
    out[i] = div(s[i], add(sqrt(v[i]), eps));
  }
}

export function dadaptMoments(n: number, g: Reals, m: Reals, v: Reals, s: Reals, h: Reals): void {
  const b1 = h[0];
  const w1 = h[1];
  const b2 = h[2];
  const w2 = h[3];
  const b3 = h[4];
  const w3 = h[5];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    m[i] = add(mul(b1, m[i]), mul(w1, gi));
    v[i] = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    s[i] = add(mul(b3, s[i]), mul(w3, gi));
  }
}

export function dadaptStep(n: number, p: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const rate = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    p[i] = sub(mul(keep, p[i]), div(mul(rate, m[i]), add(sqrt(v[i]), eps)));
  }
}
