import { describe, expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  gradients,
  make,
  named,
  numbers,
  snapshot,
  start,
  train,
  watchMemories,
} from "./helpers.js";
import { type AnyClass, class_, differs, drawn, dtypes, inTurn, random } from "./tables.js";
import { around, table, type Wrap } from "./wraps.js";

const { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead, SGD } = gradstep;

/** Options without which the optimizer refuses to step. */
const needed = ({ rule }: AnyClass) => Object.fromEntries((rule.once ?? []).map((name) => [name, () => 0.5]));
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
