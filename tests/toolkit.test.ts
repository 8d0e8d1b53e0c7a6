import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as lib from "../src/index.js";
import {
  AdamW,
  adaptiveClip,
  centralize,
  clipByBlockRms,
  clipByNorm,
  clipGradNorm,
  clipGradValue,
  divergenceGuard,
  emaDebiased,
  emaFrom,
  emaWarmup,
  GradientCentralization,
  globalNorm,
  Lookahead,
  layerDecay,
  lossScaler,
  noDecay,
  SGD,
  swa,
} from "../src/index.js";
import { backends, bitsEqual, expectError, make, numbers } from "./helpers.js";
import type { Reals } from "./tables.js";

const f32 = (...values: number[]) => new Float32Array(values);
const f64 = (...values: number[]) => new Float64Array(values);

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

describe("the loss scaler", () => {
  /** The scale after each step, by what PyTorch's rule says; `skipped` are the steps left out. */
  function scales(skipped: readonly boolean[], { start = 65536, growth = 2, backoff = 0.5, interval = 2000 }) {
    let [scale, good] = [start, 0];
    return skipped.map((bad) => {
      if (bad) [scale, good] = [scale * backoff, 0];
      else if (++good === interval) [scale, good] = [scale * growth, 0];
      return scale;
    });
  }

  test("grows after so many good steps, and falls at each that is left out", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer({ min: 1, max: 5 }), (skipped, interval) => {
        const scaler = lossScaler({ growthInterval: interval, growthFactor: 4, backoffFactor: 0.25 });
        const got = skipped.map((bad) => {
          scaler.update(bad);
          return scaler.scale;
        });
        expect(got).toEqual(scales(skipped, { growth: 4, backoff: 0.25, interval }));
      }),
    );
  });

  test("starts as the library does, and keeps to what float32 can hold", () => {
    expect([lossScaler().scale, lossScaler({ convention: "keras" }).scale]).toEqual([2 ** 16, 2 ** 15]);
    const scaler = lossScaler({ initScale: 2 ** 127, growthInterval: 1 });
    scaler.update(false);
    expect(scaler.scale).toBe(2 ** 127);
    for (let i = 0; i < 300; i++) scaler.update(true);
    expect(scaler.scale).toBe(2 ** -126);
  });

  test.each(backends)("steps as without a scale on %s, leaves out what overflows, and goes on", (backend) => {
    const gradient = (step: number) => f32(...numbers("g", 3, step)).map((x) => x * 2 ** 10);
    const [plain, scaled] = [1, 2].map(
      () => new SGD({ w: f32(1, 2, 3) }, { lr: 2 ** -12, nonFinite: "skip", backend }),
    );
    const scaler = lossScaler({
      initScale: 2 ** 100,
      growthFactor: 2 ** 10,
      backoffFactor: 2 ** -40,
      growthInterval: 3,
    });
    const taken: boolean[] = [];
    for (let step = 1; step <= 40; step++) {
      const took = scaler.step(scaled, { w: gradient(step).map((x) => x * scaler.scale) });
      if (took) plain.step({ w: gradient(step) });
      taken.push(took);
    }
    expect(new Set(taken)).toEqual(new Set([true, false]));
    expect(scaled.steps).toBe(taken.filter((took) => took).length);
    expect(bitsEqual(scaled.params.w, plain.params.w)).toBe(true);
  });

  test("a scale that falls between two calls of one step takes the sum along", () => {
    const opt = new SGD({ w: f64(0) }, { lr: 1, nonFinite: "skip", accumulate: 3, accumulation: "sum" });
    const scaler = lossScaler({ initScale: 8, growthInterval: 1 });
    const calls = [1, 10, Infinity, 100].map((g) => scaler.step(opt, { w: f64(g * scaler.scale) }));
    expect(calls).toEqual([true, true, false, true]);
    expect([...opt.params.w, scaler.scale, opt.steps]).toEqual([-111, 8, 1]);
  });

  test("works with a wrapped optimizer, and with gradients in grads", () => {
    const opt = new Lookahead(new SGD({ w: f64(1) }, { lr: 1, nonFinite: "skip" }), { k: 5 });
    const scaler = lossScaler({ initScale: 4 });
    opt.grads.w.fill(2);
    expect([scaler.step(opt), opt.params.w[0]]).toEqual([true, 0.5]);
    opt.grads.w.fill(NaN);
    expect([scaler.step(opt), opt.params.w[0], scaler.scale, opt.skipped]).toEqual([false, 0.5, 2, 1]);
  });

  test("goes on from its state dict as if nothing had happened", () => {
    const [a, b] = [lossScaler({ growthInterval: 3 }), lossScaler({ growthInterval: 3, initScale: 1 })];
    for (const bad of [true, false, false]) a.update(bad);
    b.loadStateDict(JSON.parse(JSON.stringify(a.stateDict())));
    for (const one of [a, b]) one.update(false);
    expect([a.scale, b.scale, b.stateDict()]).toEqual([65536, 65536, a.stateDict()]);
  });
});

