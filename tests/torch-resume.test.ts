import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { AdamW, type StateDict } from "../src/index.js";
import { readGolden, unpack } from "./golden.js";
import type { Reals } from "./tables.js";

// PyTorch took ten steps of AdamW and wrote parameters and state to a file; then it took ten more. So do we, from its file.
interface Run {
  readonly hyperparameters: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  readonly group_of_b: { weight_decay: number };
  readonly grads: readonly Readonly<Record<string, string>>[];
  readonly params: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function readSafetensors(name: string): Record<string, { shape: readonly number[]; data: Reals }> {
  const bytes = readFileSync(new URL(`golden/torch-resume/${name}.safetensors`, import.meta.url));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__, ...entries } = JSON.parse(bytes.toString("utf8", 8, start)) as Record<string, Entry>;
  return Object.fromEntries(
    Object.entries(entries).map(
      ([
        key,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => {
        const { buffer } = new Uint8Array(bytes.subarray(start + from, start + to));
        return [key, { shape, data: dtype === "F64" ? new Float64Array(buffer) : new Float32Array(buffer) }];
      },
    ),
  );
}

test.each([
  ["float64", "f64", 1e-12],
  ["float32", "f32", 1e-6],
] as const)("a run of PyTorch's AdamW goes on from its own file, %s", (name, dtype, tolerance) => {
  const file = readSafetensors(`adamw-${name}`);
  const { hyperparameters, group_of_b, grads, params } = readGolden<Run>(`torch-resume/adamw-${name}`);
  const { lr, eps, weight_decay, betas } = hyperparameters;
  const options = { lr, eps, beta1: betas[0], beta2: betas[1], weightDecay: weight_decay };
  const opt = new AdamW([{ params: { w: [8, 12] } }, { params: { b: 12 }, weightDecay: group_of_b.weight_decay }], {
    ...options,
    dtype,
  });
  const state = (tensor: string) => ({
    m: file[`state.${tensor}.exp_avg`].data,
    v: file[`state.${tensor}.exp_avg_sq`].data,
  });
  const dict: StateDict = {
    version: 1,
    optimizer: "adamw",
    dtype,
    steps: 10,
    groups: opt.groups.map(({ names, ...values }) => ({ names, steps: 10, options: values })),
    shapes: { w: [8, 12], b: [12] },
    params: { w: file["param.w"].data, b: file["param.b"].data },
    state: { w: state("w"), b: state("b") },
  };
  opt.loadStateDict(dict);
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
