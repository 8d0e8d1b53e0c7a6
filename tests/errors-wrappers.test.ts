import { describe, expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { arraysOf, expectError, expectUnchanged, make, snapshot, train } from "./helpers.js";
import { class_ } from "./tables.js";
import { table } from "./wraps.js";

const { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead } = gradstep;

describe("bad input", () => {
  const adam = () => make(class_("Adam"), { w: 2 });
  const bad: [act: () => unknown, kind: ErrorConstructor, sentence: string][] = [
    [() => make(Lookahead, undefined), TypeError, "Lookahead: expected an optimizer, got undefined"],
    [() => make(Lookahead, {}), TypeError, "Lookahead: expected an optimizer, got Object"],
    [() => make(Lookahead, class_("Adam")), TypeError, "Lookahead: expected an optimizer, got a function"],
    [
      () => make(GrokfastEMA, make(Lookahead, make(GrokfastEMA, adam()))),
      TypeError,
      "GrokfastEMA: the optimizer is in one already",
    ],
    [() => make(Lookahead, adam(), null), TypeError, "Lookahead: options must be an object, got null"],
    [
      () => make(Lookahead, adam(), { steps: 3 }),
      TypeError,
      'Lookahead: unknown option "steps", expected one of k, alpha',
    ],
    [() => make(GradientCentralization, adam(), { lr: 3 }), TypeError, 'GradientCentralization: unknown option "lr"'],
    [() => make(Lookahead, adam(), { k: 0 }), RangeError, "Lookahead: k must be in [1, Infinity), got 0"],
    [() => make(Lookahead, adam(), { k: 2.5 }), RangeError, "Lookahead: k must be a whole number, got 2.5"],
    [() => make(Lookahead, adam(), { alpha: -1 }), RangeError, "Lookahead: alpha must be in [0, Infinity), got -1"],
    [() => make(Lookahead, adam(), { resetState: 1 }), TypeError, "Lookahead: resetState must be true or false, got 1"],
    [
      () => make(Lookahead, adam(), { pullbackMomentum: "x" }),
      RangeError,
      'Lookahead: pullbackMomentum must be "none"',
    ],
    [
      () => make(Lookahead, adam(), { pullbackMomentum: "reset" }),
      RangeError,
      'Lookahead: pullbackMomentum "reset" needs momentum',
    ],
    [() => make(GrokfastEMA, adam(), { alpha: 1 }), RangeError, "GrokfastEMA: alpha must be in [0, 1), got 1"],
    [
      () => make(GrokfastMA, adam(), { windowSize: 1.5 }),
      RangeError,
      "GrokfastMA: windowSize must be a whole number, got 1.5",
    ],
    [
      () => gradstep.stepRows(make(Lookahead, adam()) as never, {}),
      TypeError,
      "stepRows: expected an optimizer without a wrapper, got Object",
    ],
    [
      () => gradstep.stepRows(undefined as never, {}),
      TypeError,
      "stepRows: expected an optimizer without a wrapper, got undefined",
    ],
  ];
  test.each(bad)("%s", (act, kind, sentence) => {
    expectError(act, kind, sentence);
  });

  test.each(table)("an option that %s has not is not taken silently", (_, wrap) => {
    const opt = wrap(adam());
    expect(() => Object.assign(opt, { learningRate: 1 })).toThrow(TypeError);
    expect(() => Object.assign(opt, { lr: 1 })).not.toThrow();
  });

  test("options of the whole", () => {
    const disposed = adam();
    disposed.dispose();
    expect(() => make(Lookahead, disposed)).toThrow("Adam: used after dispose()");
    const opt = train(make(Lookahead, adam(), { k: 2 }), 2);
    const before = snapshot(opt);
    expectError(() => opt.addGroup({ params: { w: 2 } }), RangeError, 'Adam: parameter "w" is given twice');
    const dict = opt.stateDict();
    const short = { ...dict, state: { w: { ...dict.state.w, slow: new Float32Array(1) } } };
    expectError(() => opt.loadStateDict(short), RangeError, '"w.slow" has length 1, expected 2');
    const slowless = { ...dict, params: { w: new Float32Array([7, 7]) }, state: { w: { ...dict.state.w, slow: 3 } } };
    expectError(() => opt.loadStateDict(slowless), RangeError, '"w.slow" is 3, expected f32');
    expectError(() => opt.loadStateDict(dict, { strickt: true }), TypeError, 'unknown option "strickt"');
    expectUnchanged(opt, before);
    expect(Object.keys(arraysOf(opt))).toContain("state.w.slow");
  });
});
