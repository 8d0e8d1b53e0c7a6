// Calls and options that meet, against what each means by itself.
import { describe, expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { load, save } from "../dist/safetensors.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  expectError,
  expectUnchanged,
  make,
  type Subject,
  snapshot,
} from "./helpers.js";

const { Adam, DoG, GrokfastEMA, Lookahead, MARS, RMSprop, ScheduleFreeSGD, SGD, stepRows } = gradstep;

const f32 = (...numbers: number[]) => Float32Array.from(numbers);
const all = (opt: Subject, name: string) => [...opt.params[name]];

describe.each(backends)("on %s", (backend) => {
  test("a parameter is not moved to a group whose rule works in other buffers", () => {
    const groups = [{ params: { a: [20, 20] } }, { params: { c: [2, 2] }, cautious: true }];
    const opt = make(MARS, groups, { backend });
    expectError(() => opt.move("a", 1), RangeError, "move: the options of group 1 lead to other buffers");
    expectError(() => opt.move("c", 0), RangeError, "move: the options of group 0 lead to other buffers");
  });

  test.each(["skip", "throw", "apply"])("a sum of gradients is clipped by its own norm, nonFinite %s", (nonFinite) => {
    const opt = make(SGD, { w: 1 }, { lr: 1, accumulate: 2, clipNorm: 1, nonFinite, backend });
    const seen = [2, 2, 10, 1, 10, 1].map((g) => all(opt.step({ w: f32(g) }), "w")[0]);
    // PyTorch adds 1e-6 to the norm
    expect(seen.map((x) => Number(x.toFixed(5)) + 0)).toEqual([0, -1, -1, -2, -2, -3]);
    expect(opt.gradNorm).toBe(5.5);
  });

  test.each(["grads", "given", "rows"])("a step calls each schedule once, with the steps taken (%s)", (how) => {
    for (const accumulate of how === "rows" ? [1] : [1, 3]) {
      const calls: Record<string, number[]> = {};
      const names = ["lr", "weightDecay", "clipNorm", "clipValue", "gradScale", ...(how === "rows" ? [] : ["ema"])];
      const schedules = names.map((name) => {
        calls[name] = [];
        return [name, (step: number) => 1 / (1 + calls[name].push(step))] as const;
      });
      const options = { ...Object.fromEntries(schedules), accumulate, nonFinite: "skip", backend };
      const opt = make(SGD, { w: 2 }, options);
      for (const name of names) calls[name].length = 0;
      for (let i = 0; i < 2 * accumulate; i++) {
        if (how === "rows") stepRows(opt as never, { w: f32(i, 1) } as never);
        else opt.step(how === "given" ? { w: f32(i, 1) } : undefined);
      }
      for (const name of names) expect(calls[name], name).toEqual([0, 1]);
    }
  });

  test.each(["lr", "clipNorm", "gradScale"])(
    "after %s follows a schedule that throws, nothing has changed",
    (option) => {
      let broken = false;
      const schedule = () => {
        if (broken) throw new Error("schedule: no rate");
        return 1;
      };
      for (const accumulate of [1, 2]) {
        broken = false;
        const opt = make(SGD, { w: 1 }, { [option]: schedule, momentum: 0.5, ema: 0.5, accumulate, backend });
        for (let i = 1; i < accumulate; i++) opt.step({ w: f32(1) });
        const before = snapshot(opt);
        broken = true;
        expectError(() => opt.step({ w: f32(3) }), Error, "schedule: no rate");
        broken = false;
        expectUnchanged(opt, before);
        const other = make(SGD, { w: 1 }, { momentum: 0.5, ema: 0.5, accumulate, [option]: 1, backend });
        for (let i = 1; i < accumulate; i++) other.step({ w: f32(1) });
        for (const one of [opt, other]) one.step({ w: f32(2) });
        expect(all(opt, "w")).toEqual(all(other, "w"));
      }
    },
  );

  test("gradients whose sum is not finite are left out together, or refused", () => {
    const options = { accumulate: 3, backend };
    const opts = ["skip", "throw"].flatMap((nonFinite) => [
      make(SGD, { v: 1, w: 2 }, { ...options, nonFinite, lr: 1 }),
      make(SGD, { v: 1, w: 2 }, { ...options, nonFinite, lr: 1, dtype: "f64" }),
      make(gradstep.LAMB, { v: 1, w: 2 }, { ...options, nonFinite }),
    ]);
    for (const opt of opts) {
      const array = opt.dtype === "f32" ? Float32Array : Float64Array;
      const large = opt.dtype === "f32" ? 2 ** 127 : 2 ** 1023;
      const give = (x: number) => opt.step({ v: new array([1]), w: new array([1, x]) });
      give(large);
      const before = snapshot(opt);
      if (opt.nonFinite === "throw") {
        expectError(
          () => give(large),
          RangeError,
          'step: the sum of gradients "w" is Infinity at index 1, expected finite numbers',
        );
        expectUnchanged(opt, before);
        give(-large);
      } else {
        give(large);
        expect([opt.skipped, opt.steps]).toEqual([1, 0]);
        give(1);
        give(2);
      }
      give(3);
      expect(opt.steps).toBe(1);
      expect([...opt.params.v, ...opt.params.w].every(Number.isFinite)).toBe(true);
      const mean = opt.nonFinite === "throw" ? [1, 1, 1] : [1, 1, 2];
      if (opt instanceof SGD) expect([...opt.params.v, ...opt.params.w]).toEqual(mean.map((g) => -g));
    }
  });

  test.each([SGD, gradstep.LAMB])("what is thawed has in the next step what came since", (made) => {
    const sums = (freezes: boolean) => {
      const opt = make(made, { w: 3, v: 2 }, { accumulate: 2, backend });
      opt.params.w.fill(1);
      opt.params.v.fill(1);
      const give = (x: number, y: number) => opt.step({ w: f32(x, x, x), v: f32(y, y) });
      give(1, 100);
      give(1, 100);
      if (freezes) opt.freeze("v");
      give(1, 0);
      opt.unfreeze("v");
      give(1, 3);
      return arraysOf(opt);
    };
    const [with_, without] = [sums(true), sums(false)];
    expect(Object.keys(with_).filter((name) => !bitsEqual(with_[name], without[name]))).toEqual([]);
  });

  test("state that a dict lacks starts as before a first step, and a sum of gradients from 0", () => {
    const from = make(SGD, { w: 1 }, { backend });
    from.params.w.fill(5);
    from.step({ w: f32(0) });
    const opt = make(SGD, { w: 1, head: 1 }, { ema: 0.9, backend });
    opt.params.head.fill(7);
    opt.loadStateDict(from.stateDict(), { strict: false, keepHyperparameters: true });
    opt.step({ w: f32(0), head: f32(0) });
    opt.swap();
    expect([...all(opt, "w"), ...all(opt, "head")]).toEqual([5, 7]);
    const free = make(ScheduleFreeSGD, { w: 1 }, { backend });
    free.step({ w: f32(0) });
    const more = make(ScheduleFreeSGD, { w: 1, head: 1 }, { backend });
    more.params.head.fill(7);
    more.loadStateDict(free.stateDict(), { strict: false });
    for (let i = 0; i < 3; i++) more.step({ w: f32(0), head: f32(0) });
    expect(all(more, "head")).toEqual([7]);
    const half = make(SGD, { w: 1 }, { lr: 1, accumulate: 2, backend }).step({ w: f32(1) });
    const both = make(SGD, { w: 1, v: 1 }, { lr: 1, accumulate: 2, backend });
    both.step({ w: f32(9), v: f32(9) });
    both.loadStateDict(half.stateDict(), { strict: false });
    both.step({ w: f32(1), v: f32(4) });
    expect([...all(both, "w"), ...all(both, "v")]).toEqual([-1, -2]);
    // whatever a parameter is called
    const odd = make(SGD, { w: 1, gradSum: 1 }, { backend });
    odd.params.gradSum.fill(3);
    odd.loadStateDict(from.stateDict(), { strict: false });
    expect(all(odd, "gradSum")).toEqual([3]);
  });

  test("averages go on where the state starts anew, also after a load", () => {
    const made = () => {
      const inner = make(SGD, { w: 1 }, { lr: 1, momentum: 0.9, ema: 0.5, backend });
      return make(Lookahead, inner, { k: 2, alpha: 1, resetState: true });
    };
    const opt = made();
    opt.params.w.fill(10);
    for (let i = 0; i < 2; i++) opt.step({ w: f32(1) });
    const average = opt.state.w.ema[0];
    expect(average).not.toBe(opt.params.w[0]);
    opt.swap();
    expect(all(opt, "w")).toEqual([average]);
    opt.restore();
    const [read, resumed] = [made(), made()];
    load(read as never, save(opt as never));
    resumed.loadStateDict(structuredClone(opt.stateDict()));
    for (const one of [opt, read, resumed]) one.step({ w: f32(1) });
    expect([read, resumed].map((one) => one.state.w.ema[0])).toEqual([opt.state.w.ema[0], opt.state.w.ema[0]]);
  });

  test("a dict from before the first step starts all anew", () => {
    const opt = make(SGD, { w: 1 }, { lr: 1, ema: 0.5, backend });
    const dict = opt.stateDict();
    opt.params.w.fill(10);
    for (let i = 0; i < 3; i++) opt.step({ w: f32(1) });
    opt.loadStateDict(dict);
    opt.params.w.fill(9);
    opt.step({ w: f32(0) });
    expect(opt.state.w.ema[0]).toBe(9);
  });

  test("rows that come twice count once in the norm", () => {
    const opt = make(SGD, { w: [3, 2] }, { clipNorm: 1000, backend });
    stepRows(opt as never, { w: { indices: [1, 1], rows: f32(3, 4, 3, 4) } } as never);
    expect(opt.gradNorm).toBe(10);
  });

  test("a wrapped optimizer is saved between the calls of a step, and loaded", () => {
    for (const wrapper of [GrokfastEMA, Lookahead]) {
      const made = () => make(wrapper, make(SGD, { w: 2 }, { lr: 1, accumulate: 2, backend }));
      const opt = made().step({ w: f32(1, 2) });
      const resumed = made();
      resumed.loadStateDict(opt.stateDict());
      for (const one of [opt, resumed]) one.step({ w: f32(3, 4) });
      expect(bitsEqual(resumed.params.w, opt.params.w)).toBe(true);
    }
  });

  test("what was frozen when it was wrapped stays so", () => {
    for (const wrapper of [GrokfastEMA, Lookahead]) {
      const inner = make(SGD, { w: 2, v: 2 }, { lr: 1, backend });
      (inner as Subject & { freeze(name: string): void }).freeze("v");
      const opt = make(wrapper, inner, wrapper === Lookahead ? { k: 1 } : {});
      opt.params.v.fill(8);
      opt.step({ w: f32(1, 1) });
      expect(all(opt, "v")).toEqual([8, 8]);
      opt.unfreeze("v");
      opt.step({ w: f32(1, 1), v: f32(1, 1) });
      expect(opt.params.v[0]).toBeLessThan(8);
    }
  });

  test("a group without parameters is loaded too", () => {
    const made = () => make(DoG, [{ params: {} }, { params: { a: [3] } }], { initStep: "learning_rate", backend });
    const opt = made();
    opt.params.a.fill(1);
    opt.step({ a: f32(1, 2, 3) });
    const resumed = made();
    resumed.loadStateDict(opt.stateDict());
    for (const one of [opt, resumed]) one.step({ a: f32(1, 2, 3) });
    expect(bitsEqual(resumed.params.a, opt.params.a)).toBe(true);
  });

  test("gradients that are parameters are those before the step, whatever its size", () => {
    for (const n of [1, 1000, 40_000]) {
      const opt = make(SGD, [{ params: { a: n } }, { params: { b: n }, maximize: true }], { lr: 0.5, backend });
      opt.params.a.fill(1);
      opt.params.b.fill(2);
      opt.step({ a: opt.params.b, b: opt.params.a });
      expect([opt.params.a[n - 1], opt.params.b[n - 1]]).toEqual([0, 2.5]);
    }
    const buffer = new Float32Array(100_001).fill(1);
    const opt = make(SGD, { w: buffer.subarray(1) }, { lr: 0.5, backend });
    opt.step({ w: buffer.subarray(0, 100_000) });
    expect(new Set(buffer.subarray(1))).toEqual(new Set([0.5]));
    const own = make(RMSprop, { w: 1 }, { decoupled: true, weightDecay: 0.5, backend });
    const copied = make(RMSprop, { w: 1 }, { decoupled: true, weightDecay: 0.5, backend });
    for (const one of [own, copied]) one.params.w.fill(1.85);
    own.step({ w: own.params.w });
    copied.step({ w: f32(1.85) });
    expect(bitsEqual(own.params.w, copied.params.w)).toBe(true);
  });

  test("the optimizer's own gradients are its own in any record", () => {
    const opt = make(SGD, { w: 1 }, { lr: 1, zeroGrad: true, backend });
    for (let i = 0; i < 3; i++) {
      opt.grads.w[0] += 1;
      opt.step({ ...opt.grads });
    }
    expect([...all(opt, "w"), ...opt.grads.w]).toEqual([-3, 0]);
    const filtered = make(GrokfastEMA, make(SGD, { w: 1, v: 1 }, { zeroGrad: true, backend }));
    filtered.freeze("v");
    filtered.grads.v.fill(2);
    for (const grads of [filtered.grads, { ...filtered.grads }]) {
      filtered.grads.w.fill(1);
      filtered.step(grads);
      expect([...filtered.grads.w, ...filtered.grads.v]).toEqual([0, 2]);
    }
  });

  test.each([1, 2])("the optimizer's own gradients are cleared among others too, %i calls a step", (accumulate) => {
    const options = { lr: 1, zeroGrad: true, nonFinite: "skip", accumulation: "sum", accumulate, backend };
    const opt = make(SGD, { w: 1, v: 1 }, options);
    for (const g of [1, 2, Number.NaN, 3, 4]) {
      opt.grads.w[0] += g;
      opt.step({ w: opt.grads.w, v: f32(1) });
      expect(opt.grads.w[0]).toBe(0);
    }
    expect([...all(opt, "w"), ...all(opt, "v"), opt.skipped]).toEqual([-10, -4, 1]);
  });

  test("a schedule may look, but not act", () => {
    const acts: Record<string, (opt: Subject) => unknown> = {
      freeze: (opt) => opt.freeze("w"),
      unfreeze: (opt) => opt.unfreeze("w"),
      move: (opt) => opt.move("w", 0),
      addGroup: (opt) => opt.addGroup({ params: { b: 1 } }),
      dispose: (opt) => opt.dispose(),
      step: (opt) => opt.step(),
      loadStateDict: (opt) => opt.loadStateDict({}),
      zeroGrad: (opt) => opt.zeroGrad(),
    };
    for (const [name, act] of Object.entries(acts)) {
      for (const option of ["lr", "clipNorm"]) {
        let opt: Subject | undefined;
        const schedule = () => {
          if (opt?.params) act(opt);
          return 1;
        };
        const made = make(SGD, { w: 1 }, { [option]: schedule, backend });
        const before = snapshot(made);
        opt = made;
        expectError(() => made.step({ w: f32(1) }), Error, `${name}: a step is under way`);
        opt = undefined;
        expectUnchanged(made, before);
        expect(all(made.step({ w: f32(0) }), "w")).toEqual([0]);
      }
    }
  });

  test("a closure may clear the gradients and look, but not act", () => {
    const acts: Record<string, (opt: Subject) => unknown> = {
      dispose: (opt) => opt.dispose(),
      step: (opt) => opt.step(() => 1),
      loadStateDict: (opt) => opt.loadStateDict({}),
      stateDict: (opt) => opt.stateDict(),
      swap: (opt) => opt.swap(),
    };
    const closure = (opt: Subject, act: (opt: Subject) => unknown) => () => {
      opt.zeroGrad();
      opt.grads.w[0] += opt.params.w[0];
      act(opt);
      return 0.5 * opt.params.w[0] ** 2;
    };
    for (const [name, act] of Object.entries(acts)) {
      const opt = make(gradstep.LBFGS, { w: 1 }, { ema: 0.5, backend });
      opt.params.w.fill(4);
      expectError(() => opt.step(closure(opt, act)), Error, `${name}: a step is under way`);
      expect([opt.steps, ...all(opt, "w")]).toEqual([0, 4]);
      opt.step(closure(opt, () => opt.lr));
      expect(all(opt, "w")).toEqual([0]);
    }
  });

  test("a call that makes no step begins nothing", () => {
    const inner = make(SGD, { w: 1 }, { lr: 1, nonFinite: "skip", zeroGrad: true, backend });
    const opt = make(Lookahead, inner, { k: 1, alpha: 0.5 });
    opt.step({ w: f32(Number.NaN) });
    opt.params.w.fill(10);
    opt.step({ w: f32(2) });
    expect(all(opt, "w")).toEqual([9]);
  });

  test("what is frozen keeps its gradient and its momentum", () => {
    const inner = make(SGD, { w: 1, v: 1 }, { momentum: 0.9, nonFinite: "skip", zeroGrad: true, backend });
    const opt = make(Lookahead, inner, { k: 1, pullbackMomentum: "reset" });
    opt.freeze("v");
    opt.state.v.buf.fill(3);
    opt.grads.v.fill(5);
    opt.grads.w.fill(Number.NaN);
    opt.step();
    expect([...opt.grads.v, ...opt.grads.w]).toEqual([5, 0]);
    opt.grads.w.fill(1);
    opt.step();
    expect([...opt.state.v.buf, ...opt.state.w.buf]).toEqual([3, 0]);
  });

  test("what is frozen before its first step starts from what it is when it is thawed", () => {
    for (const made of [ScheduleFreeSGD, gradstep.ScheduleFreeAdamW]) {
      const opt = make(made, { w: 1, v: 2 }, { lr: 0.1, ema: 0.9, backend });
      opt.freeze("v");
      opt.step({ w: f32(1) });
      opt.params.v.set([5, 6]);
      opt.eval();
      expect(all(opt, "v")).toEqual([5, 6]);
      opt.train();
      opt.swap();
      expect(all(opt, "v")).toEqual([5, 6]);
      opt.restore();
      opt.unfreeze("v");
      opt.params.v.set([7, 8]);
      opt.step({ w: f32(1), v: f32(0, 0) });
      opt.swap();
      expect(all(opt, "v")).toEqual([7, 8]);
      opt.restore();
      expect([...opt.state.v.z]).toEqual([7, 8]);
      // and what no step has moved is still so after a load
      const before = make(made, { w: 1, v: 2 }, { lr: 0.1, ema: 0.9, backend });
      before.freeze("v");
      before.step({ w: f32(1) });
      const loaded = make(made, { w: 1, v: 2 }, { lr: 0.1, ema: 0.9, backend });
      loaded.loadStateDict(structuredClone(before.stateDict()));
      loaded.params.v.set([5, 6]);
      loaded.swap();
      expect(all(loaded, "v")).toEqual([5, 6]);
    }
  });

  test("slow weights start from what a parameter is at its first step, when it is thawed or after a load too", () => {
    const made = () => make(Lookahead, make(SGD, { w: 1, v: 1 }, { lr: 1, backend }), { k: 2, alpha: 0.5 });
    const opt = made();
    opt.freeze("v");
    opt.step({ w: f32(0) });
    const loaded = made();
    loaded.freeze("v");
    loaded.loadStateDict(structuredClone(opt.stateDict()));
    for (const one of [opt, loaded]) {
      one.params.v.fill(8);
      one.unfreeze("v");
      for (let i = 0; i < 3; i++) one.step({ w: f32(0), v: f32(0) });
      expect([...all(one, "v"), ...one.state.v.slow]).toEqual([8, 8]);
    }
  });

  test("parameters that stand in for each other in a dict are exchanged", () => {
    const opt = make(Adam, { a: 2, b: 2 }, { backend });
    opt.params.a.fill(1);
    opt.params.b.fill(2);
    const { params = {}, ...dict } = opt.stateDict({ copy: false });
    opt.loadStateDict({ ...dict, params: { a: params.b, b: params.a } });
    expect([...all(opt, "a"), ...all(opt, "b")]).toEqual([2, 2, 1, 1]);
  });
});

