import { describe, expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  gradients,
  make,
  named,
  numbers,
  type Subject,
  snapshot,
  start,
  train,
  watchMemories,
} from "./helpers.js";
import { type AnyClass, classes, differs, drawn, dtypes, inTurn, random } from "./tables.js";

const { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead, SGD } = gradstep;

type Wrap = (optimizer: unknown) => Subject;
const around =
  (wrapper: unknown, options: object = {}): Wrap =>
  (optimizer) =>
    make(wrapper, optimizer, options);

const wraps: Record<string, Wrap> = {
  Lookahead: around(Lookahead, { k: 3 }),
  "Lookahead, whose optimizer starts anew": around(Lookahead, { k: 2, alpha: 0.8, resetState: true }),
  GrokfastEMA: around(GrokfastEMA, { alpha: 0.5 }),
  GrokfastMA: around(GrokfastMA, { windowSize: 4 }),
  "GrokfastMA, with sums and without warmup": around(GrokfastMA, { windowSize: 3, filterType: "sum", warmup: false }),
  GradientCentralization: around(GradientCentralization),
  "all of them": (optimizer) =>
    around(Lookahead, { k: 2, resetState: true })(
      around(GrokfastEMA)(around(GrokfastMA, { windowSize: 2 })(around(GradientCentralization)(optimizer))),
    ),
};
const table = Object.entries(wraps);
/** Options without which the optimizer refuses to step. */
const needed = ({ rule }: AnyClass) => Object.fromEntries((rule.once ?? []).map((name) => [name, () => 0.5]));
const class_ = (name: string) => classes.find(({ rule }) => rule.name === name) as AnyClass;
const some = ["AdamW", "SGD", "RMSprop", "LARS", "Prodigy", "ScheduleFreeSGD"].map(class_);
const momentum = { momentum: 0.9, lr: 0.1 };

