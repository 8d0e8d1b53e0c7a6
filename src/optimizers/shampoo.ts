import { axesOf, gram, multiplyAlong } from "../axes.js";
import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import { sgd as sgdF32 } from "../generated/f32/optimizers/sgd.js";
import { eigenOf } from "../linalg.js";
import { pow } from "../math.js";
import * as matrix from "../matrix.js";
import type { Slot } from "../rule.js";
import { sgd } from "./sgd.js";

/**
 * Shampoo: a preconditioner for each axis of a tensor, the inverse root of what its gradients' products add up to. Axes longer
 * than `maxPrecondDim` are left as they are.
 *
 * @remarks Use it for small dense layers, where the roots of matrices are affordable; `updateFreq` makes them rarer.
 * @state two matrices for each axis, `buf` with `momentum`: 8 d² for each axis of length d, 0 to 4
 * @see Gupta et al., 2018, Shampoo: Preconditioned Stochastic Tensor Optimization (arXiv 1802.09568)
 */
export const Shampoo = /* @__PURE__ */ defineTensorOptimizer({
  name: "Shampoo",
  defaults: { lr: 0.1, momentum: 0, epsilon: 1e-4, updateFreq: 1, maxPrecondDim: 256 },
  ranges: { momentum: [0, 1], updateFreq: [1, Infinity] },
  fixed: ["epsilon", "maxPrecondDim"],
  state: (h, shape) => {
    const slots: Record<string, number | Slot> = h.momentum === 0 ? {} : { buf: 0 };
    for (const { index, size } of axesOf(shape, h.maxPrecondDim)) {
      slots[`precond${index}`] = { shape: [size, size], from: 0 };
      slots[`invPrecond${index}`] = { shape: [size, size], from: 0 };
    }
    return slots;
  },
  work(h, shape) {
    const length = shape.reduce((size, n) => size * n, 1);
    const longest = axesOf(shape, h.maxPrecondDim).reduce((most, { size }) => Math.max(most, size), 0);
    return [length, length, longest ** 2, longest ** 2];
  },
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        const [a, b, statistic, part] = x.work;
        if (h.momentum === 0) x.scale(a, 1, x.g);
        else {
          if (t === 1) x.scale(x.state.buf, 1, x.g);
          x.combine(a, 1 - h.momentum, x.g, h.momentum, x.state.buf);
        }
        if (h.weightDecay !== 0) x.combine(a, 1, a, h.weightDecay, x.p);
        let [g, other] = [a, b];
        for (const axis of axesOf(x.shape, h.maxPrecondDim)) {
          const { index, size } = axis;
          const precond = x.state[`precond${index}`];
          const inverse = x.state[`invPrecond${index}`];
          if (t === 1) for (let i = 0; i < size; i++) x.numbers[`precond${index}`][i * size + i] = h.epsilon;
          gram(x, axis, g, other, part, statistic);
          x.combine(precond, 1, precond, 1, statistic, size * size);
          if ((t - 1) % h.updateFreq === 0) {
            x.numbers[`invPrecond${index}`].set(inverseRoot(x.numbers[`precond${index}`], size, x.shape.length));
          }
          multiplyAlong(x, axis, inverse, inverse, g, other);
          [g, other] = [other, g];
        }
        if (h.momentum !== 0) x.scale(x.state.buf, 1, g);
        x.s[0] = h.lr;
        x.run("sgd", x.p, g);
      },
    },
  ],
  matrix: { f32: matrixF32, f64: matrix },
  twins: { f32: { sgd: sgdF32 }, f64: { sgd } },
});

/** A symmetric matrix to the power -1 / order. */
function inverseRoot(matrix: ArrayLike<number>, n: number, order: number): Float64Array {
  const { values, vectors } = eigenOf(n, matrix);
  const root = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const size = Math.abs(values[k]);
    const power = order === 1 ? 1 / size : order === 2 ? 1 / Math.sqrt(size) : 1 / pow(size, 1 / order);
    for (let i = 0; i < n; i++) {
      const share = power * vectors[k * n + i];
      for (let j = 0; j < n; j++) root[i * n + j] += share * vectors[k * n + j];
    }
  }
  return root;
}
