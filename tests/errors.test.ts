import vm from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Adam, AdamW, Momentum, PolyakSGD, SGD } from "../src/index.js";
import { commonRanges, type Range } from "../src/rule.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  detach,
  expectError,
  expectSame,
  expectUnchanged,
  make,
  named,
  resizable,
  type Subject,
  snapshot,
  start,
  train,
  watchMemories,
} from "./helpers.js";
import { choicesOf, type classes, type Options } from "./tables.js";

const f32 = (...values: number[]) => new Float32Array(values);
const f64 = (...values: number[]) => new Float64Array(values);

type Bad = readonly [what: string, value: unknown, kind: ErrorConstructor, ...parts: string[]];

/** Numbers that no hyperparameter takes, and values that are no numbers. */
const neverNumbers: Bad[] = [
  ["NaN", Number.NaN, RangeError, "got NaN"],
  ["a negative number", -0.5, RangeError, "got -0.5"],
  ["Infinity", Infinity, RangeError, "got Infinity"],
  ["-Infinity", -Infinity, RangeError, "got -Infinity"],
  ["a string", "0.5", TypeError, 'a number or a schedule, got "0.5"'],
  ["null", null, TypeError, "a number or a schedule, got null"],
  ["true", true, TypeError, "a number or a schedule, got true"],
  ["a list", [0.5], TypeError, "a number or a schedule, got Array"],
  ["an object", {}, TypeError, "a number or a schedule, got Object"],
  ["a bigint", 1n, TypeError, "a number or a schedule, got 1"],
  ["a symbol", Symbol("x"), TypeError, "a number or a schedule, got "],
];

/** The range of a hyperparameter, from its rule; shares are in [0, 1). A beta is one if its default lies in between. */
function rangeOf(made: (typeof classes)[number], name: string): Range {
  const range = (made.rule.ranges as Record<string, Range> | undefined)?.[name] ?? commonRanges[name] ?? [0, Infinity];
  // what may be negative is of either sign, or never positive
  if (range[0] < 0) expect([0, -range[0]]).toContain(range[1]);
  const { beta } = made.defaults as { beta?: number };
  if (/^beta\d$/.test(name) || (name === "beta" && beta !== 0 && beta !== 1)) expect(range).toEqual([0, 1]);
  return range;
}

const numeric = (made: (typeof classes)[number]) =>
  Object.keys(made.defaults).filter((name) => typeof made.defaults[name] === "number");

