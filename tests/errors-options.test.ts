import { describe, expect, test } from "vitest";
import { Adam, AdamW, PolyakSGD, RMSprop, SGD, SGDW } from "../src/index.js";
import { commonRanges, type Range } from "../src/rule.js";
import {
  arraysOf,
  type Bad,
  backends,
  expectError,
  expectSame,
  expectUnchanged,
  f32,
  make,
  named,
  type Subject,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { choicesOf, type classes } from "./tables.js";

// What hyperparameters, flags, choices and other options refuse, and in which words.

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
    // without momentum a mask would leave what is, and enlarge it
    for (const made of [RMSprop, SGDW]) {
      expectError(() => make(made, { w: 1 }, { cautious: true }), RangeError, "cautious needs momentum > 0");
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
    const kindOf = (value: unknown) => (typeof value === "string" ? RangeError : TypeError);
    for (const dtype of ["f16", "float32", "", null, 32, Float32Array]) {
      expectError(() => make(Adam, { w: 1 }, { dtype }), kindOf(dtype), 'Adam: dtype must be "f32" or "f64", got ');
    }
    for (const backend of ["gpu", "WASM", "", null, 1]) {
      const expected = 'Adam: backend must be "auto", "wasm" or "js", got ';
      expectError(() => make(Adam, { w: 1 }, { backend }), kindOf(backend), expected);
    }
  });
});
