import { defineTensorOptimizer } from "../define.js";
import { sizeOf } from "../layout.js";
import type { Memory } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * DoG, distance over gradients: SGD whose rate is the farthest it has come from its start, over the root of all squared gradients.
 *
 * @remarks Use it where there is no time to look for a rate, and take an average of the parameters in the end.
 * @option eps added to the sum of squared gradients
 * @option lr what the rate that it finds is multiplied by
 * @see Ivgi et al., 2023, DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule (arXiv 2302.12022)
 */
export const DoG = /* @__PURE__ */ defineTensorOptimizer({
  name: "DoG",
  defaults: { lr: 1, initStep: "heuristic", initValue: 1e-6, eps: 1e-8 },
  // initValue is the distance of the first step: times 1 and the norm of the parameters, or as it is; or it is its rate
  choices: { initStep: ["heuristic", "distance", "learning_rate"] },
  conventions: { optax: {} },
  fixed: ["initValue"],
  state: () => ({ p0: "params" }),
  work: (_, shape) => [sizeOf(shape)],
  memory: () => ({ farthest: 0, squares: 0, rate: 0, ...unmeasured }),
  passes: [
    {
      before: startMeasuring,
      tensor: (x, _, t, memory) => measure(x, t, memory),
      after(memory, { initStep, initValue, eps }, t) {
        if (t === 1 && initStep === "distance") memory.farthest = initValue;
        if (t === 1 && initStep === "heuristic") memory.farthest = initValue * (1 + Math.sqrt(memory.size));
        memory.farthest = Math.max(memory.farthest, Math.sqrt(memory.distance));
        memory.squares += memory.square;
        memory.rate = memory.farthest / Math.sqrt(memory.squares + eps);
        if (t === 1 && initStep === "learning_rate") memory.rate = initValue;
      },
    },
    { tensor: descend },
  ],
  twins: { f32: {}, f64: {} },
});

// What DoG and DoWG share: they measure, over all tensors, and then descend.

/** Squared norms: of the parameters at first, of the way from there, and of the gradient. */
export const unmeasured = { size: 0, distance: 0, square: 0 };

export function startMeasuring(memory: Memory): void {
  Object.assign(memory, unmeasured);
}

export function measure(x: TensorStep, t: number, memory: Memory): void {
  if (t === 1) memory.size += x.dot(x.p, x.p);
  else {
    x.combine(x.work[0], 1, x.p, -1, x.state.p0);
    memory.distance += x.dot(x.work[0], x.work[0]);
  }
  memory.square += x.dot(x.g, x.g);
}

export function descend(x: TensorStep, { lr }: { readonly lr: number }, _t: number, { rate }: Memory): void {
  x.combine(x.p, 1, x.p, -lr * rate, x.g);
}
