import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as gradstep from "../src/index.js";
import {
  Adam,
  clamp,
  constant,
  cosineAnnealing,
  cosineAnnealingWarmRestarts,
  cosineDecay,
  join,
  linear,
  oneCycle,
  oneCycleMomentum,
  product,
  type Schedule,
  SGD,
  sample,
  scale,
  warmup,
  warmupCosineDecay,
} from "../src/index.js";
import { unpack } from "./golden.js";
import { bitsEqual, expectError, make, type Subject, train } from "./helpers.js";
import { build, type Call, cases, digest, makers, type ScheduleCase } from "./schedules.js";

describe("the libraries' values", () => {
  const pure = cases.filter(({ metrics }) => !metrics);

  test.each(pure.map((one) => [one.name, one] as const))("%s", (_, one) => {
    expect(farthest(one, build(one.call))).toBeLessThanOrEqual(1);
  });

  test("a schedule that is off by little more is noticed", () => {
    for (const one of pure) {
      const off = 2 * (one.tolerance ?? 1e-12);
      const right = build(one.call);
      expect(farthest(one, (step) => right(step) * (1 + off))).toBeGreaterThan(1);
    }
  });

  /** The largest difference from the library, in multiples of what is allowed. */
  function farthest({ values, tolerance }: ScheduleCase, schedule: Schedule): number {
    const expected = [...unpack(values)];
    const largest = Math.max(...expected.map(Math.abs));
    const shares = expected.map((value, step) => {
      const allowed = tolerance === undefined ? 1e-12 * Math.abs(value) : tolerance * largest;
      const difference = Math.abs(schedule(step) - value);
      return difference === 0 ? 0 : difference / allowed;
    });
    return Math.max(...shares);
  }
});

// Calls of what the libraries do not have, or that no golden case covers.
const more: readonly Call[] = [
  ["wsd", 1, { warmup: 10, stable: 50, decay: 40 }],
  ["wsd", 1, { warmup: 10, stable: 50, decay: 40, end: 0.1, shape: "linear" }],
  ["wsd", 1, { warmup: 10, stable: 50, decay: 40, end: 0.1, shape: "1-square" }],
  ["wsd", 1, { warmup: 10, stable: 50, decay: 40, end: 0.1, shape: "cosine" }],
  ["noam", 1, { dModel: 512, warmup: 30 }],
  ["inverseSqrt", 1, { warmup: 20 }],
  ["inverseSqrt", 1, { warmup: 20, init: 0.1, timescale: 7 }],
  ["tanhDecay", 1, { steps: 100, end: 0.01 }],
  ["tanhDecay", 1, { steps: 90, lower: -3, upper: 2 }],
  ["cosineDecay", 1, { steps: 97, exponent: 0.7 }],
  ["polynomial", 1, { steps: 97, power: 0.9 }],
  ["exponentialDecay", 1, { gamma: 0.37, steps: 11 }],
  ["warmup", 10, ["cosineDecay", 1, { steps: 80 }], { init: 0.2 }],
  ["clamp", ["scale", ["linear", 1, { steps: 90 }], 3], { min: 0.5, max: 2 }],
  ["reduceOnPlateau", 0.1],
];

test("every schedule is tested by values", () => {
  const used = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value === "string") used.add(value);
    if (Array.isArray(value)) value.forEach(collect);
  };
  for (const { call } of cases) collect(call);
  collect(more);
  expect(Object.keys(makers).filter((name) => !used.has(name))).toEqual([]);
});