describe.each(table)("%s", (wrapper, wrap) => {
  // every rule in all wrappers at once, and some in each
  const inner = wrapper === "all of them" ? named : named.filter(([, made]) => some.includes(made));
  const shapes = [[1], [7], [67], [0], [5, 3], [1, 9], [2, 3, 4], [300]];

  test("a misspelt option is not taken, but a class of the caller's has what it wants", () => {
    const made = wrap(make(SGD, { w: 2 }));
    expect(() => Object.assign(made, { learningRate: 0.1 })).toThrow(TypeError);
    expect(Object.assign(made, { lr: 0.1 }).lr).toBe(0.1);
    const Class = made.constructor as new (optimizer: unknown) => object;
    class Own extends Class {
      readonly seed = 1;
    }
    expect(new Own(make(SGD, { w: 2 })).seed).toBe(1);
  });

  test.each(inner)("around %s: a step that is awaited is the same step", async (_, made) => {
    const [awaited, plain] = [0, 1].map(() => start(wrap(make(made, shapes, needed(made)))));
    for (let step = 1; step <= 2; step++) {
      const grads = gradients(plain, step);
      plain.step(grads);
      expect(await awaited.stepAsync(grads)).toBe(awaited);
      expectSame(awaited, plain);
    }
  });

  test("a step that is refused changes nothing", async () => {
    const opt = start(wrap(make(SGD, { a: 3, b: 2 }, momentum)));
    train(opt, 1).addGroup({ params: { c: 2 } });
    opt.params.c.fill(1);
    const before = snapshot(opt);
    expectError(() => opt.step({ a: new Float32Array(3) }), TypeError, 'step: gradient "b" is missing');
    await expect(opt.stepAsync({ a: new Float32Array(3) })).rejects.toThrow('gradient "b" is missing');
    expectUnchanged(opt, before);
  });

  test.each(inner)("around %s: WebAssembly and JavaScript write the same bits", (_, made) => {
    for (const dtype of dtypes) {
      const r = random(shapes.length);
      const [wasm, js] = backends.map((backend) => wrap(make(made, shapes, { ...needed(made), dtype, backend })));
      const each = (pick: "params" | "grads", kind: "ordinary" | "mixed") => {
        for (const [k, x] of Object.entries(wasm[pick])) {
          const next = drawn(x.length, dtype, kind, r);
          for (const opt of [wasm, js]) opt[pick][k].set(next);
        }
      };
      for (const kind of ["ordinary", "mixed"] as const) {
        each("params", kind);
        for (let step = 1; step <= 5; step++) {
          each("grads", kind);
          for (const opt of [wasm, js]) opt.step();
        }
        expectSame(wasm, js);
      }
      for (const opt of [wasm, js]) opt.dispose();
    }
  });

  test.each(inner)("around %s: a resumed run is one that never stopped, on the other backend too", (_, made) => {
    const shapes = { w: [3, 4], none: 0, b: 5 };
    for (const [i, dtype] of dtypes.entries()) {
      for (const stop of inTurn([0, 1, 3, 4], i, 2)) {
        const create = (backend: string) =>
          start(wrap(make(made, shapes, { ...needed(made), dtype, backend, weightDecay: 0.1 })));
        const whole = train(create("wasm"), stop);
        const resumed = create("js");
        expect(resumed.loadStateDict(structuredClone(whole.stateDict()))).toEqual({ missing: [], unexpected: [] });
        expect(resumed.stateDict()).toEqual(whole.stateDict());
        for (const opt of [whole, resumed]) train(opt, 5);
        expect(resumed.stateDict()).toEqual(whole.stateDict());
        expect(differs(resumed.params.w, whole.params.w)).toBe(-1);
      }
    }
  });

  test.each(some.map((made) => [made.rule.name, made] as const))("around %s: layouts give the same bits", (_, made) => {
    for (const backend of wrapper === "all of them" ? backends : ["wasm"]) {
      const inits = { a: [3, 4], b: 7, c: [67, 500] };
      const one = start(wrap(make(made, inits, { backend })));
      const own = start(
        wrap(
          make(
            made,
            { a: { data: new Float32Array(12), shape: [3, 4] }, b: new Float32Array(7), c: [67, 500] },
            { backend },
          ),
        ),
      );
      const groups = Object.entries(inits).map(([name, init]) => ({ params: { [name]: init } }));
      const apart = start(wrap(make(made, groups, { backend })));
      for (let step = 1; step <= 6; step++) {
        train(one, 1);
        own.step(gradients(own, step));
        train(apart, 1);
      }
      for (const name of Object.keys(inits)) {
        for (const other of [own, apart]) {
          expect(bitsEqual(other.params[name], one.params[name]), name).toBe(true);
          for (const [slot, x] of Object.entries(one.state[name])) {
            expect(bitsEqual(other.state[name][slot], x), `${name}.${slot}`).toBe(true);
          }
        }
      }
    }
  });

  test("a step that is left out changes nothing, and one that throws names the gradient that came in", () => {
    for (const made of some) {
      const opt = wrap(make(made, { w: [2, 3], b: 3 }, { nonFinite: "skip", zeroGrad: true, lr: 0.1 }));
      train(start(opt), 6);
      const before = snapshot(opt);
      const g = gradients(opt, 7);
      g.b[1] = Number.NaN;
      opt.step(g);
      expectUnchanged(opt, before);
      expect([opt.steps, opt.skipped]).toEqual([6, 1]);
      opt.grads.b[1] = Number.NaN;
      opt.step();
      expect([...opt.grads.b]).toEqual([0, 0, 0]);
      opt.nonFinite = "throw";
      expectError(() => opt.step(g), RangeError, 'step: gradient "b" is NaN at index 1');
    }
  });

  test("calls that make no step, and what starts anew, leave sums of gradients and averages alone", () => {
    for (const made of some) {
      const opt = start(wrap(make(made, { w: [2, 3], b: 3 }, { accumulate: 3, ema: 0.9, lr: 0.1 })));
      let average = Float32Array.from(opt.params.b);
      for (let call = 0; call < 12; call++) {
        const before = opt.state.b.gradSum.slice();
        opt.step(gradients(opt, call));
        if (call % 3 > 0) expect(bitsEqual(opt.state.b.gradSum, before)).toBe(false);
        if (call % 3 < 2) expect(bitsEqual(opt.state.b.ema, call < 3 ? new Float32Array(3) : average)).toBe(true);
        else average = (opt.state.b.ema as Float32Array).slice();
      }
      expect(bitsEqual(opt.state.b.ema, opt.params.b)).toBe(false);
    }
  });

  test("a frozen parameter stays, with all that is remembered of it", () => {
    for (const made of some) {
      const opt = train(start(wrap(make(made, { w: [2, 3], b: 3 }, { lr: 0.1 }))), 4);
      expect(opt.freeze("b")).toBe(opt);
      const before = snapshot(opt);
      for (let step = 0; step < 7; step++) opt.step(gradients(opt, step));
      const after = snapshot(opt);
      const kept = Object.keys(before.arrays).filter((name) => /^(params|state)\.b\b/.test(name));
      for (const name of kept) expect(bitsEqual(after.arrays[name], before.arrays[name]), name).toBe(true);
      opt.unfreeze("b").step(gradients(opt, 8));
      expect(bitsEqual(opt.params.b, before.arrays["params.b"])).toBe(false);
    }
  });

  test("shows all that the optimizer has", () => {
    for (const made of some) {
      const inner = make(made, [{ params: { w: [2, 3] }, lr: 0.25 }, { params: { b: 3 } }], {
        backend: "js",
        dtype: "f64",
      });
      const opt = wrap(inner);
      expect(opt.params).toBe(inner.params);
      expect(opt.groups).toBe(inner.groups);
      expect(opt).toMatchObject({ backend: "js", dtype: "f64", steps: 0, lr: 0.25 });
      opt.lr = 0.5;
      expect(inner.groups.map(({ lr }) => lr)).toEqual([0.5, 0.5]);
      for (const name of Object.keys(made.defaults)) expect(opt[name]).toBe(inner[name]);
      expect(opt.step()).toBe(opt);
      expect(opt.steps).toBe(1);
      expect(Object.keys(opt.state.w)).toEqual(expect.arrayContaining(Object.keys(inner.state.w)));
      opt.grads.w.fill(1);
      expect(opt.zeroGrad()).toBe(opt);
      expect([...opt.grads.w]).toEqual([0, 0, 0, 0, 0, 0]);
      expect(opt.bytes).toBeGreaterThanOrEqual(inner.bytes);
    }
  });

  test("a state dict of the other dtype can be converted", () => {
    const from = train(start(wrap(make(class_("AdamW"), { w: [2, 3] }, { dtype: "f64" }))), 4);
    const opt = wrap(make(class_("AdamW"), { w: [2, 3] }));
    expectError(() => opt.loadStateDict(from.stateDict()), TypeError, 'dtype must be "f32" (or pass convert: true)');
    opt.loadStateDict(from.stateDict(), { convert: true });
    for (const [slot, x] of Object.entries(from.state.w)) expect(opt.state.w[slot]).toEqual(new Float32Array(x));
  });

  test("a group added later starts there", () => {
    const [opt, alone] = [0, 1].map(() => wrap(make(class_("SGD"), { a: [2, 3] }, momentum)));
    for (const one of [opt, alone]) train(start(one), 6);
    expect(opt.addGroup({ params: { b: [3, 2], c: new Float32Array(2) } })).toBe(opt);
    expect(Object.keys(opt.params)).toEqual(["a", "b", "c"]);
    const fresh = wrap(make(class_("SGD"), { b: [3, 2], c: 2 }, momentum));
    for (const one of [opt, fresh])
      for (const name of ["b", "c"]) one.params[name].set(numbers(name, one.params[name].length, 0));
    for (let step = 7; step <= 12; step++) {
      const { a, b, c } = gradients(opt, step);
      opt.step({ a, b, c });
      alone.step({ a });
      fresh.step({ b, c });
    }
    expect(bitsEqual(opt.params.a, alone.params.a)).toBe(true);
    // six steps are whole rounds of every lookahead here
    for (const name of ["b", "c"]) expect(bitsEqual(opt.params[name], fresh.params[name]), name).toBe(true);
    const resumed = wrap(make(class_("SGD"), [{ params: { a: [2, 3] } }, { params: { b: [3, 2], c: 2 } }], momentum));
    resumed.loadStateDict(opt.stateDict());
    expect(train(resumed, 3).stateDict()).toEqual(train(opt, 3).stateDict());
  });

  test("what the optimizer refuses changes nothing", () => {
    const opt = train(start(wrap(make(class_("ScheduleFreeSGD"), { w: [2, 3] }))), 3);
    (opt.eval as () => void)();
    const before = snapshot(opt);
    opt.grads.w.fill(1);
    before.arrays["grads.w"].fill(1);
    expect(() => opt.step()).toThrow(/^ScheduleFreeSGD: /);
    expectUnchanged(opt, before);
    (opt.train as () => void)();
    expectError(() => opt.step({ w: new Float32Array(5) }), RangeError, 'gradient "w" has length 5, expected 6');
    expectError(() => opt.loadStateDict({ ...opt.stateDict(), state: {} }), RangeError, "loadStateDict: missing");
    expectError(() => opt.loadStateDict(null), TypeError, "loadStateDict: the state dict must be an object, got null");
    expect(() => make(gradstep.PolyakSGD, { w: 2 })).not.toThrow();
    expect(() => wrap(make(gradstep.PolyakSGD, { w: 2 })).step()).toThrow("PolyakSGD: value must be set");
  });

  test("gives its memory back with the optimizer's", () => {
    const inner = make(class_("AdamW"), { w: 5 });
    const opt = wrap(inner);
    opt.dispose();
    opt.dispose();
    for (const act of [() => opt.params, () => opt.step(), () => opt.stateDict(), () => inner.params]) {
      expect(act).toThrow(/: used after dispose\(\)$/);
    }
    if (Symbol.dispose) wrap(make(class_("AdamW"), { w: 5 }))[Symbol.dispose]();
  });

  test("an optimizer under way can be wrapped", () => {
    const inner = train(start(make(class_("AdamW"), { w: [2, 3] })), 6);
    const opt = wrap(inner);
    for (const x of Object.values(train(opt, 6).params)) expect(x.every(Number.isFinite)).toBe(true);
    expect(opt.steps).toBe(12);
  });
});