describe("hyperparameters", () => {
  test("the sentence says what, what was expected and what came", () => {
    expect(() => new AdamW({ w: 1 }, { beta2: 1.2 })).toThrow(
      new RangeError("AdamW: beta2 must be in [0, 1), got 1.2"),
    );
    const opt = new AdamW({ w: 1 });
    for (const act of [
      () => Object.assign(opt, { beta2: 1.2 }),
      () => Object.assign(opt.groups[0], { beta2: 1.2 }),
      () => opt.addGroup({ params: { b: 1 }, beta2: 1.2 } as never),
    ]) {
      expect(act).toThrow(new RangeError("AdamW: beta2 must be in [0, 1), got 1.2"));
    }
  });

  test.each(named)("%s: every one refuses what is out of its range, and what is no number", (_, made) => {
    const who = made.rule.name;
    for (const name of numeric(made)) {
      const [from, to, closed] = rangeOf(made, name);
      const outside: Bad[] = [from - 1, from - 1e-3, to, 2 * to].map((x) => {
        return [String(x), x, RangeError, `must be in [${from}, ${to}${closed ? "]" : ")"}, got ${x}`];
      });
      const fits = (x: unknown) =>
        typeof x === "number" && ((x >= from && (closed ? x <= to : x < to)) || Object.is(x, made.defaults[name]));
      const bad = [...neverNumbers, ...outside].filter(([, value]) => !fits(value));
      for (const [what, value, kind, ...parts] of bad) {
        const option = { [name]: value };
        const w = f32(1, 2);
        const fails = (act: () => unknown) =>
          expect(expectError(act, kind, ...parts), what).toMatch(new RegExp(`^${who}: ${name} must be `));
        fails(() => make(made, { w }, option));
        fails(() => make(made, [{ params: { w }, ...option }]));
        if (typeof value === "number") fails(() => make(made, { w }, { [name]: () => value }));
        const opt = train(make(made, { w }, { backend: "js" }), 1);
        const before = snapshot(opt);
        for (const target of [opt, opt.groups[0]]) {
          fails(() => Object.assign(target, option));
          if (typeof value === "number") fails(() => Object.assign(target, { [name]: () => value }));
        }
        fails(() => opt.addGroup({ params: { b: 1 }, ...option }));
        expectUnchanged(opt, before);
      }
    }
  });

  test.each(named)("%s: every flag refuses what is not true or false", (_, made) => {
    for (const name of Object.keys(made.defaults).filter((key) => typeof made.defaults[key] === "boolean")) {
      for (const value of [0, 1, "true", null, () => true]) {
        const sentence = [`${made.rule.name}: ${name} must be true or false, got `];
        expectError(() => make(made, { w: 1 }, { [name]: value }), TypeError, ...sentence);
        expectError(() => make(made, [{ params: { w: 1 }, [name]: value }]), TypeError, ...sentence);
      }
    }
  });

  test.each(backends)("on %s, the loss has to be set for every step", (backend) => {
    const opt = make(PolyakSGD, { w: f32(1, 2), b: 3 }, { backend });
    opt.grads.b.fill(1);
    const refused = () => {
      const before = snapshot(opt);
      const sentence = "PolyakSGD: value must be set to the loss before each step";
      expect(() => opt.step()).toThrow(new Error(sentence));
      expectError(() => opt.step({ w: f32(1, 2), b: f32(1) }), RangeError, 'gradient "b" has length 1');
      expectUnchanged(opt, before);
    };
    refused();
    opt.value = 2;
    expectError(() => opt.step({ w: f32(1, 2), b: f32(1) }), RangeError, 'gradient "b" has length 1');
    expect(opt.value).toBe(2);
    opt.step();
    expect(opt.params.b[0]).toBe(-Math.fround(2 / 3));
    refused();
    opt.value = 2;
    expect(opt.stateDict().groups[0].options).not.toHaveProperty("value");
    opt.value = (step: number) => 10 - step;
    opt.step().step();
    expect(opt.value).toBe(7);
    opt.value = 3;
    opt.step();
    refused();
  });

  test.each(named)("%s: every choice refuses what is none of its strings", (_, made) => {
    for (const name of Object.keys(made.defaults).filter((key) => typeof made.defaults[key] === "string")) {
      const known = choicesOf(made, name).map((choice) => `"${choice}"`);
      for (const [value, kind] of [
        ["jax", RangeError],
        ["", RangeError],
        ["toString", RangeError],
        ["__proto__", RangeError],
        [null, TypeError],
        [0, TypeError],
        [true, TypeError],
        [["torch"], TypeError],
        [Symbol("torch"), TypeError],
        [Object.create(null), TypeError],
        [() => "torch", TypeError],
      ] as const) {
        const sentence = [`${made.rule.name}: ${name} must be `, ...known, ", got "];
        expectError(() => make(made, { w: 1 }, { [name]: value }), kind, ...sentence);
        expectError(() => make(made, [{ params: { w: 1 }, [name]: value }]), kind, ...sentence);
        const opt = make(made, { w: 1 });
        const before = snapshot(opt);
        expectError(() => opt.addGroup({ params: { b: 1 }, [name]: value }), kind, ...sentence);
        expectUnchanged(opt, before);
      }
    }
  });

  test("those that exclude each other are refused together", () => {
    for (const options of [
      {},
      { momentum: 0 },
      { momentum: 0.9, dampening: 0.5 },
      { momentum: 0.9, dampening: () => 0 },
    ]) {
      expectError(() => make(SGD, { w: 1 }, { ...options, nesterov: true }), RangeError, "SGD: nesterov needs");
    }
    const opt = train(make(SGD, { w: 1 }, { momentum: 0.9, nesterov: true }), 1);
    const before = snapshot(opt);
    expectError(() => Object.assign(opt, { dampening: 0.5 }), RangeError, "SGD: nesterov needs", "dampening 0.5");
    expectUnchanged(opt, before);
  });

  test.each(backends)("on %s, a schedule that goes wrong later stops that step, before anything changes", (backend) => {
    const bad: [unknown, ErrorConstructor, string][] = [
      [Number.NaN, RangeError, "got NaN"],
      [-1, RangeError, "got -1"],
      [Infinity, RangeError, "got Infinity"],
      ["0.1", TypeError, 'got "0.1"'],
      [undefined, TypeError, "got undefined"],
    ];
    const create = (third: unknown) => {
      const lr = (step: number) => (step === 2 ? third : 0.1 / (1 + step));
      const options = { beta1: (step: number) => 0.9 - step / 100, weightDecay: (step: number) => step / 10, backend };
      return train(start(make(Adam, [{ params: { a: 3 } }, { params: { b: f32(1, 2) }, lr }], options)), 2);
    };
    const repair = (opt: Subject) => {
      opt.groups[1].lr = 0.5;
      return train(opt, 2);
    };
    const fine = repair(create(0.1));
    for (const [value, kind, part] of bad) {
      const opt = create(value);
      opt.grads.a.fill(1);
      const before = snapshot(opt);
      expectError(() => opt.step(), kind, "Adam: lr ", part);
      expectError(() => opt.step({ a: f32(1, 2, 3), b: f32(1, 2) }), kind, "Adam: lr ", part);
      expectUnchanged(opt, before);
      expectSame(repair(opt), fine);
    }
  });

  test("what a schedule throws comes through, and nothing has changed", () => {
    const lr = (step: number) => {
      if (step === 2) throw new Error("no rate today");
      return 0.1;
    };
    const opt = train(make(Adam, { w: 2 }, { lr, beta1: (step: number) => step / 10 }), 2);
    const before = arraysOf(opt);
    expect(() => opt.step()).toThrow(new Error("no rate today"));
    expect(arraysOf(opt)).toEqual(before);
    expect(opt.steps).toBe(2);
  });
});

