import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AdamW,
  adaptiveClip,
  centralize,
  clipByBlockRms,
  clipByNorm,
  clipGradNorm,
  clipGradValue,
  GradientCentralization,
  globalNorm,
  Lookahead,
  SGD,
} from "../src/index.js";
import { backends, bitsEqual, expectError, f32, f64, make, numbers } from "./helpers.js";
import type { Reals } from "./tables.js";

/** Arrays of seeded numbers; the third is longer than a chunk of a reduction. */
const arraysOf = (dtype: string): Record<string, Reals> =>
  Object.fromEntries(
    [7, 12, 9001].map((length, k) => [`x${k}`, (dtype === "f32" ? f32 : f64)(...numbers(`x${k}`, length, 1))]),
  );

const copies = (all: Record<string, Reals>): Record<string, Reals> =>
  Object.fromEntries(Object.entries(all).map(([name, x]) => [name, x.slice()]));

function expectEqualBits(a: Record<string, Reals>, b: Record<string, Reals>): void {
  for (const name of Object.keys(a)) expect(bitsEqual(a[name], b[name]), name).toBe(true);
}

describe("norms", () => {
  const array = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), { maxLength: 40 });
  test("the p-norm of all arrays together is the root of the sum of all powers", () => {
    const p = fc.oneof(fc.constantFrom(0.5, 1, 1.5, 2, 3, 4), fc.double({ min: 0.3, max: 9, noNaN: true }));
    fc.assert(
      fc.property(fc.array(array, { maxLength: 4 }), p, (lists, normType) => {
        const sum = lists.flat().reduce((total, x) => total + Math.abs(x) ** normType, 0);
        const got = globalNorm(
          lists.map((list) => f32(...list)),
          { normType },
        );
        expect(got).toBeCloseTo(sum ** (1 / normType), 12 - Math.ceil(Math.log10(1 + sum ** (1 / normType))));
      }),
    );
  });

  test.each([
    [[], 2, 0],
    [[f32()], 3, 0],
    [[f32(3, -4)], 2, 5],
    [[f32(3), f64(-4)], 2, 5],
    [[f32(3, -4), f32(5)], Infinity, 5],
    [[f32(3, -4)], 1, 7],
    [[f32(0, 0)], 0.7, 0],
    [[f32(4, 9)], 0.5, 25],
    [[f32(1, NaN)], Infinity, NaN],
    [[f32(1, NaN)], 2.5, NaN],
    [[f32(1, Infinity)], 2.5, Infinity],
  ])("of %o with p = %d", (arrays, normType, norm) => {
    expect(globalNorm(arrays, { normType })).toBe(norm);
  });

  test.each(backends)("is what a step on %s measures, in every bit", (backend) => {
    for (const dtype of ["f32", "f64"]) {
      const grads = arraysOf(dtype);
      const opt = make(SGD, copies(grads), { clipNorm: Infinity, backend }).step(grads);
      expect(globalNorm(grads)).toBe(opt.gradNorm);
    }
  });
});

describe("clipping", () => {
  const conventions = ["torch", "optax", "keras"] as const;

  test("changes gradients as the options of an optimizer do, in every bit", () => {
    for (const backend of backends) {
      for (const convention of conventions) {
        for (const dtype of ["f32", "f64"]) {
          const [params, grads] = [arraysOf(dtype), arraysOf(dtype)];
          const [clipped, options] = [copies(grads), { lr: 0.5, convention, backend }];
          const norm = clipGradNorm(clipped, 0.7, { convention });
          clipGradValue(clipped, 0.01);
          const a = make(SGD, copies(params), options).step(clipped);
          const b = make(SGD, copies(params), { ...options, clipNorm: 0.7, clipValue: 0.01 }).step(grads);
          expectEqualBits(a.params, b.params);
          expect(b.gradNorm).toBe(norm);
        }
      }
    }
  });

  test("by norm takes records, lists and one array alike, and leaves short gradients as they are", () => {
    const [a, b, c] = [f32(3, 4), f32(3, 4), f32(3, 4)];
    expect([clipGradNorm({ a }, 1), clipGradNorm([b], 1), clipGradNorm(c, 1)]).toEqual([5, 5, 5]);
    expect([a, b, c].map((x) => globalNorm(x))).toEqual(Array(3).fill(globalNorm(a)));
    expect(globalNorm(a)).toBeCloseTo(1, 6);
    for (const convention of conventions) {
      const short = f32(0.3, -0.4, 0);
      clipGradNorm(short, 1, { convention });
      expect(short).toEqual(f32(0.3, -0.4, 0));
    }
  });

  test("by norm, no gradients are longer than the limit afterwards", () => {
    const numbersOf = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 20 });
    const max = fc.float({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(numbersOf, max, fc.constantFrom(1, 2, 3, Infinity), (list, limit, normType) => {
        for (const convention of conventions) {
          const x = f64(...list);
          const norm = clipGradNorm(x, limit, { normType, convention });
          const after = globalNorm(x, { normType });
          expect(after).toBeLessThanOrEqual(Math.min(norm, limit) * (1 + 1e-12));
          if (norm > limit && limit >= 1) expect(after).toBeGreaterThan(limit * (1 - 2e-6));
        }
      }),
    );
  });

  test("by norm, what is not finite is as the libraries leave it, or an error", () => {
    const results = conventions.map((convention) => {
      const x = f32(1, Infinity);
      clipGradNorm(x, 1, { convention });
      return [...x];
    });
    expect(results).toEqual([
      [0, NaN],
      [0, NaN],
      [NaN, NaN],
    ]);
    for (const bad of [NaN, Infinity]) {
      const x = f32(3, bad);
      expectError(() => clipGradNorm(x, 1, { errorIfNonfinite: true }), RangeError, `is ${bad}`, "finite");
      expect(x).toEqual(f32(3, bad));
    }
  });

  test("of one tensor at a time is that of each alone", () => {
    for (const convention of conventions) {
      for (const normType of [1, 2, 2.5]) {
        const [all, alone] = [arraysOf("f64"), arraysOf("f64")];
        clipByNorm(all, 0.5, { convention, normType });
        for (const x of Object.values(alone)) clipGradNorm(x, 0.5, { convention, normType });
        for (const [name, x] of Object.entries(alone)) expect(all[name]).toEqual(x);
      }
    }
    const rms = f64(3, -4, 0, 0);
    clipByBlockRms({ rms, short: f64() }, 0.5);
    expect(rms).toEqual(f64(0.6, -0.8, 0, 0));
  });

  test("by value keeps NaN and what is within", () => {
    const x = f32(-2, -0.5, -0, NaN, 0.5, Infinity, -Infinity);
    clipGradValue(x, 0.5);
    expect(x).toEqual(f32(-0.5, -0.5, -0, NaN, 0.5, 0.5, -0.5));
  });
});

