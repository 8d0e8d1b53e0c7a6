import { describe, expect, test } from "vitest";
import { Adam, SGD } from "../src/index.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  expectError,
  expectSame,
  make,
  numbers,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { type AnyClass, classes, dtypes, inTurn } from "./tables.js";

/** Options under which every hyperparameter of every optimizer matters. */
function busy(made: AnyClass): Record<string, unknown> {
  const all = {
    momentum: 0.5,
    dampening: 0.25,
    weightDecay: 0.125,
    lrDecay: 0.125,
    // where it is a floor under the norm of a matrix, one that counts
    eps: "nsSteps" in made.defaults ? 8 : 0.5,
    adamEps: 0.5,
    ema: 0.75,
    eps2: 8,
    adjustLrFn: "match_rms_adamw",
    epsRoot: 1e-3,
    gamma: 0.5,
    finalLr: 1e-3,
    alphaWarmup: 20,
    beta3Warmup: 20,
    lambd: 0.5,
    warmupSteps: 20,
    innerMomentum: 0.5,
    t0: 2,
    minNorm: 6,
    delta: 2,
    pBound: 0.9,
    stepMin: 0.005,
    stepMax: 0.02,
    precondition1d: true,
    shampooBeta: 0.5,
    d0: 1e-3,
    growthRate: 1.25,
    // what makes estimates grow
    ...("growthRate" in made.defaults && { lr: 8, eps: 1e-3 }),
    // what limits the rate
    ...("value" in made.defaults && { lr: 0.02 }),
  };
  const some = Object.fromEntries(Object.entries(all).filter(([name]) => name in made.defaults));
  return "smoothing" in made.defaults ? { ...some, cautious: true } : some;
}

/** Another value that a hyperparameter can be set to at run time; undefined if it is fixed. */
function another(made: AnyClass, name: string): number | undefined {
  const opt = make(made, { w: 1 }, busy(made));
  const value = opt[name] as number;
  return [value / 2, value * 1.5, value + 0.25].find((x) => {
    if (x === value) return false;
    try {
      opt[name] = x;
      return true;
    } catch {
      return false;
    }
  });
}

// what only says something of parameters of certain names: see names.test.ts
const byName = ["dim", "nHeads"];

// and what decides about buffers of another shape only from some number on
const byShape = ["minDimSizeToFactor"];

const hyperparameters = classes.flatMap((made) =>
  Object.keys(made.defaults)
    .filter(
      (name) =>
        typeof made.defaults[name] === "number" &&
        ![...byName, ...byShape].includes(name) &&
        !made.rule.once?.includes(name),
    )
    .map((name) => ({ made, name, value: another(made, name), title: `${made.rule.name}: ${name}` })),
);

const fixed = hyperparameters.filter(({ value }) => value === undefined);

const free = hyperparameters.filter((row): row is typeof row & { value: number } => row.value !== undefined);

describe("hyperparameters", () => {
  for (const { made, name, value, title } of free) {
    test(`${title} set at run time holds from the next step on`, () => {
      // the cube of a length is what a decomposition costs
      const sizes = { w: "matrix" in made.rule ? 31 : 67, x: [3, 4] };
      const on = backends.flatMap((backend) => dtypes.map((dtype) => ({ dtype, backend })));
      // float32 on one, float64 on the other
      for (const one of inTurn(on, 0, 3)) {
        const options = { ...busy(made), ...one };
        const before = train(start(make(made, sizes, options)), 3);
        const [kept, set, grouped] = [0, 1, 2].map(() => make(made, sizes, options));
        const constructed = make(made, sizes, { ...options, [name]: value });
        for (const opt of [kept, set, grouped, constructed]) {
          opt.loadStateDict(before.stateDict(), { keepHyperparameters: true });
        }
        set[name] = value;
        grouped.groups[0][name] = value;
        for (const opt of [kept, set, grouped, constructed]) train(opt, 12);
        expect(set[name]).toBe(value);
        expect(grouped[name]).toBe(value);
        expectSame(set, constructed);
        expectSame(grouped, constructed);
        expect(arraysOf(set)).not.toEqual(arraysOf(kept));
      }
    });
  }

  test("only what state starts from is fixed at construction", () => {
    const rest = fixed.filter(({ made, name }) => !made.rule.fixed?.includes(name)).map(({ title }) => title);
    expect(rest).toEqual(rest.filter((title) => / initialAccumulator$|^Rprop: lr$|^COCOB: eps$/.test(title)));
    for (const { made, name } of fixed) {
      const opt = make(made, { w: 1 }, busy(made));
      const value = (opt[name] as number) + 0.25;
      expectError(() => Object.assign(opt, { [name]: value }), RangeError, name, "as constructed", `got ${value}`);
    }
  });

  test("a hyperparameter is read as the number it was set to, in either dtype", () => {
    for (const dtype of dtypes) {
      const opt = new Adam({ w: 1 }, { dtype, lr: 0.1 });
      expect(opt.lr).toBe(0.1);
      opt.lr = 0.3;
      expect(opt.lr).toBe(0.3);
    }
  });
});

