import { defineTensorOptimizer } from "../define.js";
import { sizeOf } from "../layout.js";
import type { Memory } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * DoG, distance over gradients: SGD whose rate is the farthest it has come from its start, over the root of all squared gradients.
 *
 * @remarks Use it where there is no time to look for a rate, and take an average of the parameters in the end.
 * @see Ivgi et al., 2023, DoG is SGD's Best Friend: A Parameter-Free Dynamic Step Size Schedule (arXiv 2302.12022)
 */
export const DoG = /* @__PURE__ */ defineTensorOptimizer({
  name: "DoG",
  // the first step goes by repsRel and the norm of the parameters, or by the distance initDist, or at the rate initEta
  defaults: { lr: 1, repsRel: 1e-6, initDist: 0, initEta: 0, eps: 1e-8 },
  ranges: {
    lr: [0, Infinity],
    repsRel: [0, Infinity],
    initDist: [0, Infinity],
    initEta: [0, Infinity],
    eps: [0, Infinity],
  },
  conventions: { optax: {} },
  fixed: ["repsRel", "initDist", "initEta"],
  conflict: ({ initDist, initEta }) =>
    initDist !== 0 && initEta !== 0
      ? `initDist and initEta exclude each other, got ${initDist} and ${initEta}`
      : undefined,
  state: () => ({ p0: "params" }),
  work: (_, shape) => [sizeOf(shape)],
  memory: () => ({ farthest: 0, squares: 0, rate: 0, ...unmeasured }),
  passes: [
    {
      before: startMeasuring,
      tensor: (x, _, t, memory) => measure(x, t, memory),
      after(memory, h, t) {
        if (t === 1 && h.initEta === 0) memory.farthest = h.initDist || h.repsRel * (1 + Math.sqrt(memory.size));
        memory.farthest = Math.max(memory.farthest, Math.sqrt(memory.distance));
        memory.squares += memory.square;
        memory.rate = memory.farthest / Math.sqrt(memory.squares + h.eps);
        if (t === 1 && h.initEta !== 0) memory.rate = h.initEta;
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
  const [way] = x.work;
  x.combine(way, 1, x.p, -1, x.state.p0);
  memory.distance += x.dot(way, way);
  if (t === 1) memory.size += x.dot(x.p, x.p);
  memory.square += x.dot(x.g, x.g);
}

export function descend(x: TensorStep, { lr }: { readonly lr: number }, _t: number, { rate }: Memory): void {
  x.combine(x.p, 1, x.p, -lr * rate, x.g);
}
