import { defineTensorOptimizer } from "../define.js";
import { sizeOf } from "../layout.js";
import { descend, measure, startMeasuring, unmeasured } from "./dog.js";

/**
 * DoWG, distance over weighted gradients: DoG that weights each squared gradient by the distance at its time.
 *
 * @remarks Use it where DoG is too slow to get under way.
 * @option eps added to the root of the weighted sum; also the first squared distance where `initEstimSqDist` is 0
 * @option lr what the rate that it finds is multiplied by
 * @see Khaled et al., 2023, DoWG Unleashed: An Efficient Universal Parameter-Free Gradient Descent Method (arXiv 2305.16284)
 */
export const DoWG = /* @__PURE__ */ defineTensorOptimizer({
  name: "DoWG",
  // the squared distance of the first step is initEstimSqDist, or eps where that is 0
  defaults: { lr: 1, initEstimSqDist: 0, eps: 1e-4 },
  conventions: { optax: {} },
  fixed: ["initEstimSqDist"],
  state: () => ({ p0: "params" }),
  work: (_, shape) => [sizeOf(shape)],
  memory: () => ({ farthest: 0, squares: 0, rate: 0, ...unmeasured }),
  passes: [
    {
      before: startMeasuring,
      tensor: (x, _, t, memory) => measure(x, t, memory),
      after(memory, h, t) {
        if (t === 1) memory.farthest = h.initEstimSqDist || h.eps;
        memory.farthest = Math.max(memory.farthest, memory.distance);
        memory.squares += memory.farthest * memory.square;
        memory.rate = memory.farthest / (Math.sqrt(memory.squares) + h.eps);
      },
    },
    { tensor: descend },
  ],
  twins: { f32: {}, f64: {} },
});
