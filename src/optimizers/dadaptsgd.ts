import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/dadaptsgd.js";
import { add, mul, type Reals, sub } from "../real.js";
import { grown } from "./dadaptadam.js";

/**
 * DAdaptSGD: SGD that estimates its rate from a lower bound of the distance to the solution.
 *
 * @remarks Use it where SGD does well and there is no time to look for a rate: leave `lr` at 1, or let it fall from there to 0.
 * @option lr what the estimated rate is multiplied by
 * @option momentum how much of the parameters a step keeps; 0 for none
 * @see Defazio and Mishchenko, 2023, Learning-Rate-Free Learning by D-Adaptation (arXiv 2301.07733)
 */
export const DAdaptSGD = /* @__PURE__ */ defineTensorOptimizer({
  name: "DAdaptSGD",
  defaults: { lr: 1, momentum: 0, d0: 1e-6, growthRate: 1.7976931348623157e308 },
  ranges: { momentum: [0, 1], d0: [5e-324, Infinity], growthRate: [1, Infinity] },
  fixed: ["d0"],
  state: () => ({ s: 0, p0: "params" }),
  memory: ({ d0 }) => ({ d: d0, g0: 0, numerator: 0, progress: 0, square: 0 }),
  // the first gradient is measured without the weight decay
  decoupled: () => true,
  passes: [
    {
      when: (memory) => memory.g0 === 0,
      before(memory) {
        memory.square = 0;
      },
      tensor(x, _h, _t, memory) {
        memory.square += x.dot(x.g, x.g);
      },
      after(memory) {
        memory.g0 = Math.sqrt(memory.square);
      },
    },
    {
      before(memory) {
        memory.progress = 0;
        memory.square = 0;
      },
      tensor(x, h, _t, memory) {
        const { s } = x.state;
        if (h.lr === 0 || memory.g0 === 0) return;
        const rate = (memory.d * h.lr) / memory.g0;
        x.addDecay(h.weightDecay);
        memory.progress += rate * x.dot(x.g, s);
        x.combine(s, 1, s, rate, x.g);
        memory.square += x.dot(s, s);
      },
      after(memory, h) {
        // nothing but zeros has come yet
        if (memory.square === 0) return;
        memory.numerator += memory.progress;
        memory.d = grown(memory.d, (2 * memory.numerator) / Math.sqrt(memory.square), h.growthRate);
      },
    },
    {
      when: (memory) => memory.square !== 0,
      tensor(x, h) {
        if (h.lr === 0) return;
        x.s[0] = h.momentum;
        x.s[1] = 1 - h.momentum;
        x.run("dadaptSgd", x.p, x.state.s, x.state.p0);
      },
    },
  ],
  twins: { f32, f64: { dadaptSgd } },
});

export function dadaptSgd(n: number, p: Reals, s: Reals, p0: Reals, h: Reals): void {
  const mu = h[0];
  const mix = h[1];
  for (let i = 0; i < n; i++) {
    p[i] = add(mul(mu, p[i]), mul(mix, sub(p0[i], s[i])));
  }
}
