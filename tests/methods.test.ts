import { describe, expect, test } from "vitest";
import { backends, bitsEqual, expectError, expectUnchanged, gradients, make, snapshot, train } from "./helpers.js";
import { type AnyClass, classes, dtypes } from "./tables.js";

// Methods that some rules have beside step: the modes of schedule-free rules, Sophia's estimates.

const withMethod = (method: string) =>
  classes
    .filter(({ rule }) => "methods" in rule && method in (rule.methods ?? {}))
    .map((made) => [made.rule.name, made]);
const modal = withMethod("eval") as [string, AnyClass][];
const curved = withMethod("updateHessian") as [string, AnyClass][];

test("there are rules with modes, and one with a Hessian", () => {
  expect(modal.length).toBeGreaterThan(1);
  expect(curved.length).toBeGreaterThan(0);
});

describe.each(modal)("%s", (_, made) => {
  test.each(backends)("a step in eval mode is refused, and nothing changes (%s)", (backend) => {
    const opt = train(make(made, { w: 5, b: 2 }, { backend }), 3);
    opt.eval();
    const before = snapshot(opt);
    expectError(() => opt.step(), Error, `${made.rule.name}: step needs`, "train()");
    expectUnchanged(opt, before);
    opt.train();
    opt.step();
    expect(opt.steps).toBe(4);
  });

  test("eval moves the parameters to the average, train back; a second call does nothing", () => {
    const opt = train(make(made, { w: 5 }, { dtype: "f64" }), 3);
    const y = opt.params.w.slice();
    opt.train();
    expect(bitsEqual(opt.params.w, y)).toBe(true);
    opt.eval();
    const x = opt.params.w.slice();
    expect(bitsEqual(x, y)).toBe(false);
    opt.eval();
    expect(bitsEqual(opt.params.w, x)).toBe(true);
    opt.train();
    for (const [i, yi] of y.entries()) expect(opt.params.w[i]).toBeCloseTo(yi, 12);
  });

  test("before the first step both leave the parameters as they are", () => {
    const opt = make(made, { w: new Float32Array([1, 2, 3]) });
    opt.eval();
    expect([...opt.params.w]).toEqual([1, 2, 3]);
    opt.train();
    expect([...opt.params.w]).toEqual([1, 2, 3]);
  });

  test.each(dtypes)("a state dict keeps the mode (%s)", (dtype) => {
    const opt = train(make(made, { w: 5 }, { dtype }), 3);
    opt.eval();
    const resumed = make(made, { w: 5 }, { dtype });
    resumed.loadStateDict(opt.stateDict());
    expectError(() => resumed.step(), Error, "train()");
    for (const one of [opt, resumed]) {
      one.train();
      one.step(gradients(one, 4));
    }
    expect(bitsEqual(resumed.params.w, opt.params.w)).toBe(true);
  });
});

describe.each(curved)("%s", (name, made) => {
  test("updateHessian takes gradients as step does, and refuses what step refuses", () => {
    const [views, handed] = [0, 1].map(() => make(made, { w: 3 }));
    const g = new Float32Array([1, 2, 3]);
    views.grads.w.set(g);
    views.updateHessian();
    handed.updateHessian({ w: g });
    expect(bitsEqual(handed.state.w.hessian, views.state.w.hessian)).toBe(true);
    expect(views.state.w.hessian[1]).toBeCloseTo(4 * (1 - Number(made.defaults.beta2)), 6);
    expect(views.steps).toBe(0);
    expectError(() => handed.updateHessian({}), TypeError, 'updateHessian: gradient "w" is missing');
    handed.dispose();
    expectError(() => handed.updateHessian({ w: g }), Error, name, "dispose");
  });
});
