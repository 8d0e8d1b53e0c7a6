import { describe, expect, test } from "vitest";
import {
  adaptiveClip,
  centralize,
  clipByBlockRms,
  clipByNorm,
  clipGradNorm,
  clipGradValue,
  emaDebiased,
  emaFrom,
  type Setting,
  SGD,
  swa,
} from "../src/index.js";
import { type Inputs, readGolden, unpack } from "./golden.js";
import { backends } from "./helpers.js";
import { type AnyClass, type AnyOptimizer, classes, type Options, type Reals } from "./tables.js";

// What PyTorch, optax and Keras computed around a step, packed by tests/golden/pack-toolkit.mjs. float64 is held to 1e-12 of the
// number, or of 1e-3 if it is smaller; float32, whose norms the libraries add up in float32, to 4 units in the last place of the
// largest element. In float32 optax and Keras raise Adam's betas to the step in float32, which moves each step by up to 5e-5 of
// itself.
const ADAM = 5e-5;
const F64 = 1e-12;
const F32 = 4 * 2 ** -23;

type Dtype = "float32" | "float64";
type Packed = Readonly<Record<string, readonly string[]>>;

/** What the libraries call their options; each case has some. */
interface Theirs {
  readonly max_norm: number;
  readonly threshold: number;
  readonly max_delta: number;
  readonly clipping: number;
  readonly eps: number;
  readonly decay: number;
  readonly debias: boolean;
  readonly step_size: number;
  readonly opt: readonly [string, { readonly learning_rate: number; readonly momentum?: number }];
  readonly every_k_schedule: number;
  readonly use_grad_mean?: boolean;
  readonly learning_rate: number;
  readonly momentum?: number;
  readonly clipnorm?: number;
  readonly global_clipnorm?: number;
  readonly clipvalue?: number;
  readonly gradient_accumulation_steps?: number;
  readonly ema_momentum?: number;
  readonly ema_overwrite_frequency: number;
}

interface Case {
  readonly name: string;
  readonly dtype: Dtype;
  readonly transform: string;
  readonly hyperparameters: Theirs;
}

interface Clipped extends Case {
  readonly grads: "base" | "zero";
  readonly max: number;
  readonly normType?: number | "inf";
  readonly norm: number;
  readonly values: readonly string[];
}

interface Averaged extends Case {
  readonly kind: string;
  readonly decay: number;
  readonly values: Packed;
}

interface Run extends Case {
  readonly optimizer: string;
  readonly bad?: Readonly<Record<string, string>>;
  readonly skipped?: number;
  readonly values: Packed;
  readonly average?: Packed;
}

const { vec } = readGolden<{ sets: Record<string, Inputs> }>("refs/inputs").sets;
const { shapes } = vec;

function expectNear(got: Reals, text: string, dtype: Dtype, more = 0): void {
  const expected = unpack(text, dtype);
  expect(got).toHaveLength(expected.length);
  const largest = [...expected].reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  for (const [i, x] of expected.entries()) {
    const allowed = dtype === "float64" ? F64 * Math.max(Math.abs(x), 1e-3) : (F32 + more) * largest;
    if (!(Math.abs(got[i] - x) <= allowed)) expect.fail(`element ${i}: got ${got[i]}, expected ${x}`);
  }
}

function expectAll(got: readonly Reals[], texts: readonly string[] | undefined, dtype: Dtype, more = 0): void {
  for (const [k, text] of (texts ?? []).entries()) expectNear(got[k], text, dtype, more);
}

/** A list of float64 numbers as arrays of the case's dtype. */
function arrays(texts: readonly string[], dtype: Dtype): Reals[] {
  return texts.map((text) => (dtype === "float32" ? new Float32Array(unpack(text)) : unpack(text)));
}

test("the comparison notices a number that is off", () => {
  const [text] = vec.params0;
  const off = unpack(text);
  expectNear(off, text, "float64");
  off[3] *= 1 + 2e-12;
  expect(() => expectNear(off, text, "float64")).toThrow("element 3");
});