describe("Lookahead", () => {
  const plain = (k: number, alpha: number, pullback: boolean) => {
    const w = numbers("w", 3, 0);
    let slow = [...w];
    let slowBuf = [0, 0, 0];
    const buf = [0, 0, 0];
    return (t: number) => {
      for (const [i, g] of numbers("w", 3, t).entries()) {
        buf[i] = t === 1 ? g : 0.9 * buf[i] + g;
        w[i] -= 0.1 * buf[i];
      }
      if (t % k !== 0) return w;
      slow = w.map((x, i) => alpha * x + (1 - alpha) * slow[i]);
      for (const i of w.keys()) w[i] = slow[i];
      if (pullback) {
        slowBuf = buf.map((x, i) => alpha * x + (1 - alpha) * slowBuf[i]);
        for (const i of buf.keys()) buf[i] = slowBuf[i];
      }
      return w;
    };
  };

  test.each([true, false])("with pullbackMomentum %j, against its formula", (pullback) => {
    for (const backend of backends) {
      const step = plain(4, 0.3, pullback);
      const inner = make(class_("SGD"), { w: 3 }, { ...momentum, dtype: "f64", backend });
      const opt = start(make(Lookahead, inner, { k: 4, alpha: 0.3, pullbackMomentum: pullback ? "pullback" : "none" }));
      for (let t = 1; t <= 13; t++) {
        train(opt, 1);
        for (const [i, x] of step(t).entries()) expect(opt.params.w[i]).toBeCloseTo(x, 13);
      }
    }
  });

  test("with alpha 1 is the optimizer alone", () => {
    const alone = train(start(make(class_("Adam"), { w: 9 })), 9);
    const opt = train(start(make(Lookahead, make(class_("Adam"), { w: 9 }), { k: 2, alpha: 1 })), 9);
    expect(bitsEqual(opt.params.w, alone.params.w)).toBe(true);
  });

  test("takes a run without it up where that stands", () => {
    const alone = train(start(make(SGD, { w: 9 }, momentum)), 4);
    const opt = make(Lookahead, make(SGD, { w: 9 }, momentum), { k: 3, pullbackMomentum: "pullback" });
    const missing = ["w.slow", "w.slowMomentum"];
    expectError(() => opt.loadStateDict(alone.stateDict()), RangeError, 'missing "w.slow"');
    expect(opt.loadStateDict(alone.stateDict(), { strict: false })).toEqual({ missing, unexpected: [] });
    expect(opt.state.w.slow).toEqual(alone.params.w);
    expect(opt.state.w.slowMomentum).toEqual(alone.state.w.buf);
    expectError(() => alone.loadStateDict(opt.stateDict()), RangeError, 'unexpected "w.slow"');
    const wrapped = make(Lookahead, alone, { k: 3, pullbackMomentum: "pullback" });
    expect(wrapped.state.w).toEqual(opt.state.w);
  });

  test("can be put around frozen parameters of any name, with momentum or without", () => {
    const groups: object[] = [{ params: { w: [2, 2] } }, { params: { constructor: 2 }, useMuon: false }];
    const inner = make(class_("Muon"), groups).freeze("constructor");
    const opt = make(Lookahead, inner, { k: 1, pullbackMomentum: "pullback" });
    expect(train(opt, 2).unfreeze("constructor").frozen).toEqual([]);
  });

  test("goes around thousands of parameters without looking at all of them for each", () => {
    const names = Array.from({ length: 4000 }, (_, i) => `p${i}`);
    const inner = make(SGD, Object.fromEntries(names.map((name) => [name, 1])), momentum);
    const opt = make(Lookahead, inner, { k: 1, pullbackMomentum: "pullback" });
    expect(opt.freeze(names).step().frozen).toEqual(names);
  }, 8000);

  test("counts its steps in groups without momentum too, also after a load", () => {
    const groups = [{ params: { w: [2, 2] } }, { params: { b: 2 }, useMuon: false }];
    const create = () => start(make(Lookahead, make(class_("Muon"), groups), { k: 1, pullbackMomentum: "pullback" }));
    const opt = train(create(), 2);
    const resumed = create();
    resumed.loadStateDict(opt.stateDict());
    expect(resumed.stateDict()).toEqual(opt.stateDict());
    for (const { memory } of resumed.stateDict().groups) expect(memory).toEqual({ "Lookahead.steps": 2 });
  });

  test("slow weights start with each parameter's own first step, also after a load", () => {
    const create = () => make(Lookahead, make(SGD, { a: 2, b: 2 }, { lr: 1 }), { k: 2, resetState: true });
    const opt = train(start(create()).freeze("b"), 3);
    // such as weights from elsewhere
    opt.params.b.fill(8);
    const resumed = create().freeze("b");
    resumed.loadStateDict(opt.stateDict());
    for (const one of [opt, resumed]) {
      one.unfreeze("b").step({ a: new Float32Array(2), b: new Float32Array(2).fill(4) });
      expect([...one.params.b]).toEqual([6, 6]);
    }
  });

  test("what is remembered of a parameter that is frozen between two rounds is the same after a load", () => {
    const create = () => start(make(Lookahead, make(SGD, { a: 2, b: 2 }, momentum), { k: 2, resetState: true }));
    const opt = train(train(create(), 1).freeze("b"), 1);
    const resumed = create().freeze("b");
    resumed.loadStateDict(opt.stateDict());
    for (const one of [opt, resumed]) train(one.unfreeze("b"), 3);
    expectSame(resumed, opt);
  });

  test("around what evaluates the loss itself, hands the loss on", () => {
    const inner = new gradstep.LBFGS({ x: 2 }, { maxIter: 2 });
    const opt = new Lookahead(inner, { k: 2 });
    opt.params.x.set([1, 2]);
    const loss = () => {
      opt.grads.x.set(opt.params.x);
      return (opt.params.x[0] ** 2 + opt.params.x[1] ** 2) / 2;
    };
    expect(opt.step(loss)).toBe(2.5);
    expect(opt.step(loss)).toBeLessThan(2.5);
    expectError(() => new GrokfastEMA(inner), TypeError, "GrokfastEMA: LBFGS evaluates the loss itself");
  });

  test("an optimizer's own options stand before the wrapper's", () => {
    const opt = new Lookahead(new gradstep.RMSprop({ w: 1 }), { alpha: 0.25 });
    expect(opt.alpha).toBe(0.99);
  });
});