describe("schedules for averages", () => {
  const first = (schedule: (step: number) => number, count: number) =>
    Array.from({ length: count }, (_, s) => schedule(s));

  test("the warm-up copies first, and then rises as timm's does, within its bounds", () => {
    // their step counts the one that was just taken
    const timm = (step: number, decay: number, gamma: number, power: number, least: number, after: number) => {
      const s = Math.max(0, step - after - 1);
      return s <= 0 ? 0 : Math.max(Math.min(1 - (1 + s / gamma) ** -power, decay), least);
    };
    const options = { decay: 0.99, gamma: 3, power: 0.75, minDecay: 0.3, updateAfterStep: 5 };
    for (const [s, x] of first(emaWarmup(options), 2000).entries()) {
      expect(x).toBeCloseTo(timm(s + 1, 0.99, 3, 0.75, 0.3, 5), 14);
    }
    for (const [s, x] of first(emaWarmup(), 2000).entries()) {
      expect(x).toBeCloseTo(timm(s + 1, 0.9999, 1, 2 / 3, 0, 0), 14);
    }
    expect(emaWarmup(options)(1e9)).toBe(0.99);
  });

  test("the others, step by step", () => {
    expect(first(emaFrom(0.9), 3)).toEqual([0, 0.9, 0.9]);
    expect(first(emaFrom(0.9, 2), 5)).toEqual([0, 0, 0, 0.9, 0.9]);
    expect(first(emaDebiased(0.5), 4)).toEqual([0, 1 / 3, 3 / 7, 7 / 15]);
    expect(first(emaDebiased(0), 3)).toEqual([0, 0, 0]);
    expect(first(swa(), 4)).toEqual([0, 1 / 2, 2 / 3, 3 / 4]);
    expect(first(swa({ start: 2, every: 2 }), 8)).toEqual([0, 0, 0, 0, 1, 1 / 2, 1, 2 / 3]);
  });

  test("stochastic weight averaging is the mean of the parameters at the steps that count", () => {
    const counts = { start: fc.integer({ min: 0, max: 9 }), every: fc.integer({ min: 1, max: 5 }) };
    fc.assert(
      fc.property(fc.record(counts), fc.integer({ min: 1, max: 30 }), ({ start, every }, steps) => {
        const w = f64(0);
        const opt = new SGD({ w }, { lr: 0, ema: swa({ start, every }) });
        const seen: number[] = [];
        for (let step = 1; step <= steps; step++) {
          w[0] = Math.sin(step);
          opt.step();
          if (step > start && (step - start) % every === 0) seen.push(w[0]);
        }
        const mean = seen.length > 0 ? seen.reduce((sum, x) => sum + x, 0) / seen.length : w[0];
        expect(opt.state.w.ema[0]).toBeCloseTo(mean, 13);
      }),
    );
  });

  test.each(backends)("evaluation with the average on %s leaves the parameters as they were", (backend) => {
    const opt = new SGD({ w: f32(1) }, { lr: 1, ema: emaFrom(0.5), backend });
    for (const g of [1, 1]) opt.step({ w: f32(g) });
    expect([opt.params.w[0], opt.swap().params.w[0], opt.restore().params.w[0]]).toEqual([-1, -0.5, -1]);
  });
});

