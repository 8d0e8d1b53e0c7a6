import { describe, expect, test } from "vitest";
import { backends, make, numbers } from "./helpers.js";
import { type Form, forms, readCall, rowOf, valuesOf } from "./textbook.js";

const steps = 50;
const start = [0.9, -1.3, 0.02, 4, -0.5];
const samples = Array.from({ length: 7 }, (_, k) => numbers("sample", start.length + 1, k + 1));

/** The gradient of half the squared error of a linear model, `½ (x · θ − y)²`, for one sample. */
function gradient(theta: ArrayLike<number>, sample: readonly number[]): number[] {
  const error = start.reduce((sum, _, i) => sum + sample[i] * theta[i], -sample[start.length]);
  return start.map((_, i) => error * sample[i]);
}

/** The gradient of a step: of one sample, or the mean over a mini-batch. */
function gradientAt(theta: ArrayLike<number>, step: number, batch = 1): number[] {
  const sum = start.map(() => 0);
  for (let k = 0; k < batch; k++) {
    for (const [i, g] of gradient(theta, samples[(step * batch + k) % samples.length]).entries()) sum[i] += g;
  }
  return sum.map((g) => g / batch);
}

/** θ after each step, by the formula written out. */
function plainRun({ plain, batch }: Form, values: Parameters<Form["plain"]>[0]): number[][] {
  const updates = start.map(() => plain(values));
  let theta = start;
  return Array.from({ length: steps }, (_, step) => {
    const g = gradientAt(theta, step, batch);
    theta = theta.map((x, i) => updates[i](x, g[i], step + 1));
    return theta;
  });
}

/** θ after each step, by gradstep. */
function run(form: Form, backend: string): number[][] {
  const { made, options } = readCall(form);
  const opt = make(made, { theta: new Float64Array(start) }, { ...options, backend });
  return Array.from({ length: steps }, (_, step) => {
    opt.step({ theta: new Float64Array(gradientAt(opt.params.theta, step, form.batch)) });
    return [...opt.params.theta];
  });
}

/** The largest relative difference. */
function distance(a: readonly number[][], b: readonly number[][]): number {
  const right = b.flat();
  return Math.max(...a.flat().map((x, i) => Math.abs(x - right[i]) / Math.max(Math.abs(x), 1e-3)));
}

describe.each(backends)("on %s", (backend) => {
  test.each(forms.map((form) => [form.form, form.formula, form.call, form] as const))("%s: %s is %s", (...row) => {
    const form = row[3];
    const plain = plainRun(form, valuesOf(form));
    expect(distance(plain, run(form, backend))).toBeLessThan(1e-12);
    // the run goes somewhere
    expect(distance([start], plain.slice(-1))).toBeGreaterThan(0.01);
  });
});

test("every letter of a call matters to its formula by more than what a run may differ", () => {
  for (const form of forms) {
    const values = valuesOf(form);
    for (const letter of Object.keys(values) as (keyof typeof values)[]) {
      if (!new RegExp(`: ${letter}[, ]`).test(form.call)) continue;
      const other = { ...values, [letter]: values[letter] * 0.99 };
      expect(distance(plainRun(form, values), plainRun(form, other)), `${form.form}: ${letter}`).toBeGreaterThan(1e-9);
    }
  }
});

test("the comparer finds a difference of 1e-11, and NaN", () => {
  expect(distance([[1, 2]], [[1, 2]])).toBe(0);
  expect(distance([[1, 2]], [[1, 2 * (1 + 1e-11)]])).toBeGreaterThan(1e-12);
  expect(distance([[1, 2]], [[Number.NaN, 2]])).toBeNaN();
  expect(distance([[1, Number.NaN]], [[1, 2]])).toBeNaN();
});

test("a form is a row of a table", () => {
  const last = forms[forms.length - 1];
  expect(rowOf(last)).toBe("| SGD with an L2 penalty | θ ← θ − η (g + λ θ) | `SGD { lr: η, weightDecay: λ }` |");
});
