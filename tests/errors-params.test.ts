import { describe, expect, test } from "vitest";
import { Adam, SGD } from "../src/index.js";
import {
  type Bad,
  backends,
  detach,
  expectError,
  expectSame,
  expectUnchanged,
  f32,
  f64,
  make,
  resizable,
  snapshot,
  train,
} from "./helpers.js";
import type { Options } from "./tables.js";

// What is no parameter, no set of them and no group, and in which words an optimizer says so.

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
    ["data that are no typed array", { data: [1, 2], shape: [2] }, TypeError, "got { data: Array, shape: Array }"],
    ["data of another kind", { data: new Int32Array(2), shape: [2] }, TypeError, "got { data: Int32Array, "],
    ["a shape that is no list", { data: f32(1, 2), shape: 2 }, TypeError, "got { data: Float32Array, shape: 2 }"],
    ["numbers in lists of lists", [[1, 2], [3]], TypeError, "or be a Float32Array, got Array"],
    ["numbers to start from, in a list", [0.1, -0.3], RangeError, "or be a Float32Array, got 0.1"],
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
