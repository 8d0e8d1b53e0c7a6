import { defineTensorOptimizer } from "../define.js";
import type { Slot } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * Fromage: steps whose length is a share of their tensor's norm.
 *
 * @remarks Use it for networks whose layers need rates of their own, such as GANs: a rate of 0.01 turns every tensor by that angle.
 * With `pBound` no tensor grows beyond that many times its first norm.
 * @option lr the length of a step as a share of its tensor's norm
 * @see Bernstein et al., 2020, On the Distance Between Two Neural Networks and the Stability of Learning (arXiv 2002.03432)
 */
export const Fromage = /* @__PURE__ */ defineTensorOptimizer({
  name: "Fromage",
  defaults: { lr: 1e-2, pBound: 0, minNorm: 0 },
  conventions: { torch: {}, optax: { minNorm: 1e-6 } },
  state: (h): Record<string, Slot> => (h.pBound === 0 ? {} : { norm: { shape: [1], from: 0 } }),
  passes: [
    {
      tensor(x, h, t) {
        if (h.pBound !== 0 && t === 1) x.numbers.norm[0] = x.norm(x.p);
        const p = Math.max(x.norm(x.p), h.minNorm);
        const g = Math.max(x.norm(x.g), h.minNorm);
        const ratio = p > 0 && g > 0 ? p / g : 1;
        // back to the sphere that a step at a right angle to p leaves
        const shrink = 1 / Math.sqrt(1 + h.lr * h.lr);
        x.combine(x.p, shrink, x.p, -h.lr * ratio * shrink, x.g);
        if (h.pBound !== 0) bound(x, h.pBound * x.numbers.norm[0]);
      },
    },
  ],
  twins: { f32: {}, f64: {} },
});

/** Makes the parameters shorter if they are longer than `max`. */
function bound(x: TensorStep, max: number): void {
  const norm = x.norm(x.p);
  if (norm > max) x.scale(x.p, max / norm, x.p);
}
