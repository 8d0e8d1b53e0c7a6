import { describe, expect, test } from "vitest";
import { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead, stepRows } from "../dist/index.js";
import { type Case, dtypeOf, goldenFiles, type Inputs, readGolden, type Sparse, unpack } from "./golden.js";
import { type AnyClass, type AnyOptimizer, classes, type Numbers, type Reals } from "./tables.js";

// Tolerances. float64: 1e-12 of the number, or of 1e-3 if it is smaller. float32: of a parameter, half a unit in the last
// place for each time it was rounded and ULPS units of the way it went; of state, ULPS units of the largest element.
const F64 = 1e-12;
const F32 = 2 ** -23;
const ULPS = 8;

const wrappers = { GradientCentralization, GrokfastEMA, GrokfastMA, Lookahead };

const { sets } = readGolden<{ sets: Record<string, Inputs> }>("refs/inputs");
describe.each(goldenFiles())("%s", (file) => {
  const { cases, sparse, inputs } = readGolden<{ cases: Case[]; sparse?: Sparse; inputs?: Inputs }>(file);
  for (const one of cases) {
    test.each(["wasm", "js"])(`${one.name} on %s`, (backend) => {
      const optimizer = make(one, backend);
      const { params0, grads } = sparse
        ? { params0: [sparse.params0], grads: sparse.grads }
        : (inputs ?? inputsOf(one));
      const params = Object.values(optimizer.params);
      for (const [k, text] of params0.entries()) params[k].set(unpack(text, inputs?.dtype));
      const way = params.map((x) => new Float64Array(x.length));
      for (let step = 1; step <= grads.length; step++) {
        const before = params.map((x) => x.slice());
        Object.assign(optimizer, one.later?.[step]);
        if (one.values) optimizer.value = one.values[step - 1];
        advance(optimizer, one, step, grads[step - 1], inputs?.dtype);
        for (const [k, length] of way.entries()) {
          for (let i = 0; i < length.length; i++) length[i] += Math.abs(params[k][i] - before[k][i]);
        }
        compareParams(params, one, one.params[step] as readonly string[] | undefined, step, way);
        for (const [k, text] of (one.filtered?.[step] ?? []).entries()) {
          const g = Object.values((optimizer.optimizer as AnyOptimizer).grads)[k];
          compareLargest(g, text, one, `gradient ${k} of step ${step}`);
        }
      }
      compareState(optimizer, one);
      if (one.evalParams) {
        optimizer.eval();
        compareParams(params, one, one.evalParams, grads.length, way);
      }
    });
  }
});

function inputsOf({ inputs, tensors }: Case): Pick<Inputs, "params0" | "grads"> {
  const { params0, grads } = typeof inputs === "string" ? sets[inputs] : inputs;
  const used = (texts: readonly string[]) => tensors?.map((k) => texts[k]) ?? texts;
  return { params0: used(params0), grads: grads.map(used) };
}

/** One step with its gradients, as arrays or as rows. */
function advance(
  optimizer: AnyOptimizer,
  one: Case,
  step: number,
  packed: Inputs["grads"][number] | Sparse["grads"][number],
  dtype: Inputs["dtype"],
): void {
  const unpacked = (text: string) => rounded(unpack(text, dtype), one);
  if ("indices" in packed) {
    stepRows(optimizer as never, { 0: { indices: packed.indices, rows: unpacked(packed.rows) } } as never);
    return;
  }
  const g = record(namesOf(one), (k) => unpacked(packed[k]));
  if (one.hessianEvery && (step - 1) % one.hessianEvery === 0) optimizer.updateHessian(g);
  optimizer.step(g);
}

/** Compares parameters; `way` is how far each has gone. */
function compareParams(
  params: readonly Reals[],
  one: Case,
  texts: readonly string[] = [],
  step: number,
  way: readonly Reals[],
): void {
  for (const [k, text] of texts.entries()) {
    const expected = unpack(text, one.dtype);
    const largest = Math.max(...[...expected].map(Math.abs));
    const allowed = (b: number, i: number) =>
      one.dtype === "float64"
        ? relative(b, one)
        : one.share
          ? one.share * largest
          : F32 * (((step * (one.roundings ?? 1) + 1) / 2) * Math.abs(b) + (one.ulps ?? ULPS) * way[k][i]);
    expect(worst(params[k], expected, allowed), `tensor ${k} after ${step} steps`).toBeLessThanOrEqual(1);
  }
}

function compareState(optimizer: AnyOptimizer, one: Case): void {
  const states = Object.values(optimizer.state);
  for (const [k, saved] of one.state.entries()) {
    for (const [slot, text] of Object.entries(saved)) {
      compareLargest(states[k][slot], text, one, `${slot} of tensor ${k}`);
    }
  }
}