describe("options", () => {
  test("they must be an object", () => {
    for (const [value, got] of [
      [null, "null"],
      [0.1, "0.1"],
      ["lr", '"lr"'],
      [true, "true"],
      [() => 0.1, "a function"],
    ] as const) {
      expectError(() => make(Adam, { w: 1 }, value), TypeError, "Adam: options must be an object", `got ${got}`);
    }
  });

  test.each(named)("%s: an unknown one is named, and the known are listed", (_, made) => {
    const known = Object.keys(made.defaults);
    const sentence = `${made.rule.name}: unknown option "learningRate"`;
    const option = { learningRate: 0.1 };
    expectError(() => make(made, { w: 1 }, option), TypeError, sentence, ...known);
    expectError(() => make(made, [{ params: { w: 1 }, ...option }]), TypeError, sentence, ...known);
    const opt = make(made, { w: 1 });
    const before = snapshot(opt);
    expectError(() => opt.addGroup({ params: { b: 1 }, ...option }), TypeError, sentence, ...known);
    expectUnchanged(opt, before);
  });

  test("the known are also those of the whole optimizer, where they could have been meant", () => {
    expectError(() => make(Adam, { w: 1 }, { bakcend: "js" }), TypeError, '"bakcend"', "dtype", "backend", "lr");
  });

  test("an unknown one is unknown whatever its name and its value", () => {
    for (const name of ["__proto__", "constructor", "toString", "names", "params", "steps", ""]) {
      const option = Object.fromEntries([[name, undefined]]);
      expectError(() => make(Adam, { w: 1 }, option), TypeError, `Adam: unknown option "${name}"`);
    }
  });

  test("what holds for the whole optimizer is no option of a group", () => {
    for (const option of [{ dtype: "f32" }, { backend: "js" }]) {
      const [name] = Object.keys(option);
      expectError(() => make(Adam, [{ params: { w: 1 }, ...option }]), TypeError, `unknown option "${name}"`);
    }
  });

  test("an unknown dtype or backend is refused", () => {
    for (const value of ["f16", "float32", "", null, 32, Float32Array]) {
      expectError(() => make(Adam, { w: 1 }, { dtype: value }), TypeError, 'Adam: dtype must be "f32" or "f64", got ');
    }
    for (const value of ["gpu", "WASM", "", null, 1]) {
      expectError(
        () => make(Adam, { w: 1 }, { backend: value }),
        TypeError,
        'Adam: backend must be "auto", "wasm" or "js", got ',
      );
    }
  });
});

