import { describe, expect, test } from "vitest";
import { readGolden } from "./golden.js";
import { classes, type Reals } from "./tables.js";

// Every optimizer finds its way down two functions, with a rate that suits it: one of these, or one that falls from
// it to 0. What suits most comes first.
const rates = [3e-2, 1e-2, 0.1, 3e-3, 0.3, 1e-3, 1, 3e-4, 1e-4];
const steps = 5000;

interface Problem {
  readonly start: readonly number[];
  /** Writes the gradient at x and returns the value. */
  descend(x: Reals, g: Reals): number;
}

const { quadratic } = readGolden<{ quadratic: { A: number[][]; b: number[]; x0: number[] } }>("refs/closed_loop");

const problems: Readonly<Record<string, Problem>> = {
  "a quadratic function of 20 variables": {
    start: quadratic.x0,
    descend(x, g) {
      let value = 0;
      for (const [i, row] of quadratic.A.entries()) {
        g[i] = row.reduce((sum, a, j) => sum + a * (x[j] - quadratic.b[j]), 0);
        value += 0.5 * g[i] * (x[i] - quadratic.b[i]);
      }
      return value;
    },
  },
  "Rosenbrock's function": {
    start: [-1.5, 2],
    descend(x, g) {
      const d = x[1] - x[0] * x[0];
      g[0] = -2 * (1 - x[0]) - 400 * x[0] * d;
      g[1] = 200 * d;
      return (1 - x[0]) ** 2 + 100 * d * d;
    },
  },
};

describe.each(Object.entries(problems))("%s", (_, { start, descend }) => {
  test.each(classes.map((made) => [made.rule.name, made] as const))("%s", (_name, made) => {
    const before = descend(new Float64Array(start), new Float64Array(start.length));
    const falling = rates.map((rate) => (t: number) => rate * (1 - t / steps));
    const end = (lr: number | ((t: number) => number)): number => {
      const finalLr = (typeof lr === "number" ? lr : lr(0)) / 10;
      const options = {
        lr,
        ...("finalLr" in made.defaults && { finalLr }),
      };
      // a rule of shapes is one for matrices
      const shape = "matrix" in made.rule ? (start.length === 2 ? [1, 2] : [4, 5]) : [start.length];
      const optimizer = new made({ x: shape }, { ...options, dtype: "f64" });
      optimizer.params.x.set(start);
      let value = before;
      for (let step = 0; step < steps && Number.isFinite(value); step++) {
        value = descend(optimizer.params.x, optimizer.grads.x);
        if ("value" in made.defaults) optimizer.value = value;
        optimizer.step();
      }
      return Number.isFinite(value) ? value : Infinity;
    };
    let best = Infinity;
    for (const lr of [...falling, ...rates]) {
      best = Math.min(best, end(lr));
      if (best < before / 100) break;
    }
    expect(best).toBeLessThan(before / 100);
  });
});
