import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import { adam as adamF32 } from "../generated/f32/optimizers/adam.js";
import * as f32 from "../generated/f32/optimizers/adamp.js";
import { nadam as nadamF32 } from "../generated/f32/optimizers/nadam.js";
import { sizeOf } from "../layout.js";
import * as matrix from "../matrix.js";
import { add, div, max, mul, type Reals, sqrt, sub } from "../real.js";
import type { Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";
import { adam, adamScalars } from "./adam.js";
import { lookAhead, nadam } from "./nadam.js";

// What AdamP and SGDP share: buffers and kernels. They are a step, three numbers for each row, and those of a row for each element.
export const projectionWork = (_h: unknown, shape: readonly number[]): number[] => {
  const [size, rows] = [sizeOf(shape), shape[0]];
  return shape.length < 2 ? [size] : [size, rows, rows, rows, size];
};
export const projectionMatrix = { f32: matrixF32, f64: matrix };

/**
 * AdamP: Adam that does not let weights grow which a normalization follows.
 *
 * @remarks Use it for networks with batch normalization and the like: where the gradient is nearly at a right angle to the weights,
 * the step keeps to that angle, and `wdRatio` times the weight decay is enough.
 * @option eps added to the root of the second moment, and to norms that are divided by
 * @see Heo et al., 2020, AdamP: Slowing Down the Slowdown for Momentum Optimizers on Scale-invariant Weights (arXiv 2006.08217)
 */
export const AdamP = /* @__PURE__ */ defineTensorOptimizer({
  name: "AdamP",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, delta: 0.1, wdRatio: 0.1, nesterov: false },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  state: () => ({ m: 0, v: 0 }),
  work: projectionWork,
  scalars(s, h, t) {
    const adam = { ...h, epsRoot: 0, amsgrad: false, biasCorrection: true };
    if (h.nesterov) lookAhead(s, adam, t, 0);
    else adamScalars(s, adam, t, 0);
  },
  decoupled: () => true,
  passes: [
    {
      tensor(x, h) {
        const [step] = x.work;
        x.stepFromZero(h.nesterov ? "nadam" : "adam", step);
        const decay = h.weightDecay * project(x, h);
        x.combine(x.p, 1 - h.lr * decay, x.p, 1, step);
      },
    },
  ],
  matrix: projectionMatrix,
  twins: {
    f32: {
      adam: adamF32,
      nadam: nadamF32,
      adampCosines: f32.adampCosines,
      adampShares: f32.adampShares,
      adampTakeOff: f32.adampTakeOff,
    },
    f64: { adam, nadam, adampCosines, adampShares, adampTakeOff },
  },
});

/**
 * Takes off the step what points along the weights, if the gradient is at a right angle to each of their rows, or else to all of
 * them as one. Returns what the weight decay is then multiplied by.
 */
export function project(x: TensorStep, h: Values<{ eps: number; delta: number; wdRatio: number }>): number {
  if (x.shape.length < 2 || x.length === 0) return 1;
  const [step, products, g, p, shares] = x.work;
  x.s[0] = h.eps;
  for (const rows of [x.shape[0], 1]) {
    const columns = x.length / rows;
    x.rowDots(rows, x.g, x.p, products);
    x.rowDots(rows, x.g, x.g, g);
    x.rowDots(rows, x.p, x.p, p);
    x.over(rows, "adampCosines", products, g, p);
    if (x.maxAbs(products, rows) < h.delta / Math.sqrt(columns)) {
      x.rowDots(rows, step, x.p, products);
      x.over(rows, "adampShares", products, p);
      x.matrix.spreadRows(rows, columns, products, shares);
      x.run("adampTakeOff", step, x.p, shares);
      return h.wdRatio;
    }
  }
  return 1;
}

/** Of rows x and y, from their products xy and the squares of their norms: the cosine of the angle between them. */
export function adampCosines(n: number, xy: Reals, xx: Reals, yy: Reals, h: Reals): void {
  const eps = h[0];
  for (let i = 0; i < n; i++) {
    xy[i] = div(xy[i], mul(max(sqrt(xx[i]), eps), max(sqrt(yy[i]), eps)));
  }
}

/** Of rows x and y: the share of y in x. */
export function adampShares(n: number, xy: Reals, yy: Reals, h: Reals): void {
  const eps = h[0];
  for (let i = 0; i < n; i++) {
    const norm = add(sqrt(yy[i]), eps);
    xy[i] = div(div(xy[i], norm), norm);
  }
}

/** step = step - shares p */
export function adampTakeOff(n: number, step: Reals, p: Reals, shares: Reals, _h: Reals): void {
  for (let i = 0; i < n; i++) {
    step[i] = sub(step[i], mul(shares[i], p[i]));
  }
}
