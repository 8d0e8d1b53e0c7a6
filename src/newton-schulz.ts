import type { TensorStep } from "./tensor-step.js";

/** The coefficients of one iteration: X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X. */
export type Coefficients = readonly [a: number, b: number, c: number];

/** The lengths of its work buffers: two matrices, and two squares of the smaller side. */
export function newtonSchulzWork(rows: number, columns: number): readonly number[] {
  const square = Math.min(rows, columns) ** 2;
  return [rows * columns, rows * columns, square, square];
}

/** What to multiply each of n rows by, given the products of all pairs of them. */
export type Scaling = (gram: Float64Array, n: number) => Float64Array;

/**
 * The Newton–Schulz iteration: brings the singular values of the matrix in the first work buffer near 1. None may be above 1, or
 * `scaling` sees to it, on the rows or columns, whichever are fewer.
 */
export function newtonSchulz(
  x: TensorStep,
  rows: number,
  columns: number,
  iterations: readonly Coefficients[],
  scaling?: Scaling,
): void {
  const [given, second, squared, fourth] = x.work;
  const { matmul, transpose } = x.matrix;
  const isTall = rows > columns;
  // squares of the smaller side
  const [n, m] = isTall ? [columns, rows] : [rows, columns];
  const [matrix, other] = isTall ? [second, given] : [given, second];
  if (isTall) transpose(rows, columns, given, matrix);
  if (scaling) {
    transpose(n, m, matrix, other);
    matmul(n, m, n, matrix, other, squared);
    const factors = scaling(Float64Array.from(x.workNumbers[2]), n);
    const numbers = x.workNumbers[isTall ? 1 : 0];
    for (let i = 0; i < n * m; i++) numbers[i] *= factors[Math.floor(i / m)];
  }
  for (const [a, b, c] of iterations) {
    transpose(n, m, matrix, other);
    matmul(n, m, n, matrix, other, squared);
    matmul(n, n, n, squared, squared, fourth);
    x.combine(squared, b, squared, c, fourth, n * n);
    matmul(n, n, m, squared, matrix, other);
    x.combine(matrix, a, matrix, 1, other);
  }
  if (isTall) transpose(n, m, matrix, given);
}