test("gradNorm is known where steps look for what is not finite", () => {
  const opt = make(SGD, { w: 2 }, { nonFinite: "skip" });
  opt.step({ w: f32(3, 4) });
  expect(opt.gradNorm).toBe(5);
});

test("options that do not show themselves are refused, and so are properties that there are not", () => {
  class Hidden {
    get lr() {
      return 0.5;
    }
  }
  const none = [new Map([["lr", 0.5]]), Promise.resolve({}), new Hidden(), Object.create({ lr: 0.5 }), new Date()];
  for (const options of none) {
    expectError(
      () => make(Adam, { w: 1 }, options),
      TypeError,
      "Adam: options must be an object with properties of its own",
    );
  }
  class Shown {
    lr = 0.5;
  }
  expect(make(Adam, { w: 1 }, new Shown()).lr).toBe(0.5);
  const opt = make(Adam, { w: 1 });
  expect(() => Object.assign(opt, { learningRate: 0.5 })).toThrow(TypeError);
  class Named extends (Adam as unknown as new (...args: unknown[]) => object) {
    label = "mine";
  }
  expect(new Named({ w: 1 })).toHaveProperty("label", "mine");
  const dict = opt.stateDict();
  for (const flag of ["strict", "keepHyperparameters", "convert"]) {
    const load = () => opt.loadStateDict(dict, { [flag]: "false" });
    expectError(load, TypeError, `loadStateDict: ${flag} must be true or false, got "false"`);
  }
});

