import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/dadaptadam.js";
import { sizeOf } from "../layout.js";
import type { Values } from "../rule.js";
import { adaptedRate, dadaptMoments, dadaptStep } from "./dadaptadam.js";

/**
 * Prodigy: Adam that estimates its rate from how far the parameters have come from where they started.
 *
 * @remarks Use it where there is no time to look for a rate: leave `lr` at 1, or let it fall from there to 0.
 * @option beta3 how much of the sums that the estimate is made of a step keeps; 0 for √beta2
 * @option eps what keeps a division by 0 away: times the estimated distance, added to the root of the second moment
 * @option lr what the estimated rate is multiplied by
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
    growthRate: 1.7976931348623157e308,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], beta3: [0, 1], d0: [5e-324, Infinity], growthRate: [1, Infinity] },
  conventions: { torch: {}, optax: { useBiasCorrection: true } },
  fixed: ["d0"],
  state: () => ({ m: 0, v: 0, s: 0, p0: "params" }),
  work: (_, shape) => [sizeOf(shape)],
  memory: ({ d0 }) => ({ d: d0, dBefore: d0, dMax: d0, numerator: 0, progress: 0, denominator: 0, idle: 0 }),
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
        if (h.lr === 0) return;
        const d = memory.dBefore;
        const rate = adaptedRate(memory, h, t);
        x.s[0] = h.beta1;
        x.s[1] = d * (1 - h.beta1);
        x.s[2] = h.beta2;
        x.s[3] = d * d * (1 - h.beta2);
        x.s[4] = beta3Of(h);
        x.s[5] = (d / h.d0) * (h.safeguardWarmup ? d : rate);
        x.run("dadaptMoments", x.g, m, v, s);
        const [way] = x.work;
        x.combine(way, 1, p0, -1, x.p);
        memory.progress += (d / h.d0) * rate * x.dot(x.g, way);
        memory.denominator += x.sumAbs(s);
      },
      after(memory, h) {
        // nothing but zeros has come yet: this was no step
        if (memory.denominator === 0) {
          memory.idle++;
          return;
        }
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
        if (h.lr === 0) return;
        const rate = adaptedRate(memory, h, t);
        x.s[0] = h.decoupled ? 1 - rate * h.weightDecay : 1;
        x.s[1] = rate;
        x.s[2] = memory.d * h.eps;
        x.run("dadaptStep", x.p, x.state.m, x.state.v);
      },
    },
  ],
  twins: { f32, f64: { dadaptMoments, dadaptStep } },
});

function beta3Of({ beta2, beta3 }: Values<{ beta2: number; beta3: number }>): number {
  return beta3 === 0 ? Math.sqrt(beta2) : beta3;
}