test("methods of the optimizer take the gradients of the filter", () => {
  const [opt, alone] = [0, 1].map(() => start(make(class_("Sophia"), { w: 3 })));
  const filtered = make(GrokfastEMA, opt);
  const g = new Float32Array([1, 2, 3]);
  filtered.grads.w.set(g);
  (filtered.updateHessian as () => void)();
  (alone.updateHessian as (grads: unknown) => void)({ w: g });
  expect(opt.state.w.hessian).toEqual(alone.state.w.hessian);
  expect(opt.state.w.hessian.some((x) => x > 0)).toBe(true);
});

test("centralized gradients have no mean over what follows the first axis", () => {
  const inner = make(class_("SGD"), { a: [2, 3], b: [2, 2, 2], c: 3 });
  const opt = make(GradientCentralization, inner);
  opt.grads.a.set([1, 2, 6, -1, 0, 1]);
  opt.grads.b.set([1, 2, 3, 6, 0, 0, 0, 4]);
  opt.grads.c.set([1, 2, 3]);
  opt.step();
  expect([...inner.grads.a]).toEqual([-2, -1, 3, -1, 0, 1]);
  expect([...inner.grads.b]).toEqual([-2, -1, 0, 3, -1, -1, -1, 3]);
  expect([...inner.grads.c]).toEqual([1, 2, 3]);
  expect([...opt.grads.a]).toEqual([1, 2, 6, -1, 0, 1]);
});

