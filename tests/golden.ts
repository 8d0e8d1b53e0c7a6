// Reads golden cases: what the named version of the named library computed, packed by tests/golden/pack.mjs.
import { readdirSync, readFileSync } from "node:fs";
import type { Dtype } from "../src/rule.js";
import type { Options, Reals } from "./tables.js";

export interface Case {
  readonly name: string;
  readonly optimizer: string;
  readonly dtype: "float32" | "float64";
  /** The set that it starts from and takes its gradients from, or numbers of its own. */
  readonly inputs: string | Pick<Inputs, "params0" | "grads">;
  /** The tensors of the set that it uses, if not all. */
  readonly tensors?: readonly number[];
  /** Of the parameters, if they matter. */
  readonly names?: readonly string[];
  readonly shapes: readonly (readonly number[])[];
  readonly problem?: "rosenbrock" | "quadratic";
  /** Its options and its state by our names. */
  readonly options: Options;
  /** Options that change, by the step before which they do. */
  readonly later?: Readonly<Record<string, Options>>;
  /** What the optimizer is in, and the gradients that it gets after some steps. */
  readonly wrapper?: {
    readonly name: "GradientCentralization" | "GrokfastEMA" | "GrokfastMA" | "Lookahead";
    readonly options: Options;
  };
  readonly filtered?: Readonly<Record<string, readonly string[]>>;
  /** The loss of each step. */
  readonly values?: readonly number[];
  /** By number of steps taken: an array for each tensor, or one array. */
  readonly params: Readonly<Record<string, readonly string[] | readonly number[]>>;
  readonly state: readonly Readonly<Record<string, string>>[];
  /** The parameters of evaluation after the last step, for a rule that has them. */
  readonly evalParams?: readonly string[];
  /** How many steps come with a new estimate of the Hessian: the first of them. */
  readonly hessianEvery?: number;
  /** What float64 may differ by, if it is not 1e-12. */
  readonly tolerance?: number;
  /** How often a step of the library rounds a parameter, if not once. */
  readonly roundings?: number;
  /** Units in the last place that float32 updates may be off by, if not the usual few. */
  readonly ulps?: number;
  /** What float32 may differ by as a share of the tensor's largest element, if it is not held to units in the last place. */
  readonly share?: number;
}

export interface Inputs {
  /** What they are packed as, if not as float64. */
  readonly dtype?: Case["dtype"];
  readonly shapes: readonly (readonly number[])[];
  readonly params0: readonly string[];
  readonly grads: readonly (readonly string[])[];
}

/** Cases of a file with gradients of its own, which have few rows. */
export interface Sparse {
  readonly params0: string;
  readonly grads: readonly { readonly indices: readonly number[]; readonly rows: string }[];
}

export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));
}

export function unpack(text: string, dtype?: Case["dtype"]): Reals;
export function unpack(text: string, dtype: Case["dtype"] | "uint8"): Reals | Uint8Array;
export function unpack(text: string, dtype: Case["dtype"] | "uint8" = "float64"): Reals | Uint8Array {
  const { buffer } = Uint8Array.from(Buffer.from(text, "base64"));
  if (dtype === "uint8") return new Uint8Array(buffer);
  return dtype === "float32" ? new Float32Array(buffer) : new Float64Array(buffer);
}

export function dtypeOf(one: Case): Dtype {
  return one.dtype === "float32" ? "f32" : "f64";
}

/** What is no file of cases: inputs, closed loops, and runs of an optimizer that evaluates the loss itself. */
const others = ["refs/inputs", "refs/closed_loop", "libs/torch213_LBFGS"];

/** The files of cases in golden/libs and golden/refs. */
export function goldenFiles(): string[] {
  const files = ["libs", "refs"].flatMap((folder) =>
    readdirSync(new URL(`golden/${folder}`, import.meta.url)).map((file) => `${folder}/${file.replace(".json", "")}`),
  );
  return files.filter((file) => !others.includes(file));
}