describe("the divergence guard", () => {
  test("calls when a value is past so many times the mean, or not finite", () => {
    const seen: unknown[] = [];
    const guard = divergenceGuard({ factor: 3, warmup: 2, decay: 0, onDivergence: (what) => seen.push(what) });
    expect(guard.mean).toBeNaN();
    expect([9, 1, 3, 9.5, NaN, 9, 28, -Infinity].map((x) => guard.update(x))).toEqual([
      false,
      false,
      false,
      true,
      true,
      false,
      true,
      true,
    ]);
    expect(seen).toEqual([
      { value: 9.5, mean: 3 },
      { value: NaN, mean: 9 },
      { value: 28, mean: 9 },
      { value: -Infinity, mean: 27 },
    ]);
  });

  test("compares with a mean without bias, in which a jump counts as the limit", () => {
    const guard = divergenceGuard({ decay: 0.9, warmup: 3, factor: 2 });
    let [sum, weights] = [0, 0];
    for (const x of [1, 2, 3, 100, 2, NaN, 50, 1]) {
      const limit = guard.mean * 2;
      const jumped = guard.update(x);
      if (!Number.isFinite(x)) continue;
      expect(jumped).toBe(x >= 50);
      [sum, weights] = [sum * 0.9 + (jumped ? limit : x), weights * 0.9 + 1];
      expect(guard.mean).toBeCloseTo(sum / weights, 12);
    }
  });

  test("of negative losses, only the size counts in the mean", () => {
    const guard = divergenceGuard({ warmup: 1 });
    expect([-1, -8, -1, 5, 100].map((x) => guard.update(x))).toEqual([false, false, false, false, true]);
  });

  test("only values that are not finite count in the warm-up, and after a reset", () => {
    const guard = divergenceGuard({ warmup: 3 });
    expect([1, 100, NaN, 1, 1e9].map((x) => guard.update(x))).toEqual([false, false, true, false, true]);
    guard.reset();
    expect([guard.update(1e9), guard.mean]).toEqual([false, 1e9]);
  });

  test("goes on from its state dict as if nothing had happened", () => {
    const [a, b] = [divergenceGuard({ warmup: 2 }), divergenceGuard({ warmup: 2 })];
    for (const x of [3, 2, 5]) a.update(x);
    b.loadStateDict(JSON.parse(JSON.stringify(a.stateDict())));
    expect([b.update(13.1), b.mean]).toEqual([a.update(13.1), a.mean]);
    expect(b.stateDict()).toEqual(a.stateDict());
  });
});