test("the formulas without a library", () => {
  const close = (schedule: Schedule, formula: Schedule, from: number, to: number) => {
    for (let step = from; step <= to; step++) expect(schedule(step)).toBeCloseTo(formula(step), 14);
  };
  const [sqrt, line, square, cosine, noam, inverse, shifted, tanh] = more.map(build);
  const share = (step: number) => (step - 60) / 40;
  for (const wsd of [sqrt, line, square, cosine]) {
    close(wsd, (step) => step / 10, 0, 10);
    close(wsd, () => 1, 10, 60);
  }
  close(sqrt, (step) => 1 - Math.sqrt(share(step)), 60, 100);
  close(line, (step) => 0.1 + 0.9 * (1 - share(step)), 60, 100);
  close(square, (step) => 0.1 + 0.9 * (1 - share(step) ** 2), 60, 100);
  close(cosine, (step) => 0.1 + 0.45 * (1 + Math.cos(Math.PI * share(step))), 60, 100);
  close(noam, (step) => 512 ** -0.5 * Math.min((step + 1) ** -0.5, (step + 1) * 30 ** -1.5), 0, 200);
  close(inverse, (step) => Math.min(step / 20, Math.sqrt(20 / step)), 1, 200);
  close(shifted, (step) => 1 / Math.sqrt(1 + (step - 20) / 7), 20, 200);
  close(shifted, (step) => 0.1 + (0.9 * step) / 20, 0, 20);
  close(tanh, (step) => 0.01 + 0.495 * (1 - Math.tanh(-7 + step / 10)), 0, 99);
});

test("on every engine the bits are these", () => {
  const calls = [...cases.filter(({ metrics }) => !metrics).map(({ call }) => call), ...more];
  const values = calls.flatMap((call) => sample(build(call), 200));
  expect(values.every(Number.isFinite)).toBe(true);
  expect(digest(values)).toBe("8989a58f9164e6f6");
});

