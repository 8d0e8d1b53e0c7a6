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
  lars: "LARS",
  Lamb: "LAMB",
  lamb: "LAMB",
  NvNovoGrad: "NovoGrad",
  novograd: "NovoGrad",
  fromage: "Fromage",
  Adopt: "ADOPT",
  Mars: "MARS",
  CautiousAdamW: "AdamW",
  CautiousLion: "Lion",
};
const several = {
  betas: ["beta1", "beta2", "beta3"],
  betas_1d: ["beta11d", "beta21d"],
  etas: ["etaMinus", "etaPlus"],
  step_sizes: ["stepMin", "stepMax"],
};
const options = {
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
  decouple: "decoupled",
  decoupled_decay: "decoupled",
  correct_bias: "biasCorrection",
  clip: "clip",
  clip_exp: "clip",
  caution: "cautious",
  learning_rate: "lr",
  trust_coefficient: "trustCoeff",
  b1: "beta1",
  b2: "beta2",
  beta_1: "beta1",
  beta_2: "beta2",
  epsilon: "eps",
};
// What a library's defaults are where ours are another's, by the beginning of a case's name; some follow from other options.
const defaults = {
  "Cautious/AdamW-": { eps: 1e-6, weightDecay: 0, cautious: true },
  "Cautious/Lion-": { beta1: 0.95, beta2: 0.98, cautious: true, smoothing: 1 },
  "timm/Mars/": ({ betas = [0.9, 0.99], weight_decay = 0 }) => {
    const same = { beta11d: betas[0], beta21d: betas[1], weightDecay1d: weight_decay };
    return { beta1: 0.9, beta2: 0.99, ...same, correctFirst: false };
  },
  "MARS/": ({ lr = 3e-3, lr_1d = 3e-3 }) => ({ lr1dFactor: lr_1d / lr }),
  "timm/Adopt/": { clip: 0.333 },
  "Cautious/timm-Lion-": { cautious: true },
  "optax/lars/": { momentum: 0.9, eps: 0, alwaysAdapt: true },
  "optax/lamb/": { eps: 1e-6, weightDecay: 0, maxGradNorm: 0, alwaysAdapt: true },
  "optax/novograd/": { beta1: 0.9, beta2: 0.25, eps: 1e-6 },
  "optax/fromage/": { minNorm: 1e-6 },
  "keras/Lamb/": { eps: 1e-7, weightDecay: 0, maxGradNorm: 0, alwaysAdapt: true, decoupled: true },
};
const ignored = ["foreach", "lr_1d", "names"];
const missingOptions = ["MARS.mars_type", "Mars.mars_type"];
const slots = {
  momentum_buffer: "buf",
  sum: "s",
  "Adadelta.square_avg": "s",
  "RMSprop.square_avg": "v",
  acc_delta: "d",
  grad_avg: "mg",
  exp_avg: "m",
  "AdamMini.m": "m",
  "AdamMini.v": "v",
  vmean: "v",
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
};

// What float64 runs may differ by, where 1e-12 is not to be had: one ulp in beta2^t moves RAdam's first rectified steps so far.
const tolerances = { RAdam: 1e-11 };

// How often a step rounds a parameter, where it is not once: PyTorch applies NAdam's two terms one after the other, Adan has two
// terms and a division, Fromage divides and bounds what it moved; and what others add as weight decay, ours multiply by.
const roundings = { NAdam: 2, Adan: 5, Fromage: 3, CautiousAdamW: 2, MARS: 2, Mars: 2 };

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
    options: { ...defaultsOf(name, hyperparameters), ...renameOptions(hyperparameters) },
    source,
    dtype,
  };
  const compare = {
    tolerance: tolerances[optimizer],
    roundings: roundings[optimizer],
    ulps: ulps(name),
  };
  const { names } = hyperparameters;
  return { ...ours, ...compare, inputs, names, shapes, problem, params: pack(params), state: pack(slots) };
}

/** What the update may be off by in float32, if not the usual few units: optax raises the betas to the step in float32. */
function ulps(name) {
  return name.startsWith("optax/") ? 128 : undefined;
}

/** Why a case cannot be compared, if so. */
function whyNot({ name, optimizer, hyperparameters, do_not_test }) {
  if (do_not_test) return "a fault of the library";
  const missing = Object.keys(hyperparameters).find((option) => missingOptions.includes(`${optimizer}.${option}`));
  if (missing) return `${missing} is no option of ours`;
  if (/^optax.lars.(?!default)/.test(name)) return "the ratio is to the norm of the decayed gradient";
  if (/^Cautious.AdamW-(?!no_bias)/.test(name)) return "eps is added before the bias correction";
  return /float32scalars/.test(name) ? "scalars rounded to float32 in a float64 run" : undefined;
}

/** The library's own defaults by our names. */
function defaultsOf(name, theirs) {
  const ours = defaults[Object.keys(defaults).find((beginning) => name.startsWith(beginning))];
  return typeof ours === "function" ? ours(theirs) : ours;
}

/** The library's options by our names. */
function renameOptions(theirs) {
  const ours = {};
  for (const [name, value] of Object.entries(theirs)) {
    if (ignored.includes(name)) continue;
    if (options[name] === "clip" && value === null) {
      ours.clipping = false;
      continue;
    }
    if (name in several) for (const [i, each] of value.entries()) ours[several[name][i]] = each;
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
  const ours = entries.filter(([name, value]) => name && value !== null);
  return Object.fromEntries(ours.map(([name, value]) => [name, [value].flat()]));
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
