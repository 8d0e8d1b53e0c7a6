import { afterEach, describe, expect, test, vi } from "vitest";
import { Adam, AdamW, Momentum, SGD } from "../src/index.js";
import { backends, bitsEqual, expectSame, gradients, make, numbers, start } from "./helpers.js";
import { dtypes, type Reals } from "./tables.js";

describe.each(backends)("on %s", (backend) => {
  const on = { backend };

  test("a length or a shape makes zero-filled views that gradstep owns", () => {
    const opt = new AdamW({ w: [784, 128], b: 128, scalar: [], none: 0, empty: [3, 0] }, on);
    const lengths = { w: 784 * 128, b: 128, scalar: 1, none: 0, empty: 0 };
    for (const record of [opt.params, opt.grads]) {
      for (const [name, length] of Object.entries(lengths)) {
        const view = record[name as keyof typeof lengths];
        expect(view).toBeInstanceOf(Float32Array);
        expect(view).toHaveLength(length);
        expect(view.every((x) => x === 0)).toBe(true);
      }
    }
    expect(Object.keys(opt.params)).toEqual(Object.keys(lengths));
    expect(opt.params.w).toBe(opt.params.w);
  });

  test.each([Float32Array, Float64Array])("a %o of the user's is updated in place", (View) => {
    const w = new View([1, 2, 3]);
    const b = new View([4]);
    const opt = make(SGD, { w, b: { data: b, shape: [1, 1] } }, { lr: 0.5, ...on });
    expect(opt.params.w).toBe(w);
    expect(opt.params.b).toBe(b);
    opt.step({ w: new View([1, 1, 1]), b: new View([2]) });
    expect([...w, ...b]).toEqual([0.5, 1.5, 2.5, 3]);
    opt.grads.w.fill(2);
    opt.grads.b.fill(2);
    opt.step();
    expect([...w, ...b]).toEqual([-0.5, 0.5, 1.5, 2]);
  });

  test("the user's array may be a view in the middle of a buffer, and its neighbours stay", () => {
    const all = new Float32Array(9).fill(7);
    const opt = new SGD({ w: all.subarray(2, 7), none: all.subarray(3, 3) }, { lr: 1, ...on });
    opt.grads.w.fill(1);
    opt.step();
    expect([...all]).toEqual([7, 7, 6, 6, 6, 6, 6, 7, 7]);
  });

  test("arrays of a class of the user's, with a constructor of its own, are arrays like any other", () => {
    class Matrix extends Float32Array {
      constructor(rows: number, columns: number) {
        super(rows * columns);
      }
    }
    for (const [rows, columns] of [
      [2, 3],
      [150, 200],
    ]) {
      const w = new Matrix(rows, columns).fill(3);
      const opt = make(SGD, { w }, { lr: 1, momentum: 0.5, ...on });
      opt.step({ w: new Matrix(rows, columns).fill(1) });
      expect(opt.params.w).toBe(w);
      expect(w.every((x) => x === 2)).toBe(true);
      const saved = opt.stateDict().params?.w;
      expect(Object.getPrototypeOf(saved)).toBe(Float32Array.prototype);
      expect(saved).toEqual(new Float32Array(rows * columns).fill(2));
    }
  });

  test("the user may write to its array between steps", () => {
    const w = new Float32Array([1, 2]);
    const opt = new SGD({ w }, { lr: 1, ...on });
    for (const value of [10, 20]) {
      w.fill(value);
      opt.step({ w: new Float32Array([1, 2]) });
      expect([...w]).toEqual([value - 1, value - 2]);
    }
  });

  test("owned and user's tensors mix, in the order given", () => {
    const a = new Float64Array([1, 2]);
    const opt = new Momentum({ a, b: 2, c: { data: new Float64Array(6), shape: [2, 3] }, d: [2, 1] }, on);
    expect(opt.dtype).toBe("f64");
    expect(Object.keys(opt.params)).toEqual(["a", "b", "c", "d"]);
    expect(opt.groups[0].names).toEqual(["a", "b", "c", "d"]);
    expect(opt.params.d).toBeInstanceOf(Float64Array);
  });

  test("step(grads) and writing into grads give the same bits", () => {
    for (const dtype of dtypes) {
      const params = { a: 5, b: [3, 7], c: 17_000, none: 0 };
      const options = { dtype, weightDecay: 0.1, ...on };
      const [written, given, spread, itself] = [0, 1, 2, 3].map(() => start(make(Adam, params, options)));
      for (let step = 1; step <= 3; step++) {
        const g = gradients(written, step);
        for (const name of Object.keys(g)) for (const opt of [written, spread, itself]) opt.grads[name].set(g[name]);
        written.step();
        given.step(g);
        spread.step({ ...spread.grads });
        itself.step(itself.grads);
      }
      expectSame(written, spread);
      expectSame(written, itself);
      for (const name of Object.keys(params)) {
        expect(bitsEqual(given.params[name], written.params[name])).toBe(true);
        expect(given.grads[name].every((x) => x === 0)).toBe(true);
      }
    }
  });

  test("gradients handed over are read only, and need not be the same arrays in each step", () => {
    const opt = new SGD({ w: 20_000 }, { lr: 1, ...on });
    for (const value of [1, 2, 3]) {
      const w = new Float32Array(20_000).fill(value);
      opt.step({ w });
      expect(w.every((x) => x === value)).toBe(true);
    }
    expect(opt.params.w.every((x) => x === -6)).toBe(true);
  });

  test("the parameters themselves can be the gradients", () => {
    const length = 40_000;
    const w = new Float32Array(length).fill(8);
    for (const opt of [new SGD({ w }, { lr: 0.25, ...on }), new SGD({ w: length }, { lr: 0.25, ...on })]) {
      opt.params.w.fill(8);
      opt.step(opt.params).step(opt.params);
      expect(opt.params.w.every((x) => x === 4.5)).toBe(true);
    }
  });

  test("a gradient may lie on shared memory", () => {
    const w = new Float32Array(new SharedArrayBuffer(8)).fill(1);
    expect([...new SGD({ w: 2 }, { lr: 1, ...on }).step({ w }).params.w]).toEqual([-1, -1]);
  });

  test("step returns the optimizer and counts", () => {
    const opt = new Adam({ w: 2 }, on);
    expect(opt.steps).toBe(0);
    expect(opt.step()).toBe(opt);
    expect(opt.step({ w: new Float32Array(2) })).toBe(opt);
    expect(opt.steps).toBe(2);
  });

  test("step leaves the gradients, and zeroGrad clears them", () => {
    const opt = new Adam({ a: 3, b: 0, c: new Float32Array(2) }, on);
    opt.grads.a.fill(1);
    opt.grads.c.fill(2);
    opt.step();
    expect([...opt.grads.a, ...opt.grads.c]).toEqual([1, 1, 1, 2, 2]);
    expect(opt.zeroGrad()).toBe(opt);
    expect([...opt.grads.a, ...opt.grads.c]).toEqual([0, 0, 0, 0, 0]);
  });

  test("an optimizer without parameters steps", () => {
    for (const params of [{}, [], [{ params: {} }], { w: 0 }, [0, [2, 0]], { w: new Float32Array(0) }]) {
      const opt = make(Adam, params, on);
      expect(opt.step().step().steps).toBe(2);
      expect(opt.lr).toBe(1e-3);
    }
  });

  test("names that objects have anyway are names like any other", () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "params", "data", "shape", ""];
    const entries = <T>(value: (name: string) => T) => Object.fromEntries(names.map((name) => [name, value(name)]));
    const plain = Object.keys(entries(() => 0)).map((_, i) => `x${i}`);
    const odd = make(
      Adam,
      entries(() => 3),
      on,
    );
    const usual = make(Adam, Object.fromEntries(plain.map((name) => [name, 3])), on);
    for (let step = 1; step <= 3; step++) {
      const g = plain.map((name) => new Float32Array(numbers(name, 3, step)));
      odd.step(entries((name) => g[names.indexOf(name)]));
      usual.step(Object.fromEntries(plain.map((name, i) => [name, g[i]])));
    }
    const loaded = make(
      Adam,
      entries(() => 3),
      on,
    );
    expect(loaded.loadStateDict(structuredClone(odd.stateDict()))).toEqual({ missing: [], unexpected: [] });
    for (const opt of [odd, loaded]) {
      for (const [i, name] of names.entries()) {
        for (const record of [opt.params, opt.grads, opt.state]) expect(Object.hasOwn(record, name)).toBe(true);
        expect(bitsEqual(opt.params[name], usual.params[plain[i]])).toBe(true);
        expect(bitsEqual(opt.state[name].v, usual.state[plain[i]].v)).toBe(true);
      }
    }
  });

  test("bytes are what it holds, without the user's arrays", () => {
    const n = 50_000;
    const streams = { params: 1, grads: 1, m: 1, v: 1 };
    const all = Object.keys(streams).length * n * 4;
    const opt = new Adam({ w: n }, on);
    expect(opt.bytes).toBeGreaterThanOrEqual(all);
    expect(opt.bytes).toBeLessThan(1.5 * all);
    const own = new Adam({ w: new Float32Array(n) }, on);
    expect(own.bytes).toBeGreaterThanOrEqual(all - 4 * n);
    expect(own.bytes).toBeLessThan(opt.bytes);
    opt.addGroup({ params: { x: n } });
    expect(opt.bytes).toBeGreaterThanOrEqual(2 * all);
    opt.dispose();
    expect(opt.bytes).toBe(0);
  });

  test("dispose can be called again, also as Symbol.dispose, and leaves the user's arrays alone", () => {
    const w = new Float32Array([1, 2]);
    const opt = make(Adam, { w, b: 2 }, on);
    opt.dispose();
    opt.dispose();
    opt[Symbol.dispose]();
    expect([...w]).toEqual([1, 2]);
    const next = make(Adam, { w, b: 2 }, on);
    next[Symbol.dispose]();
    next.dispose();
    expect(next.bytes).toBe(0);
    // given back once, so not handed out twice
    const [a, b] = [new SGD({ w: 2 }, on), new SGD({ w: 2 }, on)];
    a.params.w.fill(1);
    expect([...b.params.w]).toEqual([0, 0]);
  });
});

