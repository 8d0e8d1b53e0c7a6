import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import { sizeOf } from "../layout.js";
import { rowSums, spreadRows } from "../matrix.js";
import { Filter } from "./filter.js";
import type { Wrappable, Wrapped } from "./wrapper.js";

const Centralized = /* @__PURE__ */ defineTensorOptimizer({
  name: "GradientCentralization",
  defaults: {},
  state: () => ({}),
  work: (_, shape) => (shape.length > 1 ? [shape[0], sizeOf(shape)] : []),
  passes: [
    {
      tensor(x) {
        if (x.shape.length < 2 || x.length === 0) {
          x.scale(x.p, 1, x.g);
          return;
        }
        const [sums, spread] = x.work;
        const rows = x.shape[0];
        const columns = x.length / rows;
        x.matrix.rowSums(rows, columns, x.g, sums);
        x.matrix.spreadRows(rows, columns, sums, spread);
        x.combine(x.p, 1, x.g, -1 / columns, spread);
      },
    },
  ],
  matrix: { f32: { rowSums: matrixF32.rowSums, spreadRows: matrixF32.spreadRows }, f64: { rowSums, spreadRows } },
  twins: { f32: {}, f64: {} },
});

/**
 * Gradient centralization: takes from the gradient of each row of a matrix, or of a tensor's first axis, its mean. Vectors stay as
 * they are.
 *
 * @remarks Use it for the weights of dense and convolutional layers, for smoother training.
 * @see Yong et al., 2020, Gradient Centralization: A New Optimization Technique for Deep Neural Networks (arXiv 2004.01461)
 */
export const GradientCentralization = class GradientCentralization extends Filter {
  constructor(optimizer: unknown, options: unknown = {}) {
    super(Centralized, optimizer, options);
  }
} as unknown as {
  new <O extends Wrappable>(optimizer: O): Wrapped<O>;
};
