import type { Ref } from "./backend.js";
import type { TensorStep } from "./tensor-step.js";

// Matrices along the axes of a tensor. A tensor is [outer, size, inner] to each of its axes: a stack of matrices whose rows lie
// along the axis, or, for the last axis, one matrix whose columns do.

export interface Axis {
  readonly index: number;
  readonly outer: number;
  readonly size: number;
  readonly inner: number;
}

/** The axes of a shape that are not longer than `longest`. */
export function axesOf(shape: readonly number[], longest: number): Axis[] {
  return shape
    .map((size, index) => ({
      index,
      size,
      outer: shape.slice(0, index).reduce((product, n) => product * n, 1),
      inner: shape.slice(index + 1).reduce((product, n) => product * n, 1),
    }))
    .filter(({ size }) => size <= longest);
}

/** out = m x along an axis; `mt` is the transpose of `m`. */
export function multiplyAlong(step: TensorStep, axis: Axis, m: Ref, mt: Ref, x: Ref, out: Ref): void {
  const { outer, size, inner } = axis;
  const { matmul } = step.matrix;
  if (inner === 1) matmul(outer, size, size, x, mt, out);
  else {
    for (let o = 0; o < outer; o++)
      matmul(size, size, inner, m, sliceOf(step, axis, x, o), sliceOf(step, axis, out, o));
  }
}

/** out = the products of all pairs along an axis, summed over the rest: X Xᵀ of the unfolded x. `work` is as large as x. */
export function gram(step: TensorStep, axis: Axis, x: Ref, work: Ref, product: Ref, out: Ref): void {
  const { outer, size, inner } = axis;
  const { matmul, transpose } = step.matrix;
  if (inner === 1) {
    transpose(outer, size, x, work);
    matmul(size, outer, size, work, x, out);
    return;
  }
  for (let o = 0; o < outer; o++) {
    const matrix = sliceOf(step, axis, x, o);
    transpose(size, inner, matrix, work);
    matmul(size, inner, size, matrix, work, o === 0 ? out : product);
    if (o > 0) step.combine(out, 1, out, 1, product, size * size);
  }
}

function sliceOf(step: TensorStep, { size, inner }: Axis, x: Ref, o: number): Ref {
  return step.slice(x, o * size * inner, size * inner);
}