describe.each(["clip", "torch213_clip"])("%s", (file) => {
  const { grads, cases } = readGolden<{ grads: Record<string, string[]>; cases: Clipped[] }>(`toolkit/${file}`);
  test.each(cases)("$name", ({ dtype, grads: name, max, normType, norm, values }) => {
    const all = arrays(grads[name], dtype);
    if (normType === undefined) clipGradValue(all, max);
    else {
      const p = normType === "inf" ? Infinity : normType;
      const got = clipGradNorm(all, max, { normType: p });
      expect(Math.abs(got - norm)).toBeLessThanOrEqual((dtype === "float64" ? F64 : F32) * norm);
    }
    expectAll(all, values, dtype);
  });
});

/** What the average of parameters is that take these values, one after the other. */
function averages(thetas: readonly (readonly string[])[], dtype: Dtype, ema: Setting, first?: readonly string[]) {
  const params = arrays(first ?? thetas[0], dtype);
  const opt = new SGD(params, { lr: 0, ema });
  const after: Reals[][] = [];
  // the average starts from the parameters as they are at the first step
  if (first) opt.step();
  for (const theta of thetas) {
    for (const [k, x] of arrays(theta, dtype).entries()) params[k].set(x);
    opt.step();
    after.push(params.map((_, k) => opt.state[k].ema.slice() as Reals));
  }
  return after;
}

function expectAverages(after: readonly Reals[][], values: Packed, dtype: Dtype): void {
  // in float32 the decay and what it leaves for the parameters are each rounded, so that each step is off by that
  for (const [step, texts] of Object.entries(values)) {
    expectAll(after[Number(step) - 1], texts, dtype, Number(step) * 2 ** -23);
  }
}

describe.each(["averaging", "torch213_averaging"])("%s", (file) => {
  const { thetas, cases } = readGolden<{ thetas: string[][]; cases: Averaged[] }>(`toolkit/${file}`);
  test.each(cases)("$name", ({ dtype, kind, decay, values }) => {
    // this function of PyTorch's keeps the share of the new parameters in float32, whatever their dtype
    const single = (step: number) => 1 - Math.fround(1 / (step + 1));
    const ema = kind === "swa" ? swa() : kind === "swa_multi" ? single : emaFrom(decay);
    expectAverages(averages(thetas, dtype, ema), values, dtype);
  });
});

/** What a function on gradients makes of those of the steps that are recorded. */
function expectUpdates({ dtype, values }: Run, change: (grads: Reals[], params: Reals[]) => void): void {
  for (const [step, texts] of Object.entries(values)) {
    const all = arrays(vec.grads[Number(step) - 1], dtype);
    change(all, arrays(vec.params0, dtype));
    expectAll(all, texts, dtype);
  }
}

/** What an optimizer with some options makes of the parameters. */
function expectRun(
  one: Run,
  made: AnyClass,
  options: Options,
  between?: (opt: AnyOptimizer, step: number) => void,
): void {
  for (const backend of backends) {
    const { dtype, values, average, bad = {} } = one;
    const opt = new made(arrays(vec.params0, dtype), { ...options, backend });
    for (const [i, texts] of vec.grads.entries()) {
      const step = i + 1;
      const all = arrays(texts, dtype);
      if (step in bad) all[0][0] = Number(bad[step].replace("inf", "Infinity"));
      opt.step(all);
      between?.(opt, step);
      const more = one.optimizer === "SGD" ? 0 : ADAM * step * opt.lr;
      expectAll(Object.values(opt.params), values[step], dtype, more);
      const averaged = Object.values(opt.state).map(({ ema }) => ema as Reals);
      expectAll(averaged, average?.[step], dtype, more);
    }
    expect(opt.skipped).toBe(one.skipped ?? 0);
  }
}

/** What a step takes of gradients is what it does to parameters that are 0, with a rate of 1. */
function expectTaken({ dtype, values }: Run, options: Options): void {
  for (const backend of backends) {
    for (const [step, texts] of Object.entries(values)) {
      const all = arrays(vec.grads[Number(step) - 1], dtype);
      const opt = new SGD(shapes, { lr: 1, dtype: dtype === "float32" ? "f32" : "f64", backend, ...options });
      opt.step(all as never);
      const taken = Object.values(opt.params).map((p) => p.map((x) => -x) as Reals);
      expectAll(taken, texts, dtype);
    }
  }
}

