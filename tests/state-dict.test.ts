import { describe, expect, test } from "vitest";
import { Adagrad, Adam, AdamW, Lookahead, RMSprop, SGD, type StateDict } from "../src/index.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  loose,
  make,
  named,
  type Subject,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { dtypes, type Options, optionSets, type Reals } from "./tables.js";

function arraysIn(value: unknown): Reals[] {
  if (ArrayBuffer.isView(value)) return [value as Reals];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(arraysIn) : [];
}

describe("a state dict", () => {
  test("says what it is of", () => {
    const opt = train(make(AdamW, { w: [2, 3], b: 3 }, { lr: 0.5 }), 4);
    const dict = opt.stateDict();
    expect(dict).toMatchObject({ version: 1, optimizer: "adamw", dtype: "f32", steps: 4 });
    expect(Object.keys(dict.params ?? {})).toEqual(["w", "b"]);
    expect(Object.keys(dict.state)).toEqual(["w", "b"]);
    expect(Object.keys(dict.state.w)).toEqual(Object.keys(opt.state.w));
    expect(JSON.stringify(dict.groups)).toContain('"lr":0.5');
  });

  test("is plain data on buffers of its own, and can be cloned, sent and transferred", () => {
    for (const backend of backends) {
      const opt = train(start(make(Adam, { w: [2, 3], none: 0, own: new Float32Array(5) }, { backend })), 2);
      const dict = opt.stateDict();
      const plain = (value: unknown): boolean => {
        if (typeof value !== "object" || value === null) return typeof value !== "function" && value !== undefined;
        if (value instanceof Float32Array) return value.byteLength === value.buffer.byteLength;
        if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false;
        return Object.getOwnPropertySymbols(value).length === 0 && Object.values(value).every(plain);
      };
      expect(plain(dict)).toBe(true);
      const before = structuredClone(dict);
      expect(before).toEqual(dict);
      const buffers = arraysIn(dict).map(({ buffer }) => buffer);
      expect(new Set(buffers).size).toBe(buffers.length);
      const moved = structuredClone(dict, { transfer: buffers as ArrayBuffer[] });
      expect(moved).toEqual(before);
      expect(make(Adam, { w: [2, 3], none: 0, own: 5 }).loadStateDict(moved).missing).toEqual([]);
      train(opt, 1);
    }
  });

  test("is a deep copy, and so is what was loaded from it", () => {
    for (const backend of backends) {
      const opt = train(start(make(Adam, { w: 5, own: new Float32Array(3) }, { backend })), 2);
      const dict = opt.stateDict();
      const kept = structuredClone(dict);
      train(opt, 1);
      expect(dict).toEqual(kept);
      const before = snapshot(opt);
      const other = make(Adam, { w: 5, own: new Float32Array(3) }, { backend });
      other.loadStateDict(dict);
      train(other, 1);
      expect(dict).toEqual(kept);
      const after = snapshot(other);
      for (const array of arraysIn(dict)) array.fill(9);
      for (const group of dict.groups) Object.assign(group.options, { lr: 9 });
      expectUnchanged(opt, before);
      expectUnchanged(other, after);
    }
  });

  test("with copy: false has the optimizer's own views, and nothing else is different", () => {
    for (const backend of backends) {
      const inner = train(start(make(SGD, { w: [2, 3], own: new Float32Array(3) }, { backend, momentum: 0.5 })), 2);
      const wrapped = new Lookahead(inner as never) as unknown as Subject;
      for (const opt of [inner, wrapped]) {
        const views = (opt as unknown as { stateDict(options: object): StateDict }).stateDict({ copy: false });
        expect(views).toEqual(opt.stateDict());
        for (const name of ["w", "own"]) {
          expect(views.params?.[name]).toBe(opt.params[name]);
          for (const slot of Object.keys(opt.state[name])) expect(views.state[name][slot]).toBe(opt.state[name][slot]);
        }
        const before = snapshot(opt);
        expect(opt.loadStateDict(views)).toEqual({ missing: [], unexpected: [] });
        expectUnchanged(opt, before);
      }
    }
  });

  test("has no other options", () => {
    const opt = make(Adam, { w: 1 });
    const stateDict = (options: unknown) => () => (opt.stateDict as (options: unknown) => unknown)(options);
    expectError(stateDict({ Copy: false }), TypeError, 'stateDict: unknown option "Copy", expected one of copy');
    expectError(stateDict({ copy: 0 }), TypeError, "stateDict: copy must be true or false, got 0");
    expectError(stateDict(null), TypeError, "stateDict: options must be an object, got null");
  });

  test("is not changed by loading it, and can be loaded again", () => {
    const from = train(start(make(Adam, { w: 5 })), 3);
    const dict = from.stateDict();
    const freeze = (value: unknown): unknown => {
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
      for (const each of Object.values(value)) freeze(each);
      return Object.freeze(value);
    };
    freeze(dict);
    const opt = make(Adam, { w: 5 });
    for (let i = 0; i < 2; i++) {
      expect(opt.loadStateDict(dict)).toEqual({ missing: [], unexpected: [] });
      expect(opt.stateDict()).toEqual(dict);
      train(opt, 2);
    }
  });
});

