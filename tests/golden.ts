// Reads golden cases: what the named version of the named library computed, packed by tests/golden/pack.mjs.
import { readFileSync } from "node:fs";
import type { Dtype } from "../src/rule.js";
import type { Options, Reals } from "./tables.js";

export interface Case {
  readonly name: string;
  readonly optimizer: string;
  readonly dtype: "float32" | "float64";
  readonly inputs: string;
  readonly shapes: readonly (readonly number[])[];
  readonly problem?: "rosenbrock" | "quadratic";
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** By number of steps taken: an array for each tensor, or one array. */
  readonly params: Readonly<Record<string, readonly string[] | readonly number[]>>;
  readonly state: readonly Readonly<Record<string, unknown>>[];
}

export interface Inputs {
  readonly shapes: readonly (readonly number[])[];
  readonly params0: readonly string[];
  readonly grads: readonly (readonly string[])[];
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));
}

export function unpack(text: string, dtype: Case["dtype"] = "float64"): Reals {
  const { buffer } = Uint8Array.from(Buffer.from(text, "base64"));
  return dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer);
}

export function dtypeOf(one: Case): Dtype {
  return one.dtype === "float32" ? "f32" : "f64";
}

/** PyTorch's name for an option in ours. */
const renamed: Readonly<Record<string, string>> = {
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
};

/** PyTorch's hyperparameters as our options. */
export function torchOptions(hyperparameters: Readonly<Record<string, unknown>>): Options {
  const options: Options = {};
  for (const [name, value] of Object.entries(hyperparameters)) {
    if (name === "betas") [options.beta1, options.beta2] = value as number[];
    else options[renamed[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = value;
  }
  return options;
}

/** PyTorch's names for state, by optimizer where one name means two things. */
export const torchSlots: Readonly<Record<string, string>> = {
  momentum_buffer: "buf",
  sum: "s",
  "Adadelta.square_avg": "s",
  "RMSprop.square_avg": "v",
  acc_delta: "d",
  grad_avg: "mg",
  exp_avg: "m",
  exp_avg_sq: "v",
  max_exp_avg_sq: "vmax",
  exp_inf: "u",
};
