import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { Adafactor, Adam, Adam8bit, AdamW, GrokfastEMA, LBFGS, Lookahead, SGD } from "../src/index.js";
import { type ByteSource, loadStream, save, saveStream } from "../src/safetensors/index.js";
import {
  cut,
  expectRefusal,
  fileOf,
  headerOf,
  keeper,
  nothing,
  restored,
  saveable,
  saved,
  streamed,
  streamedInPlace,
} from "./checkpoints.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  make,
  named,
  type Subject,
  separate,
  start,
  train,
} from "./helpers.js";
import { dtypes, type Options, optionSets } from "./tables.js";

describe("a run that goes on from a file, on the other backend, is as one that never stopped", () => {
  const params = () => ({ w: [3, 3], none: 0, s: [] });

  for (const [name, made] of named) {
    const slots = (set: Options) => JSON.stringify(made.rule.state({ ...made.defaults, ...set } as never, [3, 3], "w"));
    const single = optionSets(made).filter((set) => Object.keys(set).length <= 1);
    const sets = single.filter((set, i) => single.findIndex((other) => slots(other) === slots(set)) === i);
    for (const dtype of dtypes) {
      test(`${name} in ${dtype}, with each option that decides about state`, () => {
        for (const options of sets) for (const backend of backends) resume(made, { ...options, dtype }, backend);
      });
    }
  }

  function resume(made: unknown, options: Options, backend: "wasm" | "js"): void {
    const create = (where: string) => start(make(made, params(), { lr: 0.125, ...options, backend: where }));
    const whole = train(create(backend), 2);
    const file = saved(whole);
    const resumed = create(backend === "wasm" ? "js" : "wasm");
    expect(restored(resumed, file)).toEqual(nothing);
    expect(saved(resumed)).toEqual(file);
    expectSame(train(resumed, 2), train(whole, 2));
  }
});

describe("a run that goes on from a file", () => {
  const a = { params: { a: 3, a2: [2, 2] }, lr: 0.5 };
  const b = { params: { b: 5 }, lr: 0.25 };

  test.each(separate)("%s goes on with its groups in another order", (_, made) => {
    const create = (...groups: object[]) => start(make(made, groups));
    const from = train(create(a, b), 3);
    const to = create(b, { params: { a2: [2, 2], a: 3 } });
    expect(restored(to, saved(from))).toEqual(nothing);
    expectSame(train(to, 2), train(from, 2));
  });

  test("goes on with groups joined that are alike, and with groups split", () => {
    const create = (...groups: object[]) => start(make(Adam, groups, { lr: 0.125 }));
    const [two, one] = [[{ params: { a: 3 } }, { params: { b: 5 } }], [{ params: { b: 5, a: 3 } }]];
    for (const [before, after] of [
      [two, one],
      [one, two],
    ]) {
      const from = train(create(...before), 3);
      const to = create(...after);
      expect(restored(to, saved(from))).toEqual(nothing);
      expectSame(train(to, 2), train(from, 2));
    }
  });

  test("of LBFGS, which evaluates the loss itself", () => {
    const create = () => start(make(LBFGS, { w: 4 }, { lr: 0.5, maxIter: 3 }));
    const descend = (opt: Subject) => {
      const { w } = opt.params;
      opt.step(() => {
        for (let i = 0; i < 4; i++) opt.grads.w[i] = w[i] ** 3 + i;
        return Array.from(w).reduce((sum, x, i) => sum + x ** 4 / 4 + i * x, 0);
      });
      return opt;
    };
    const whole = descend(descend(create()));
    const to = create();
    restored(to, saved(whole));
    descend(whole);
    expectSame(descend(to), whole);
  });

  test.each([
    ["Lookahead", (opt: Subject) => new Lookahead(opt as never, { k: 2 })],
    ["GrokfastEMA", (opt: Subject) => new GrokfastEMA(opt as never)],
    ["both", (opt: Subject) => new GrokfastEMA(new Lookahead(opt as never, { k: 2 }))],
  ])("of a wrapped optimizer: %s", async (_, wrap) => {
    const create = () => start(wrap(make(SGD, { w: 3, b: [2, 2] }, { momentum: 0.5 })) as unknown as Subject);
    const whole = train(create(), 3);
    const file = saved(whole);
    train(whole, 3);
    const to = create();
    expect(restored(to, file)).toEqual(nothing);
    expectSame(train(to, 3), whole);
    const inPlace = create();
    await loadStream(saveable(inPlace), cut(file, 100), { inPlace: true });
    expectSame(train(inPlace, 3), whole);
  });
});

