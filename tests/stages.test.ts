// What every optimizer does around its rule: scale, clip, check, sum up and clear gradients, average parameters.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Adam, AdamW, LaProp, LBFGS, SGD } from "../src/index.js";
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
  type Subject,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { type AnyClass, drawn, dtypes, inTurn, type Options, type Reals, random, show } from "./tables.js";

const alone: Options[] = [
  { gradScale: 3 },
  { clipNorm: 0.5 },
  { clipNorm: Infinity },
  { clipValue: 0.1 },
  { nonFinite: "skip" },
  { zeroGrad: true },
  { accumulate: 3 },
  { accumulate: 2, accumulation: "sum", zeroGrad: true },
  { ema: 0.9 },
];
const together = { gradScale: 4, clipNorm: 0.7, clipValue: 0.1, nonFinite: "skip", zeroGrad: true, accumulate: 2 };
const sets: Options[] = [
  ...alone,
  { ...together, ema: (step: number) => step / (step + 1), weightDecay: 0.1 },
  { clipNorm: 0.7, clipValue: 0.3, maximize: true, weightDecay: 0.1 },
];
const shapes = { a: [5, 3], none: 0, b: 67, c: 1, d: [2, 3, 4] };

/** What an optimizer shows, beside its arrays. */
const figures = ({ steps, gradNorm, skipped }: Subject) => ({ steps, gradNorm, skipped });

/** Steps with numbers of a kind, in views or handed over by turns. */
function run(opts: readonly Subject[], kind: "ordinary" | "mixed", steps: number): void {
  const r = random(steps);
  const [{ dtype, params }] = opts;
  for (const [name, p] of Object.entries(params)) {
    const values = drawn(p.length, dtype, kind, r);
    for (const opt of opts) opt.params[name].set(values);
  }
  for (let step = 0; step < steps; step++) {
    const grads = Object.fromEntries(
      Object.entries(params).map(([name, p]) => [name, drawn(p.length, dtype, kind, r).slice() as Reals]),
    );
    for (const opt of opts) {
      if (step % 3 === 1) opt.step(grads);
      else {
        for (const [name, g] of Object.entries(grads)) opt.grads[name].set(g);
        opt.step();
      }
    }
  }
}

