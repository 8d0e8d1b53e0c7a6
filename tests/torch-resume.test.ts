import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { AdamW } from "../src/index.js";
import { loadTorch } from "../src/safetensors/index.js";
import { readGolden, unpack } from "./golden.js";

// PyTorch took ten steps of AdamW and wrote parameters and state to a file; then it took ten more. So do we, from its file.
interface Run {
  readonly hyperparameters: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  readonly group_of_b: { weight_decay: number };
  readonly grads: readonly Readonly<Record<string, string>>[];
  readonly params: Readonly<Record<string, string>>;
}

test.each([
  ["float64", "f64", 1e-12],
  ["float32", "f32", 1e-6],
] as const)("a run of PyTorch's AdamW goes on from its own file, %s", (name, dtype, tolerance) => {
  const file = readFileSync(new URL(`golden/torch-resume/adamw-${name}.safetensors`, import.meta.url));
  const { hyperparameters, group_of_b, grads, params } = readGolden<Run>(`torch-resume/adamw-${name}`);
  const opt = new AdamW([{ params: { w: [8, 12] } }, { params: { b: 12 } }], { dtype });
  expect(loadTorch(opt, file)).toEqual({ missing: [], unexpected: [] });
  const { lr, eps, weight_decay, betas } = hyperparameters;
  for (const [i, weightDecay] of [weight_decay, group_of_b.weight_decay].entries()) {
    expect(opt.groups[i]).toMatchObject({ lr, eps, beta1: betas[0], beta2: betas[1], weightDecay });
  }
  expect(opt.steps).toBe(10);
  for (const g of grads) {
    for (const tensor of ["w", "b"] as const) opt.grads[tensor].set(unpack(g[tensor]));
    opt.step();
  }
  for (const tensor of ["w", "b"] as const) {
    const expected = unpack(params[tensor]);
    for (const [i, b] of expected.entries()) {
      expect(Math.abs(opt.params[tensor][i] - b)).toBeLessThanOrEqual(tolerance * Math.max(Math.abs(b), 1e-3));
    }
  }
});