describe("parameters", () => {
  const sets: [string, unknown, string][] = [
    ["undefined", undefined, "got undefined"],
    ["null", null, "got null"],
    ["a number", 3, "got 3"],
    ["a string", "w", 'got "w"'],
    ["true", true, "got true"],
    ["a function", () => [3], "got a function"],
    ["a symbol", Symbol("w"), "got a symbol"],
    ["a Float32Array", f32(1, 2), "got Float32Array"],
    ["an Int32Array", new Int32Array(2), "got Int32Array"],
    ["an ArrayBuffer", new ArrayBuffer(8), "got ArrayBuffer"],
    ["a Map", new Map([["w", 3]]), "got Map"],
    ["a Set", new Set([3]), "got Set"],
    ["a promise that was not awaited", Promise.resolve({ w: 3 }), "got Promise"],
  ];
  test.each(sets)("%s is no set of parameters", (_, set, got) => {
    const sentence = "Adam: params must be a record or an array of parameters";
    expectError(() => make(Adam, set), TypeError, sentence, got);
    expectError(() => make(Adam, [{ params: set }]), TypeError, sentence, got);
    const opt = train(make(Adam, { w: 2 }), 1);
    const before = snapshot(opt);
    expectError(() => opt.addGroup({ params: set }), TypeError, sentence, got);
    expectUnchanged(opt, before);
  });

  const inits: Bad[] = [
    ["undefined", undefined, TypeError, "got undefined"],
    ["null", null, TypeError, "got null"],
    ["a string", "3", TypeError, 'got "3"'],
    ["true", true, TypeError, "got true"],
    ["a bigint", 3n, TypeError, "got 3"],
    ["a function", () => 3, TypeError, "got a function"],
    ["an Int32Array", new Int32Array(3), TypeError, "got Int32Array"],
    ["a DataView", new DataView(new ArrayBuffer(8)), TypeError, "got DataView"],
    ["an ArrayBuffer", new ArrayBuffer(8), TypeError, "got ArrayBuffer"],
    ["an object", {}, TypeError, "got Object"],
    ["data without a shape", { data: f32(1) }, TypeError, "got Object"],
    ["a shape without data", { shape: [2] }, TypeError, "got Object"],
    ["data that are no typed array", { data: [1, 2], shape: [2] }, TypeError, "got "],
    ["data of another kind", { data: new Int32Array(2), shape: [2] }, TypeError, "got "],
    ["a shape that is no list", { data: f32(1, 2), shape: 2 }, TypeError, "got "],
    ["numbers in lists of lists", [[1, 2], [3]], TypeError, "got Array"],
    ["a shape of strings", ["3", "4"], TypeError, 'got "3"'],
    ["a shape with a hole", [null, 4], TypeError, "got null"],
    ["a negative length", -1, RangeError, "got -1"],
    ["a fractional length", 2.5, RangeError, "got 2.5"],
    ["NaN", Number.NaN, RangeError, "got NaN"],
    ["Infinity", Infinity, RangeError, "got Infinity"],
    ["a negative dimension", [2, -3], RangeError, "got -3"],
    ["a fractional dimension", [0.5, 2], RangeError, "got 0.5"],
    ["data and a shape of another length", { data: f32(1, 2, 3), shape: [2, 2] }, RangeError, "length 3", "expected 4"],
    ["more than a memory holds", 2 ** 31, RangeError, "2147483648"],
    ["more than a number counts exactly", 2 ** 60, RangeError, ""],
    ["a shape of more than a memory holds", [2 ** 20, 2 ** 20], RangeError, "1099511627776"],
    ["a shape of absurd size", Array(40).fill(2 ** 40), RangeError, ""],
  ];
  test.each(inits)("%s is no parameter", (...row) => {
    const [, init, kind, ...parts] = row as unknown as Bad;
    for (const backend of backends) {
      expectError(() => make(Adam, { ok: 1, bad: init }, { backend }), kind, 'Adam: parameter "bad" ', ...parts);
      expectError(() => make(Adam, [1, init], { backend }), kind, 'Adam: parameter "1" ', ...parts);
      const opt = train(make(Adam, { w: 2 }, { backend }), 1);
      const before = snapshot(opt);
      expectError(() => opt.addGroup({ params: { bad: init } }), kind, 'Adam: parameter "bad" ', ...parts);
      expectUnchanged(opt, before);
    }
  });

  test("a list with a hole is refused", () => {
    const list: unknown[] = [3];
    list[2] = 3;
    expectError(() => make(Adam, list), TypeError, 'Adam: parameter "1" ', "got undefined");
    expectError(() => make(Adam, [{ params: list }]), TypeError, 'Adam: parameter "1" ', "got undefined");
  });

  const buffer = new ArrayBuffer(64);
  const view = (from: number, to: number) => new Float32Array(buffer, 4 * from, to - from);
  const whole = f32(1, 2, 3);
  const shared: [string, unknown, string, string][] = [
    ["the same array twice", { a: whole, b: whole }, '"a"', '"b"'],
    ["the same array in two groups", [{ params: { a: whole } }, { params: { b: whole } }], '"a"', '"b"'],
    ["two views of the same memory", { a: view(0, 4), b: view(0, 4) }, '"a"', '"b"'],
    ["views that overlap", { a: view(4, 8), b: view(1, 5) }, '"a"', '"b"'],
    ["a view within another", { a: view(2, 4), b: view(0, 9) }, '"a"', '"b"'],
    ["a last element that is a first", [view(0, 4), view(3, 8)], '"0"', '"1"'],
    ["a view within another, past a third", { a: view(0, 9), b: f32(1), c: view(6, 7) }, '"a"', '"c"'],
  ];
  test.each(shared)("%s: refused, since they would be stepped twice", (_, params, ...parts) => {
    expectError(() => make(Adam, params), RangeError, "Adam: ", "share memory", ...parts);
  });

  test("views side by side on one buffer, and empty ones anywhere, are fine", () => {
    const opt = make(SGD, [view(4, 8), view(0, 4), view(8, 9), view(2, 2), view(2, 2)], { lr: 1 });
    for (const g of Object.values(opt.grads)) g.fill(1);
    opt.step();
    expect([...new Float32Array(buffer, 0, 10)]).toEqual([...Array(9).fill(-1), 0]);
  });

  test("an array or a name that is taken is refused in a group added later", () => {
    const opt = train(make(Adam, { w: whole, b: 2 }), 1);
    const before = snapshot(opt);
    expectError(() => opt.addGroup({ params: { v: whole } }), RangeError, "Adam: ", '"w"', '"v"', "share memory");
    expectError(() => opt.addGroup({ params: { b: 3 } }), RangeError, 'Adam: parameter "b" is given twice');
    expectError(() => opt.addGroup({ params: { v: f64(1) } }), TypeError, '"v"', "Float64Array", "Float32Array");
    expectUnchanged(opt, before);
    expectSame(opt, opt);
  });

  test("a name must be given once", () => {
    const twice = [{ params: { a: 1, w: 1 } }, { params: { w: 2 } }];
    expectError(() => make(Adam, twice), RangeError, 'Adam: parameter "w" is given twice');
    expectError(() => make(Adam, [{ params: [1] }, { params: { 0: 1 } }]), RangeError, '"0" is given twice');
  });

  test("arrays must be of one dtype", () => {
    const table: [unknown, Options, string, string][] = [
      [{ a: f32(1), b: f64(1) }, {}, '"b" is a Float64Array', "expected a Float32Array"],
      [{ a: f64(1), b: f32(1) }, {}, '"b" is a Float32Array', "expected a Float64Array"],
      [{ a: f32(1) }, { dtype: "f64" }, '"a" is a Float32Array', "expected a Float64Array"],
      [[{ params: [f32(1)] }, { params: [f64(1)] }], {}, '"1" is a Float64Array', "expected a Float32Array"],
    ];
    for (const [params, options, ...parts] of table) {
      expectError(() => make(Adam, params, options), TypeError, "Adam: parameter ", ...parts);
    }
  });

  test("groups and parameters do not mix, and a group needs params", () => {
    expectError(() => make(Adam, [{ params: [1] }, 3]), TypeError, "Adam: params must be all groups or all parameters");
    expectError(() => make(Adam, [{ params: [1] }, { lr: 1 }]), TypeError, "Adam: ");
    expectError(() => make(Adam, [{ lr: 1 }]), TypeError, "Adam: ", "got Object");
    const opt = train(make(Adam, { w: 2 }), 1);
    const before = snapshot(opt);
    const groups = [undefined, null, 3, "params", [1], { lr: 1 }, f32(1)];
    const got = ["undefined", "null", "3", '"params"', "Array", "Object", "Float32Array"];
    for (const [i, group] of groups.entries()) {
      expectError(() => opt.addGroup(group), TypeError, "Adam: a group must be { params, ...", `got ${got[i]}`);
    }
    expectUnchanged(opt, before);
  });

  test("an array that is detached, or whose buffer can be resized, is refused", () => {
    const opt = train(make(Adam, { w: 2 }), 1);
    const before = snapshot(opt);
    for (const [array, part] of [
      [detach(f32(1, 2)), "detached"],
      [resizable(2), "fixed size"],
    ] as const) {
      for (const init of [array, { data: array, shape: [2] }]) {
        expectError(() => make(Adam, { a: init }), TypeError, 'Adam: array "a" ', part);
        expectError(() => opt.addGroup({ params: { a: init } }), TypeError, 'Adam: array "a" ', part);
      }
    }
    expectUnchanged(opt, before);
  });
});