describe("groups", () => {
  const w = f32(1, 2, 3, 4);
  const params = { w: { data: w, shape: [2, 2] }, b: f32(5), "norm.weight": [3], embed: [4, 2], n: 7 } as const;

  test("vectors, and what is named, do not decay", () => {
    const [decayed, others] = noDecay(params, { names: [/^emb/g, "w"] });
    expect(decayed).toEqual({ params: {} });
    expect(others).toEqual({ params, weightDecay: 0 });
    expect(noDecay(params)).toEqual([
      { params: { w: params.w, embed: params.embed } },
      { params: { b: params.b, "norm.weight": [3], n: 7 }, weightDecay: 0 },
    ]);
    expect(noDecay(params, { vectors: false, names: ["b"] })[1]).toEqual({ params: { b: params.b }, weightDecay: 0 });
    expect(noDecay(params, { vectors: false, names: [/[bwn]/g] })[0]).toEqual({ params: {} });
    const opt = new AdamW(noDecay(params), { weightDecay: 0.5, lr: 0.1 });
    expect(opt.groups.map(({ names, weightDecay }) => [names, weightDecay])).toEqual([
      [["w", "embed"], 0.5],
      [["b", "norm.weight", "n"], 0],
    ]);
    opt.step();
    expect([w[3], params.b[0]]).toEqual([Math.fround(3.8), 5]);
  });

  test("parameters of a list keep their numbers", () => {
    const opt = new AdamW(noDecay([[2, 3], 3, [3, 1], 1]));
    expect(opt.groups.map(({ names }) => names)).toEqual([
      ["0", "2"],
      ["1", "3"],
    ]);
    expect(opt.params[2].length).toBe(3);
    const groups = noDecay([{ params: [[2, 2], 2], lr: 0.5 }, { params: [1] }]);
    expect(groups).toEqual([
      { params: { 0: [2, 2] }, lr: 0.5 },
      { params: { 1: 2 }, lr: 0.5, weightDecay: 0 },
      { params: {} },
      { params: { 2: 1 }, weightDecay: 0 },
    ]);
    expect(new AdamW(groups).step().steps).toBe(1);
  });

  const deep = { "layer.0.w": [2, 2], "layer.0.b": 2, "layer.3.w": [2, 2], "layer.1.b": 2 } as const;
  const layerOf = (name: string) => Number(name.split(".")[1]);

  test("the rate falls by layer from the last to the first", () => {
    expect(layerDecay(deep, { lr: 8, decay: 0.5, layerOf })).toEqual([
      { params: { "layer.0.w": [2, 2], "layer.0.b": 2 }, lr: 1 },
      { params: { "layer.1.b": 2 }, lr: 2 },
      { params: { "layer.3.w": [2, 2] }, lr: 8 },
    ]);
    const [first, , last] = layerDecay(deep, { lr: (step) => step + 1, layerOf });
    const opt = new SGD([first, last]);
    expect(opt.groups.map(({ lr }) => lr)).toEqual([0.421875, 1]);
    expect(opt.step().groups.map(({ lr }) => lr)).toEqual([0.84375, 2]);
  });

  test("both rules go together, in either order, and groups keep their options", () => {
    const one = layerDecay(noDecay(deep), { lr: 8, decay: 0.5, layerOf });
    expect(one).toEqual([
      { params: { "layer.0.w": [2, 2] }, lr: 1 },
      { params: { "layer.3.w": [2, 2] }, lr: 8 },
      { params: { "layer.0.b": 2 }, lr: 1, weightDecay: 0 },
      { params: { "layer.1.b": 2 }, lr: 2, weightDecay: 0 },
    ]);
    const other = noDecay(layerDecay(deep, { lr: 8, decay: 0.5, layerOf }));
    const options = (groups: readonly object[]) => {
      const opt = make(AdamW, groups, { weightDecay: 0.1 });
      const each = opt.groups.flatMap(({ names, lr, weightDecay }) => names.map((name) => [name, lr, weightDecay]));
      return each.sort();
    };
    expect(options(other)).toEqual(options(one));
    expect(layerDecay([{ params: { a: 1 }, lr: 3 }, { params: { b: 1 } }], { lr: 2, layerOf: () => 0 })).toEqual([
      { params: { a: 1 }, lr: 3 },
      { params: { b: 1 }, lr: 2 },
    ]);
  });
});

