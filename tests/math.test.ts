import fc from "fast-check";
import { expect, test } from "vitest";
import { exp, log, pow } from "../src/math.js";
import { power } from "../src/power.js";

function expectNear(actual: number, expected: number, ulps: number): void {
  if (!Number.isFinite(expected) || expected < 2 ** -1022) return;
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(ulps * 2 ** -52 * Math.abs(expected));
}

test("exp and log are those of the engine, but for the last places", () => {
  fc.assert(
    fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
      expectNear(exp(x), Math.exp(x), 3);
    }),
  );
  fc.assert(
    fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
      expect(Math.abs(log(x) - Math.log(x))).toBeLessThanOrEqual(2 ** -51 * Math.max(1e-3, Math.abs(Math.log(x))));
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

test("pow is that of the engine, within what its logarithm allows", () => {
  const bases = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(bases, fc.double({ min: -10, max: 10, noNaN: true }), (base, exponent) => {
      expectNear(pow(base, exponent), base ** exponent, 8 + 4 * Math.abs(exponent * Math.log(base)));
    }),
  );
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
