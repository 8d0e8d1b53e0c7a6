import { describe, expect, test } from "vitest";
import { Adam, Momentum, RMSprop, SGD } from "../src/index.js";
import {
  backends,
  type Dict,
  expectError,
  expectSame,
  expectUnchanged,
  loose,
  make,
  snapshot,
  start,
  train,
} from "./helpers.js";
import type { Options } from "./tables.js";

describe("a dict that does not fit is refused, and nothing changes", () => {
  const create = (backend = "wasm") => start(make(Adam, { w: [3, 4], b: 2 }, { backend }));
  const saved = train(create(), 2).stateDict();

  /** A copy of the dict with a change. */
  const changed = (change: (dict: Dict) => unknown) => {
    const dict = loose(saved);
    change(dict);
    return dict;
  };
  const put = (path: string, value: unknown) =>
    changed((dict) => {
      const keys = path.split(".");
      const last = keys.pop() as string;
      Object.assign(
        keys.reduce((at, key) => at[key] as Dict, dict),
        { [last]: value },
      );
    });
  const drop = (path: string) =>
    changed((dict) => {
      const keys = path.split(".");
      const last = keys.pop() as string;
      Reflect.deleteProperty(
        keys.reduce((at, key) => at[key] as Dict, dict),
        last,
      );
    });

  const bad: [what: string, dict: unknown, kind: ErrorConstructor, ...parts: string[]][] = [
    ["undefined", undefined, TypeError, "state dict must be an object, got undefined"],
    ["null", null, TypeError, "state dict must be an object, got null"],
    ["a number", 3, TypeError, "state dict must be an object, got 3"],
    ["a string", "{}", TypeError, 'state dict must be an object, got "{}"'],
    ["an empty object", {}, TypeError, "version must be 1, got undefined"],
    ["of another version", put("version", 2), TypeError, "version must be 1, got 2"],
    ["of another optimizer", put("optimizer", "adamw"), TypeError, 'optimizer must be "adam", got "adamw"'],
    ["of no optimizer", drop("optimizer"), TypeError, 'optimizer must be "adam", got undefined'],
    ["of an unknown dtype", put("dtype", "f16"), TypeError, 'dtype must be "f32" or "f64", got "f16"'],
    ["with negative steps", put("steps", -1), TypeError, "steps must be a whole number >= 0, got -1"],
    ["with half a step", put("steps", 0.5), TypeError, "steps must be a whole number >= 0, got 0.5"],
    ["without steps", drop("steps"), TypeError, "steps must be a whole number >= 0, got undefined"],
    ["without groups", drop("groups"), TypeError, "groups must be an array, got undefined"],
    ["with groups that are no list", put("groups", {}), TypeError, "groups must be an array, got Object"],
    ["with a group that is none", put("groups.0", null), TypeError, "group", "null"],
    ["with a group without names", drop("groups.0.names"), TypeError, "names", "undefined"],
    ["with names that are no list", put("groups.0.names", "wb"), TypeError, "names", '"wb"'],
    ["with a group without options", drop("groups.0.options"), TypeError, "options", "undefined"],
    ["with a group's steps negative", put("groups.0.steps", -1), RangeError, "steps", "got -1"],
    ["with an unknown option", put("groups.0.options.learningRate", 1), RangeError, '"learningRate"'],
    ["with an option out of range", put("groups.0.options.beta1", 1.5), RangeError, "beta1 must be in [0, 1), got 1.5"],
    ["with an option of a wrong kind", put("groups.0.options.lr", "0.1"), RangeError, "lr must be a number", '"0.1"'],
    ["with another flag", put("groups.0.options.amsgrad", true), RangeError, "amsgrad is true, expected false"],
    ["with no group for its tensors", put("groups", []), RangeError, '"w"', '"b"'],
    ["without state", drop("state"), TypeError, "state must be a record, got undefined"],
    ["without shapes", drop("shapes"), TypeError, "shapes must be a record, got undefined"],
    ["with params that are no record", put("params", null), TypeError, "params must be a record, got null"],
    ["with state that is no record", put("state.w", null), TypeError, '"w"', "null"],
    ["with a tensor missing", drop("state.b"), RangeError, 'missing "b"'],
    ["with a parameter missing", drop("params.b"), RangeError, 'missing "b"'],
    ["with a slot missing", drop("state.b.v"), RangeError, 'missing "b.v"'],
    ["with a tensor unexpected", put("state.c", { m: new Float32Array(1) }), RangeError, 'unexpected "c"'],
    ["with a parameter unexpected", put("params.c", new Float32Array(1)), RangeError, 'unexpected "c"'],
    ["with a slot unexpected", put("state.b.x", new Float32Array(2)), RangeError, 'unexpected "b.x"'],
    ["of another shape", put("shapes.w", [4, 3]), RangeError, '"w" has shape [4,3], expected [3,4]'],
    ["of another rank", put("shapes.w", [12]), RangeError, '"w" has shape [12], expected [3,4]'],
    ["with a slot too long", put("state.b.m", new Float32Array(3)), RangeError, '"b.m" has length 3, expected 2'],
    ["with a parameter too short", put("params.b", new Float32Array(1)), RangeError, '"b" has length 1, expected 2'],
    ["with a list of numbers", put("params.b", [1, 2]), RangeError, '"b" is Array, expected', "f32"],
    ["of JSON", JSON.parse(JSON.stringify(saved)), RangeError, '"w" is Object, expected', '"b.m" is Object, expected'],
    ["with a slot of another dtype", put("state.b.m", new Float64Array(2)), RangeError, '"b.m" is Float64Array'],
  ];

  test.each(bad)("%s", (...row) => {
    const [, dict, kind, ...parts] = row as unknown as (typeof bad)[number];
    for (const backend of backends) {
      const opt = train(create(backend), 1);
      const before = snapshot(opt);
      const kept = structuredClone(dict);
      expectError(() => opt.loadStateDict(dict), kind, "loadStateDict: ", ...parts);
      expectUnchanged(opt, before);
      expect(dict).toEqual(kept);
      expectSame(train(opt, 1), train(create(backend), 2));
    }
  });

  test("all that is wrong stands in one sentence", () => {
    const opt = train(make(Adam, { a: 3, b: [2, 2], c: 1, d: 2, e: 5 }), 1);
    const other = make(Adam, { a: 3, b: 4, c: 2, f: 2, e: 5 }, { amsgrad: true });
    const before = snapshot(other);
    expectError(
      () => other.loadStateDict(opt.stateDict()),
      RangeError,
      '"b" has shape [2,2], expected [4]',
      '"c" has shape [1], expected [2]',
      "amsgrad is false, expected true",
      'missing "a.vmax", "f", "e.vmax"',
      'unexpected "d"',
    );
    expectUnchanged(other, before);
  });

  test("a flag, or momentum that one has and the other has not, is named", () => {
    const table: [unknown, Options, Options, string][] = [
      [Adam, {}, { amsgrad: true }, "amsgrad is true, expected false"],
      [Adam, { amsgrad: true }, {}, "amsgrad is false, expected true"],
      [Adam, {}, { decoupled: true }, "decoupled is true, expected false"],
      [Adam, {}, { maximize: true }, "maximize is true, expected false"],
      [RMSprop, {}, { centered: true }, "centered is true, expected false"],
      [Adam, {}, { convention: "keras" }, 'convention is "keras", expected "torch"'],
      [SGD, { momentum: 0.9 }, { momentum: 0.9, nesterov: true }, "nesterov is true, expected false"],
      [SGD, {}, { momentum: 0.9 }, "momentum"],
      [SGD, { momentum: 0.9 }, {}, "momentum"],
      [RMSprop, {}, { momentum: 0.9 }, "momentum"],
      [RMSprop, { momentum: 0.9 }, {}, "momentum"],
    ];
    for (const [made, to, from, part] of table) {
      const opt = train(make(made, { w: 2 }, to), 1);
      const before = snapshot(opt);
      const message = expectError(
        () => opt.loadStateDict(make(made, { w: 2 }, from).stateDict()),
        RangeError,
        "loadStateDict: ",
      );
      expect(message.toLowerCase()).toContain(part);
      expectUnchanged(opt, before);
    }
  });

  test("a parameter of the user's that was transferred away", () => {
    const b = new Float32Array(2);
    const opt = make(Momentum, { w: 3, b });
    const dict = opt.stateDict();
    structuredClone(b.buffer, { transfer: [b.buffer] });
    const before = snapshot(opt);
    expectError(() => opt.loadStateDict(dict), RangeError, 'loadStateDict: parameter "b"', "transferred");
    expectUnchanged(opt, before);
  });
});