describe("resuming on the other backend is as never having stopped", () => {
  for (const [name, made] of named) {
    const sets = optionSets(made).filter((set) => Object.keys(set).length <= 1);
    for (const dtype of dtypes) {
      test(`${name} in ${dtype}, with each option`, () => {
        for (const options of sets) for (const backend of backends) resume(made, { ...options, dtype }, backend);
      });
    }
  }

  function resume(made: unknown, options: Options, backend: "wasm" | "js"): void {
    const params = () => ({
      w: [3, 3],
      none: 0,
      b: options.dtype === "f32" ? new Float32Array(5) : new Float64Array(5),
    });
    const create = (where: string, more: Options = {}) =>
      start(make(made, params(), { lr: 0.125, ...options, ...more, backend: where }));
    const changed = (opt: Subject) => Object.assign(opt, { weightDecay: 0.0625 });
    const whole = train(changed(train(create(backend), 3)), 3);
    const stopped = changed(train(create(backend), 3));
    const resumed = create(backend === "wasm" ? "js" : "wasm", { lr: 0.75, weightDecay: 0.5 });
    const result = resumed.loadStateDict(structuredClone(stopped.stateDict()));
    expect(result).toEqual({ missing: [], unexpected: [] });
    expect({ ...resumed.groups[0] }).toEqual({ ...whole.groups[0] });
    expect(resumed.steps).toBe(3);
    expectSame(withoutGrads(train(resumed, 3)), withoutGrads(whole));
    expect(resumed.steps).toBe(6);
  }

  // the last gradient is no part of what is saved
  function withoutGrads(opt: Subject): Subject {
    return opt.zeroGrad();
  }
});

test("gradients are neither saved nor loaded", () => {
  const opt = make(SGD, { w: 2 });
  opt.grads.w.fill(3);
  const other = make(SGD, { w: 2 });
  other.grads.w.fill(5);
  other.loadStateDict(opt.stateDict());
  expect([...other.grads.w]).toEqual([5, 5]);
});

describe("groups", () => {
  const a = { params: { a: 3, a2: [2, 2] }, lr: 0.5 };
  const b = { params: { b: 5 }, lr: 0.25, weightDecay: 0.5 };
  const late = { params: { late: 2 }, lr: 0.125 };

  test("are matched by the names of their parameters, in any order", () => {
    const create = (...groups: object[]) => start(make(Adam, groups));
    const from = train(create(a, b), 3);
    const { params: pa } = a;
    const reversed = { a2: pa.a2, a: pa.a };
    const to = create({ params: b.params }, { params: reversed });
    to.loadStateDict(from.stateDict());
    expect(to.groups.map(({ lr, weightDecay }) => [lr, weightDecay])).toEqual([
      [0.25, 0.5],
      [0.5, 0],
    ]);
    train(to, 2);
    train(from, 2);
    expect(Object.fromEntries(Object.entries(arraysOf(to)).sort())).toEqual(
      Object.fromEntries(Object.entries(arraysOf(from)).sort()),
    );
  });

  test("added later keep their own step counts", () => {
    const create = () => start(make(Adam, [a]));
    const from = train(train(create(), 3).addGroup(late), 2);
    for (const groups of [
      [a, late],
      [late, a],
    ]) {
      const to = make(Adam, groups);
      to.loadStateDict(from.stateDict());
      expect(to.steps).toBe(5);
      const resumed = train(to, 3);
      const whole = train(train(create(), 3).addGroup(late), 5);
      expectSame(resumed, whole);
    }
  });

  test("that were one can be two, and the other way round if they were alike", () => {
    const from = train(start(make(Adam, { a: 3, b: 5 }, { lr: 0.5 })), 3);
    const to = make(Adam, [{ params: { a: 3 } }, { params: { b: 5 } }]);
    to.loadStateDict(from.stateDict());
    expect(to.groups.map(({ lr }) => lr)).toEqual([0.5, 0.5]);
    expectSame(train(to, 2), train(from, 2));
    const two = train(make(Adam, [{ params: { a: 3 }, lr: 0.5 }, { params: { b: 5 } }]), 1);
    const before = snapshot(from);
    expectError(() => from.loadStateDict(two.stateDict()), RangeError, "loadStateDict: ", '"a"', '"b"', "2 groups");
    expectUnchanged(from, before);
    const one = make(Adam, { b: 5, a: 3 });
    one.loadStateDict(two.stateDict(), { keepHyperparameters: true });
    expect(one.lr).toBe(1e-3);
    const late = train(train(make(Adam, { a: 3 }), 1).addGroup({ params: { b: 5 } }), 1);
    const error = expectError(() => one.loadStateDict(late.stateDict()), RangeError, "groups that were alike");
    expect(error).toContain("2 groups");
    two.groups[0].lr = 1e-3;
    one.loadStateDict(two.stateDict());
    expectSame(train(one, 2), train(two, 2));
  });
});

