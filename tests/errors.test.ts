import vm from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Adam, SGD } from "../src/index.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectUnchanged,
  f32,
  make,
  snapshot,
  train,
  watchMemories,
} from "./helpers.js";
import type { Options } from "./tables.js";

// What holds for everything that comes in.

describe("another realm's", () => {
  const context = vm.createContext({});
  const foreign = <T>(source: string): T => vm.runInContext(source, context);

  test.each(backends)("arrays, lists, records and functions are accepted on %s", (backend) => {
    const params = foreign<Record<string, Float32Array>>("({ w: new Float32Array([1, 2]), b: [1, 2] })");
    expect(params.w).not.toBeInstanceOf(Float32Array);
    const opt = make(SGD, params, foreign<Options>(`({ lr: (step) => 1 + step, backend: "${backend}" })`));
    expect(opt.dtype).toBe("f32");
    expect(opt.params.w).toBe(params.w);
    opt.step(foreign("({ w: new Float32Array([1, 1]), b: new Float32Array([1, 1]) })"));
    opt.addGroup(foreign("({ params: [new Float32Array([5])] })"));
    opt.grads.w.fill(1);
    opt.step();
    expect([...params.w, ...opt.params.b, ...opt.params[0]]).toEqual([-2, -1, -1, -1, 5]);
    const shaped = make(SGD, foreign("[{ data: new Float64Array(6), shape: [2, 3] }]"), { backend });
    expect(shaped.dtype).toBe("f64");
    expect(() => shaped.step(foreign("[new Float64Array(5)]"))).toThrow(
      new RangeError('step: gradient "0" has length 5, expected 6'),
    );
    const copy = make(SGD, [{ params: { w: 2, b: [1, 2] } }, { params: [1] }], { backend });
    copy.loadStateDict(opt.stateDict());
    expect(bitsEqual(copy.params.w, f32(-2, -1))).toBe(true);
  });

  test("arrays of the wrong kind are refused", () => {
    expectError(() => make(Adam, { w: foreign("new Int32Array(2)") }), TypeError, "got Int32Array");
    expectError(() => make(Adam, foreign("new Float32Array(2)")), TypeError, "got Float32Array");
    const opt = make(Adam, { w: 2 });
    expectError(() => opt.step({ w: foreign("new Float64Array(2)") }), TypeError, "got Float64Array");
  });
});

test("whatever comes in, it is taken, or one sentence is thrown and nothing changes", () => {
  const keys = ["w", "b", "params", "data", "shape", "lr", "dtype", "state", "names", "options", "shapes", "m"];
  const anything = fc.anything({
    key: fc.oneof(fc.constantFrom(...keys), fc.string()),
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  });
  const create = (params: unknown, options: object = {}) => make(Adam, params, { backend: "js", ...options });
  const memories = watchMemories("js", 1 << 20);
  const opt = train(create({ w: 2, b: 1 }), 1);
  const dict = opt.stateDict();
  const [group] = dict.groups;
  const ways: ((a: unknown, b: unknown) => unknown)[] = [
    (a) => create(a),
    (a, b) => create([a, b]),
    (a) => create({ w: a }),
    (a, b) => create({ w: { data: a, shape: b } }),
    (a, b) => create([{ ...Object(b), params: a }]),
    (a) => make(Adam, { w: 2 }, a),
    (a) => create({ w: 2 }, { lr: a }),
    (a) => create({ w: 2 }, { dtype: a }),
    (a) => create({ w: 2 }, { backend: a }),
    (a) => opt.step(a),
    (a, b) => opt.step({ w: a, b }),
    (a) => Object.assign(opt, { lr: a }),
    (a) => Object.assign(opt.groups[0], { beta1: a }),
    (a) => opt.loadStateDict(a),
    (a) => opt.loadStateDict(dict, a),
    ...Object.keys(dict).map((key) => (a: unknown) => opt.loadStateDict({ ...dict, [key]: a })),
    ...Object.keys(group).map(
      (key) => (a: unknown) => opt.loadStateDict({ ...dict, groups: [{ ...group, [key]: a }] }),
    ),
    (a, b) => opt.loadStateDict({ ...dict, state: { w: a, b } }),
    (a, b) => opt.loadStateDict({ ...dict, shapes: { w: a, b: [b] } }),
  ];
  const property = fc.property(anything, anything, (a, b) => {
    for (const way of ways) {
      const before = snapshot(opt);
      try {
        way(a, b);
      } catch (error) {
        expect((error as Error).message).toMatch(/^(Adam|step|loadStateDict): [^\n]+$/);
        expectUnchanged(opt, before);
      }
    }
  });
  try {
    fc.assert(property, { numRuns: 100, seed: 7, examples: [[Object.create(null), [Object.create(null)]]] });
  } finally {
    memories.stop();
  }
});

test("an optimizer that was refused leaves the user's arrays as they were, and free for the next", () => {
  const w = f32(1, 2, 3);
  const bad: [unknown, Options][] = [
    [{ w, b: -1 }, {}],
    [{ w }, { lr: -1 }],
    [{ w }, { dtype: "f64" }],
    [{ w, v: w }, {}],
    [{ w, big: 2 ** 31 }, {}],
    [[{ params: { w } }, { params: { b: 1 }, lr: Number.NaN }], {}],
  ];
  for (const [params, options] of bad) expect(() => make(Adam, params, options)).toThrow(Error);
  expect([...w]).toEqual([1, 2, 3]);
  expect([...make(SGD, { w }, { lr: 1 }).step({ w: f32(1, 1, 1) }).params.w]).toEqual([0, 1, 2]);
});