/** Compares numbers, in float32 by the largest of them. */
function compareLargest(actual: Numbers, text: string, one: Case, what: string): void {
  // codes agree or they do not
  const codes = actual instanceof Uint8Array;
  const expected = unpack(text, codes ? "uint8" : one.dtype);
  const largest = codes ? 0 : Math.max(...[...expected].map(Math.abs));
  const allowed =
    one.dtype === "float64"
      ? (b: number) => relative(b, one)
      : () => Math.max(F32 * (one.ulps ?? ULPS), one.share ?? 0) * largest;
  expect(worst(actual, expected, allowed), what).toBeLessThanOrEqual(1);
}

function make(one: Case, backend: string): AnyOptimizer {
  const made = classes.find(({ rule }) => rule.name === one.optimizer) as AnyClass;
  const shapes = record(namesOf(one), (k) => [...one.shapes[k]]);
  const optimizer = new made(shapes, { ...one.options, dtype: dtypeOf(one), backend });
  if (!one.wrapper) return optimizer;
  const Wrapper = wrappers[one.wrapper.name] as unknown as new (...args: unknown[]) => AnyOptimizer;
  return new Wrapper(optimizer, one.wrapper.options);
}

function namesOf({ names, shapes }: Case): readonly string[] {
  return names ?? shapes.map((_, k) => String(k));
}

function record<T>(names: readonly string[], each: (k: number) => T): Record<string, T> {
  return Object.fromEntries(names.map((name, k) => [name, each(k)]));
}

function rounded(x: Reals, one: Case): Reals {
  return one.dtype === "float32" ? new Float32Array(x) : x;
}

function relative(b: number, { tolerance = F64 }: { tolerance?: number } = {}): number {
  return tolerance * Math.max(Math.abs(b), 1e-3);
}

/** The largest error, in units of what is allowed. */
function worst(actual: Numbers, expected: Numbers, allowed: (b: number, i: number) => number): number {
  if (actual.length !== expected.length) return Infinity;
  let result = 0;
  for (const [i, b] of expected.entries()) {
    const error = Math.abs(actual[i] - b);
    if (error !== 0) result = Math.max(result, error / allowed(b, i));
  }
  return Number.isNaN(result) ? Infinity : result;
}

describe("closed loops: 200 steps of PyTorch on two functions", () => {
  const { quadratic, cases } = readGolden<{ quadratic: Quadratic; cases: Case[] }>("refs/closed_loop");
  const ours = cases.filter((one) => classes.some(({ rule }) => rule.name === one.optimizer));
  test.each(ours.flatMap((one) => ["wasm", "js"].map((backend) => ({ one, backend, name: one.name }))))(
    "$name on $backend",
    ({ one, backend }) => {
      const start = one.problem === "rosenbrock" ? [-1.5, 2] : quadratic.x0;
      const optimizer = make({ ...one, shapes: [[start.length]] }, backend);
      optimizer.params[0].set(start);
      for (let step = 1; step <= 200; step++) {
        if (one.problem === "rosenbrock") rosenbrock(optimizer.params[0], optimizer.grads[0]);
        else quadraticGradient(quadratic, optimizer.params[0], optimizer.grads[0]);
        optimizer.step();
        const text = one.params[step] as unknown as string | undefined;
        if (text)
          expect(
            worst(optimizer.params[0], unpack(text), (b) => relative(b)),
            `${step} steps`,
          ).toBeLessThanOrEqual(1);
      }
    },
  );
});

interface Quadratic {
  readonly A: number[][];
  readonly b: number[];
  readonly x0: number[];
}

function rosenbrock(x: Reals, g: Reals): void {
  const d = x[1] - x[0] * x[0];
  g[0] = -2 * (1 - x[0]) - 400 * x[0] * d;
  g[1] = 200 * d;
}

function quadraticGradient({ A, b }: Quadratic, x: Reals, g: Reals): void {
  for (const [i, row] of A.entries()) {
    let sum = 0;
    for (const [j, a] of row.entries()) sum += a * (x[j] - b[j]);
    g[i] = sum;
  }
}

test("the comparer fails when a number is off by more than it allows", () => {
  const b = new Float64Array([1, 2, 3]);
  expect(worst(new Float64Array([1, 2, 3 + 1e-12]), b, (x) => relative(x))).toBeLessThanOrEqual(1);
  expect(worst(new Float64Array([1, 2, 3 + 1e-11]), b, (x) => relative(x))).toBeGreaterThan(1);
  expect(worst(new Float64Array([1, 2, NaN]), b, (x) => relative(x))).toBe(Infinity);
});
