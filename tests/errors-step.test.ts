import { describe, expect, test } from "vitest";
import { Adam, LBFGS, Momentum } from "../src/index.js";
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
  start,
  train,
} from "./helpers.js";

// What a step refuses, in which words, and that nothing has changed then.

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
    ["missing", { w, own }, TypeError, 'gradient "b" is missing, got "w", "own"'],
    ["of another name", { w, bias: b, own }, TypeError, 'gradient "b" is missing, got "w", "bias", "own"'],
    ["not awaited", Promise.resolve(good()), TypeError, 'gradient "w" is missing, got none'],
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

  test("says what a step is of, where the method is called alone, or on a proxy", () => {
    for (const opt of [create(), make(LBFGS, { w: 2 }, { backend })]) {
      const { step } = opt;
      expectError(() => step(), TypeError, "step: expected an optimizer, got undefined");
      expectError(() => step.call({}), TypeError, "step: expected an optimizer, got Object");
      expectError(() => new Proxy(opt, {}).step(), TypeError, "step: expected an optimizer, got Object");
      expect(opt.steps).toBe(0);
    }
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