describe("bad input", () => {
  const adam = () => make(class_("Adam"), { w: 2 });
  const bad: [act: () => unknown, kind: ErrorConstructor, sentence: string][] = [
    [() => make(Lookahead, undefined), TypeError, "Lookahead: expected an optimizer, got undefined"],
    [() => make(Lookahead, {}), TypeError, "Lookahead: expected an optimizer, got Object"],
    [() => make(Lookahead, class_("Adam")), TypeError, "Lookahead: expected an optimizer, got a function"],
    [
      () => make(GrokfastEMA, make(Lookahead, make(GrokfastEMA, adam()))),
      TypeError,
      "GrokfastEMA: the optimizer is in one already",
    ],
    [() => make(Lookahead, adam(), null), TypeError, "Lookahead: options must be an object, got null"],
    [
      () => make(Lookahead, adam(), { steps: 3 }),
      TypeError,
      'Lookahead: unknown option "steps", expected one of k, alpha',
    ],
    [() => make(GradientCentralization, adam(), { lr: 3 }), TypeError, 'GradientCentralization: unknown option "lr"'],
    [() => make(Lookahead, adam(), { k: 0 }), RangeError, "Lookahead: k must be in [1, Infinity), got 0"],
    [() => make(Lookahead, adam(), { k: 2.5 }), RangeError, "Lookahead: k must be a whole number, got 2.5"],
    [() => make(Lookahead, adam(), { alpha: -1 }), RangeError, "Lookahead: alpha must be in [0, Infinity), got -1"],
    [() => make(Lookahead, adam(), { resetState: 1 }), TypeError, "Lookahead: resetState must be true or false, got 1"],
    [
      () => make(Lookahead, adam(), { pullbackMomentum: "x" }),
      RangeError,
      'Lookahead: pullbackMomentum must be "none"',
    ],
    [
      () => make(Lookahead, adam(), { pullbackMomentum: "reset" }),
      RangeError,
      'Lookahead: pullbackMomentum "reset" needs momentum',
    ],
    [() => make(GrokfastEMA, adam(), { alpha: 1 }), RangeError, "GrokfastEMA: alpha must be in [0, 1), got 1"],
    [
      () => make(GrokfastMA, adam(), { windowSize: 1.5 }),
      RangeError,
      "GrokfastMA: windowSize must be a whole number, got 1.5",
    ],
    [
      () => gradstep.stepRows(make(Lookahead, adam()) as never, {}),
      TypeError,
      "stepRows: expected an optimizer without a wrapper, got Object",
    ],
    [
      () => gradstep.stepRows(undefined as never, {}),
      TypeError,
      "stepRows: expected an optimizer without a wrapper, got undefined",
    ],
  ];
  test.each(bad)("%s", (act, kind, sentence) => {
    expectError(act, kind, sentence);
  });

  test.each(table)("an option that %s has not is not taken silently", (_, wrap) => {
    const opt = wrap(adam());
    expect(() => Object.assign(opt, { learningRate: 1 })).toThrow(TypeError);
    expect(() => Object.assign(opt, { lr: 1 })).not.toThrow();
  });

  test("options of the whole", () => {
    const disposed = adam();
    disposed.dispose();
    expect(() => make(Lookahead, disposed)).toThrow("Adam: used after dispose()");
    const opt = train(make(Lookahead, adam(), { k: 2 }), 2);
    const before = snapshot(opt);
    expectError(() => opt.addGroup({ params: { w: 2 } }), RangeError, 'Adam: parameter "w" is given twice');
    const dict = opt.stateDict();
    const short = { ...dict, state: { w: { ...dict.state.w, slow: new Float32Array(1) } } };
    expectError(() => opt.loadStateDict(short), RangeError, '"w.slow" has length 1, expected 2');
    const slowless = { ...dict, params: { w: new Float32Array([7, 7]) }, state: { w: { ...dict.state.w, slow: 3 } } };
    expectError(() => opt.loadStateDict(slowless), RangeError, '"w.slow" is 3, expected f32');
    expectError(() => opt.loadStateDict(dict, { strickt: true }), TypeError, 'unknown option "strickt"');
    expectUnchanged(opt, before);
    expect(Object.keys(arraysOf(opt))).toContain("state.w.slow");
  });
});