describe.each(named.map(([name, made], i) => [name, made, i] as const))("%s", (_, made, i) => {
  test("WebAssembly and JavaScript write the same bits, whatever the stages", () => {
    for (const [k, dtype] of dtypes.entries()) {
      for (const set of inTurn(sets, i + k, 2)) {
        const opts = backends.map((backend) => make(made, shapes, { ...set, dtype, backend }));
        const [wasm, js] = opts;
        for (const kind of ["ordinary", "mixed"] as const) {
          run(opts, kind, 4);
          const [a, b] = [arraysOf(wasm), arraysOf(js)];
          for (const name of Object.keys(a)) {
            expect(bitsEqual(a[name], b[name]), `${show(set)} ${dtype} ${kind} ${name}`).toBe(true);
          }
          expect(figures(wasm), `${show(set)} ${dtype} ${kind}`).toEqual(figures(js));
        }
      }
    }
  });

  test("layouts give the same bits: the caller's arrays, and several groups", () => {
    for (const set of inTurn(sets, i, 3)) {
      const opts = layouts(made, set);
      for (const opt of opts) train(start(opt), 5);
      for (const opt of opts.slice(1)) {
        for (const [name, p] of Object.entries(opts[0].params)) {
          expect(bitsEqual(opt.params[name], p), `${show(set)} ${name}`).toBe(true);
        }
        expect(figures(opt)).toEqual(figures(opts[0]));
      }
    }
  });

  test("gradients are divided and cleared, and parameters averaged, as if that were done around the step", () => {
    for (const backend of backends) {
      const sizes = { w: [3, 4], b: 5 };
      const plain = start(make(made, sizes, { backend, dtype: "f64" }));
      const opt = start(make(made, sizes, { backend, dtype: "f64", gradScale: 4, zeroGrad: true, ema: 0.75 }));
      const averages = Object.entries(opt.params).map(([name, p]) => [name, p.slice()] as const);
      for (let step = 1; step <= 20; step++) {
        for (const [name, g] of Object.entries(gradients(plain, step))) {
          plain.grads[name].set(g);
          opt.grads[name].set(g.map((x) => 4 * x));
        }
        for (const one of [plain, opt]) one.step();
        for (const [name, average] of averages) {
          const p = plain.params[name];
          for (let i = 0; i < average.length; i++) average[i] += 0.25 * (p[i] - average[i]);
          expect(bitsEqual(opt.params[name], p), `${name} after ${step} steps`).toBe(true);
          expect(bitsEqual(opt.state[name].ema, average), `average of ${name} after ${step} steps`).toBe(true);
          expect(opt.grads[name].every((x) => x === 0)).toBe(true);
        }
      }
    }
  });

  test("a frozen parameter and its state stay, and the others move as without it", () => {
    for (const backend of backends) {
      for (const dtype of dtypes) {
        const many = { a: 1, b: 5, c: [3, 3], d: 40, e: 2 };
        const opt = train(start(make(made, many, { dtype, backend, weightDecay: 0.1, ema: 0.5 })), 2);
        const dict = opt.stateDict();
        opt.freeze(["b", "d"]);
        expect(opt.frozen).toEqual(["b", "d"]);
        const before = arraysOf(opt);
        for (let i = 0; i < 3; i++) {
          const { b: _, ...grads } = gradients(opt, 7 + i);
          opt.step(grads);
        }
        const after = arraysOf(opt);
        for (const name of Object.keys(before).filter((name) => /^\w+\.[bd]\b/.test(name))) {
          expect(bitsEqual(after[name], before[name]), name).toBe(true);
        }
        expect(bitsEqual(after["params.a"], before["params.a"])).toBe(false);
        // a rule that takes something from all tensors takes it from those that move
        if ("passes" in made.rule && made.rule.memory) continue;
        const free = make(made, many, { dtype, backend, weightDecay: 0.1, ema: 0.5 });
        free.loadStateDict(dict);
        for (let i = 0; i < 3; i++) free.step(gradients(free, 7 + i));
        const moved = arraysOf(free);
        for (const name of Object.keys(after).filter(
          (name) => /^\w+\.[ace]\b/.test(name) && !name.startsWith("grads"),
        )) {
          expect(bitsEqual(after[name], moved[name]), name).toBe(true);
        }
      }
    }
  });

  test("a parameter that was moved to another group is stepped as if it had always been there", () => {
    for (const backend of backends) {
      const opts = { backend, weightDecay: 0.1 };
      const moved = start(
        make(made, [{ params: { a: 3, b: [2, 3], c: 9 } }, { params: { d: 4 }, weightDecay: 0.3 }], opts),
      );
      const { params, grads } = moved;
      const [b, g] = [params.b, grads.b];
      const whole = start(
        make(made, [{ params: { a: 3, c: 9 } }, { params: { d: 4, b: [2, 3] }, weightDecay: 0.3 }], opts),
      );
      moved.move("b", 1);
      expect(moved.groups.map(({ names }) => names)).toEqual([
        ["a", "c"],
        ["d", "b"],
      ]);
      for (const opt of [moved, whole]) train(opt, 3);
      expect(moved.params.b).toBe(b);
      expect(moved.grads.b).toBe(g);
      expectSame(moved, whole);
      expect(moved.stateDict()).toEqual(whole.stateDict());
      const resumed = make(made, [{ params: { a: 3, c: 9 } }, { params: { d: 4, b: [2, 3] } }], opts);
      resumed.loadStateDict(moved.stateDict());
      for (const opt of [moved, resumed]) train(opt, 2);
      expectSame(moved, resumed);
    }
  });
});

function layouts(made: AnyClass, set: Options): Subject[] {
  const lengths = Object.entries(shapes).map(([name, shape]) => [name, shape] as const);
  const own = lengths.map(([name, shape]) => {
    const size = [shape].flat().reduce((n, m) => n * m, 1);
    return [name, { data: new Float32Array(size), shape: [shape].flat() }];
  });
  const groups = lengths.map(([name, shape]) => ({ params: { [name]: shape } }));
  return [shapes, Object.fromEntries(own), groups].map((params) => make(made, params, set));
}

