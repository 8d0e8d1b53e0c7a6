import { describe, expect, test } from "vitest";
import * as lib from "../src/index.js";
import { divergenceGuard, lossScaler, SGD } from "../src/index.js";
import { expectError, f32, f64 } from "./helpers.js";

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
