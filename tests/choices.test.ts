import { expect, expectTypeOf, test } from "vitest";
import { defineOptimizer } from "../src/define.js";
import type { Reals } from "../src/real.js";
import { expectError, expectUnchanged, snapshot } from "./helpers.js";

// A rule with a choice, beside the convention: descent by the gradient, or by its double.

const Chooser = defineOptimizer({
  name: "Chooser",
  defaults: { lr: 1, factor: "one" },
  choices: { factor: ["one", "two"] },
  conventions: { optax: {}, keras: { factor: "two", maximize: true } },
  state: (h): Record<string, number> => (h.factor === "two" ? { last: 0 } : {}),
  kernel: (h) => h.factor,
  scalars(s, h) {
    s[0] = h.lr * (h.convention === "keras" ? 4 : 1);
  },
  twins: { f32: { one, two }, f64: { one, two } },
});

function one(n: number, p: Reals, g: Reals, h: Reals): void {
  for (let i = 0; i < n; i++) p[i] -= h[0] * g[i];
}

function two(n: number, p: Reals, g: Reals, last: Reals, h: Reals): void {
  for (let i = 0; i < n; i++) {
    last[i] = g[i];
    p[i] -= 2 * h[0] * g[i];
  }
}

const js = { backend: "js" } as const;

test("a choice decides what is run, and is among the defaults", () => {
  expect(Chooser.defaults).toEqual({
    lr: 1,
    factor: "one",
    weightDecay: 0,
    maximize: false,
    ema: 0,
    convention: "optax",
  });
  expectTypeOf(Chooser.defaults.factor).toEqualTypeOf<"one" | "two">();
  const steps = (["one", "two"] as const).map((factor) => {
    const opt = new Chooser({ w: 1 }, { factor, ...js });
    expect(opt.factor).toBe(factor);
    expect(opt.groups[0].factor).toBe(factor);
    opt.grads.w[0] = 1;
    return [opt.step().params.w[0], Object.keys(opt.state.w)];
  });
  expect(steps).toEqual([
    [-1, []],
    [-2, ["last"]],
  ]);
});

test("a convention can have a choice and a flag as its defaults", () => {
  expect(Chooser.conventions.keras).toEqual({
    ...Chooser.defaults,
    factor: "two",
    maximize: true,
    convention: "keras",
  });
  const groups = [
    { params: { a: 1 } },
    { params: { b: 1 }, convention: "keras" },
    { params: { c: 1 }, convention: "keras", factor: "one" },
  ] as const;
  const opt = new Chooser(groups, js);
  for (const g of Object.values(opt.grads)) g[0] = 1;
  opt.step();
  expect([opt.params.a[0], opt.params.b[0], opt.params.c[0]]).toEqual([-1, 8, 4]);
});

test("wrong strings and what is no string are refused in one sentence, and it cannot be set later", () => {
  const wrong = (factor: unknown) => () => new Chooser({ w: 1 }, { factor: factor as "one" });
  expectError(wrong("three"), RangeError, 'Chooser: factor must be "one" or "two", got "three"');
  expectError(wrong(1), TypeError, 'Chooser: factor must be "one" or "two", got 1');
  expectError(
    wrong(() => "one"),
    TypeError,
    'Chooser: factor must be "one" or "two", got a function',
  );
  const opt = new Chooser({ w: 1 }, js);
  const before = snapshot(opt as never);
  expectError(() => Object.assign(opt, { factor: "two" }), TypeError, "Chooser: factor is fixed at construction");
  expectUnchanged(opt as never, before);
});

test("a state dict of another choice is refused", () => {
  const opt = new Chooser({ w: 1 }, js);
  const dict = new Chooser({ w: 1 }, { factor: "two", ...js }).stateDict();
  expectError(() => opt.loadStateDict(dict), RangeError, 'factor is "two", expected "one"');
  expect(opt.loadStateDict(new Chooser({ w: 1 }, js).stateDict())).toEqual({ missing: [], unexpected: [] });
});