describe.each(backends)("on %s", (backend) => {
  const adam = (options: Options, params: unknown = { w: 4, b: 3 }) =>
    make(AdamW, params, { backend, dtype: "f64", ...options });
  const set = (opt: Subject, values: Record<string, number[]>) => {
    for (const [name, g] of Object.entries(values)) opt.grads[name].set(g);
  };

  test("gradScale divides the gradients, and may be a schedule", () => {
    const [scaled, plain] = [adam({ gradScale: (step: number) => 2 ** step }), adam({})].map(start);
    for (let step = 0; step < 4; step++) {
      const g = gradients(plain, step);
      plain.step(g);
      scaled.step(Object.fromEntries(Object.entries(g).map(([name, x]) => [name, x.map((v) => v * 2 ** step)])));
    }
    expectSame(scaled, plain);
  });

  test("clipNorm leaves gradients of that norm at most, over all groups, and gradNorm is what it was before", () => {
    const groups = [{ params: { w: 2 } }, { params: { b: 1 } }];
    const opt = make(SGD, groups, { lr: 1, clipNorm: 1, gradScale: 2, backend, dtype: "f64" });
    expect(opt.gradNorm).toBeNaN();
    set(opt, { w: [2, 4], b: [4] });
    opt.step();
    expect(opt.gradNorm).toBe(3);
    const moved = [...opt.params.w, ...opt.params.b];
    expect(Math.hypot(...moved)).toBeCloseTo(3 / (3 + 1e-6), 12);
    expect(moved[1] / moved[0]).toBeCloseTo(2, 12);
    expect([...opt.grads.w]).toEqual([2, 4]);
  });

  test("clipNorm of Infinity measures, and changes nothing", () => {
    const [measured, plain] = [adam({ clipNorm: Infinity }), adam({})].map((opt) => train(start(opt), 3));
    expectSame(measured, plain);
    expect(measured.gradNorm).toBeGreaterThan(0);
    expect(plain.gradNorm).toBeNaN();
  });

  test.each([
    ["torch", 2 / (2 + 1e-6)],
    ["optax", 1],
    ["keras", 1],
  ])("a norm at the limit under the convention of %s", (convention, factor) => {
    const opt = make(SGD, { w: 1 }, { lr: 1, clipNorm: 2, convention, backend, dtype: "f64" });
    set(opt, { w: [2] });
    opt.step();
    expect(opt.params.w[0]).toBe(-2 * factor);
  });

  test("clipValue holds every gradient, and keeps NaN", () => {
    const opt = make(SGD, { w: 5 }, { lr: 1, clipValue: 0.5, backend });
    set(opt, { w: [-3, -0.25, 0.25, Infinity, Number.NaN] });
    opt.step();
    expect([...opt.params.w]).toEqual([0.5, 0.25, -0.25, -0.5, Number.NaN]);
  });

  test.each([Number.NaN, Infinity, -Infinity])(
    "a step with %s among its gradients is left out, and nothing changes",
    (bad) => {
      const asked: number[] = [];
      const lr = (step: number) => {
        asked.push(step);
        return 0.1;
      };
      const opt = train(start(adam({ nonFinite: "skip", lr, ema: 0.9 })), 2);
      const before = snapshot(opt);
      const g = gradients(opt, 9);
      g.b[1] = bad;
      opt.step(g);
      expectUnchanged(opt, before);
      expect(opt.skipped).toBe(1);
      asked.length = 0;
      train(opt, 1);
      expect(asked).toContain(2);
      expect(asked).not.toContain(3);
      expect([opt.steps, opt.skipped]).toEqual([3, 1]);
    },
  );

  test("a gradient that is not finite is named where that is asked for, and nothing changes", () => {
    const opt = train(start(adam({ nonFinite: "throw", accumulate: 2 })), 3);
    const before = snapshot(opt);
    const g = gradients(opt, 9);
    g.b[2] = Number.NaN;
    g.b[1] = -Infinity;
    expectError(() => opt.step(g), RangeError, 'step: gradient "b" is -Infinity at index 1, expected finite numbers');
    expectUnchanged(opt, before);
  });

  test("gradients whose squares are too large are finite nevertheless", () => {
    const opt = make(SGD, { w: 1 }, { lr: 1, nonFinite: "throw", backend, dtype: "f64" });
    set(opt, { w: [1e300] });
    expect(opt.step().params.w[0]).toBe(-1e300);
  });

  test("zeroGrad leaves the gradients zero, those handed over as they are, and those of a step left out too", () => {
    const opt = train(start(adam({ zeroGrad: true, nonFinite: "skip" })), 1);
    expect(Object.values(opt.grads).every((g) => g.every((x) => x === 0))).toBe(true);
    const g = gradients(opt, 1);
    opt.step(g);
    expect(g).toEqual(gradients(opt, 1));
    opt.grads.w.fill(Number.NaN);
    opt.step();
    expect([...opt.grads.w]).toEqual([0, 0, 0, 0]);
  });

  test("several calls make one step with their mean, or their sum", () => {
    for (const accumulation of ["mean", "sum"]) {
      const opt = start(adam({ accumulate: 4, accumulation }));
      const one = start(adam({}));
      // whole numbers add up exactly
      const calls = [1, 2, 3, 6].map((k) => ({ w: [k, -k, 2 * k, 0], b: [k, k, k] }));
      for (let step = 0; step < 3; step++) {
        for (const [i, call] of calls.entries()) {
          const before = arraysOf(opt)["params.w"];
          set(opt, call);
          opt.step();
          expect(bitsEqual(opt.params.w, before)).toBe(i < 3);
          expect(opt.steps).toBe(step + (i === 3 ? 1 : 0));
        }
        const share = accumulation === "mean" ? 3 : 12;
        set(one, { w: [share, -share, 2 * share, 0], b: [share, share, share] });
        one.step();
      }
      for (const name of ["w", "b"]) expect(bitsEqual(opt.params[name], one.params[name])).toBe(true);
    }
  });

  test("a run that stops between the calls of a step goes on as if it had not", () => {
    const make = () => adam({ accumulate: 3, ema: 0.9 });
    const whole = start(make());
    const stopped = start(make());
    const feed = (opt: Subject, call: number) => opt.step(gradients(opt, call));
    for (let call = 0; call < 5; call++) for (const opt of [whole, stopped]) feed(opt, call);
    const resumed = make();
    const dict = stopped.stateDict();
    expect(dict.accumulated).toBe(2);
    resumed.loadStateDict(dict);
    for (let call = 5; call < 9; call++) for (const opt of [whole, resumed]) feed(opt, call);
    expectSame(resumed, whole);
    expectError(() => adam({ accumulate: 2 }).loadStateDict(dict), TypeError, "accumulated", "below accumulate, 2");
  });

  test("a schedule that gives what is out of its range throws before anything changes", () => {
    for (const name of ["gradScale", "clipNorm", "clipValue"]) {
      const asked = (step: number) => (step < 1 ? 1 : -1);
      const opt = train(start(adam({ [name]: asked, accumulate: 2 })), 3);
      const before = snapshot(opt);
      expectError(() => opt.step(gradients(opt, 9)), RangeError, `AdamW: ${name} must be in `, "got -1");
      expectUnchanged(opt, before);
    }
  });

  test("the average follows the parameters from where they start", () => {
    const opt = start(adam({ ema: 0.75 }));
    const average = Float64Array.from(opt.params.w);
    for (let step = 0; step < 5; step++) {
      train(opt, 1);
      for (let i = 0; i < average.length; i++) average[i] += 0.25 * (opt.params.w[i] - average[i]);
      expect([...opt.state.w.ema]).toEqual([...average]);
    }
  });

  test("swap shows the averages until restore, and steps and state dicts wait for that", () => {
    for (const params of [{ w: 4 }, { w: new Float64Array(4) }]) {
      const opt = train(start(adam({ ema: 0.5 }, params)), 3);
      const { w } = opt.params;
      const [p, e] = [w.slice(), opt.state.w.ema.slice()];
      expect(opt.swap()).toBe(opt);
      expect(opt.swap().params.w).toBe(w);
      expect([...w]).toEqual([...e]);
      for (const act of [() => opt.step(), () => opt.stateDict(), () => opt.loadStateDict({})]) {
        expectError(act, Error, "the parameters show their averages, call restore() first");
      }
      opt.restore().restore();
      expect([...w]).toEqual([...p]);
      expect([...opt.state.w.ema]).toEqual([...e]);
    }
    expect([...start(adam({ ema: 0.5 })).swap().params.w]).toEqual([...start(adam({})).params.w]);
    expectError(() => adam({}).swap(), RangeError, "swap: AdamW has no averages", "ema");
  });

  test("what cannot be frozen or moved is refused, and nothing changes", () => {
    const opt = train(start(adam({}, [{ params: { w: 4 } }, { params: { b: 3 } }])), 2);
    const later = opt.addGroup({ params: { late: 2 } });
    const before = snapshot(later);
    expectError(() => opt.freeze("x"), RangeError, 'freeze: unknown parameter "x"');
    expectError(() => opt.freeze(3), TypeError, "freeze: expected the name of a parameter or a list of names, got 3");
    expectError(() => opt.move(["w", "x"], 1), RangeError, 'move: unknown parameter "x"');
    expectError(() => opt.move("w", 3), RangeError, "move: the group must be a whole number in [0, 3), got 3");
    expectError(() => opt.move("w", "b"), TypeError, 'move: the group must be a whole number in [0, 3), got "b"');
    expectError(() => opt.move("w", 2), RangeError, "move: group 2 has steps 0, expected 2 as the parameter has");
    const other = make(SGD, [{ params: { w: 4 }, momentum: 0.9 }, { params: { b: 3 } }], { backend });
    expectError(() => other.move("w", 1), RangeError, "move: the options of group 1 lead to other buffers or kernels");
    expectUnchanged(later, before);
    opt.addGroup({ params: {} });
    opt.move("w", 3);
    expect(opt.groups[3].names).toEqual(["w"]);
    // a cautious rule looks at whole tensors, and its buffers are those of one that does not
    const mixed = train(start(make(LaProp, [{ params: { a: 3 } }, { params: { b: 2 }, cautious: true }])), 1);
    const unmoved = snapshot(mixed);
    expectError(() => mixed.move("a", 1), RangeError, "move: the options of group 1 lead to other buffers or kernels");
    expectUnchanged(mixed, unmoved);
    const apart = train(start(make(Adam, { a: 3 })), 2);
    apart.addGroup({ params: { b: 2 } }).addGroup({ params: {} });
    train(apart, 1);
    expectError(
      () => apart.move(["a", "b"], 2),
      RangeError,
      "move: group 0 has steps 3, expected 1 as the parameter has",
    );
    expect(apart.groups.map(({ names }) => names)).toEqual([["a"], ["b"], []]);
  });
});

