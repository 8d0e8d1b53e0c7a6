import { describe, expect, test } from "vitest";
import { MARS } from "../src/index.js";
import { backends, make, numbers } from "./helpers.js";

type Matrix = readonly (readonly number[])[];

const shapes = [
  [3, 4],
  [5, 2],
  [1, 1],
] as const;
const options = { lr: 0.02, beta1: 0.9, gamma: 0.05, eps: 1e-6, weightDecay: 0.1 };
const steps = 6;

const transpose = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
const product = (a: Matrix, b: Matrix): Matrix => {
  return a.map((row) => transpose(b).map((column) => row.reduce((sum, x, k) => sum + x * column[k], 0)));
};
const combine = (a: number, x: Matrix, b: number, y: Matrix): Matrix => {
  return x.map((row, i) => row.map((_, j) => a * x[i][j] + b * y[i][j]));
};
const norm = (x: Matrix) => Math.sqrt(x.flat().reduce((sum, value) => sum + value * value, 0));
const matrixOf = (rows: number, list: readonly number[]): Matrix => {
  const columns = list.length / rows;
  return Array.from({ length: rows }, (_, i) => list.slice(i * columns, (i + 1) * columns));
};

/** Five iterations of X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X on the matrix over its norm, lying on its longer side. */
function orthogonal(m: Matrix): Matrix {
  if (m.length > m[0].length) return transpose(orthogonal(transpose(m)));
  let x = combine(1 / (norm(m) + options.eps), m, 0, m);
  for (let i = 0; i < 5; i++) {
    const gram = product(x, transpose(x));
    x = combine(3.4445, x, 1, product(combine(-4.775, gram, 2.0315, product(gram, gram)), x));
  }
  return x;
}

/** The formulas of the paper's section on Shampoo, written out, from the same start and with the same gradients. */
function plainRun(rows: number, start: readonly number[], gradients: readonly (readonly number[])[]): number[] {
  const { lr, beta1, gamma, weightDecay } = options;
  let p = matrixOf(rows, start);
  let m = combine(0, p, 0, p);
  let last = m;
  for (const gradient of gradients) {
    const g = matrixOf(rows, gradient);
    const moved = (gamma * beta1) / (1 - beta1);
    const c = combine(1 + moved, g, -moved, last);
    m = combine(beta1, m, (1 - beta1) / Math.max(1, norm(c)), c);
    last = g;
    const scale = Math.sqrt(Math.max(1, rows / g[0].length));
    p = combine(1 - lr * weightDecay, p, -lr * scale, orthogonal(combine(1 / (1 - beta1), m, 0, m)));
  }
  return p.flat();
}

describe.each(backends)("on %s", (backend) => {
  test.each(shapes)("MARS with Shampoo's step is its formula, for a matrix of %d × %d", (rows, columns) => {
    const start = numbers("start", rows * columns, 1);
    // longer and shorter than 1
    const gradients = Array.from({ length: steps }, (_, k) => {
      return numbers("gradient", rows * columns, k + 2).map((g) => g * (k % 2 === 0 ? 3 : 0.01));
    });
    const shape = { w: { data: new Float64Array(start), shape: [rows, columns] } };
    const opt = make(MARS, shape, { ...options, marsType: "shampoo", backend });
    for (const g of gradients) opt.step({ w: new Float64Array(g) });
    const expected = plainRun(rows, start, gradients);
    for (const [i, x] of opt.params.w.entries()) expect(Math.abs(x - expected[i])).toBeLessThan(1e-12);
    expect(Object.keys(opt.state.w)).toEqual(["m", "previous"]);
  });

  test("with Lion's step, cautious leaves signs as long as they are, as timm does", () => {
    const { lr, beta1, weightDecay } = options;
    const opt = make(
      MARS,
      { w: [2, 3] },
      { ...options, marsType: "lion", cautious: true, gamma: 0, dtype: "f64", backend },
    );
    opt.params.w.set(numbers("start", 6, 1));
    const expected = [...opt.params.w];
    const m = expected.map(() => 0);
    for (let step = 1; step <= steps; step++) {
      // no longer than 1, and with other signs than the momentum
      const g = numbers("gradient", 6, step).map((x) => 0.3 * x);
      opt.step({ w: new Float64Array(g) });
      for (const [i, x] of expected.entries()) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        expected[i] = x - lr * weightDecay * x - (m[i] * g[i] > 0 ? lr * Math.sign(m[i]) : 0);
      }
    }
    for (const [i, x] of opt.params.w.entries()) expect(Math.abs(x - expected[i])).toBeLessThan(1e-15);
  });
});

test("with Shampoo's step, what is no matrix is stepped as ever", () => {
  const [one, other] = (["adamw", "shampoo"] as const).map((marsType) => {
    const opt = new MARS({ w: 3, c: [2, 2, 2] }, { marsType, optimize1d: true });
    for (const name of ["w", "c"] as const) opt.grads[name].fill(0.1);
    opt.step();
    return [...opt.params.w, ...opt.params.c];
  });
  expect(other).toEqual(one);
});

test("timm corrects the gradients of all that is no vector, but for the first one; the authors those of matrices", () => {
  const run = (convention: string, gamma: number) => {
    const opt = make(MARS, { w: 3, c: [2, 2, 2] }, { convention, gamma, dtype: "f64" });
    const after = [1, 2].map((step) => {
      for (const name of ["w", "c"]) opt.grads[name].set(numbers(name, opt.grads[name].length, step));
      opt.step();
      return { w: [...opt.params.w], c: [...opt.params.c] };
    });
    return { first: after[0], second: after[1] };
  };
  const [timm, without, authors] = [run("timm", 0.05), run("timm", 0), run("torch", 0.05)];
  expect(timm.first).toEqual(without.first);
  expect(timm.second.w).toEqual(without.second.w);
  expect(timm.second.c).not.toEqual(without.second.c);
  expect(Object.keys(new MARS({ c: [2, 2, 2] }).state.c)).toEqual(["m", "v"]);
  expect(authors).toEqual(run("torch", 0));
});
