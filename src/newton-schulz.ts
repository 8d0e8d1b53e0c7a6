import type { TensorStep } from "./tensor-step.js";

/** The coefficients of one iteration: X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X. */
export type Coefficients = readonly [a: number, b: number, c: number];

/** The lengths of its work buffers: two matrices, and two squares of the smaller side. */
export function newtonSchulzWork(rows: number, columns: number): readonly number[] {
  const square = Math.min(rows, columns) ** 2;
  return [rows * columns, rows * columns, square, square];
}

/**
 * The Newton–Schulz iteration: brings the singular values of the matrix in the first work buffer, where none is above 1, near 1.
 */
export function newtonSchulz(x: TensorStep, rows: number, columns: number, iterations: readonly Coefficients[]): void {
  const [given, second, squared, fourth] = x.work;
  const { matmul, transpose } = x.matrix;
  const isTall = rows > columns;
  // squares of the smaller side
  const [n, m] = isTall ? [columns, rows] : [rows, columns];
  const [matrix, other] = isTall ? [second, given] : [given, second];
  if (isTall) transpose(rows, columns, given, matrix);
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