describe("errors", () => {
  const x = f32(3, 4);
  const any = lib as unknown as Record<string, (...args: unknown[]) => unknown>;
  const skips = new SGD({ w: 1 }, { nonFinite: "skip" });
  type Bad = readonly [name: string, args: readonly unknown[], kind: ErrorConstructor, ...parts: string[]];
  const table: readonly Bad[] = [
    ["clipGradNorm", ["x", 1], TypeError, "gradients must be arrays by name", 'got "x"'],
    ["clipGradNorm", [{ w: [1] }, 1], TypeError, 'gradient "w"', "Float32Array", "got Array"],
    ["clipGradNorm", [[x, new Int32Array(1)], 1], TypeError, 'gradient "1"', "got Int32Array"],
    ["clipGradNorm", [x, -1], RangeError, "max must be in [0, Infinity]", "got -1"],
    ["clipGradNorm", [x, "1"], TypeError, "max must be a number", 'got "1"'],
    ["clipGradNorm", [x, NaN], RangeError, "got NaN"],
    ["clipGradNorm", [x, 1, { normType: 0 }], RangeError, "normType", "got 0"],
    ["clipGradNorm", [x, 1, { norm: 2 }], TypeError, 'unknown option "norm"', "normType"],
    ["clipGradNorm", [x, 1, { convention: "jax" }], RangeError, "convention", '"optax"', 'got "jax"'],
    ["clipGradNorm", [x, 1, { errorIfNonfinite: 1 }], TypeError, "errorIfNonfinite must be true or false, got 1"],
    ["clipGradNorm", [x, 1, 2], TypeError, "options must be an object, got 2"],
    ["clipByNorm", [x, 1, { normType: "2" }], TypeError, "normType must be a number"],
    ["clipByBlockRms", [x, 0], RangeError, "max", "got 0"],
    ["clipGradValue", [x, -0.5], RangeError, "max", "got -0.5"],
    ["clipGradValue", [null, 1], TypeError, "got null"],
    ["globalNorm", [7], TypeError, "arrays must be", "got 7"],
    ["adaptiveClip", [{ w: x }, { v: x }, { v: [2] }], TypeError, 'parameter "v" is missing'],
    ["adaptiveClip", [f32(1), x, [2]], RangeError, "length 2, expected 1"],
    ["adaptiveClip", [x, x, [3]], RangeError, "length 2, expected 3 for its shape"],
    ["adaptiveClip", [{ w: x }, { w: x }, { v: [2] }], TypeError, 'the shape of "w"', "got undefined"],
    ["adaptiveClip", [x, x, "2"], TypeError, "shapes must be", 'got "2"'],
    [
      "adaptiveClip",
      [f32(1, 2, 3, 4), f32(1, 2, 3, 4), [2, 1, 1, 1, 1, 2], { layout: "in-out" }],
      RangeError,
      "at most 5",
    ],
    ["adaptiveClip", [x, x, [2], { layout: "oi" }], RangeError, '"out-in" or "in-out"', 'got "oi"'],
    ["adaptiveClip", [x, x, [2], { clipping: -1 }], RangeError, "clipping", "got -1"],
    ["adaptiveClip", [x, x, [2], { eps: Infinity }], RangeError, "eps", "got Infinity"],
    ["centralize", [x, [2, 2]], RangeError, "length 2, expected 4"],
    ["lossScaler", [{ initScale: 0 }], RangeError, "initScale", "got 0"],
    ["lossScaler", [{ growthFactor: 0.5 }], RangeError, "growthFactor", "got 0.5"],
    ["lossScaler", [{ backoffFactor: 1 }], RangeError, "backoffFactor", "got 1"],
    ["lossScaler", [{ growthInterval: 1.5 }], RangeError, "growthInterval must be a whole number >= 1, got 1.5"],
    ["lossScaler", [{ convention: "optax" }], RangeError, '"torch" or "keras"', 'got "optax"'],
    ["emaWarmup", [{ decay: 1 }], RangeError, "decay", "got 1"],
    ["emaWarmup", [{ gamma: 0 }], RangeError, "gamma", "got 0"],
    ["emaWarmup", [{ updateAfterStep: -1 }], RangeError, "updateAfterStep", "got -1"],
    ["emaDebiased", [1], RangeError, "decay", "got 1"],
    ["emaFrom", [1.5], RangeError, "decay", "got 1.5"],
    ["emaFrom", [0.9, 0.5], RangeError, "start", "got 0.5"],
    ["swa", [{ every: 0 }], RangeError, "every", "got 0"],
    ["swa", [{ since: 0 }], TypeError, 'unknown option "since"'],
    ["divergenceGuard", [{ factor: 0.5 }], RangeError, "factor", "got 0.5"],
    ["divergenceGuard", [{ warmup: 0 }], RangeError, "warmup", "got 0"],
    ["divergenceGuard", [{ onDivergence: 1 }], TypeError, "onDivergence must be a function, got 1"],
    ["noDecay", [{ w: 2 }, { names: ["v"] }], RangeError, "no parameter has a name like v", "one of w"],
    ["noDecay", [{ w: 2 }, { names: [/^v/] }], RangeError, "like /^v/"],
    ["noDecay", [{ w: 2 }, { names: "w" }], TypeError, "names must be a list", 'got "w"'],
    ["noDecay", [{ w: 2 }, { names: [2] }], TypeError, "regular expressions, got 2"],
    ["noDecay", [{ w: "2" }], TypeError, 'parameter "w"'],
    ["noDecay", [{ w: 2 }, { vectors: 1 }], TypeError, "vectors must be true or false, got 1"],
    ["layerDecay", [{ w: 2 }, { lr: 1 }], TypeError, "layerOf must be a function", "got undefined"],
    ["layerDecay", [{ w: 2 }, { layerOf: () => 0 }], TypeError, "lr must be a number or a schedule, got undefined"],
    ["layerDecay", [{ w: 2 }, { lr: -1, layerOf: () => 0 }], RangeError, "lr", "got -1"],
    ["layerDecay", [{ w: 2 }, { lr: 1, layerOf: () => 0.5 }], RangeError, 'layer of "w"', "got 0.5"],
    ["layerDecay", [{ w: 2 }, { lr: 1, layerOf: () => "0" }], TypeError, 'layer of "w"', 'got "0"'],
    ["layerDecay", [{ w: 2 }, { lr: 1, layerOf: () => 0, decay: 2 }], RangeError, "decay", "got 2"],
  ];

  test.each(table.map((bad) => ({ bad, title: [bad[0], ...bad.slice(3)].join(" … ") })))("$title", ({ bad }) => {
    const [name, args, kind, ...parts] = bad;
    expectError(() => any[name](...args), kind, `${name}: `, ...parts);
    expect(x).toEqual(f32(3, 4));
  });

  test("of what has a state", () => {
    const scaler = lossScaler();
    const guard = divergenceGuard();
    const bad: readonly (readonly [() => unknown, ErrorConstructor, ...string[]])[] = [
      [() => scaler.step(new SGD({ w: 1 })), RangeError, "nonFinite", '"skip"', 'got "apply"'],
      [() => scaler.step({} as never), TypeError, "an optimizer, got Object"],
      [() => scaler.step(skips, { w: f64(1) } as never), TypeError, "step: gradient"],
      [() => scaler.update(undefined as never), TypeError, "skipped must be true or false"],
      [() => scaler.loadStateDict({ scale: 4 }), RangeError, 'missing "goodSteps"'],
      [() => scaler.loadStateDict({ scale: 4, goodSteps: -1 }), RangeError, "goodSteps", "got -1"],
      [() => scaler.loadStateDict({ scale: "4", goodSteps: 1 }), TypeError, "scale must be a number"],
      [() => scaler.loadStateDict({ scale: 4, goodSteps: 1, seen: 1 }), TypeError, "seen"],
      [() => scaler.loadStateDict(null as never), TypeError, "got null"],
      [() => guard.update("1" as never), TypeError, "expected a number"],
      [() => guard.loadStateDict({ mean: -1, seen: 2 }), RangeError, "mean", "got -1"],
      [() => guard.loadStateDict({ mean: 1, seen: 0.5 }), RangeError, "seen", "got 0.5"],
    ];
    for (const [act, kind, ...parts] of bad) expectError(act, kind, ...parts);
    expect(skips.gradScale).toBe(1);
    expect([scaler.stateDict(), guard.stateDict()]).toEqual([
      { scale: 65536, goodSteps: 0 },
      { mean: 0, seen: 0 },
    ]);
  });
});
