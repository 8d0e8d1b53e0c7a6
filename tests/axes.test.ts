import { describe, expect, test } from "vitest";
import { Adafactor, SM3 } from "../dist/index.js";
import { data, type Reals, random } from "./tables.js";

// Tensors of three and four axes, of which there are no golden numbers: against the formulas, written element by element.

type Index = readonly number[];

/** The place of element i along each axis. */
function placeOf(i: number, shape: Index): Index {
  return shape.map((n, axis) => Math.floor(i / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % n);
}

/** The elements that have the same place along all axes but some. */
function alike(shape: Index, length: number, ...axes: number[]): number[][] {
  const groups = new Map<string, number[]>();
  for (let i = 0; i < length; i++) {
    const key = String(placeOf(i, shape).filter((_, axis) => !axes.includes(axis)));
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()];
}

const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
const rms = (x: readonly number[]) => Math.sqrt(mean(x.map((xi) => xi * xi)));

/** Runs five steps and compares with those of `formula`, which changes p. */
function compare(
  make: (shape: number[]) => { readonly params: Readonly<Record<string, Reals>>; step(grads: unknown): unknown },
  shape: number[],
  formula: (p: number[], g: number[], t: number) => void,
): void {
  const r = random(shape.length);
  const optimizer = make(shape);
  const [{ length }] = Object.values(optimizer.params);
  const p = [...data(length, "f64", "ordinary", r)];
  optimizer.params[0].set(p);
  for (let t = 1; t <= 5; t++) {
    const g = data(length, "f64", "ordinary", r);
    optimizer.step([g]);
    formula(p, [...g], t);
    for (let i = 0; i < length; i++) expect(optimizer.params[0][i]).toBeCloseTo(p[i], 13);
  }
}

describe("Adafactor", () => {
  test.each([
    ["torch", [2, 3, 4], [1, 2]],
    ["torch", [3, 2, 2, 5], [2, 3]],
    ["keras", [3, 2, 2, 5], [2, 3]],
    ["timm", [20, 18, 3, 3], [0, 1]],
    ["timm", [2, 18, 20], [1, 2]],
    ["optax", [4, 2, 5, 3], [0, 2]],
    ["big_vision", [2, 6, 5], [1, 2]],
  ] as const)("%s: the squares of %j are averaged along axes %j", (convention, shape, [first, second]) => {
    const length = shape.reduce((a: number, b) => a * b, 1);
    const averages = [second, first].map(() => new Float64Array(length));
    const options = {
      lr: 0.01,
      d: 1,
      momentum: 0,
      beta2Cap: 1,
      relativeStep: false,
      scaleParameter: false,
      eps1: 1e-30,
    };
    const small = convention === "optax" || convention === "big_vision" ? { minDimSizeToFactor: 4 } : {};
    compare(
      (of) => new Adafactor([of], { ...options, ...small, convention, dtype: "f64" }),
      [...shape],
      (p, g, t) => {
        const beta2 = 1 - t ** -0.8;
        for (const [k, axis] of [second, first].entries()) {
          for (const group of alike(shape, length, axis)) {
            const now = mean(group.map((i) => g[i] * g[i]));
            for (const i of group) averages[k][i] = beta2 * averages[k][i] + (1 - beta2) * now;
          }
        }
        const [rows, columns] = averages;
        const u = g.slice();
        for (const group of alike(shape, length, first, second)) {
          const whole = mean(group.map((i) => rows[i]));
          for (const i of group) u[i] = g[i] / Math.sqrt((rows[i] * columns[i]) / whole);
        }
        const clip = convention === "big_vision" ? Math.min(1, rms(u)) : Math.max(1, rms(u));
        for (let i = 0; i < length; i++) p[i] -= (0.01 * u[i]) / clip;
      },
    );
  });
});

describe("SM3", () => {
  test.each([[[]], [[2, 3, 4]], [[3, 2, 2, 5]]])("%j", (shape: number[]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const axes = shape.length === 0 ? [[]] : shape.map((_, axis) => shape.map((_, i) => i).filter((i) => i !== axis));
    const accumulators = axes.map(() => new Float64Array(length));
    compare(
      (of) => new SM3([of], { dtype: "f64" }),
      shape,
      (p, g) => {
        const sums = g.map((gi, i) => Math.min(...accumulators.map((a) => a[i])) + gi * gi);
        for (let i = 0; i < length; i++) p[i] -= (0.1 * g[i]) / Math.sqrt(sums[i] + 1e-30);
        for (const [k, others] of axes.entries()) {
          for (const group of alike(shape, length, ...others)) {
            const largest = Math.max(...group.map((i) => sums[i]));
            for (const i of group) accumulators[k][i] = largest;
          }
        }
      },
    );
  });
});