test.each([
  ["GrokfastMA", around(GrokfastMA)],
  ["Lookahead around GrokfastMA", (inner: unknown) => around(Lookahead)(around(GrokfastMA)(inner))],
] as [string, Wrap][])("a group that %s cannot have memory for is not added at all", (_, wrap) => {
  for (const backend of backends) {
    const opt = train(wrap(make(SGD, [{ params: [2] }], { ...momentum, backend })), 1);
    const before = snapshot(opt);
    const memories = watchMemories(backend, 1 << 20);
    try {
      expectError(() => opt.addGroup({ params: [30_000] }), RangeError, "GrokfastMA: cannot have", "memory");
    } finally {
      memories.stop();
    }
    expectUnchanged(opt, before);
    opt.addGroup({ params: [3] });
    expect(Object.keys(opt.params)).toEqual(["0", "1"]);
    expect(train(opt, 1).steps).toBe(2);
  }
});

test("the window of GrokfastMA has the gradients that its parameter has had", () => {
  for (const warmup of [true, false]) {
    const inner = make(SGD, { a: 1, b: 1 });
    const opt = make(GrokfastMA, inner, { windowSize: 3, lamb: 3, warmup }).freeze("b");
    const had: number[] = [];
    for (let t = 1; t <= 20; t++) {
      if (t === 3 || t === 12) opt.unfreeze("b");
      if (t === 8) opt.freeze("b");
      opt.step({ a: new Float32Array([t]), b: new Float32Array([t]) });
      if (opt.frozen.length > 0) continue;
      had.push(t);
      const last = had.slice(-3);
      const mean = last.reduce((sum, g) => sum + g) / last.length;
      expect(inner.grads.b[0]).toBeCloseTo(warmup && last.length < 3 ? t : t + 3 * mean, 5);
    }
    expect(had).toHaveLength(14);
  }
});

test("a move that the optimizer could do, but not what the wrapper remembers, changes nothing", () => {
  const opt = make(GrokfastEMA, make(SGD, { a: 3 }, { accumulate: 2 }));
  opt.step();
  opt.addGroup({ params: { b: 2 } });
  const before = snapshot(opt);
  expectError(() => opt.move("b", 0), RangeError, "move: group 0 has steps 1, expected 0");
  expectUnchanged(opt, before);
});
