import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cos, exp, log, pow, tanh } from "../src/math.js";
import { power } from "../src/power.js";
import * as exact from "./fixed-point.js";
import { ulpsFrom } from "./fixed-point.js";
import { digest } from "./schedules.js";
import { random } from "./tables.js";

type Arguments = readonly [x: number, y: number];

// What is compared with exact values, and with the engine's: arguments made of two numbers in [0, 1), and how far engines are off.
const routines: Record<
  string,
  {
    ours: (...at: Arguments) => number;
    engine: (...at: Arguments) => number;
    value: (...at: Arguments) => bigint;
    at: (a: number, b: number) => Arguments;
    engineUlps: number;
    bits: string;
  }
> = {
  cos: {
    ours: cos,
    engine: Math.cos,
    value: (x) => exact.cos(exact.fixed(x)),
    at: (a) => [14 * a - 7, 0],
    engineUlps: 1,
    bits: "017e945740745088",
  },
  exp: {
    ours: exp,
    engine: Math.exp,
    value: (x) => exact.exp(exact.fixed(x)),
    at: (a) => [60 * a - 30, 0],
    engineUlps: 1,
    bits: "f0e313b35027c789",
  },
  log: {
    ours: log,
    engine: Math.log,
    value: (x) => exact.log(exact.fixed(x), Math.log(x)),
    at: (a, b) => [b < 0.5 ? 0.5 + a : 1e6 * a + 1e-6, 0],
    engineUlps: 1,
    bits: "7235f178c00620b0",
  },
  pow: {
    ours: pow,
    engine: (x, y) => x ** y,
    value: exact.pow,
    at: (a, b) => [4 * a + 0.01, 16 * b - 8],
    engineUlps: 1,
    bits: "de9879714ecbd21f",
  },
  tanh: {
    ours: tanh,
    engine: Math.tanh,
    value: (x) => exact.tanh(exact.fixed(x)),
    at: (a, b) => [(b < 0.5 ? 2 : 20) * (2 * a - 1), 0],
    // V8's is off by almost two
    engineUlps: 3,
    bits: "e390dc5ba3e7c70b",
  },
};

describe.each(Object.entries(routines))("%s", (_, { ours, engine, value, at, engineUlps, bits }) => {
  const draw = random(7);
  const points = Array.from({ length: 20_000 }, () => at(draw(), draw()));

  test("is within a unit in the last place of the exact value", () => {
    const ulps = points.slice(0, 1000).map((point) => ulpsFrom(ours(...point), value(...point)));
    expect(Math.max(...ulps)).toBeLessThan(1);
  });

  test("is that of the engine, but for the last place", () => {
    const ulps = points.map((point) => {
      const theirs = engine(...point);
      const unit = 2 ** (Math.floor(Math.log2(Math.abs(theirs))) - 52);
      return Math.abs(ours(...point) - theirs) / unit;
    });
    expect(Math.max(...ulps)).toBeLessThanOrEqual(engineUlps);
  });

  test("has the same bits on every engine", () => {
    expect(digest(points.map((point) => ours(...point)))).toBe(bits);
  });
});

test("what is off by two units is noticed", () => {
  expect(ulpsFrom(1 + 2 ** -51, exact.cos(0n))).toBe(2);
  expect(ulpsFrom(Math.E, exact.exp(exact.fixed(1)))).toBeLessThan(0.5);
  expect(ulpsFrom(Math.LN2, exact.log(exact.fixed(2), 0.69))).toBeGreaterThan(1);
});

function expectNear(actual: number, expected: number, ulps: number): void {
  if (!Number.isFinite(expected) || expected < 2 ** -1022) return;
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(ulps * 2 ** -52 * Math.abs(expected));
}

test("over the whole range exp, log and pow are those of the engine, but for the last place", () => {
  fc.assert(
    fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
      expectNear(exp(x), Math.exp(x), 1);
    }),
  );
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
      expectNear(Math.abs(log(x)), Math.abs(Math.log(x)), 1);
    }),
  );
  const bases = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  // with whole exponents JavaScriptCore multiplies, and is off by more
  const exponents = fc.double({ min: -100, max: 100, noNaN: true }).filter((exponent) => !Number.isInteger(exponent));
  fc.assert(
    fc.property(bases, exponents, (base, exponent) => {
      expectNear(pow(base, exponent), base ** exponent, 1);
    }),
  );
});

test("exp at the ends of its range", () => {
  expect([exp(0), exp(-Infinity), exp(Infinity), exp(-800), exp(800)]).toEqual([1, 0, Infinity, 0, Infinity]);
  expect(exp(Number.NaN)).toBeNaN();
});

test("log at the ends of its range", () => {
  expect([log(1), log(0), log(Infinity), log(-1), log(Number.NaN)]).toEqual([0, -Infinity, Infinity, NaN, NaN]);
  expect(log(5e-324)).toBeCloseTo(Math.log(5e-324), 10);
});

test("pow, cos and tanh at the ends of their ranges", () => {
  expect([pow(2, 1e300), pow(0.5, 1e300), pow(1, 1e300), pow(2, -1074), pow(7, 0), pow(7, 1)]).toEqual([
    Infinity,
    0,
    1,
    5e-324,
    1,
    7,
  ]);
  expect([cos(0), cos(Math.PI), cos(-Math.PI), cos(2 * Math.PI)]).toEqual([1, -1, -1, 1]);
  expect([tanh(0), tanh(30), tanh(-30), tanh(Infinity)]).toEqual([0, 1, -1, 1]);
  for (const routine of [cos, tanh, (x: number) => pow(x, 0.5)]) expect(routine(Number.NaN)).toBeNaN();
});

test("power multiplies, for every whole exponent", () => {
  for (const base of [0, 0.5, 0.9, 0.999, 1, 1.1]) {
    let product = 1;
    for (let n = 0; n < 200; n++) {
      expectNear(power(base, n), product, 200);
      product *= base;
    }
  }
  expect(power(0.5, 2 ** 31)).toBe(0);
  expect(power(1 - 2 ** -40, 2 ** 33)).toBeCloseTo(Math.exp(-(2 ** -7)), 9);
});