describe("by units", () => {
  /** The unit of each element: its indices along the axes that are kept. */
  function unitsOf(shape: readonly number[], kept: readonly number[]): string[] {
    const size = shape.reduce((product, n) => product * n, 1);
    return Array.from({ length: size }, (_, i) => {
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * n, 1));
      return kept.map((axis) => Math.floor(i / strides[axis]) % shape[axis]).join();
    });
  }

  test.each<readonly [layout: "out-in" | "in-out", shape: readonly number[], kept: readonly number[]]>([
    ["out-in", [], []],
    ["out-in", [6], []],
    ["out-in", [4, 3], [0]],
    ["out-in", [4, 1], [0]],
    ["out-in", [2, 3, 2], [0]],
    ["out-in", [2, 3, 2, 2], [0]],
    ["in-out", [6], []],
    ["in-out", [4, 3], [1]],
    ["in-out", [1, 5], []],
    ["in-out", [5, 1, 1], []],
    ["in-out", [2, 3, 2], [1, 2]],
    ["in-out", [2, 3, 2, 2], [3]],
    ["in-out", [2, 1, 2, 2, 3], [4]],
    ["out-in", [0, 3], [0]],
    ["in-out", [3, 0], [1]],
  ])("adaptive clipping with layout %s of %j keeps the axes %j", (layout, shape, kept) => {
    const units = unitsOf(shape, kept);
    for (const normType of [2, 1, Infinity]) {
      const p = f64(...numbers("p", units.length, 1));
      const g = f64(...numbers("g", units.length, 1));
      const norm = (x: Reals, unit: string) => {
        const some = [...x].filter((_, i) => units[i] === unit).map(Math.abs);
        return normType === Infinity
          ? Math.max(...some)
          : some.reduce((s, v) => s + v ** normType, 0) ** (1 / normType);
      };
      const expected = [...g].map((x, i) => {
        const max = 0.4 * Math.max(norm(p, units[i]), 0.9);
        return norm(g, units[i]) < max ? x : x * (max / norm(g, units[i]));
      });
      adaptiveClip(p, g, shape, { clipping: 0.4, eps: 0.9, layout, normType });
      for (const [i, x] of expected.entries()) expect(g[i]).toBeCloseTo(x, 14);
    }
  });

  test("shapes are given by name, in a list or by an optimizer, wrapped or not", () => {
    const opt = new AdamW({ w: [4, 3], b: 3 });
    for (const [name, p] of Object.entries(opt.params)) p.set(numbers(name, p.length, 1));
    const grads = () => ({ w: f32(...numbers("w", 12, 2)), b: f32(...numbers("b", 3, 2)) });
    const results = [opt, new Lookahead(new GradientCentralization(opt)), { w: [4, 3], b: [3] }].map((shapes) => {
      const all = grads();
      adaptiveClip(opt.params, all, shapes);
      return all;
    });
    const { w, b } = grads();
    adaptiveClip([opt.params.w, opt.params.b], [w, b], [[4, 3], [3]]);
    for (const all of results) expectEqualBits(all, { w, b });
    expect(bitsEqual(w, grads().w)).toBe(false);
  });

  test.each(backends)("centralized gradients are those of the wrapper on %s, in every bit", (backend) => {
    const shapes = { w: [5, 7], c: [3, 2, 4], b: [6], none: [0, 4] };
    for (const dtype of ["f32", "f64"] as const) {
      const opt = new GradientCentralization(new SGD(shapes, { dtype, backend }));
      for (const [name, g] of Object.entries(opt.grads)) g.set(numbers(name, g.length, 1));
      const all = copies(opt.grads);
      centralize(all, opt);
      opt.step();
      expectEqualBits(all, opt.optimizer.grads);
    }
  });
});