test("the options are checked like any other, also when they are set later, and then nothing changes", () => {
  const bad: [Options, ErrorConstructor, string][] = [
    [{ gradScale: 0 }, RangeError, "Adam: gradScale must be in [5e-324, Infinity), got 0"],
    [{ clipNorm: -1 }, RangeError, "Adam: clipNorm must be in [0, Infinity], got -1"],
    [{ clipValue: "1" }, TypeError, 'Adam: clipValue must be a number or a schedule, got "1"'],
    [{ nonFinite: "ignore" }, RangeError, 'Adam: nonFinite must be "apply", "skip" or "throw", got "ignore"'],
    [{ ema: 1.5 }, RangeError, "Adam: ema must be in [0, 1], got 1.5"],
  ];
  const atStart: typeof bad = [
    [{ zeroGrad: 1 }, TypeError, "Adam: zeroGrad must be true or false, got 1"],
    [{ accumulate: 1.5 }, RangeError, "Adam: accumulate must be a whole number, got 1.5"],
    [{ accumulate: "2" }, TypeError, 'Adam: accumulate must be a number, got "2"'],
    [{ accumulation: "max" }, RangeError, 'Adam: accumulation must be "mean" or "sum", got "max"'],
  ];
  for (const [option, kind, message] of [...bad, ...atStart])
    expectError(() => make(Adam, { w: 1 }, option), kind, message);
  const opt = make(Adam, { w: 1 }, { clipNorm: 1, clipValue: 2, gradScale: 3, ema: 0.5 });
  for (const [option, kind, message] of bad) expectError(() => Object.assign(opt, option), kind, message);
  expect([opt.clipNorm, opt.clipValue, opt.gradScale, opt.nonFinite, opt.ema]).toEqual([1, 2, 3, "apply", 0.5]);
  expectError(() => new LBFGS({ w: 1 }, { clipNorm: 1 } as object), TypeError, 'LBFGS: unknown option "clipNorm"');
  expectError(() => new LBFGS({ w: 1 }, { accumulate: 2 }), RangeError, "LBFGS: accumulate must be");
});

test("L-BFGS averages its parameters too", () => {
  const opt = new LBFGS({ w: 2 }, { ema: 0.5, dtype: "f64" });
  opt.params.w.set([3, -2]);
  const closure = () => {
    opt.grads.w.set(opt.params.w);
    return opt.params.w.reduce((sum, x) => sum + x * x, 0) / 2;
  };
  opt.step(closure);
  const { w } = opt.params;
  expect([...opt.state.w.ema]).toEqual([w[0] + 0.5 * (3 - w[0]), w[1] + 0.5 * (-2 - w[1])]);
});

test("the norm that a step measures is the Euclidean norm, however the parameters are cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 40 }), {
        minLength: 1,
        maxLength: 5,
      }),
      (lists) => {
        const opt = make(
          SGD,
          lists.map((list) => list.length),
          { clipNorm: Infinity, lr: 0 },
        );
        for (const [i, list] of lists.entries()) opt.grads[i].set(list);
        opt.step();
        const norm = Math.sqrt(lists.flat().reduce((sum, x) => sum + x * x, 0));
        expect(Math.abs((opt.gradNorm as number) - norm)).toBeLessThanOrEqual(1e-14 * norm);
      },
    ),
    { numRuns: 60 },
  );
});