describe("steps that a schedule was not made for", () => {
  const all = [...cases.map(({ call }) => call), ...more];

  test("negative ones are like the first", () => {
    for (const call of all) {
      const schedule = build(call);
      for (const step of [-1, -0.5, -1e9]) expect(schedule(step), JSON.stringify(call)).toBe(schedule(0));
    }
  });

  test("after the end the last value stays, where there is an end", () => {
    const endless = /cyclic|cosineAnnealing|exponential|inverse|Exponential|noam|stepDecay|multiplicative|"product"/;
    const ending = all.filter((call) => !endless.test(JSON.stringify(call)) && !JSON.stringify(call).includes("cycle"));
    expect(ending.length).toBeGreaterThan(45);
    for (const call of ending) {
      const schedule = build(call);
      for (const step of [200, 1e9, Infinity]) expect(schedule(step), JSON.stringify(call)).toBe(schedule(150));
    }
  });

  test("fractional ones lie between, or on the stair below", () => {
    for (const call of all) {
      const schedule = build(call);
      for (let step = 0; step < 100; step += 7) {
        expect(schedule(step + 0.5), JSON.stringify(call)).toSatisfy(Number.isFinite);
      }
    }
    expect(linear(1, { steps: 10 })(2.5)).toBe(0.75);
    expect(gradstep.stepDecay(1, { stepSize: 3, gamma: 0.5 })(5.9)).toBe(0.5);
    expect(gradstep.multiplicative(1, () => 0.5)(2.9)).toBe(0.25);
    expect(gradstep.exponentialDecay(4, { gamma: 0.25 })(0.5)).toBe(2);
  });

  test("a phase of no steps is over when it begins", () => {
    const none = { steps: 0 };
    const cycles = { stepSizeUp: 0, stepSizeDown: 0, base: 0.1 };
    const table: readonly (readonly [Call, number])[] = [
      [["linear", 1, { ...none, end: 0.5 }], 0.5],
      [["polynomial", 1, { ...none, end: 0.5, power: 2, cycle: true }], 0.5],
      [["cosineDecay", 1, { ...none, end: 0.5 }], 0.5],
      [["cosineAnnealing", 1, { ...none, end: 0.5 }], 0.5],
      [["cosineAnnealingWarmRestarts", 1, { ...none, end: 0.5 }], 0.5],
      [["tanhDecay", 1, { ...none, end: 0.5 }], 0.5],
      [["constantFactor", 1, none], 1],
      [["warmupConstant", 1, { warmup: 0 }], 1],
      [["warmupCosineDecay", 1, { warmup: 0, steps: 0, end: 0.5 }], 0.5],
      [["warmupCosineDecay", 1, { warmup: 0, steps: 10, end: 0.5 }], 1],
      [["warmupExponentialDecay", 1, { warmup: 0, gamma: 0.5 }], 1],
      [["inverseSqrt", 1, { warmup: 0 }], 1],
      [["noam", 2, { dModel: 4, warmup: 0 }], 1],
      [["wsd", 1, { warmup: 0, stable: 0, decay: 0, end: 0.5 }], 0.5],
      [["wsd", 1, { warmup: 0, stable: 5, decay: 0, end: 0.5 }], 1],
      [["oneCycle", 1, { ...none, divFactor: 2, finalDivFactor: 2 }], 0.25],
      [["oneCycle", 1, { ...none, divFactor: 2, finalDivFactor: 2, threePhase: true }], 0.25],
      [["oneCycleMomentum", 0.95, none], 0.95],
      [["cosineOneCycle", 1, { ...none, divFactor: 2, finalDivFactor: 2 }], 0.25],
      [["linearOneCycle", 1, { ...none, divFactor: 2, finalDivFactor: 2 }], 0.25],
      [["cyclic", 1, cycles], 1],
      [["cyclic", 1, { ...cycles, stepSizeDown: 10 }], 1],
      [["cyclicMomentum", 1, cycles], 0.1],
      [["warmup", 0, ["constant", 3]], 3],
      [
        [
          "sgdr",
          [
            { peak: 1, warmup: 0, steps: 0 },
            { peak: 2, warmup: 0, steps: 5 },
          ],
        ],
        2,
      ],
      [["piecewiseConstant", 1, { boundaries: [0], values: [2] }], 2],
      [["piecewiseInterpolate", 1, { boundaries: [0], values: [2] }], 2],
    ];
    for (const [call, value] of table) expect(build(call)(0), JSON.stringify(call)).toBe(value);
    // PyTorch divides by zero where the way up has no steps
    expect(oneCycle(1, { steps: 10, pctStart: 0.1 })(0)).toBe(1);
    // where the way up has all of them, it ends there, as in PyTorch
    for (const step of [9, 10, 11]) expect(oneCycle(1, { steps: 10, pctStart: 1 })(step)).toBe(1);
    for (const step of [9, 10])
      expect(oneCycleMomentum(0.95, { steps: 10, pctStart: 1, threePhase: true })(step)).toBe(0.85);
  });

  test("where restarts fall, no rounding misplaces them", () => {
    const schedule = cosineAnnealingWarmRestarts(1, { steps: 1, stepsFactor: 3 });
    expect([0, 1, 4, 13, 40, 121, 364].map(schedule)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(schedule(120)).toBeLessThan(1e-3);
    expect(cosineAnnealing(1, { steps: 10 })(2e9)).toBe(1);
  });
});

describe("where the libraries differ", () => {
  test("PyTorch's cosine climbs back, optax's and Keras's stay down", () => {
    const options = { steps: 10, end: 0.1 };
    expect([10, 20, 30].map(cosineAnnealing(1, options))).toEqual([0.1, 1, 0.1]);
    expect([10, 20, 30].map(cosineDecay(1, options))).toEqual([0.1, 0.1, 0.1]);
  });

  test("Keras counts the steps after the warm-up, optax all", () => {
    const optax = warmupCosineDecay(1, { warmup: 5, steps: 15 });
    const keras = warmupCosineDecay(1, { warmup: 5, steps: 10, convention: "keras" });
    expect(sample(optax, 30)).toEqual(sample(keras, 30));
  });

  test("the momentum is lowest where the learning rate is highest", () => {
    for (const shape of [{}, { anneal: "linear" as const }, { threePhase: true }]) {
      const lr = sample(oneCycle(1, { steps: 50, ...shape }), 50);
      const momentum = sample(oneCycleMomentum(0.95, { steps: 50, ...shape }), 50);
      expect(momentum.indexOf(Math.min(...momentum))).toBe(lr.indexOf(Math.max(...lr)));
    }
  });
});

describe("combinations", () => {
  const step = fc.integer({ min: 0, max: 300 });
  const part = fc
    .tuple(fc.double({ min: 0.01, max: 10, noNaN: true }), fc.integer({ min: 0, max: 50 }))
    .map(([init, steps]) => cosineDecay(init, { steps, end: init / 7 }));

  test("join gives each its own steps, from its boundary on", () => {
    const bounds = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.tuple(part, part, part, part), bounds, step, (parts, unsorted, s) => {
        const starts = [0, ...unsorted.sort((a, b) => a - b)];
        const i = starts.findLastIndex((start) => start <= s);
        expect(join(parts, starts.slice(1))(s)).toBe(parts[i](s - starts[i]));
      }),
    );
  });

  test("product, scale and clamp work on the values", () => {
    fc.assert(
      fc.property(part, part, step, fc.double({ min: -3, max: 3, noNaN: true }), (a, b, s, factor) => {
        expect(product(a, b)(s)).toBe(a(s) * b(s));
        expect(product()(s)).toBe(1);
        expect(scale(a, factor)(s)).toBe(factor * a(s));
        expect(clamp(a, { min: 0.5, max: 2 })(s)).toBe(Math.min(2, Math.max(0.5, a(s))));
        expect(clamp(a, {})(s)).toBe(a(s));
      }),
    );
  });

  test("warmup leads up to the schedule, which counts from there", () => {
    fc.assert(
      fc.property(part, fc.integer({ min: 0, max: 50 }), step, (then, steps, s) => {
        const value = warmup(steps, then, { init: 0.001 })(s);
        if (s >= steps) expect(value).toBe(then(s - steps));
        else expect(value).toBeCloseTo(0.001 + ((then(0) - 0.001) * s) / steps, 12);
      }),
    );
  });

  test("sample gives the values at the first steps", () => {
    expect(sample(linear(1, { steps: 4 }), 6)).toEqual([1, 0.75, 0.5, 0.25, 0, 0]);
    expect(sample((s) => s, 0)).toEqual([]);
  });
});