describe("options of a load", () => {
  const from = () => train(start(make(Adam, { w: 3, b: 2 }, { lr: 0.5, beta1: 0.5 })), 2);

  test("the saved hyperparameters are taken over, or with keepHyperparameters the own are kept", () => {
    const dict = from().stateDict();
    const to = make(Adam, { w: 3, b: 2 }, { lr: 0.25 });
    to.loadStateDict(dict, { keepHyperparameters: true });
    expect([to.lr, to.beta1, to.steps]).toEqual([0.25, 0.9, 2]);
    expect(bitsEqual(to.state.w.v, from().state.w.v)).toBe(true);
    to.loadStateDict(dict);
    expect([to.lr, to.beta1]).toEqual([0.5, 0.5]);
    to.lr = 0.125;
    expect(to.lr).toBe(0.125);
  });

  test("without strict, missing and unexpected tensors are returned by name, and the rest is loaded", () => {
    for (const backend of backends) {
      const to = train(start(make(Adam, { w: 3, c: 2, d: 1 }, { backend })), 1);
      const { arrays } = snapshot(to);
      const result = to.loadStateDict(from().stateDict(), { strict: false });
      expect(result).toEqual({ missing: ["c", "d"], unexpected: ["b"] });
      const now = snapshot(to).arrays;
      const saved = snapshot(from()).arrays;
      for (const name of ["params.c", "state.d.m", "grads.w"]) expect(bitsEqual(now[name], arrays[name])).toBe(true);
      for (const name of ["params.w", "state.w.m"]) expect(bitsEqual(now[name], saved[name])).toBe(true);
    }
  });

  test("without strict, so are the slots of a tensor", () => {
    const dict = loose(from().stateDict());
    delete dict.state.w.v;
    dict.state.w.velocity = new Float32Array(3);
    delete dict.params.b;
    const to = make(Adam, { w: 3, b: 2 });
    const { missing, unexpected } = to.loadStateDict(dict, { strict: false });
    expect([...missing].sort()).toEqual(["b", "w.v"]);
    expect(unexpected).toEqual(["w.velocity"]);
    expect(bitsEqual(to.state.w.m, from().state.w.m)).toBe(true);
    expect([...to.state.w.v]).toEqual([0, 0, 0]);
  });

  test("a dict without params leaves the parameters alone", () => {
    const { params, ...dict } = from().stateDict();
    expect(Object.keys(params ?? {})).toEqual(["w", "b"]);
    const to = make(Adam, { w: 3, b: 2 });
    to.params.w.fill(7);
    expect(to.loadStateDict(dict)).toEqual({ missing: [], unexpected: [] });
    expect([...to.params.w]).toEqual([7, 7, 7]);
    expect(bitsEqual(to.state.w.m, from().state.w.m)).toBe(true);
    expect(to.steps).toBe(2);
  });

  test("with convert, float32 is widened and float64 is rounded once", () => {
    for (const backend of backends) {
      const params = { w: 40, b: [2, 2] };
      for (const dtype of dtypes) {
        const source = train(start(make(RMSprop, params, { dtype, momentum: 0.5, lr: 0.3, backend })), 3);
        const to = make(RMSprop, params, { dtype: dtype === "f32" ? "f64" : "f32", momentum: 0.9, backend });
        const before = snapshot(to);
        expectError(() => to.loadStateDict(source.stateDict()), TypeError, "dtype", dtype, to.dtype, "convert: true");
        expectUnchanged(to, before);
        to.loadStateDict(source.stateDict(), { convert: true });
        const round = (x: number) => (to.dtype === "f32" ? Math.fround(x) : x);
        const saved = arraysOf(source);
        for (const [name, x] of Object.entries(arraysOf(to))) {
          if (!name.startsWith("grads")) expect([...x]).toEqual([...saved[name]].map(round));
        }
        expect(to.lr).toBe(0.3);
        expect(train(to, 1).steps).toBe(4);
      }
    }
  });

  test("one that is undefined is as if it were left out", () => {
    const to = make(Adam, { w: 3, b: 2 });
    const unset = { strict: undefined, keepHyperparameters: undefined, convert: undefined };
    expect(to.loadStateDict(from().stateDict({ copy: undefined }), unset)).toEqual({ missing: [], unexpected: [] });
  });

  test("an unknown one, or no object, is refused", () => {
    const to = make(Adam, { w: 3, b: 2 });
    const before = snapshot(to);
    for (const options of [null, 3, "strict"]) {
      expectError(
        () => to.loadStateDict(from().stateDict(), options),
        TypeError,
        "loadStateDict: options must be an obj",
      );
    }
    const known = ["strict", "keepHyperparameters", "convert"];
    expectError(
      () => to.loadStateDict(from().stateDict(), { keepHyperParameters: true }),
      TypeError,
      'loadStateDict: unknown option "keepHyperParameters"',
      ...known,
    );
    expectUnchanged(to, before);
  });
});