describe("a file", () => {
  const create = () => {
    const groups = [{ params: { "layer.0.weight": [3, 4], "ü\n": [] } }, { params: { b: 3 }, lr: 0.5 }];
    return make(AdamW, groups, { stateDtype: "bf16", backend: "js" });
  };
  const stepped = () => {
    const opt = create();
    for (const p of Object.values(opt.params)) p.fill(0.5);
    for (let t = 0; t < 3; t++) {
      for (const g of Object.values(opt.grads)) g.fill(0.25 * (t + 1));
      opt.step();
    }
    return opt;
  };

  test("is what the library in Python writes", () => {
    const golden = readFileSync(new URL("golden/safetensors/adamw-bf16.safetensors", import.meta.url));
    const file = saved(stepped());
    const [ours, theirs] = [headerOf(file), headerOf(golden)];
    expect(JSON.stringify(ours.entries)).toBe(JSON.stringify(theirs.entries));
    expect(file.subarray(ours.start)).toEqual(new Uint8Array(golden.subarray(theirs.start)));
    expect(restored(create(), golden)).toEqual(nothing);
  });

  test("has a header of ASCII alone, which every reader of JSON and UTF-8 reads as the names that were saved", () => {
    const names = ["ü\n", "名前", "😀", "%41", "a\u007f", "\u2028"];
    const create = () => start(make(SGD, Object.fromEntries(names.map((name) => [name, 2])), { momentum: 0.5 }));
    const from = train(create(), 1);
    // jsdom, in which tests of pages run, has neither
    vi.stubGlobal("TextEncoder", undefined);
    vi.stubGlobal("TextDecoder", undefined);
    try {
      const file = saved(from);
      const { entries, start } = headerOf(file);
      expect(file.slice(8, start).every((byte) => byte >= 0x20 && byte < 0x80)).toBe(true);
      expect(Object.keys(entries).sort()).toEqual(names.flatMap((x) => [`params.${x}`, `state.${x}.buf`]).sort());
      // as other programs write it
      const written = fileOf(JSON.parse(Buffer.from(file.slice(8, start)).toString()), file.length - start);
      written.set(file.subarray(start), written.length - (file.length - start));
      for (const each of [file, written]) expect(restored(create(), each)).toEqual(nothing);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("has parameters and state by name, each with its shape and dtype", () => {
    const opt = stepped();
    const file = saved(opt);
    const { entries, start } = headerOf(file);
    expect(start % 8).toBe(0);
    expect(Object.keys(entries)).toHaveLength(9);
    expect(entries["params.layer.0.weight"]).toMatchObject({ dtype: "F32", shape: [3, 4] });
    expect(entries["params.ü\n"]).toMatchObject({ dtype: "F32", shape: [] });
    expect(entries["state.layer.0.weight.m"]).toMatchObject({ dtype: "BF16", shape: [3, 4] });
    const [from, to] = entries["params.b"].data_offsets;
    const bytes = file.slice(start + from, start + to);
    expect(new Float32Array(bytes.buffer)).toEqual(opt.params.b);
  });

  test("has every dtype that state can have, at multiples of its size", () => {
    const dtypesOf = (opt: Subject) => {
      const { entries } = headerOf(saved(opt));
      for (const { dtype, data_offsets } of Object.values(entries)) {
        expect(data_offsets[0] % { F64: 8, F32: 4, BF16: 2, U8: 1 }[dtype as "U8"]).toBe(0);
      }
      return [...new Set(Object.values(entries).map(({ dtype }) => dtype))];
    };
    const bytes = { min8bitSize: 0 };
    expect(dtypesOf(make(Adam8bit, { w: 3, b: 1 }, { ...bytes, dtype: "f64" }))).toEqual(["F64", "U8"]);
    expect(dtypesOf(make(Adam8bit, { w: 3, b: 1 }, bytes))).toEqual(["F32", "U8"]);
    expect(dtypesOf(make(AdamW, { w: 3 }, { stateDtype: "bf16" }))).toEqual(["F32", "BF16"]);
  });

  test("may start anywhere in its buffer, or be the buffer", () => {
    const file = saved(stepped());
    for (let shift = 0; shift < 9; shift++) {
      const shifted = new Uint8Array(new ArrayBuffer(shift + file.length), shift);
      shifted.set(file);
      const to = create();
      restored(to, shifted);
      expect(saved(to)).toEqual(file);
    }
    expect(restored(create(), file.buffer)).toEqual(nothing);
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    expect(restored(create(), shared)).toEqual(nothing);
  });

  test("has any names, and numbers that JSON does not have", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "__proto__",
        "constructor",
        "",
        ".",
        "a.b",
        "w.m",
        "state.w",
        "#NaN",
        "\ud800",
        "\udfff",
        "0",
        "~",
      ),
    );
    const number = fc.oneof(fc.double(), fc.constantFrom(NaN, -0, Infinity, -Infinity));
    const extra = fc.dictionary(
      name,
      fc.oneof(number, fc.string(), fc.constantFrom("#", "#NaN", "##-0"), fc.boolean()),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), name, extra, (names, key, dict) => {
        const create = () => make(SGD, Object.fromEntries(names.map((each, i) => [each, i + 1])), { momentum: 0.5 });
        const from = train(start(create()), 1);
        const file = saved(from, { extras: Object.fromEntries([[key, keeper(dict)]]) });
        const [to, kept] = [create(), keeper({})];
        expect(restored(to, file, { extras: Object.fromEntries([[key, kept]]) })).toEqual(nothing);
        expect(Object.entries(kept.stateDict())).toEqual(Object.entries(dict));
        expectSame(to.zeroGrad(), from.zeroGrad());
        expect(Object.keys(headerOf(file).entries).every((each) => !/\p{Surrogate}/u.test(each))).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe("options of a load", () => {
  const from = () => train(start(make(Adam, { w: [3, 2], b: 2 }, { lr: 0.5, beta1: 0.5 })), 2);

  test("without strict, missing and unexpected tensors are returned by name, and the rest is loaded", async () => {
    const file = saved(from());
    for (const way of [restored, streamed]) {
      const to = start(make(Adam, { w: [3, 2], c: 2 }));
      expect(await way(to, file, { strict: false })).toEqual({ missing: ["c"], unexpected: ["b"] });
      expect(bitsEqual(to.state.w.m, from().state.w.m)).toBe(true);
      expect(to.steps).toBe(2);
    }
  });

  test("the saved hyperparameters are taken over, or with keepHyperparameters the own are kept", async () => {
    const file = saved(from());
    for (const way of [restored, streamed]) {
      const to = make(Adam, { w: [3, 2], b: 2 }, { lr: 0.25 });
      await way(to, file, { keepHyperparameters: true });
      expect([to.lr, to.beta1, to.steps]).toEqual([0.25, 0.9, 2]);
      await way(to, file);
      expect([to.lr, to.beta1]).toEqual([0.5, 0.5]);
    }
  });

  test("with convert, the other dtype is widened or rounded", async () => {
    const file = saved(from());
    for (const way of [restored, streamed]) {
      const to = make(Adam, { w: [3, 2], b: 2 }, { dtype: "f64" });
      await expectRefusal(to, () => way(to, file), TypeError, "dtype", '"f32"', "convert: true");
      await way(to, file, { convert: true });
      expect([...to.state.w.v]).toEqual([...from().state.w.v]);
    }
  });

  test.each<[string, () => Subject, unknown, ErrorConstructor, ...string[]]>([
    ["another optimizer", () => make(AdamW, { w: [3, 2], b: 2 }), {}, TypeError, '"adamw"', '"adam"'],
    ["another shape", () => make(Adam, { w: [2, 3], b: 2 }), {}, RangeError, '"w" has shape [3,2], expected [2,3]'],
    ["another length", () => make(Adam, { w: [3, 2], b: 3 }), {}, RangeError, '"b" has shape [2], expected [3]'],
    ["a tensor missing", () => make(Adam, { w: [3, 2], b: 2, c: 1 }), {}, RangeError, 'missing "c"'],
    ["a tensor unexpected", () => make(Adam, { w: [3, 2] }), {}, RangeError, 'unexpected "b"'],
    ["a slot missing", () => make(Adam, { w: [3, 2], b: 2 }, { amsgrad: true }), {}, RangeError, '"w.vmax"', "amsgrad"],
    ["another state", () => make(Adam, { w: [3, 2], b: 2 }, { stateDtype: "bf16" }), {}, RangeError, '"w.m"', "u16"],
    [
      "an extra missing",
      () => make(Adam, { w: [3, 2], b: 2 }),
      { extras: { a: keeper({}) } },
      RangeError,
      'missing extra "a"',
    ],
    ["an unknown option", () => make(Adam, { w: [3, 2], b: 2 }), { Strict: true }, TypeError, '"Strict"', "extras"],
    ["options that are none", () => make(Adam, { w: [3, 2], b: 2 }), null, TypeError, "options must be an object"],
    [
      "an extra that is none",
      () => make(Adam, { w: [3, 2], b: 2 }),
      { extras: { a: 1 } },
      TypeError,
      'extra "a" must have',
    ],
    [
      "extras that are none",
      () => make(Adam, { w: [3, 2], b: 2 }),
      { extras: 1 },
      TypeError,
      "extras must be a record",
    ],
  ])("%s is refused, and nothing changes", async (_, create, options, kind, ...parts) => {
    const file = saved(from());
    for (const way of [restored, streamed, streamedInPlace]) {
      const to = train(start(create()), 1);
      await expectRefusal(to, () => way(to, file, options as object), kind, ...parts);
    }
  });

  test("a slot of another length is refused before it is read", async () => {
    const file = saved(make(Adafactor, { w: [4, 6] }));
    for (const way of [restored, streamed, streamedInPlace]) {
      const to = make(Adafactor, { w: [4, 6] }, { minDimSizeToFactor: 100 });
      await expectRefusal(to, () => way(to, file), RangeError, "w.rows");
    }
  });
});

test("anything with state dicts like an optimizer's can be saved and loaded", async () => {
  const create = () => {
    const opt = start(make(Adam, { w: 3 }));
    const { stateDict, loadStateDict } = opt;
    return { opt, like: { stateDict: () => stateDict.call(opt), loadStateDict: loadStateDict.bind(opt) } };
  };
  const from = create();
  train(from.opt, 2);
  for (const inPlace of [false, true]) {
    const to = create();
    const broken = cut(save(from.like).slice(0, -1), 64);
    await expectRefusal(to.opt, () => loadStream(to.like, broken, { inPlace }), RangeError, "must have 1 bytes more");
    expect(await loadStream(to.like, saveStream(from.like) as ByteSource, { inPlace })).toEqual(nothing);
    expect(to.opt.stateDict()).toEqual(from.opt.stateDict());
  }
  for (const like of [null, {}, { stateDict() {} }]) {
    expectError(() => save(like as never), TypeError, "save: the optimizer must have stateDict and loadStateDict");
  }
});

describe("extras", () => {
  test("are saved and loaded beside the optimizer", async () => {
    const from = train(make(SGD, { w: 2 }), 1);
    const plateau = { best: Infinity, bad: 3, mode: "min", active: true };
    const file = saved(from, { extras: { plateau: keeper(plateau), scaler: keeper({ scale: 65536 }) } });
    for (const way of [restored, streamed, streamedInPlace]) {
      const extras = { plateau: keeper({}), scaler: keeper({}) };
      expect(await way(make(SGD, { w: 2 }), file, { extras })).toEqual(nothing);
      expect(extras.plateau.stateDict()).toEqual(plateau);
      expect(extras.scaler.stateDict()).toEqual({ scale: 65536 });
      const some = { plateau: keeper({}), other: keeper({}) };
      const result = await way(make(SGD, { w: 2 }), file, { extras: some, strict: false });
      expect(result).toEqual({ missing: ["extras.other"], unexpected: ["extras.scaler"] });
      expect(some.plateau.stateDict()).toEqual(plateau);
    }
  });

  test("with arrays of their own are saved and loaded too", async () => {
    const average = { params: { w: new Float32Array([1, 2, 3]) }, codes: new Uint8Array([7]) };
    const file = saved(make(SGD, { w: 2 }), { extras: { average: keeper(average) } });
    for (const way of [restored, streamed, streamedInPlace]) {
      const to = keeper({});
      await way(make(SGD, { w: 2 }), file, { extras: { average: to } });
      expect(to.stateDict()).toEqual(average);
    }
  });

  test("that refuse their state leave everything as it was", async () => {
    const file = saved(train(make(SGD, { w: 2 }), 1), { extras: { a: keeper({ x: 1 }), b: keeper({ refused: 1 }) } });
    for (const way of [restored, streamed]) {
      const extras = { a: keeper({ x: 0 }), b: keeper({}) };
      const to = make(SGD, { w: 2 });
      await expectRefusal(to, () => way(to, file, { extras }), RangeError, "keeper: refused");
      expect(extras.a.stateDict()).toEqual({ x: 0 });
    }
    const other = make(SGD, { v: 2 });
    const extras = { a: keeper({ x: 0 }) };
    const good = saved(make(SGD, { w: 2 }), { extras: { a: keeper({ x: 1 }) } });
    await expectRefusal(other, () => restored(other, good, { extras }), RangeError, 'missing "v"');
    expect(extras.a.stateDict()).toEqual({ x: 0 });
  });

  test("of values that no file can have are refused", () => {
    const opt = make(SGD, { w: 2 });
    const refused = (value: unknown, ...parts: string[]) =>
      expectError(
        () => saved(opt, { extras: { a: keeper({ x: value }) } }),
        TypeError,
        "save: extras.a.x must be",
        ...parts,
      );
    refused(() => 1, "got a function");
    refused(new Map(), "got Map");
    refused(1n, "got 1");
    refused(new Int32Array(1), "Float32Array", "got Int32Array");
  });
});
