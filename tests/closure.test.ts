import { describe, expect, test } from "vitest";
import { LBFGS, Lookahead } from "../dist/index.js";
import { readGolden } from "./golden.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  make,
  type Subject,
  snapshot,
} from "./helpers.js";
import { closureClasses, dtypes, type Options, type Reals } from "./tables.js";

// Optimizers whose step takes a closure.

interface Run {
  readonly name: string;
  readonly options: Options;
  readonly x0: readonly number[];
  readonly steps: readonly {
    readonly x: readonly number[];
    readonly loss: number;
    readonly loss_at_start_of_step: number;
    readonly n_iter: number;
    readonly func_evals: number;
  }[];
  readonly sensitivity: readonly number[];
}

/** Rosenbrock's function in as many dimensions as x has, and its gradient. */
function rosenbrock(x: Reals, g: Reals): number {
  let f = 0;
  g.fill(0);
  for (let i = 0; i + 1 < x.length; i++) {
    const d = x[i + 1] - x[i] * x[i];
    const e = 1 - x[i];
    f += 100 * d * d + e * e;
    g[i] += -400 * x[i] * d - 2 * e;
    g[i + 1] += 200 * d;
  }
  return f;
}

const step = (opt: Subject, closure: unknown) => opt.step(closure) as unknown as number;
const memoryOf = (opt: Subject) => opt.stateDict().groups[0].memory as Record<string, number>;
const descend = (opt: Subject) => step(opt, () => rosenbrock(opt.params.x, opt.grads.x));

test("there is one, and it is LBFGS", () => {
  expect(closureClasses.map(({ optimizer }) => optimizer)).toEqual(["lbfgs"]);
});

describe("PyTorch's runs on Rosenbrock's function", () => {
  const { runs } = readGolden<{ runs: Run[] }>("libs/torch213_LBFGS");
  test.each(runs.flatMap((run) => backends.map((backend) => ({ run, backend, name: run.name }))))(
    "$name on $backend",
    ({ run, backend }) => {
      const opt = make(LBFGS, { x: run.x0.length }, { ...run.options, dtype: "f64", backend });
      opt.params.x.set(run.x0);
      for (const [t, expected] of run.steps.entries()) {
        const first = descend(opt);
        // ten times what a change of the start by an ulp makes of it
        const tolerance = Math.max(1e-12, 10 * run.sensitivity[t]);
        const near = (a: number, b: number) => Math.abs(a - b) <= tolerance * Math.max(Math.abs(b), 1e-3);
        for (const [i, x] of expected.x.entries())
          expect(near(opt.params.x[i], x), `x[${i}] after ${t + 1}`).toBe(true);
        expect(Math.abs(first - expected.loss_at_start_of_step)).toBeLessThanOrEqual(
          100 * tolerance * Math.max(1, expected.loss_at_start_of_step),
        );
        const { iterations, evaluations } = memoryOf(opt);
        expect([iterations, evaluations]).toEqual([expected.n_iter, expected.func_evals]);
      }
    },
  );
});

const optionSets: Options[] = [
  {},
  { lr: 0.3 },
  { lineSearch: "strong_wolfe" },
  { lineSearch: "strong_wolfe", maxIter: 3, maxEval: 7, historySize: 2 },
  { lineSearch: "strong_wolfe", weightDecay: 0.1 },
];

describe.each(dtypes)("%s", (dtype) => {
  test.each(optionSets)("both backends, and the caller's own arrays, give the same bits with %j", (options) => {
    const start = Array.from({ length: 13 }, (_, i) => Math.sin(i) * 1.5);
    const views = backends.map((backend) => make(LBFGS, { x: 13 }, { ...options, dtype, backend }));
    const x = dtype === "f32" ? new Float32Array(start) : new Float64Array(start);
    const own = make(LBFGS, { x }, { ...options, dtype });
    for (const opt of views) opt.params.x.set(start);
    for (let t = 0; t < 5; t++) {
      const losses = [...views, own].map(descend);
      expect(losses).toEqual([losses[0], losses[0], losses[0]]);
      for (const opt of [views[1], own]) expect(bitsEqual(opt.params.x, views[0].params.x)).toBe(true);
    }
    expect(own.params.x).toBe(x);
  });

  test("many tensors are one long vector", () => {
    const options = { lineSearch: "strong_wolfe", dtype };
    const one = make(LBFGS, { x: 4 }, options);
    const two = make(LBFGS, { a: 1, b: 3 }, options);
    const start = [-1.2, 1, -0.5, 0.8];
    one.params.x.set(start);
    two.params.a.set(start.slice(0, 1));
    two.params.b.set(start.slice(1));
    for (let t = 0; t < 3; t++) {
      descend(one);
      step(two, () => {
        const x = Float64Array.of(...two.params.a, ...two.params.b);
        const g = new Float64Array(4);
        const loss = rosenbrock(x, g);
        two.grads.a.set(g.subarray(0, 1));
        two.grads.b.set(g.subarray(1));
        return loss;
      });
    }
    const x = [...two.params.a, ...two.params.b];
    for (const [i, xi] of x.entries()) expect(xi).toBeCloseTo(one.params.x[i], dtype === "f64" ? 9 : 2);
  });
});

