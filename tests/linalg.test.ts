import { describe, expect, test } from "vitest";
import { eigenOf, orthogonalFactor } from "../src/linalg.js";
import { random } from "./tables.js";

// Each matrix by its name: symmetric ones, and for the orthogonal factor any.
const sizes = [1, 2, 3, 4, 5, 10, 31, 64, 100];

function filled(n: number, element: (i: number, j: number) => number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => element(Math.floor(k / n), k % n));
}

function multiplied(n: number, a: Float64Array, b: Float64Array): Float64Array {
  return filled(n, (i, j) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
    return sum;
  });
}

const transposed = (n: number, a: Float64Array) => filled(n, (i, j) => a[j * n + i]);
const identity = (n: number) => filled(n, (i, j) => (i === j ? 1 : 0));

function noise(n: number): Float64Array {
  const r = random(n);
  return filled(n, () => 2 * r() - 1);
}

/** a aᵀ of the first `rank` columns of noise. */
function gram(n: number, rank: number): Float64Array {
  const a = noise(n).map((x, k) => (k % n < rank ? x : 0));
  return multiplied(n, a, transposed(n, a));
}

const symmetric: Readonly<Record<string, (n: number) => Float64Array>> = {
  "of random numbers": (n) => noise(n).map((x, k, all) => x + all[(k % n) * n + Math.floor(k / n)]),
  "of full rank": (n) => gram(n, n),
  "of rank one": (n) => gram(n, 1),
  "of half the rank": (n) => gram(n, Math.ceil(n / 2)),
  zero: (n) => new Float64Array(n * n),
  one: identity,
  diagonal: (n) => filled(n, (i, j) => (i === j ? ((i * 7) % n) - 3 : 0)),
  "of ones": (n) => new Float64Array(n * n).fill(1),
  "of decades": (n) => filled(n, (i, j) => (i === j ? 2 : 1) * 10 ** -(i + j)),
  "nearly diagonal": (n) => filled(n, (i, j) => (i === j ? i : 1e-14)),
  tridiagonal: (n) => filled(n, (i, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)),
  large: (n) => gram(n, n).map((x) => x * 2 ** 1000),
  small: (n) => gram(n, n).map((x) => x * 2 ** -1060),
};

/** The largest difference, as a share of the largest element. */
function error(actual: Float64Array, expected: Float64Array): number {
  const largest = Math.max(...[...expected].map(Math.abs)) || 1;
  return Math.max(...[...actual].map((x, i) => Math.abs(x / largest - expected[i] / largest)));
}

describe.each(Object.entries(symmetric))("a matrix %s", (name, make) => {
  test.each(sizes)("of %i rows is made of its eigenvalues and eigenvectors", (n) => {
    const a = make(n);
    const copy = a.slice();
    const { values, vectors } = eigenOf(n, a);
    expect(a).toEqual(copy);
    expect(values).toEqual(values.slice().sort());
    const tolerance = 4e-15 * n;
    expect(error(multiplied(n, vectors, transposed(n, vectors)), identity(n))).toBeLessThan(tolerance);
    const scaled = vectors.map((x, k) => x * values[Math.floor(k / n)]);
    // what is next to the smallest number has few bits
    expect(error(multiplied(n, transposed(n, vectors), scaled), a)).toBeLessThan(name === "small" ? 1e-3 : tolerance);
  });

  test.each(sizes)("of %i rows has an orthogonal factor", (n) => {
    const a = make(n);
    const q = orthogonalFactor(n, a);
    const tolerance = 4e-15 * n;
    expect(error(multiplied(n, transposed(n, q), q), identity(n))).toBeLessThan(tolerance);
    const r = multiplied(n, transposed(n, q), a);
    const upper = r.map((x, k) => (Math.floor(k / n) > k % n ? 0 : x));
    const largest = Math.max(...[...a].map(Math.abs)) || 1;
    expect(Math.max(...r.map((x, k) => Math.abs(x - upper[k]) / largest))).toBeLessThan(
      name === "small" ? 1e-3 : tolerance * n,
    );
  });
});

test("eigenvalues that are known", () => {
  const n = 12;
  const { values } = eigenOf(n, symmetric.tridiagonal(n));
  for (const [k, value] of values.entries()) {
    expect(value).toBeCloseTo(2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)), 14);
  }
});

test("what is not finite gives NaN", () => {
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    const a = new Float64Array([1, bad, bad, 1]);
    const { values, vectors } = eigenOf(2, a);
    for (const x of [...values, ...vectors, ...orthogonalFactor(2, a)]) expect(x).toBeNaN();
  }
});

test("no rows", () => {
  expect(eigenOf(0, [])).toEqual({ values: new Float64Array(), vectors: new Float64Array() });
  expect(orthogonalFactor(0, [])).toEqual(new Float64Array());
});
