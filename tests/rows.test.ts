import { describe, expect, test } from "vitest";
import { stepRows } from "../dist/index.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  make,
  numbers,
  type Subject,
  snapshot,
  start,
} from "./helpers.js";
import { type AnyClass, classes, dtypes, type Reals } from "./tables.js";

// Steps that move only some rows of a parameter.

const rowwise: readonly (readonly [string, AnyClass])[] = classes
  .filter(({ rule }) => "kernel" in rule)
  .map((made) => [made.rule.name, made]);
const byName = Object.fromEntries(rowwise);
const step = stepRows as unknown as (optimizer: unknown, grads: unknown) => Subject;

function array(dtype: string, values: readonly number[]): Reals {
  return dtype === "f32" ? new Float32Array(values) : new Float64Array(values);
}

describe.each(rowwise)("%s", (_, made) => {
  test.each(dtypes)("all rows, in any order, are a whole step (%s)", (dtype) => {
    for (const backend of backends) {
      const small = "stateDtype" in made.defaults ? [{ stateDtype: "bf16" }] : [];
      for (const options of [{}, { weightDecay: 0.1 }, { maximize: true }, ...small]) {
        const [whole, rows] = [0, 1].map(() => start(make(made, { w: [7, 3], b: 5 }, { ...options, dtype, backend })));
        for (let t = 1; t <= 3; t++) {
          const w = array(dtype, numbers("w", 21, t));
          const b = array(dtype, numbers("b", 5, t));
          whole.step({ w, b });
          const indices = [3, 1, 6, 0, 2, 5, 4];
          const moved = array(
            dtype,
            indices.flatMap((i) => [...w.subarray(3 * i, 3 * i + 3)]),
          );
          step(rows, { w: { indices, rows: moved }, b });
        }
        expectSame(rows, whole);
        expect(rows.steps).toBe(3);
      }
    }
  });

  test("rows that are not given, and parameters that are left out, stay with their state", () => {
    const some = start(make(made, { w: [5, 4], b: 3 }, { weightDecay: 0.1 }));
    step(some, { w: array("f32", numbers("w", 20, 1)), b: array("f32", numbers("b", 3, 1)) });
    const before = snapshot(some).arrays;
    // twice, because Rprop does not move where the sign has changed
    for (const t of [2, 3]) step(some, { w: { indices: [1, 3], rows: array("f32", numbers("w", 8, t)) } });
    const after = snapshot(some).arrays;
    for (const [name, x] of Object.entries(after)) {
      if (name.startsWith("grads")) continue;
      for (let i = 0; i < x.length; i++) {
        const touched = name.includes(".w") && [1, 3].includes(Math.floor(i / 4));
        if (!touched) expect(Object.is(x[i], before[name][i]), `${name}[${i}]`).toBe(true);
      }
    }
    expect(bitsEqual(after["params.w"], before["params.w"])).toBe(false);
  });
});

test("the caller's own arrays, and more rows than a block holds", () => {
  for (const backend of backends) {
    const count = 40_000;
    const w = array("f32", numbers("w", 2 * count, 0));
    const own = make(byName.Adam, { w: { data: w, shape: [count, 2] } }, { backend });
    const views = make(byName.Adam, { w: [count, 2] }, { backend });
    views.params.w.set(w);
    const indices = Array.from({ length: count / 2 }, (_, i) => 2 * i);
    const rows = array("f32", numbers("g", count, 1));
    step(own, { w: { indices, rows } });
    step(views, { w: { indices: Int32Array.from(indices), rows } });
    expect(bitsEqual(w, views.params.w)).toBe(true);
    expect(own.bytes).toBe(make(byName.Adam, { w: { data: w, shape: [count, 2] } }, { backend }).bytes);
  }
});

test("rows that come twice are added in their order", () => {
  for (const backend of backends) {
    const opt = make(byName.SGD, { w: [3, 2] }, { lr: 1, backend });
    step(opt, { w: { indices: [2, 0, 2, 2], rows: array("f32", [1, 2, 3, 4, 1e8, 6, -1e8, 8]) } });
    expect([...opt.params.w]).toEqual([-3, -4, 0, 0, 0, -16]);
  }
});

test("what is wrong is refused in one sentence, and nothing changes", () => {
  const { Adam } = byName;
  const opt = start(make(Adam, { w: [3, 2], b: 2 }));
  const rows = array("f32", [1, 2]);
  const before = snapshot(opt);
  const refused = (grads: unknown, kind: ErrorConstructor, ...parts: string[]) => {
    expectError(() => step(opt, grads), kind, "stepRows: ", ...parts);
    expectUnchanged(opt, before);
  };
  refused(undefined, TypeError, "a record by parameter name", "undefined");
  refused({ x: rows }, TypeError, 'unknown gradient "x"');
  refused({ w: rows }, RangeError, 'gradient "w" has length 2, expected 6');
  refused({ w: { indices: [0], rows: array("f64", [1, 2]) } }, TypeError, 'gradient "w"', "Float32Array");
  refused({ w: { indices: [0, 1], rows } }, RangeError, 'rows of "w" has length 2, expected 4');
  refused({ w: { indices: [3], rows } }, RangeError, "[0, 3)", "got 3");
  refused({ w: { indices: [0.5], rows } }, RangeError, "got 0.5");
  refused({ w: { indices: [-1], rows } }, RangeError, "got -1");
  refused({ b: rows, w: null }, TypeError, 'gradient "w"', "null");
  const whole = classes.find(({ rule }) => !("kernel" in rule)) as AnyClass;
  expectError(() => step(make(whole, { w: 2 }), { w: rows }), TypeError, whole.rule.name, "whole tensors");
  opt.dispose();
  expectError(() => step(opt, { w: rows }), Error, "dispose");
});
