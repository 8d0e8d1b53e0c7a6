import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AdamW,
  divergenceGuard,
  emaDebiased,
  emaFrom,
  emaWarmup,
  Lookahead,
  layerDecay,
  lossScaler,
  noDecay,
  SGD,
  swa,
} from "../src/index.js";
import { backends, bitsEqual, f32, f64, make, numbers } from "./helpers.js";

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
