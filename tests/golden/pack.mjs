// Packs golden files, as the libraries' runs wrote them, into the compact form that the tests read:
//   node tests/golden/pack.mjs FOLDER refs/torch_SGD libs/torch213_SGD …
// Numbers become base64 of little-endian float64, or float32 where the case is float32. The numbers are those that the named
// version of the named library computed; nothing in them comes from gradstep.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

// What the libraries call by another name than ours.
const classes = {
  signum: "Signum",
  sign_sgd: "SignSGD",
  yogi: "Yogi",
  AdamWLegacy: "AdamW",
  NAdamLegacy: "NAdam",
  Adopt: "ADOPT",
  RMSpropTF: "RMSprop",
  adabelief: "AdaBelief",
  "contrib.madgrad": "MADGRAD",
  "contrib.acprop": "ACProp",
  "contrib.cocob": "COCOB",
  "contrib.simplified_ademamix": "SimplifiedAdEMAMix",
  optimistic_adam: "OptimisticAdam",
  optimistic_adam_v2: "OptimisticAdam",
  optimistic_gradient_descent: "OptimisticGradientDescent",
};
const several = {
  betas: ["beta1", "beta2", "beta3"],
  etas: ["etaMinus", "etaPlus"],
  step_sizes: ["stepMin", "stepMax"],
};
const options = {
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
  decoupled_decay: "decoupled",
  weight_decouple: "decoupled",
  decouple: "decoupled",
  learning_rate: "lr",
  schedule_decay: "momentumDecay",
  clip_exp: "clip",
  l1_regularization_strength: "l1",
  l2_regularization_strength: "l2",
  l2_shrinkage_regularization_strength: "l2Shrinkage",
  b1: "beta1",
  b2: "beta2",
};
// What a library's rule does without an option, and ours by one.
const implied = [
  [/^(timm\/)?AdaBelief/, ({ eps }) => ({ epsRoot: eps })],
  [/^optax\/adabelief/, () => ({ rectify: false })],
  [/^optax\/optimistic_adam\//, ({ learning_rate, optimism }) => ({ lr: 1, alpha: learning_rate, beta: optimism })],
  [/Adopt/, ({ clip_exp }) => ({ clip: clip_exp ?? 0.333 })],
  [/RMSpropTF/, ({ eps = 1e-10 }) => ({ eps: 0, epsRoot: eps, initialAccumulator: 1 })],
  [/RMSpropTF/, ({ alpha = 0.9, lr_in_momentum = true }) => ({ alpha, lrInMomentum: lr_in_momentum })],
  [/^LaProp\/authors/, () => ({ fixedDecay: true })],
];
const ignored = ["foreach", "optimism"];
const missingOptions = ["caution", "max_grad_norm", "adabelief.nesterov", "learning_rate_power"];
const slots = {
  momentum_buffer: "buf",
  sum: "s",
  "Adadelta.square_avg": "s",
  "RMSprop.square_avg": "v",
  "RMSpropTF.square_avg": "v",
  acc_delta: "d",
  grad_avg: "mg",
  exp_mean_avg_beta2: "mg",
  "MADGRAD.s": "s",
  grad_sum_sq: "q",
  x0: "x0",
  exp_avg: "m",
  exp_avg_sq: "v",
  exp_avg_var: "s",
  max_exp_avg_var: "smax",
  max_exp_avg_sq: "vmax",
  exp_inf: "u",
  "ASGD.ax": "ax",
  exp_avg_fast: "m1",
  exp_avg_slow: "m2",
  exp_avg_diff: "d",
  "AdaMod.exp_avg_lr": "e",
  "Rprop.prev": "previous",
  previous_grad: "previous",
  "Rprop.step_size": "step",
};

// What float64 runs may differ by, where 1e-12 is not to be had: one ulp in beta2^t moves the first rectified steps so far.
const tolerances = [[/RAdam|^AdaBelief\/rectify_default/, 1e-11]];

// How often a step rounds a parameter, where it is not once: PyTorch applies NAdam's two terms one after the other, and Adan has
// two terms and a division.
const roundings = { NAdam: 2, Adan: 5 };

const [folder, ...names] = process.argv.slice(2);
const here = new URL(".", import.meta.url).pathname;
for (const name of names) {
  const { cases, ...rest } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  mkdirSync(dirname(here + name), { recursive: true });
  writeFileSync(`${here}${name}.json`, cases ? packCases(cases, rest) : `${JSON.stringify(packRun(rest))}\n`);
}

function packCases(cases, { quadratic }) {
  const kept = cases.filter((one) => {
    const why = whyNot(one);
    if (why) console.log(`left out ${one.name}: ${why}`);
    return !why;
  });
  const lines = kept.map((one) => JSON.stringify(packCase(one)));
  return `{"quadratic":${JSON.stringify(quadratic ?? null)},"cases":[\n${lines.join(",\n")}\n]}\n`;
}

function packCase({ name, optimizer, source, dtype, inputs, shapes, problem, hyperparameters, params, state }) {
  const pack = (value) => packNumbers(value, dtype);
  const slots = (Array.isArray(state) ? state : []).map((saved) => renameSlots(optimizer, saved));
  const ours = {
    name,
    optimizer: classes[optimizer] ?? optimizer,
    options: { ...renameOptions(hyperparameters), ...impliedOptions(name, hyperparameters) },
    source,
    dtype,
  };
  const compare = {
    tolerance: tolerances.find(([names]) => names.test(name))?.[1],
    roundings: roundings[classes[optimizer] ?? optimizer],
    ulps: ulps(name),
  };
  return { ...ours, ...compare, inputs, shapes, problem, params: pack(params), state: pack(slots) };
}

/** What the update may be off by in float32, if not the usual few units: optax raises the betas to the step in float32. */
function ulps(name) {
  // the difference of two terms of fifty times its size
  if (name.startsWith("optax/optimistic_adam/default")) return 256;
  return name.startsWith("optax/") ? 128 : undefined;
}

/** Why a case cannot be compared, if so. */
function whyNot({ name, optimizer, hyperparameters, ...one }) {
  if (one.do_not_test) return "a fault of the library";
  if (one.float32_rounding_in_float64) return "scalars rounded to float32 in a float64 run";
  const given = Object.keys(hyperparameters);
  const missing = given.find((option) =>
    missingOptions.some((each) => each === option || each === `${optimizer}.${option}`),
  );
  if (missing) return `${missing} is no option of ours`;
  return /float32scalars/.test(name) ? "scalars rounded to float32 in a float64 run" : undefined;
}

/** The library's options by our names. */
function renameOptions(theirs) {
  const ours = {};
  for (const [name, value] of Object.entries(theirs)) {
    if (ignored.includes(name)) continue;
    if (name.startsWith("clip") && value === null) {
      ours.clipping = false;
      continue;
    }
    if (name in several) for (const [i, each] of value.entries()) ours[several[name][i]] = each;
    else ours[options[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = value;
  }
  return ours;
}

function impliedOptions(name, theirs) {
  return Object.assign({}, ...implied.filter(([names]) => names.test(name)).map(([, options]) => options(theirs)));
}

/** The state that we have too, by our names. */
function renameSlots(optimizer, saved) {
  const entries = Object.entries(saved).map(([name, value]) => [slots[`${optimizer}.${name}`] ?? slots[name], value]);
  return Object.fromEntries(entries.filter(([name, value]) => name && value));
}

/** Inputs by set, or one run. */
function packRun({ sets, ...run }) {
  if (!sets) return { ...run, grads: packNumbers(run.grads), params: packNumbers(run.params) };
  const pack = ({ shapes, params0, grads }) => ({ shapes, params0: packNumbers(params0), grads: packNumbers(grads) });
  return { sets: Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, pack(set)])) };
}

function packNumbers(value, dtype = "float64") {
  if (Array.isArray(value) && value.length > 0 && value.every((x) => typeof x === "number")) {
    const array = dtype === "float32" ? new Float32Array(value) : new Float64Array(value);
    return Buffer.from(array.buffer).toString("base64");
  }
  if (Array.isArray(value)) return value.map((x) => packNumbers(x, dtype));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, x]) => [key, packNumbers(x, dtype)]));
}
