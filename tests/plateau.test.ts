import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cosineDecay, product, type ReduceOnPlateauOptions, reduceOnPlateau, SGD } from "../src/index.js";
import { unpack } from "./golden.js";
import { expectError } from "./helpers.js";
import { cases } from "./schedules.js";

const runs = cases.flatMap(({ metrics, ...one }) => (metrics ? [{ ...one, metrics }] : []));

/** The value at first and after each metric. */
function follow(init: number, options: ReduceOnPlateauOptions, metrics: readonly number[]): number[] {
  const plateau = reduceOnPlateau(init, options);
  const values = metrics.map((metric) => {
    plateau.update(metric);
    return plateau(0);
  });
  return [init, ...values];
}

test.each(runs.map((one) => [one.name, one] as const))("PyTorch's %s", (_, { call, metrics, values }) => {
  const [, init, options] = call as [string, number, ReduceOnPlateauOptions];
  const expected = [...unpack(values)];
  expect(new Set(expected).size).toBeGreaterThan(2);
  const ours = follow(init, options, metrics);
  expect(ours).toHaveLength(expected.length);
  for (const [step, value] of expected.entries()) {
    expect(Math.abs(ours[step] - value)).toBeLessThanOrEqual(1e-12 * value);
  }
});

describe("optax's convention", () => {
  /** optax.contrib.reduce_on_plateau 0.2.8, line by line. */
  function optax(options: Required<ReduceOnPlateauOptions>, metrics: readonly number[]): number[] {
    const { factor, patience, rtol, atol, cooldown, accumulationSize, min } = options;
    let [best, plateauCount, scale, cooldownCount, count, average] = [Infinity, 0, 1, 0, 0, 0];
    const values = metrics.map((metric) => {
      average = (count * average + metric) / (count + 1);
      count++;
      if (count !== accumulationSize) return scale;
      const hasImproved = average < (1 - rtol) * best - atol;
      if (hasImproved) best = average;
      const now = hasImproved ? 0 : plateauCount + 1;
      if (cooldownCount > 0) {
        plateauCount = 0;
        cooldownCount--;
      } else {
        plateauCount = now === patience ? 0 : now;
        scale = Math.max(now === patience ? scale * factor : scale, min);
        cooldownCount = now === patience ? cooldown : 0;
      }
      [count, average] = [0, 0];
      return scale;
    });
    return [1, ...values];
  }

  test("gives what optax's source says", () => {
    const all = fc.record({
      factor: fc.constantFrom(0.1, 0.5, 0.9),
      patience: fc.integer({ min: 1, max: 4 }),
      rtol: fc.constantFrom(0, 1e-4, 0.1),
      atol: fc.constantFrom(0, 0.05),
      cooldown: fc.integer({ min: 0, max: 3 }),
      accumulationSize: fc.integer({ min: 1, max: 3 }),
      min: fc.constantFrom(0, 0.3),
      convention: fc.constant("optax" as const),
    });
    const metrics = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 40, maxLength: 40 });
    let reduced = 0;
    fc.assert(
      fc.property(all, metrics, (options, values) => {
        const ours = follow(1, options, values);
        expect(ours).toEqual(optax(options as Required<ReduceOnPlateauOptions>, values));
        if (ours[40] < 1) reduced++;
      }),
    );
    expect(reduced).toBeGreaterThan(20);
  });

  test("falls one metric before PyTorch's", () => {
    const flat = Array(8).fill(1);
    expect(follow(1, { patience: 3, factor: 0.5 }, flat).indexOf(0.5)).toBe(5);
    expect(follow(1, { patience: 3, factor: 0.5, convention: "optax" }, flat).indexOf(0.5)).toBe(4);
  });
});

test("NaN is no better than anything, and the first number after it is", () => {
  expect(follow(1, { patience: 1, factor: 0.5 }, [Number.NaN, Number.NaN, 3, 2])).toEqual([1, 1, 0.5, 0.5, 0.5]);
});

test("a reduction by no more than eps, or below the least value, is left out", () => {
  const flat = Array(4).fill(1);
  expect(follow(1, { patience: 0, factor: 0.5, eps: 0.25 }, flat)).toEqual([1, 1, 0.5, 0.5, 0.5]);
  expect(follow(1, { patience: 0, factor: 0.5, min: 0.3 }, flat)).toEqual([1, 1, 0.5, 0.3, 0.3]);
});

