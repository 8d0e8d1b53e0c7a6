// Packs golden files, as the libraries' runs wrote them, into the compact form that the tests read:
//   npm run build && node tests/golden/pack.mjs FOLDER refs/torch_SGD libs/torch213_SGD …
// Numbers become base64 of little-endian float64, or float32 where the case is float32. The numbers are those that the named
// version of the named library computed; nothing in them comes from gradstep.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { optimizers } from "../../dist/index.js";
import { libraryOf, translate } from "../../scripts/libraries.mjs";

// What the authors' implementations call by another name than ours; scripts/libraries.mjs has the libraries' names.
const several = {
  betas: ["beta1", "beta2", "beta3"],
  etas: ["etaMinus", "etaPlus"],
  step_sizes: ["stepMin", "stepMax"],
};
const options = {
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
  decouple: "decoupled",
};
const ignored = ["foreach"];

// State by our names; what is not here is not compared.
const slots = {
  // PyTorch, timm and authors
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
  "ASGD.ax": "ax",
  exp_avg_fast: "m1",
  exp_avg_slow: "m2",
  exp_avg_diff: "d",
  "AdaMod.exp_avg_lr": "e",
  "Rprop.prev": "previous",
  "Rprop.step_size": "step",
  // optax
  mu: "m",
  nu: "v",
  "RMSprop.mu": "mg",
  "Adamax.nu": "u",
  nu_max: "vmax",
  "SGD.trace": "buf",
  "Signum.ema": "m",
  sum_of_squares: "s",
  e_g: "s",
  e_x: "d",
  m1: "m1",
  m2: "m2",
  "Adan.m": "m",
  "Adan.v": "d",
  "Adan.n": "v",
  "Adan.g": "previous",
  prev_updates: "previous",
  step_sizes: "step",
  // Keras
  momentum: "m",
  velocity: "v",
  velocity_hat: "vmax",
  norm: "u",
  accumulator: "s",
  accumulated_grad: "s",
  accumulated_delta_var: "d",
  average_gradient: "mg",
  "SGD.momentum": "buf",
  "RMSprop.momentum": "buf",
  // TensorFlow.js
  accum_grad: "s",
  accum_var: "d",
  rms: "v",
  mg: "mg",
  "Adam.m": "m",
  "Adam.v": "v",
  "Adamax.m": "m",
  "Adamax.v": "u",
};

// What float64 runs may differ by, where 1e-12 is not to be had: one ulp in beta2^t moves RAdam's first rectified steps so far.
const tolerances = { RAdam: 1e-11 };

// How often a step rounds a parameter, where it is not once: PyTorch applies NAdam's two terms one after the other, and Adan has
// two terms and a division; optax's Lion does not shrink the weights first.
const roundings = { NAdam: 2, Adan: 5, Lion: 2 };

// What float32 runs of TensorFlow.js may differ by, as a share of a tensor's largest element.
const TFJS = 3.2e-7;

const [folder, ...names] = process.argv.slice(2);
const here = new URL(".", import.meta.url).pathname;
for (const name of names) {
  const { cases, ...rest } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  mkdirSync(dirname(here + name), { recursive: true });
  writeFileSync(`${here}${name}.json`, cases ? packCases(name, cases, rest) : `${JSON.stringify(packRun(rest))}\n`);
}

function packCases(file, cases, { quadratic }) {
  const lines = cases.flatMap((one) => {
    const ours = translated(file, one);
    const why = ours.why ?? whyNot(one, ours);
    if (why) console.log(`left out ${one.name}: ${why}`);
    return why ? [] : [JSON.stringify(packCase(one, ours))];
  });
  return `{"quadratic":${JSON.stringify(quadratic ?? null)},"cases":[\n${lines.join(",\n")}\n]}\n`;
}

function packCase({ name, source, dtype, inputs, shapes, problem, params, state }, { made, options }) {
  const pack = (value) => packNumbers(value, dtype);
  const [kept] = Object.values(new optimizers[made.toLowerCase()]([1], options).state);
  const slots = statesOf(state).map((saved) => renameSlots(made, saved, kept));
  const ours = { name, optimizer: made, options, source, dtype };
  const compare = {
    tolerance: tolerances[made],
    roundings: roundings[made],
    ulps: ulps(name),
    share: name.startsWith("tfjs/") ? TFJS : undefined,
  };
  return { ...ours, ...compare, inputs, shapes, problem, params: pack(params), state: pack(slots) };
}

/**
 * What the update may be off by in float32, if not the usual few units: optax and Keras raise the betas to the step in float32, and
 * optax's RAdam takes a small difference of large numbers in it.
 */
function ulps(name) {
  return name.startsWith("optax/radam") ? 65536 : /^(optax|keras)\//.test(name) ? 128 : undefined;
}

/** The class and the options of a case, by our names. */
function translated(file, { optimizer, hyperparameters, source }) {
  const theirs = Object.fromEntries(Object.entries(hyperparameters).filter(([name]) => !ignored.includes(name)));
  const library = libraryOf(basename(file), source);
  return library ? translate(library, optimizer, theirs) : { made: optimizer, options: renameOptions(theirs) };
}

/** Why a case cannot be compared, if so. */
function whyNot({ name, do_not_test }, { made, options }) {
  if (do_not_test) return "a fault of the library";
  if (/float32scalars/.test(name)) return "scalars rounded to float32 in a float64 run";
  const known = optimizers[made.toLowerCase()]?.defaults;
  if (!known) return `${made} is no optimizer of ours`;
  const missing = Object.keys(options).filter((option) => !(option in known));
  return missing.length > 0 ? `${missing} is no option of ours` : undefined;
}

/** The authors' options by our names. */
function renameOptions(theirs) {
  const ours = {};
  for (const [name, value] of Object.entries(theirs)) {
    if (name === "clip" && value === null) {
      ours.clipping = false;
      continue;
    }
    if (name in several) for (const [i, each] of value.entries()) ours[several[name][i]] = each;
    else ours[options[name] ?? name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())] = value;
  }
  return ours;
}

/** The state of each tensor: as it is, or gathered from paths such as "[0].mu[1]", "adam/p1_momentum" and "p1/m". */
function statesOf(state) {
  if (Array.isArray(state)) return state;
  const tensors = [];
  for (const [path, value] of Object.entries(state ?? {})) {
    const [, slot, k] = /\.(\w+)\[(\d+)\]$/.exec(path) ?? [];
    const [, index = k, name = slot] = /(?:^|\/)p(\d+)[_/](\w+)$/.exec(path) ?? [];
    if (name) tensors[index] = { ...tensors[index], [name]: value };
  }
  return tensors;
}

/** The state that we have too, by our names. */
function renameSlots(made, saved, kept) {
  const entries = Object.entries(saved).map(([name, value]) => [slots[`${made}.${name}`] ?? slots[name], value]);
  return Object.fromEntries(entries.filter(([name, value]) => name in kept && Array.isArray(value)));
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