describe("dtype", () => {
  test("is f32 unless said otherwise or implied by an array", () => {
    const f32 = new Float32Array(2);
    const f64 = new Float64Array(2);
    const table: [unknown, unknown, string][] = [
      [{ w: 2 }, {}, "f32"],
      [{ w: 2 }, { dtype: undefined }, "f32"],
      [{ w: 2 }, { dtype: "f64" }, "f64"],
      [{ w: f32 }, {}, "f32"],
      [{ w: f64 }, {}, "f64"],
      [{ a: 2, w: f64 }, {}, "f64"],
      [[3, f64], {}, "f64"],
      [{ w: { data: f64, shape: [2, 1] } }, {}, "f64"],
      [[{ params: { a: 2 } }, { params: { w: f64 } }], {}, "f64"],
      [{ w: f64 }, { dtype: "f64" }, "f64"],
    ];
    for (const [params, options, dtype] of table) {
      const opt = make(Adam, params, options);
      expect(opt.dtype).toBe(dtype);
      const views = [...Object.values(opt.params), ...Object.values(opt.grads)];
      expect(new Set(views.map((view) => view.constructor.name))).toEqual(
        new Set([dtype === "f32" ? "Float32Array" : "Float64Array"]),
      );
    }
  });
});

describe("backend", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test("is the one asked for, and auto takes WebAssembly where it works", () => {
    expect(new Adam({ w: 1 }, { backend: "wasm" }).backend).toBe("wasm");
    expect(new Adam({ w: 1 }, { backend: "js" }).backend).toBe("js");
    expect(new Adam({ w: 1 }, { backend: "auto" }).backend).toBe("wasm");
    expect(new Adam({ w: 1 }).backend).toBe("wasm");
  });

  const without: [string, () => void][] = [
    ["no WebAssembly", () => vi.stubGlobal("WebAssembly", undefined)],
    ["no SIMD", () => vi.stubGlobal("WebAssembly", { ...WebAssembly, validate: () => false })],
    [
      "no right to compile",
      () => {
        const Module = () => {
          throw new EvalError("refused by a policy");
        };
        vi.stubGlobal("WebAssembly", { ...WebAssembly, validate: WebAssembly.validate, Module });
      },
    ],
  ];
  test.each(without)("with %s, auto takes JavaScript and wasm says why it cannot be had", async (_, stub) => {
    vi.resetModules();
    stub();
    const fresh = await import("../src/index.js");
    const opt = new fresh.SGD({ w: 2 }, { lr: 1 });
    expect(opt.backend).toBe("js");
    expect([...opt.step({ w: new Float32Array([1, 2]) }).params.w]).toEqual([-1, -2]);
    expect(() => new fresh.SGD({ w: 2 }, { backend: "wasm" })).toThrow(/^SGD: backend "wasm" cannot be had: ./);
  });
});

test("the comparer tells a bit from another, 0 from -0, one dtype and length from another, and takes NaN for NaN", () => {
  const a = new Float32Array([1, 0, NaN]);
  const otherNaN = new Float32Array(new Uint32Array([0x3f800000, 0, 0xffc00001]).buffer);
  expect(bitsEqual(a, new Float32Array([1, 0, NaN]))).toBe(true);
  expect(bitsEqual(a, otherNaN)).toBe(true);
  const different: Reals[] = [
    new Float32Array([1 + 2 ** -23, 0, NaN]),
    new Float32Array([1, -0, NaN]),
    new Float32Array([1, 0, 0]),
    new Float32Array([1, 0, NaN, 0]),
    new Float32Array([1, 0]),
    new Float64Array([1, 0, NaN]),
  ];
  for (const b of different) {
    expect(bitsEqual(a, b)).toBe(false);
    expect(bitsEqual(b, a)).toBe(false);
  }
  expect(() => expectSame(make(SGD, { w: new Float32Array([0]) }), make(SGD, { w: new Float32Array([-0]) }))).toThrow();
});