test("a frozen parameter needs no gradient, whatever it is called, and an unknown one is found beside it", () => {
  const opt = make(Adam, { constructor: 1, w: 1 });
  opt.freeze("constructor");
  opt.step({ w: f32(1) });
  expectError(() => opt.step({ w: f32(1), other: f32(1) }), TypeError, 'step: unknown gradient "other"');
});

test("what takes its gradients as they are has no options for them", () => {
  const opt = make(gradstep.LBFGS, { w: 1 });
  for (const name of ["clipNorm", "clipValue", "gradScale", "nonFinite"]) {
    expectError(() => Object.assign(opt, { [name]: 1 }), TypeError, `LBFGS: unknown option "${name}"`);
  }
});

test("no option can be set to nothing", () => {
  const opt = make(SGD, { w: 1 });
  for (const name of ["lr", "weightDecay", "ema", "momentum"]) {
    expectError(
      () => Object.assign(opt, { [name]: undefined }),
      TypeError,
      `SGD: ${name} must be a number`,
      "undefined",
    );
  }
});

test("a long text is quoted in part", () => {
  const message = expectError(
    () => make(Adam, { w: 1 }, { lr: "x".repeat(1000) }),
    TypeError,
    "Adam: lr must be a number",
  );
  expect(message.length).toBeLessThan(200);
});