test("an optimizer follows it, alone or as a factor", () => {
  const lr = reduceOnPlateau(0.5, { patience: 0, factor: 0.5 });
  const momentum = product(cosineDecay(0.9, { steps: 10 }), reduceOnPlateau(1));
  const opt = new SGD({ w: 2 }, { lr, momentum });
  expect(opt.lr).toBe(0.5);
  lr.update(1);
  lr.update(1);
  expect(opt.lr).toBe(0.25);
  expect(opt.step().momentum).toBe(cosineDecay(0.9, { steps: 10 })(1));
});

describe("state", () => {
  const options = { patience: 2, factor: 0.5, cooldown: 1, accumulationSize: 2 } as const;

  test("one that is saved as JSON and loaded goes on as if it had not stopped", () => {
    const metric = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(Infinity, -Infinity, Number.NaN));
    const metrics = fc.array(metric, { minLength: 30, maxLength: 30 });
    const mode = fc.constantFrom("min" as const, "max" as const);
    fc.assert(
      fc.property(metrics, fc.integer({ min: 0, max: 30 }), mode, (values, at, mode) => {
        const whole = reduceOnPlateau(1, { ...options, mode });
        for (const value of values.slice(0, at)) whole.update(value);
        const resumed = reduceOnPlateau(1, { ...options, mode });
        resumed.loadStateDict(JSON.parse(JSON.stringify(whole.stateDict())));
        const after = [whole, resumed].map((plateau) =>
          values.slice(at).map((value) => {
            plateau.update(value);
            return plateau(0);
          }),
        );
        expect(after[1]).toEqual(after[0]);
        expect(resumed.stateDict()).toEqual(whole.stateDict());
      }),
    );
  });

  test.each<[Record<string, unknown> | null, ErrorConstructor, string]>([
    [null, TypeError, "expected what stateDict returned, got null"],
    [{ bad: -1 }, RangeError, "bad must be a whole number, 0 or more, got -1"],
    [{ cooldown: 0.5 }, RangeError, "cooldown must be a whole number, 0 or more, got 0.5"],
    [{ best: "much" }, TypeError, 'best must be a number, got "much"'],
    [{ best: undefined }, TypeError, "best must be a number, got undefined"],
    [{ value: Infinity }, RangeError, "value must be finite, got Infinity"],
    [{ momentum: 1 }, TypeError, 'unknown option "momentum"'],
  ])("%j is refused, and nothing changes", (part, kind, message) => {
    const plateau = reduceOnPlateau(1, options);
    for (const metric of [3, 2, 4, 5, 6]) plateau.update(metric);
    const before = plateau.stateDict();
    const dict = part && { ...before, value: 0.125, ...part };
    expectError(() => plateau.loadStateDict(dict as Record<string, unknown>), kind, "reduceOnPlateau: ", message);
    expect(plateau.stateDict()).toEqual(before);
  });
});

test.each<[Record<string, unknown>, ErrorConstructor, string]>([
  [{ factor: 1 }, RangeError, "factor must be in [0, 1), got 1"],
  [{ patience: 1.5 }, RangeError, "patience must be a whole number, 0 or more, got 1.5"],
  [{ patience: 0, convention: "optax" }, RangeError, "patience must be 1 or more under optax's convention, got 0"],
  [{ threshold: 1 }, RangeError, "threshold must be in [0, 1), got 1"],
  [{ threshold: 0.1, rtol: 0.1 }, TypeError, "expected either threshold and thresholdMode or rtol and atol"],
  [{ thresholdMode: "relative" }, RangeError, 'thresholdMode must be "rel" or "abs", got "relative"'],
  [{ mode: "least" }, RangeError, 'mode must be "min" or "max", got "least"'],
  [{ accumulationSize: 0 }, RangeError, "accumulationSize must be a whole number, 1 or more, got 0"],
  [{ minLr: 0.1 }, TypeError, 'unknown option "minLr"'],
])("the option %j is refused", (options, kind, message) => {
  expectError(() => reduceOnPlateau(1, options), kind, "reduceOnPlateau: ", message);
});

test("a metric that is no number is refused, and nothing changes", () => {
  const plateau = reduceOnPlateau(1, { patience: 0 });
  const before = plateau.stateDict();
  const update = plateau.update as (metric: unknown) => void;
  for (const metric of ["1", null, undefined]) expectError(() => update(metric), TypeError, "metric must be a number");
  expect(plateau.stateDict()).toEqual(before);
});