describe("optax", () => {
  const { cases } = readGolden<{ cases: Run[] }>("toolkit/optax_transforms");
  const optax = { convention: "optax" } as const;
  const rule = (name: string) => classes.find(({ optimizer }) => optimizer === name) as AnyClass;
  const how: Record<string, (one: Run, h: Theirs) => void> = {
    clip_by_global_norm(one, { max_norm }) {
      expectUpdates(one, (grads) => clipGradNorm(grads, max_norm, optax));
      expectTaken(one, { clipNorm: max_norm, ...optax });
    },
    clip_by_block_rms: (one, { threshold }) => expectUpdates(one, (grads) => clipByBlockRms(grads, threshold)),
    clip(one, { max_delta }) {
      expectUpdates(one, (grads) => clipGradValue(grads, max_delta));
      expectTaken(one, { clipValue: max_delta, ...optax });
    },
    adaptive_grad_clip: (one, options) =>
      expectUpdates(one, (grads, params) => adaptiveClip(params, grads, shapes, { ...options, layout: "in-out" })),
    centralize: (one) => expectUpdates(one, (grads) => centralize(grads, shapes)),
    ema({ dtype, values }, { decay, debias }) {
      const zeros = vec.params0.map((text) => Buffer.alloc(Buffer.from(text, "base64").length).toString("base64"));
      const after = debias ? averages(vec.grads, dtype, emaDebiased(decay)) : averages(vec.grads, dtype, decay, zeros);
      expectAverages(after, values, dtype);
    },
    incremental_update: ({ dtype, values }, { step_size }) =>
      expectAverages(averages(vec.grads, dtype, 1 - step_size, vec.params0), values, dtype),
    MultiSteps(one, { opt: [name, { learning_rate: lr, momentum }], every_k_schedule, use_grad_mean }) {
      const options = { lr, ...(momentum && { momentum }), accumulate: every_k_schedule, ...optax };
      expectRun(one, rule(name), { ...options, accumulation: use_grad_mean === false ? "sum" : "mean" });
    },
    apply_if_finite: (one, { opt: [name, { learning_rate: lr }] }) =>
      expectRun(one, rule(name), { lr, nonFinite: "skip", ...optax }),
  };
  test.each(cases)("$name", (one) => how[one.transform](one, one.hyperparameters));
});

describe("keras", () => {
  const runs = ["keras_Adam", "keras_SGD"].flatMap((file) => readGolden<{ cases: Run[] }>(`toolkit/${file}`).cases);
  test.each(runs)("$name", (one) => {
    const h = one.hyperparameters;
    const options: Options = { lr: h.learning_rate, convention: "keras" };
    if (h.momentum) options.momentum = h.momentum;
    if (h.global_clipnorm) options.clipNorm = h.global_clipnorm;
    if (h.clipvalue) options.clipValue = h.clipvalue;
    if (h.gradient_accumulation_steps) options.accumulate = h.gradient_accumulation_steps;
    if (h.ema_momentum) options.ema = emaFrom(h.ema_momentum);
    const made = classes.find(({ rule }) => rule.name === one.optimizer) as AnyClass;
    const overwrite = (opt: AnyOptimizer, step: number) => {
      if (step % h.ema_overwrite_frequency !== 0) return;
      for (const [k, p] of Object.entries(opt.params)) p.set(opt.state[k].ema);
    };
    if (h.clipnorm) {
      const opt = new made(arrays(vec.params0, one.dtype), options);
      for (const [i, texts] of vec.grads.entries()) {
        const all = arrays(texts, one.dtype);
        clipByNorm(all, h.clipnorm, { convention: "keras" });
        opt.step(all);
        expectAll(Object.values(opt.params), one.values[i + 1], one.dtype);
      }
    } else expectRun(one, made, options, overwrite);
  });
});