test("maximize climbs what it would descend, turned round", () => {
  const [down, up] = [false, true].map((maximize) => make(LBFGS, { x: 2 }, { maximize, dtype: "f64" }));
  for (const opt of [down, up]) opt.params.x.set([-1.5, 2]);
  descend(down);
  const loss = step(up, () => {
    const value = -rosenbrock(up.params.x, up.grads.x);
    for (const i of [0, 1]) up.grads.x[i] *= -1;
    return value;
  });
  expect(loss).toBe(-12.5);
  expect(bitsEqual(up.params.x, down.params.x)).toBe(true);
});

test("a run that is saved and resumed goes on with the same bits", () => {
  const options = { lineSearch: "strong_wolfe", historySize: 3, maxIter: 4 };
  const whole = make(LBFGS, { x: 5 }, options);
  whole.params.x.set([-1.2, 1, -0.5, 0.8, 1.5]);
  descend(whole);
  const resumed = make(LBFGS, { x: 5 }, options);
  resumed.loadStateDict(whole.stateDict());
  for (let t = 0; t < 3; t++) expect(descend(resumed)).toBe(descend(whole));
  expect(bitsEqual(resumed.params.x, whole.params.x)).toBe(true);
  expect(resumed.steps).toBe(4);
});

test("after a closure has thrown, the parameters are those of the last iteration, and the next step works", () => {
  for (const backend of backends) {
    const x = new Float64Array([-1.5, 2]);
    const opt = make(LBFGS, { x }, { lineSearch: "strong_wolfe", maxIter: 2, backend });
    descend(opt);
    const before = x.slice();
    let calls = 0;
    const failing = () => {
      if (++calls === 2) throw new Error("no loss");
      return rosenbrock(opt.params.x, opt.grads.x);
    };
    expect(() => step(opt, failing)).toThrow("no loss");
    expect([...x]).toEqual([...before]);
    expect(opt.steps).toBe(1);
    expectError(() => step(opt, () => undefined), TypeError, "step: the closure must return the loss", "undefined");
    expect([...x]).toEqual([...before]);
    expect(step(opt, () => rosenbrock(opt.params.x, opt.grads.x))).toBe(rosenbrock(before, new Float64Array(2)));
    expect(rosenbrock(x, new Float64Array(2))).toBeLessThan(rosenbrock(before, new Float64Array(2)));
  }
});

test("after the first closure has thrown, averages and slow weights start with the parameters of the next", () => {
  const [opt, fresh] = [0, 1].map(() => make(Lookahead, make(LBFGS, { x: 2 }, { ema: 0.5 })));
  const broken = () => {
    throw new Error("no loss");
  };
  expect(() => step(opt, broken)).toThrow("no loss");
  for (const one of [opt, fresh]) {
    one.params.x.set([4, 8]);
    descend(one);
  }
  expectSame(opt, fresh);
  expect([...opt.state.x.slow]).toEqual([4, 8]);
});

test("a closure that throws after the state has started anew leaves slow weights and averages alone, also after a load", () => {
  const create = () => make(Lookahead, make(LBFGS, { x: 2 }, { ema: 0.5 }), { k: 1, resetState: true });
  const opt = create();
  descend(opt);
  let calls = 0;
  const failing = () => {
    if (++calls === 3) throw new Error("no loss");
    return rosenbrock(opt.params.x, opt.grads.x);
  };
  expect(() => step(opt, failing)).toThrow("no loss");
  const resumed = create();
  resumed.loadStateDict(opt.stateDict());
  for (const one of [opt, resumed]) descend(one);
  expectSame(resumed, opt);
});

test("what is wrong is refused in one sentence, and nothing has changed", () => {
  const opt = make(LBFGS, { x: 2 }, { ema: 0.9 });
  opt.params.x.fill(1);
  const before = snapshot(opt);
  expectError(() => opt.step(), TypeError, "step: LBFGS takes a closure", "undefined");
  expectError(() => opt.step({ x: new Float32Array(2) }), TypeError, "step: LBFGS takes a closure", "Object");
  expectUnchanged(opt, before);
  expectError(() => opt.addGroup({ params: { b: 1 } }), RangeError, "LBFGS: expected one group", "got 2");
  expectError(() => make(LBFGS, [{ params: { a: 1 } }, { params: { b: 1 } }]), RangeError, "one group", "got 2");
  expectError(() => make(LBFGS, { x: 2 }, { historySize: 1.5 }), RangeError, "LBFGS: ", "whole numbers");
  expectError(() => make(LBFGS, { x: 2 }, { lineSearch: "armijo" }), RangeError, '"none" or "strong_wolfe"', "armijo");
  opt.dispose();
  expectError(() => step(opt, () => 0), Error, "dispose");
});

test("with a small tolerance it finds the minimum of Rosenbrock's function", () => {
  const opt = make(LBFGS, { x: 6 }, { lineSearch: "strong_wolfe", toleranceChange: 1e-15, dtype: "f64" });
  opt.params.x.set([-1.2, 1, -0.5, 0.8, 1.5, -0.7]);
  for (let t = 0; t < 10; t++) descend(opt);
  for (const xi of opt.params.x) expect(xi).toBeCloseTo(1, 6);
});
