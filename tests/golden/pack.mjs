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
  Lars: "LARS",
  "contrib.prodigy": "Prodigy",
  "contrib.dadapt_adamw": "DAdaptAdam",
  "contrib.dog": "DoG",
  "contrib.dowg": "DoWG",
  polyak_sgd: "PolyakSGD",
};
// Options of theirs that are a tag and a number.
const tagged = { init_step: { heuristic: "repsRel", distance: "initDist", learning_rate: "initEta" } };
const several = {
  betas: ["beta1", "beta2", "beta3"],
  etas: ["etaMinus", "etaPlus"],
  step_sizes: ["stepMin", "stepMax"],
};
const options = {
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
  decouple: "decoupled",
  learning_rate: "lr",
  max_learning_rate: "lr",
  b1: "beta1",
  b2: "beta2",
  estim_lr0: "d0",
  estim_lr_coef: "dCoef",
};
// What a library does without an option for it.
const implied = {
  "contrib.prodigy": { useBiasCorrection: true },
  "contrib.dadapt_adamw": { useBiasCorrection: true, decoupled: true },
};
const ignored = ["foreach"];
const missingOptions = ["caution", "max_grad_norm"];
const slots = {
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
  "Prodigy.s": "s",
  "DAdaptAdam.s": "s",
  "Prodigy.p0": "p0",
};

// What float64 runs may differ by, where 1e-12 is not to be had: one ulp in beta2^t moves RAdam's first rectified steps so far, and
// Prodigy takes its rate from how far the parameters have come, the small difference of large numbers.
const tolerances = { RAdam: 1e-11, Prodigy: 3e-12 };

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

function packCase({ name, optimizer, source, dtype, inputs, shapes, problem, hyperparameters, params, state, values }) {
  const pack = (value) => packNumbers(value, dtype);
  const slots = (Array.isArray(state) ? state : []).map((saved) => renameSlots(optimizer, saved));
  const ours = {
    name,
    optimizer: classes[optimizer] ?? optimizer,
    options: { ...implied[optimizer], ...renameOptions(hyperparameters) },
    source,
    dtype,
  };
  const compare = {
    tolerance: tolerances[optimizer],
    roundings: roundings[optimizer],
    ulps: ulps(name, classes[optimizer] ?? optimizer),
  };
  return { ...ours, ...compare, inputs, shapes, problem, values, params: pack(params), state: pack(slots) };
}

/**
 * What the update may be off by in float32, if not the usual few units: optax raises the betas to the step in float32, and
 * Prodigy's rate, once it has begun to grow, is off by 1e-4.
 */
function ulps(name, optimizer) {
  if (optimizer === "Prodigy") return 4096;
  return name.startsWith("optax/") ? 128 : undefined;
}

/** Why a case cannot be compared, if so. */
function whyNot({ name, hyperparameters, do_not_test }) {
  if (do_not_test) return "a fault of the library";
  const missing = missingOptions.find((option) => option in hyperparameters);
  if (missing) return `${missing} is no option of ours`;
  return /float32scalars/.test(name) ? "scalars rounded to float32 in a float64 run" : undefined;
}

/** The library's options by our names. */
function renameOptions(theirs) {
  const ours = {};
  for (const [name, value] of Object.entries(theirs)) {
    if (ignored.includes(name)) continue;
    if (name === "clip" && value === null) {
      ours.clipping = false;
      continue;
    }
    if (name === "variant") ours.plus = value === "sps+";
    else if (name in tagged) ours[tagged[name][value[0]]] = value[1];
    else if (name in several) for (const [i, each] of value.entries()) ours[several[name][i]] = each;
    // what is off
    else if (value === null) ours[camel(name)] = 0;
    else ours[options[name] ?? camel(name)] = value;
  }
  return ours;
}

function camel(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
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