describe("with an optimizer", () => {
  const settings = () => ({
    lr: warmupCosineDecay(0.1, { warmup: 4, steps: 20 }),
    beta1: oneCycleMomentum(0.95, { steps: 20 }),
    weightDecay: linear(0.1, { steps: 15 }),
  });

  test("a run that is saved and resumed goes on with the same bits", () => {
    const whole = train(make(Adam, { w: 5 }, settings()), 12);
    const first = train(make(Adam, { w: 5 }, settings()), 7);
    const resumed = make(Adam, { w: 5 }, settings());
    resumed.params.w.set(first.params.w);
    resumed.loadStateDict(first.stateDict());
    train(resumed, 5);
    expect(bitsEqual(resumed.params.w, whole.params.w)).toBe(true);
    expect((resumed as Subject & { lr: number }).lr).toBe(settings().lr(12));
  });

  test("a group follows its own", () => {
    const lr = cosineDecay(0.1, { steps: 10 });
    const opt = new SGD(
      [
        { params: { a: 1 }, lr },
        { params: { b: 1 }, lr: scale(lr, 10) },
      ],
      { momentum: 0.9 },
    );
    opt.momentum = oneCycleMomentum(0.95, { steps: 10 });
    opt.step().step();
    expect(opt.groups.map((group) => group.lr)).toEqual([lr(2), 10 * lr(2)]);
    expect(opt.momentum).toBe(oneCycleMomentum(0.95, { steps: 10 })(2));
  });
});

