import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as f32 from "../src/real.f32.js";
import * as f64 from "../src/real.js";
import type { Dtype } from "../src/rule.js";
import { type AnyClass, classes, data, differs, dtypes, type Options, type Reals, random } from "./tables.js";

// The words of kernels that IEEE arithmetic does not have: the twins against exact numbers, and WebAssembly against the twins.

const words = { f32, f64 };
const settings = { noNaN: true, noDefaultInfinity: true };
const numbers = { f32: fc.float(settings), f64: fc.double(settings) };

/** A unit in the last place of a normal number. */
function ulp(x: number, dtype: Dtype): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(x))) - (dtype === "f32" ? 23 : 52));
}

/** x as a whole number over a power of two. */
function fraction(x: number): [bigint, bigint] {
  let k = 0n;
  for (; !Number.isInteger(x); x *= 2) k++;
  return [BigInt(x), k];
}

/** The sign of a³ - x, exactly. */
function compareCube(a: number, x: number): number {
  const [m, k] = fraction(a);
  const [n, l] = fraction(x);
  const difference = ((m ** 3n) << l) - (n << (3n * k));
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** e^x for -1024 < x <= 0, times 2^1200: the series of e^(x / 1024), squared ten times, with 200 digits more. */
function exactExp(x: number): bigint {
  const digits = 1400n;
  const [m, k] = fraction(x);
  const y = (m << digits) >> (k + 10n);
  let term = 1n << digits;
  let sum = term;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    term = (term * y) / (n << digits);
    sum += term;
  }
  for (let i = 0; i < 10; i++) sum = (sum * sum) >> digits;
  return sum >> 200n;
}

/** The bits of both backends after a step that does nothing but what `prepare` brings about. */
function expectSameBits(name: string, options: Options, prepare: (state: Record<string, Reals>) => void): void {
  const made = classes.find(({ rule }) => rule.name === name) as AnyClass;
  const [a, b] = ["wasm", "js"].map((backend) => {
    const optimizer = new made({ x: 65_536 }, { ...options, backend });
    optimizer.step();
    optimizer.params.x.fill(0);
    prepare(optimizer.state.x);
    optimizer.step();
    return optimizer.params.x;
  });
  expect(differs(a, b)).toBe(-1);
  expect(new Set(a).size).toBeGreaterThan(1000);
}

describe.each(dtypes)("%s", (dtype) => {
  const { cbrt, exp } = words[dtype];

  test("cbrt is within an ulp of the cube root", () => {
    fc.assert(
      fc.property(numbers[dtype], (x) => {
        const root = cbrt(x);
        if (x === 0) return Object.is(root, x);
        const unit = ulp(root, dtype);
        return compareCube(root - unit, x) < 0 && compareCube(root + unit, x) > 0;
      }),
      { numRuns: 2000 },
    );
  });

  test("cbrt of cubes, and at the ends of its range", () => {
    for (const x of [0, -0, 1, -1, Infinity, -Infinity, NaN]) expect(cbrt(x)).toBe(x);
    for (let i = 2; i < 128; i++) expect([cbrt(i ** 3), cbrt(-(i ** 3))]).toEqual([i, -i]);
    const smallest = dtype === "f32" ? 2 ** -149 : 2 ** -1074;
    expect(cbrt(smallest) / Math.cbrt(smallest)).toBeCloseTo(1, 6);
  });

  test("cbrt has the same bits in WebAssembly", () => {
    expectSameBits("MADGRAD", { dtype, eps: 0 }, ({ s, q, x0 }) => {
      s.fill(1);
      q.set(data(q.length, dtype, "bits", random(1)));
      x0.fill(0);
    });
  });

  test("exp is within an ulp of e^x", () => {
    const lowest = dtype === "f32" ? -87 : -708;
    const within =
      dtype === "f32"
        ? fc.float({ ...settings, min: lowest, max: 0 })
        : fc.double({ ...settings, min: lowest, max: 0 });
    fc.assert(
      fc.property(within, (x) => {
        const [m, k] = fraction(exp(x));
        const [unit, l] = fraction(ulp(exp(x), dtype));
        const error = (m << (1200n - k)) - exactExp(x);
        return (error < 0n ? -error : error) < unit << (1200n - l);
      }),
      { numRuns: 500 },
    );
  });

  test("exp at the ends of its range", () => {
    expect([exp(0), exp(-0), exp(-Infinity), exp(-1000)]).toEqual([1, 1, 0, 0]);
    expect(exp(NaN)).toBeNaN();
  });

  test("exp has the same bits in WebAssembly", () => {
    for (const kind of ["bits", "ordinary"] as const) {
      expectSameBits("DiffGrad", { dtype }, ({ m, v, previous }) => {
        m.fill(1);
        v.fill(1);
        previous.set(data(previous.length, dtype, kind, random(2)));
      });
    }
  });
});
