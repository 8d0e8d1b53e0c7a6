// Rules and cases that no library's run stands for, against the same written plainly: one list of numbers, float64.
import { expect, test } from "vitest";
import { DAdaptAdam, DAdaptSGD, NovoGrad, Prodigy } from "../src/index.js";
import { type Inputs, readGolden, unpack } from "./golden.js";
import { make } from "./helpers.js";

const { sets } = readGolden<{ sets: Record<string, Inputs> }>("refs/inputs");
const { shapes, params0, grads } = sets.drift;
const flat = (texts: readonly string[]) => texts.flatMap((text) => [...unpack(text)]);
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

interface Options {
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly d0: number;
  readonly growthRate: number;
}

/** D-Adaptation for SGD, after facebookresearch/dadaptation. */
function dAdaptSGD({ lr, momentum, weightDecay, d0, growthRate }: Options) {
  const x0 = flat(params0);
  const x = [...x0];
  const s = x0.map(() => 0);
  let d = d0;
  let numerator = 0;
  const firstNorm = Math.sqrt(dot(flat(grads[0]), flat(grads[0])));
  return (raw: readonly number[]) => {
    const g = raw.map((gi, i) => gi + weightDecay * x[i]);
    const rate = (d * lr) / firstNorm;
    numerator += rate * dot(g, s);
    for (const [i, gi] of g.entries()) s[i] += rate * gi;
    const estimate = (2 * numerator) / Math.sqrt(dot(s, s));
    d = Math.max(d, Math.min(estimate, d * growthRate));
    for (const i of x.keys()) x[i] = momentum * x[i] + (1 - momentum) * (x0[i] - s[i]);
    return { x, d };
  };
}

const usual: Options = { lr: 1, momentum: 0, weightDecay: 0, d0: 1e-6, growthRate: Number.MAX_VALUE };

test.each([
  {},
  { d0: 1e-3, growthRate: 1.2 },
  { momentum: 0.9, d0: 1e-3 },
  { lr: 0.5, momentum: 0.5, weightDecay: 0.05, d0: 1e-2 },
] satisfies Partial<Options>[])("DAdaptSGD with %j", (some) => {
  for (const backend of ["wasm", "js"] as const) {
    const step = dAdaptSGD({ ...usual, ...some });
    const opt = new DAdaptSGD(shapes, { ...some, dtype: "f64", backend });
    for (const [k, text] of params0.entries()) opt.params[k].set(unpack(text));
    for (const [t, texts] of grads.entries()) {
      const { x, d } = step(flat(texts));
      opt.step(texts.map((text) => unpack(text) as Float64Array));
      const actual = shapes.flatMap((_, k) => [...opt.params[k]]);
      const errors = actual.map((a, i) => Math.abs(a - x[i]) / Math.max(Math.abs(x[i]), 1e-3));
      expect(Math.max(...errors), `step ${t + 1}`).toBeLessThanOrEqual(1e-12);
      expect(Math.abs((opt.stateDict().groups[0].memory?.d as number) / d - 1)).toBeLessThanOrEqual(1e-12);
    }
    // the estimate has moved
    expect(opt.stateDict().groups[0].memory?.d).toBeGreaterThan(1.5 * { ...usual, ...some }.d0);
  }
});

// optax takes the first norm whole, timm the first that is not 0
test.each([
  ["optax", (t: number) => t === 1],
  ["torch", (_: number, v: number) => v === 0],
] as const)("NovoGrad after a gradient of zeros, as %s has it", (convention, isFirst) => {
  const h = { lr: 0.1, beta1: 0.9, beta2: 0.25, eps: 1e-6 };
  const opt = new NovoGrad({ w: 2 }, { ...h, convention, dtype: "f64" });
  let v = 0;
  const [x, m] = [
    [0, 0],
    [0, 0],
  ];
  for (const [i, g] of [
    [0, 0],
    [3, -4],
    [1, 2],
  ].entries()) {
    opt.step({ w: new Float64Array(g) });
    v = isFirst(i + 1, v) ? dot(g, g) : h.beta2 * v + (1 - h.beta2) * dot(g, g);
    for (const k of [0, 1]) {
      m[k] = h.beta1 * m[k] + g[k] / (Math.sqrt(v) + h.eps);
      x[k] -= h.lr * m[k];
      expect(opt.params.w[k]).toBeCloseTo(x[k], 12);
    }
  }
});

test.each([DAdaptAdam, Prodigy])("$name: gradients of zeros before all others are no steps", (made) => {
  const [late, at] = [0, 1].map(() => make(made, { w: 3 }, { useBiasCorrection: true, d0: 0.01, dtype: "f64" }));
  for (const opt of [late, at]) opt.params.w.set([1, -2, 0.5]);
  for (let i = 0; i < 4; i++) late.step({ w: new Float64Array(3) });
  for (const g of [
    [1, 2, -3],
    [0, 1, 1],
    [2, -1, 0],
  ]) {
    for (const opt of [late, at]) opt.step({ w: new Float64Array(g) });
  }
  expect([...late.params.w]).toEqual([...at.params.w]);
  expect(late.steps).toBe(7);
});