describe("schedules", () => {
  const lr = (step: number) => 1 / (1 + step);

  test("are kept, and go on where the saved run stopped", () => {
    for (const backend of backends) {
      const create = () => start(make(Adam, { w: 4 }, { lr, backend }));
      const whole = train(create(), 6);
      const to = create();
      to.loadStateDict(structuredClone(train(create(), 3).stateDict()));
      expect(to.lr).toBe(lr(3));
      expectSame(train(to, 3), whole);
      expect(to.lr).toBe(lr(6));
    }
  });

  test("are saved as the number that the next step would have used", () => {
    const to = make(SGD, { w: 1 });
    to.loadStateDict(train(make(SGD, { w: 1 }, { lr }), 3).stateDict());
    expect(to.lr).toBe(lr(3));
    expect(train(to, 1).lr).toBe(lr(3));
  });

  test("of a momentum that is zero when it is saved can be resumed", () => {
    for (const backend of backends) {
      for (const [made, more] of [
        [SGD, {}],
        [SGD, { nesterov: true }],
        [RMSprop, {}],
      ] as const) {
        const momentum = (step: number) => (step < 4 ? 0 : 0.9);
        const create = () => start(make(made, { w: 3 }, { momentum, ...more, backend }));
        const to = create();
        to.loadStateDict(train(create(), 3).stateDict());
        // the schedule still counts as not zero
        to.lr = to.groups[0].lr;
        expectSame(train(to, 3), train(create(), 6));
      }
    }
  });
});

test("the convention is saved, and what a dict leaves open is as under its convention", () => {
  const create = () => start(make(AdamW, { w: 3 }, { convention: "keras" }));
  const from = train(create(), 2);
  expect(from.stateDict().groups[0].options).toEqual(AdamW.conventions.keras);
  const to = make(AdamW, { w: 3 }, { convention: "keras", eps: 0.5, weightDecay: 0.5 });
  const dict = loose(from.stateDict());
  dict.groups[0].options = { convention: "keras" };
  to.loadStateDict(dict);
  expect({ ...to.groups[0] }).toEqual({ names: ["w"], ...AdamW.conventions.keras });
  expectSame(train(to, 2), train(create(), 4));
});

test("after a load of another initialAccumulator, hyperparameters can be set as before", () => {
  const from = train(start(make(Adagrad, { w: 3 })), 2);
  const to = make(Adagrad, { w: 3 }, { initialAccumulator: 0.5 });
  to.loadStateDict(from.stateDict());
  to.lr = 0.5;
  from.lr = 0.5;
  expectSame(train(to, 2), train(from, 2));
});