describe.each(backends)("a step on %s", (backend) => {
  const create = () => start(make(Momentum, { w: [3, 4], b: 2, own: f32(1, 2, 3) }, { backend }));
  const good = () => ({ w: new Float32Array(12), b: f32(1, 2), own: f32(1, 2, 3) });
  const { w, b, own } = good();

  test("says what a gradient's length is and should be", () => {
    const opt = create();
    expect(() => opt.step({ ...good(), w: new Float32Array(10) })).toThrow(
      new RangeError('step: gradient "w" has length 10, expected 12'),
    );
  });

  const bad: Bad[] = [
    ["too long", { w, b: f32(1, 2, 3), own }, RangeError, '"b" has length 3, expected 2'],
    ["too short, the last of all", { w, b, own: f32() }, RangeError, '"own" has length 0, expected 3'],
    ["of another dtype", { w, b: f64(1, 2), own }, TypeError, '"b" must be a Float32Array, got Float64Array'],
    ["an Int32Array", { w, b: new Int32Array(2), own }, TypeError, '"b" must be a Float32Array, got Int32Array'],
    ["a list of numbers", { w, b: [1, 2], own }, TypeError, '"b" must be a Float32Array, got Array'],
    ["a number", { w, b: 1, own }, TypeError, '"b" must be a Float32Array, got 1'],
    ["null", { w, b: null, own }, TypeError, '"b" must be a Float32Array, got null'],
    ["missing", { w, own }, TypeError, 'gradient "b" is missing'],
    ["undefined", { w, b: undefined, own }, TypeError, 'gradient "b" is missing'],
    ["unknown", { w, b, own, bias: b }, TypeError, 'unknown gradient "bias"'],
    ["unknown, and another", { w, b, own, bias: b, v: b }, TypeError, "unknown gradient", '"bias"', '"v"'],
    ["unknown, by a name that objects have", { w, b, own, toString: b }, TypeError, 'unknown gradient "toString"'],
    ["detached", { w, b: detach(f32(1, 2)), own }, TypeError, '"b" is detached'],
    ["on a buffer that can be resized", { w, b: resizable(2), own }, TypeError, '"b"', "fixed size"],
    ["in no record but null", null, TypeError, "gradients must be a record of arrays", "got null"],
    ["in no record but a number", 3, TypeError, "gradients must be a record of arrays", "got 3"],
    ["in no record but a string", "w", TypeError, "gradients must be a record of arrays", 'got "w"'],
    ["in no record but an array", w, TypeError, "gradients must be a record of arrays", "got Float32Array"],
    ["in no record but a function", () => good(), TypeError, "gradients must be a record of arrays", "got a function"],
    ["in a list, where parameters have names", [w, b, own], TypeError, "gradient", '"w"'],
    ["in a Map", new Map(Object.entries(good())), TypeError, "gradient", '"w" is missing'],
  ];
  test.each(bad)("refuses a gradient that is %s, and changes nothing", (...row) => {
    const [, grads, kind, ...parts] = row as unknown as Bad;
    const opt = train(create(), 2);
    for (const g of Object.values(opt.grads)) g.fill(0.5);
    const before = snapshot(opt);
    expectError(() => opt.step(grads), kind, "step: ", ...parts);
    expectUnchanged(opt, before);
    expectSame(train(opt, 1), train(create(), 3));
  });

  test("says that a gradient was detached, also one that was used before", () => {
    const opt = create();
    const grads = good();
    opt.step(grads);
    detach(grads.b);
    expectError(() => opt.step(grads), TypeError, "step: ", '"b" is detached');
    expect(opt.steps).toBe(1);
  });

  test("a gradient by a name that objects have is missing if it is not given", () => {
    for (const name of ["constructor", "toString", "__proto__", "valueOf"]) {
      const opt = make(Adam, Object.fromEntries([[name, 2]]), { backend });
      expectError(() => opt.step({}), TypeError, `step: gradient "${name}" is missing`);
    }
  });

  test("gradients may come in an object that inherits them, or inherits more", () => {
    class Model {
      b = f32(1, 2);
      own = f32(1, 2, 3);
      get w(): Float32Array {
        return w;
      }
    }
    const inheriting = Object.assign(Object.create({ extra: 1 }), good());
    for (const grads of [new Model(), inheriting, Object.create(good())]) {
      const opt = create();
      expect(opt.step(grads).steps).toBe(1);
    }
  });

  test("an array of the user's that was transferred away is refused, and nothing changes", () => {
    const away = f32(1, 2, 3);
    const opt = train(make(Adam, { a: 3, away }, { backend }), 1);
    detach(away);
    const before = snapshot(opt);
    expectError(() => opt.step(), TypeError, 'step: parameter "away"', "transferred");
    expectError(() => opt.step({ a: f32(1, 2, 3), away: f32(1, 2, 3) }), TypeError, 'parameter "away"');
    expectError(() => opt.stateDict(), TypeError, 'stateDict: parameter "away"', "transferred");
    expectUnchanged(opt, before);
  });
});

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
