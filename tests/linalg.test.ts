import { describe, expect, test } from "vitest";
import { columns, descending, eigen, orthogonalize, product, transposed } from "../src/linalg.js";
import { random } from "./tables.js";

// Dense linear algebra: what it returns is put together again.

function matrixOf(n: number, draw: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => draw(Math.floor(k / n), k % n));
}

function largest(a: Float64Array, b: Float64Array = new Float64Array(a.length)): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
}

const identity = (n: number) => matrixOf(n, (i, j) => (i === j ? 1 : 0));

const matrices = [0, 1, 2, 3, 5, 17, 40].flatMap((n) => {
  const r = random(n + 1);
  const full = matrixOf(n, () => 2 * r() - 1);
  const low = matrixOf(n, (i, j) => full[i * n] * full[j * n]);
  return [
    { n, kind: "full", matrix: full },
    { n, kind: "of rank 1", matrix: low },
    { n, kind: "diagonal", matrix: matrixOf(n, (i, j) => (i === j ? full[i] : 0)) },
    { n, kind: "zero", matrix: new Float64Array(n * n) },
    { n, kind: "of many sizes", matrix: matrixOf(n, (i, j) => full[i * n + j] * 10 ** (-i - j)) },
  ];
});

describe.each(matrices)("a $kind matrix of $n", ({ n, matrix }) => {
  test("eigenvectors times eigenvalues give the symmetric matrix back", () => {
    const symmetric = matrixOf(n, (i, j) => (matrix[i * n + j] + matrix[j * n + i]) / 2);
    const { values, vectors } = eigen(symmetric, n);
    const scaled = vectors.map((v, k) => v * values[k % n]);
    const size = Math.max(largest(symmetric), Number.MIN_VALUE);
    expect(largest(product(scaled, transposed(vectors, n), n), symmetric)).toBeLessThanOrEqual(1e-13 * size * n);
    expect(largest(product(transposed(vectors, n), vectors, n), identity(n))).toBeLessThan(1e-13);
  });

  test("the orthogonal factor leaves an upper triangle", () => {
    const q = orthogonalize(matrix, n);
    expect(largest(product(transposed(q, n), q, n), identity(n))).toBeLessThan(1e-13);
    const r = product(transposed(q, n), matrix, n);
    const below = r.filter((_, k) => Math.floor(k / n) > k % n);
    expect(largest(below)).toBeLessThanOrEqual(1e-14 * largest(matrix) * n);
  });
});

test("small eigenvalues of a positive matrix are as exact as large ones", () => {
  // 1e-10 and 1 in a basis turned by 45 degrees and stretched: [[1, c], [c, c² + 1e-10]] has the product 1e-10
  const c = 1e-5;
  const { values } = eigen(Float64Array.of(1, c, c, c * c + 1e-10), 2);
  expect(values[0] * values[1]).toBeCloseTo(1e-10, 22);
});

test("what is no number ends all the same", () => {
  const bad = Float64Array.of(1, NaN, NaN, 2);
  expect(eigen(bad, 2).values.length).toBe(2);
  expect(orthogonalize(bad, 2).length).toBe(4);
  expect(eigen(new Float64Array(16).fill(Infinity), 4).values.length).toBe(4);
});

test("columns in the order of values, the largest first", () => {
  const order = descending(Float64Array.of(1, 3, 2));
  expect(order).toEqual([1, 2, 0]);
  expect([...columns(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 3, order)]).toEqual([2, 3, 1, 5, 6, 4, 8, 9, 7]);
});
