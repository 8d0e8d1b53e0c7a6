import { defineTensorOptimizer } from "../define.js";
import * as adampF32 from "../generated/f32/optimizers/adamp.js";
import * as sgdF32 from "../generated/f32/optimizers/sgd.js";
import { adampCosines, adampShares, adampTakeOff, project, projectionMatrix, projectionWork } from "./adamp.js";
import { sgd, sgdConflict, sgdKernel, sgdMomentum, sgdNesterov, sgdState } from "./sgd.js";

/**
 * SGDP: SGD that does not let weights grow which a normalization follows.
 *
 * @remarks Use it where SGD with momentum trains a network with batch normalization and the like. See AdamP.
 * @option dampening what is taken off the gradient's share in the momentum
 * @option eps added to norms that are divided by
 * @see Heo et al., 2020, AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights (arXiv 2006.08217)
 */
export const SGDP = /* @__PURE__ */ defineTensorOptimizer({
  name: "SGDP",
  defaults: { lr: 1e-3, momentum: 0, dampening: 0, nesterov: false, eps: 1e-8, delta: 0.1, wdRatio: 0.1 },
  ranges: { momentum: [0, 1] },
  state: sgdState,
  work: projectionWork,
  scalars(s, h) {
    // dampening holds for every gradient
    s[0] = h.momentum === 0 ? h.lr * (1 - h.dampening) : h.lr;
    s[1] = h.momentum;
    s[2] = 1 - h.dampening;
    s[3] = h.lr;
  },
  conflict: sgdConflict,
  decoupled: () => true,
  passes: [
    {
      tensor(x, h) {
        const [step] = x.work;
        x.stepFromZero(sgdKernel(h), step);
        const decay = (h.weightDecay * project(x, h)) / (1 - h.momentum);
        x.combine(x.p, 1 - h.lr * decay, x.p, 1, step);
      },
    },
  ],
  matrix: projectionMatrix,
  twins: {
    f32: {
      sgd: sgdF32.sgd,
      sgdMomentum: sgdF32.sgdMomentum,
      sgdNesterov: sgdF32.sgdNesterov,
      adampCosines: adampF32.adampCosines,
      adampShares: adampF32.adampShares,
      adampTakeOff: adampF32.adampTakeOff,
    },
    f64: { sgd, sgdMomentum, sgdNesterov, adampCosines, adampShares, adampTakeOff },
  },
});
