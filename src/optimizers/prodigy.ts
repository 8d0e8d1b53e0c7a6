import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/prodigy.js";
import { sizeOf } from "../layout.js";
import { power } from "../power.js";
import { add, div, mul, type Reals, sqrt, sub } from "../real.js";
import type { Memory, Values } from "../rule.js";

/**
 * Prodigy: Adam that estimates its rate from how far the parameters have come from where they started.
 *
 * @remarks Use it where there is no time to look for a rate: leave `lr` at 1, or let it fall from there to 0.
 * @see Mishchenko and Defazio, 2023, Prodigy: An Expeditiously Adaptive Parameter-Free Learner (arXiv 2306.06101)
 */
export const Prodigy = /* @__PURE__ */ defineTensorOptimizer({
  name: "Prodigy",
  defaults: {
    lr: 1,
    beta1: 0.9,
    beta2: 0.999,
    // 0 stands for the square root of beta2
    beta3: 0,
    eps: 1e-8,
    decoupled: true,
    useBiasCorrection: false,
    safeguardWarmup: false,
    d0: 1e-6,
    dCoef: 1,
    growthRate: Number.MAX_VALUE,
  },
  ranges: {
    lr: [0, Infinity],
    beta1: [0, 1],
    beta2: [0, 1],
    beta3: [0, 1],
    eps: [0, Infinity],
    d0: [Number.MIN_VALUE, Infinity],
    dCoef: [0, Infinity],
    growthRate: [1, Infinity],
  },
  fixed: ["d0"],
  state: () => ({ m: 0, v: 0, s: 0, p0: 0 }),
  work: (_, shape) => [sizeOf(shape)],
  memory: ({ d0 }) => ({ d: d0, dBefore: d0, dMax: d0, numerator: 0, progress: 0, denominator: 0 }),
  decoupled: (h) => h.decoupled,
  passes: [
    {
      before(memory) {
        memory.dBefore = memory.d;
        memory.progress = 0;
        memory.denominator = 0;
      },
      tensor(x, h, t, memory) {
        const { m, v, s, p0 } = x.state;
        if (t === 1) x.copy(x.p, p0);
        if (h.lr === 0) return;
        const d = memory.dBefore;
        const rate = rateOf(memory, h, t);
        x.s[0] = h.beta1;
        x.s[1] = d * (1 - h.beta1);
        x.s[2] = h.beta2;
        x.s[3] = d * d * (1 - h.beta2);
        x.s[4] = beta3Of(h);
        x.s[5] = (d / h.d0) * (h.safeguardWarmup ? d : rate);
        x.run("prodigyMoments", x.g, m, v, s);
        x.subtract(p0, x.p, x.work[0]);
        memory.progress += (d / h.d0) * rate * x.dot(x.g, x.work[0]);
        memory.denominator += x.sumAbs(s);
      },
      after(memory, h) {
        // no gradient has come yet
        if (memory.denominator === 0) return;
        const d = memory.dBefore;
        memory.numerator = beta3Of(h) * memory.numerator + memory.progress;
        const estimate = (h.dCoef * memory.numerator) / memory.denominator;
        const first = d === h.d0 && estimate > d ? estimate : d;
        if (estimate > memory.dMax) memory.dMax = estimate;
        memory.d = Math.min(memory.dMax, first * h.growthRate);
      },
    },
    {
      when: (memory) => memory.denominator !== 0,
      tensor(x, h, t, memory) {
        const rate = rateOf(memory, h, t);
        x.s[0] = h.decoupled ? 1 - rate * h.weightDecay : 1;
        x.s[1] = rate;
        x.s[2] = memory.d * h.eps;
        x.run("prodigy", x.p, x.state.m, x.state.v);
      },
    },
  ],
  twins: { f32, f64: { prodigy, prodigyMoments } },
});

type ProdigyValues = Values<{ lr: number; beta1: number; beta2: number; beta3: number; useBiasCorrection: boolean }>;

/** The rate of a step, by the estimate from before it. */
function rateOf({ dBefore: d }: Memory, { lr, beta1, beta2, useBiasCorrection }: ProdigyValues, t: number): number {
  return useBiasCorrection ? (d * lr * Math.sqrt(1 - power(beta2, t))) / (1 - power(beta1, t)) : d * lr;
}

function beta3Of({ beta2, beta3 }: ProdigyValues): number {
  return beta3 === 0 ? Math.sqrt(beta2) : beta3;
}

export function prodigyMoments(n: number, g: Reals, m: Reals, v: Reals, s: Reals, h: Reals): void {
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

export function prodigy(n: number, p: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const rate = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    p[i] = sub(mul(keep, p[i]), div(mul(rate, m[i]), add(sqrt(v[i]), eps)));
  }
}