describe("schedules", () => {
  test("the first step uses schedule(0), and reading gives what the next step will use", () => {
    const asked: number[] = [];
    const schedule = (step: number) => {
      asked.push(step);
      return [1, 10, 100][step] ?? 1000;
    };
    const opt = new SGD({ w: 1 }, { lr: schedule });
    opt.grads.w[0] = 1;
    for (const [lr, sum] of [
      [1, 1],
      [10, 11],
      [100, 111],
      [1000, 1111],
    ]) {
      expect(opt.lr).toBe(lr);
      expect(opt.groups[0].lr).toBe(lr);
      opt.step();
      expect(opt.params.w[0]).toBe(-sum);
    }
    expect(asked.filter((step) => ![0, 1, 2, 3, 4].includes(step))).toEqual([]);
  });

  test("every hyperparameter can follow one, with the bits of setting it before each step", () => {
    for (const { made, name, value } of free) {
      const usual = make(made, { w: 5 }, busy(made));
      const first = usual[name] as number;
      const schedule = (step: number) => (step % 3 === 1 ? value : first);
      const scheduled = make(made, { w: 5 }, { ...busy(made), [name]: schedule });
      for (let step = 0; step < 6; step++) {
        usual[name] = schedule(step);
        train(usual, 1);
        train(scheduled, 1);
      }
      expectSame(scheduled, usual);
    }
  });

  test("one assigned later gets the number of steps taken so far, and a number ends it", () => {
    const opt = new SGD({ w: 1 }, { lr: 1 });
    opt.grads.w[0] = 1;
    opt.step().step();
    opt.lr = (step) => step;
    expect(opt.lr).toBe(2);
    opt.step();
    expect(opt.lr).toBe(3);
    expect(opt.params.w[0]).toBe(-4);
    opt.lr = 0.5;
    opt.step();
    expect(opt.lr).toBe(0.5);
    expect(opt.params.w[0]).toBe(-4.5);
  });

  test("each group can have its own", () => {
    const opt = new SGD([{ params: { a: 1 }, lr: (step) => 1 + step }, { params: { b: 1 } }], { lr: 8 });
    opt.grads.a[0] = opt.grads.b[0] = 1;
    opt.step();
    opt.groups[1].lr = (step) => 16 * step;
    expect(opt.groups.map(({ lr }) => lr)).toEqual([2, 16]);
    opt.step();
    expect([opt.params.a[0], opt.params.b[0]]).toEqual([-3, -24]);
    opt.lr = (step) => 100 * step;
    expect(opt.groups.map(({ lr }) => lr)).toEqual([200, 200]);
  });

  test("one counts as not zero, even while it returns zero", () => {
    const w = numbers("w", 4, 1);
    const warm = new SGD({ w: 4 }, { momentum: (step) => (step < 2 ? 0 : 0.9) });
    expect(Object.keys(warm.state.w)).toEqual(["buf"]);
    expect(Object.keys(new SGD({ w: 4 }, { momentum: 0 }).state.w)).toEqual([]);
    const cold = new SGD({ w: 4 }, { momentum: 0 });
    for (const opt of [warm, cold]) {
      opt.grads.w.set(w);
      opt.step().step();
    }
    expect(bitsEqual(warm.params.w, cold.params.w)).toBe(true);
    warm.step();
    cold.step();
    expect(bitsEqual(warm.params.w, cold.params.w)).toBe(false);
  });

  test("reading does not step, and does not change anything", () => {
    const opt = make(Adam, { w: 3 }, { lr: (step: number) => 1 / (1 + step) });
    train(opt, 2);
    const before = snapshot(opt);
    for (let i = 0; i < 3; i++) expect(opt.lr).toBe(1 / 3);
    expect(snapshot(opt)).toEqual(before);
  });
});