test.each<[Call, typeof TypeError | typeof RangeError, ...string[]]>([
  [["cosineDecay", 0.1], TypeError, "cosineDecay: expected a record of options, got undefined"],
  [["cosineDecay", 0.1, 1000], TypeError, "cosineDecay: expected a record of options, got 1000"],
  [["cosineDecay", 0.1, {}], TypeError, "cosineDecay: steps must be a number, got undefined"],
  [["cosineDecay", "0.1", { steps: 5 }], TypeError, 'cosineDecay: init must be a number, got "0.1"'],
  [["cosineDecay", Number.NaN, { steps: 5 }], RangeError, "cosineDecay: init must be finite, got NaN"],
  [["cosineDecay", 1, { steps: -1 }], RangeError, "cosineDecay: steps must be in [0, Infinity), got -1"],
  [
    ["cosineDecay", 1, { steps: 5, alpha: 0.1 }],
    TypeError,
    'cosineDecay: unknown option "alpha", expected one of steps',
  ],
  [["cosineDecay", 1, { steps: 5, exponent: 0 }], RangeError, "exponent must be in (0, Infinity), got 0"],
  [["stepDecay", 1, { stepSize: 0 }], RangeError, "stepSize must be in (0, Infinity), got 0"],
  [["exponentialDecay", 1, { gamma: 0.5, steps: 0 }], RangeError, "steps must be in (0, Infinity), got 0"],
  [["exponentialDecay", 1, { gamma: 0.5, staircase: 1 }], TypeError, "staircase must be true or false, got 1"],
  [["multiStepDecay", 1, { milestones: [5, 3] }], RangeError, "milestones must not fall, got 3 after 5"],
  [["multiStepDecay", 1, { milestones: 5 }], TypeError, "milestones must be an array, got 5"],
  [["multiStepDecay", 1, { milestones: [5, null] }], TypeError, "milestones[1] must be a number, got null"],
  [["piecewiseConstant", 1, { boundaries: [5] }], TypeError, "expected either values or scales"],
  [["piecewiseConstant", 1, { boundaries: [5], values: [1], scales: [1] }], TypeError, "either values or scales"],
  [
    ["piecewiseConstant", 1, { boundaries: [5], values: [1, 2] }],
    RangeError,
    "values must be as many as boundaries, 1",
  ],
  [["piecewiseInterpolate", 1, { boundaries: [5], values: [1], interpolate: "cubic" }], RangeError, 'got "cubic"'],
  [["cosineAnnealingWarmRestarts", 1, { steps: 5, stepsFactor: 0.5 }], RangeError, "stepsFactor must be in [1, "],
  [["warmupCosineDecay", 1, { warmup: 5, steps: 4 }], RangeError, "steps must be at least warmup, 5, got 4"],
  [["sgdr", []], RangeError, "sgdr: expected one cycle or more, got none"],
  [["sgdr", [{ peak: 1, warmup: 5, steps: 4 }]], RangeError, "sgdr: steps must be at least warmup, 5, got 4"],
  [["sgdr", [{ warmup: 5, steps: 4 }]], TypeError, "sgdr: cycles[0]: peak must be a number, got undefined"],
  [["oneCycle", 1, { steps: 5, pctStart: 1.5 }], RangeError, "pctStart must be in [0, 1], got 1.5"],
  [["linearOneCycle", 1, { steps: 5, pctFinal: 0.1 }], RangeError, "pctFinal must be at least pctStart, 0.3, got 0.1"],
  [["cyclic", 1, { base: 0, mode: "square" }], RangeError, 'mode must be "triangular", "triangular2" or "exp_range"'],
  [["join", [["constant", 1]], [5]], RangeError, "join: expected one boundary less than schedules, got 1 for 1"],
  [["product", 3], TypeError, "product: schedules[0] must be a schedule, got 3"],
  [["clamp", ["constant", 1], { min: 2, max: 1 }], RangeError, "clamp: min must be at most max, 1, got 2"],
  [["multiplicative", 1, 0.5], TypeError, "multiplicative: factor must be a schedule, got 0.5"],
])("%j is refused", (call, kind, ...parts) => {
  expectError(() => build(call), kind, ...parts);
});

test("sample refuses what is no number of steps", () => {
  for (const n of [-1, 1.5, Number.NaN]) expectError(() => sample(constant(1), n), RangeError, `got ${n}`);
});
