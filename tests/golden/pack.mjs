// Packs golden files, as the libraries' runs wrote them, into the compact form that the tests read:
//   npm run build && node tests/golden/pack.mjs FOLDER refs/torch_SGD libs/torch213_SGD …
// Numbers become base64 of little-endian float64, or float32 where the case is float32. The numbers are those that the named
// version of the named library computed; nothing in them comes from gradstep.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { optimizers } from "../../dist/index.js";
import { assign, libraryOf, translate } from "../../scripts/libraries.mjs";
import { packNumbers } from "./numbers.mjs";

// What the authors' implementations call by another name than ours; scripts/libraries.mjs has the libraries' names.
const classes = {
  SGDScheduleFree: "ScheduleFreeSGD",
  AdamWScheduleFree: "ScheduleFreeAdamW",
  SophiaG: "Sophia",
  CautiousAdamW: "AdamW",
  CautiousLion: "Lion",
};
// and what timm's have in files of authors
const timmNames = {
  LARS: "Lars",
  LAMB: "Lamb",
  NovoGrad: "NvNovoGrad",
  MARS: "Mars",
  ADOPT: "Adopt",
  CautiousLion: "Lion",
};
// What is not given and decides what the rest means.
const absent = { Adafactor: { lr: null } };
const options = {
  adam_lr: "adamLrRatio*lr",
  adam_betas: ["adamBeta1", "adamBeta2"],
  betas: ["beta1", "beta2", "beta3"],
  correct_bias: "biasCorrection",
  betas_1d: ["beta11d", "beta21d"],
  etas: ["etaMinus", "etaPlus"],
  step_sizes: ["stepMin", "stepMax"],
  initial_accumulator_value: "initialAccumulator",
  decoupled_weight_decay: "decoupled",
  decoupled_decay: "decoupled",
  weight_decouple: "decoupled",
  decouple: "decoupled",
  b1: "beta1",
  b2: "beta2",
  wd: "weightDecay",
};
// Runs of an optimizer in a wrapper: the optimizer, its options, the wrapper and the wrapper's options.
const wrapped = {
  Lookahead: ({ base, la_steps, la_alpha, pullback_momentum, ...rest }) => [
    base,
    rest,
    "Lookahead",
    { k: la_steps, alpha: la_alpha, pullbackMomentum: pullback_momentum },
  ],
  lookahead: ({ fast: [optimizer, rest], sync_period, slow_step_size, reset_state }) => [
    optimizer,
    rest,
    "Lookahead",
    { k: sync_period, alpha: slow_step_size, resetState: reset_state },
  ],
  GrokFast: ({ filter, alpha, lamb, window_size, filter_type, warmup, ...rest }) => [
    "AdamW",
    rest,
    filter === "ema" ? "GrokfastEMA" : "GrokfastMA",
    { alpha, lamb, windowSize: window_size, filterType: filter_type, warmup },
  ],
  centralize: () => ["sgd", { learning_rate: 0 }, "GradientCentralization", {}],
};
// What the authors' rules do without an option, or by default, and ours by an option.
const implied = [
  [/^AdaBelief/, ({ eps }) => eps !== undefined && { epsRoot: eps }],
  // it adds eps to the root that is not corrected, as Keras does
  [/^Cautious\/AdamW/, () => ({ convention: "keras", eps: 1e-6, weightDecay: 0, cautious: true })],
  [/^Cautious\/Lion/, () => ({ beta1: 0.95, beta2: 0.98, cautious: true, smoothing: 1 })],
  [/^MARS/, ({ lr = 3e-3, lr_1d = 3e-3 }) => ({ lr1dFactor: lr_1d / lr })],
  [/^LaProp\/authors/, () => ({ fixedDecay: true })],
  [/^Muon|^newtonschulz/, () => ({ weightDecay: 0, addEps: true })],
];
const ignored = ["foreach", "hessian_every", "lr_1d", "names", "momentum_dtype", "decay_offset"];

// State by our names; what is not here is not compared.
const slots = {
  // PyTorch, timm and authors
  momentum_buffer: "buf",
  sum: "s",
  "Adadelta.square_avg": "s",
  "RMSprop.square_avg": "v",
  acc_delta: "d",
  grad_avg: "mg",
  exp_mean_avg_beta2: "mg",
  "MADGRAD.s": "s",
  grad_sum_sq: "q",
  x0: "x0",
  exp_avg: "m",
  last_grad: "previous",
  "AdamMini.m": "m",
  "AdamMini.v": "v",
  vmean: "v",
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
  z: "z",
  cached_params: "slow",
  "Sophia.hessian": "hessian",
  "ScheduleFreeAdamW.exp_avg": "m",
  "Rprop.prev": "previous",
  previous_grad: "previous",
  "Rprop.step_size": "step",
  codes1: "codes1",
  codes2: "codes2",
  absmax1: "absmax1",
  absmax2: "absmax2",
  "Prodigy.s": "s",
  row_var: "rows",
  col_var: "columns",
  variance: "v",
  exp_avg_sq_row: "rows",
  exp_avg_sq_col: "columns",
  accumulator_0: "accumulator0",
  accumulator_1: "accumulator1",
  "Prodigy.p0": "p0",
  "DAdaptAdam.s": "s",
  // optax
  mu: "m",
  nu: "v",
  "RMSprop.mu": "mg",
  "SM3.nu": "m",
  "Adafactor.v": "v",
  "Adamax.nu": "u",
  nu_max: "vmax",
  "SGD.trace": "buf",
  "Signum.ema": "m",
  sum_of_squares: "s",
  e_g: "s",
  e_x: "d",
  m1: "m1",
  m2: "m2",
  "AdaBelief.nu": "s",
  "ACProp.nu": "s",
  "COCOB.init_particles": "x0",
  "COCOB.scale": "largest",
  "COCOB.subgradients": "total",
  "COCOB.reward": "reward",
  "SimplifiedAdEMAMix.m": "m",
  "SimplifiedAdEMAMix.n": "v",
  "Adan.m": "m",
  "Adan.v": "d",
  "Adan.n": "v",
  "Adan.g": "previous",
  prev_updates: "previous",
  grad_sum: "s",
  params0: "p0",
  init_params: "p0",
  previous_gradient: "previous",
  step_sizes: "step",
  // Keras
  momentum: "m",
  velocity: "v",
  velocity_hat: "vmax",
  norm: "u",
  accumulator: "s",
  linear: "z",
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

// What float64 runs may differ by, where 1e-12 is not to be had: one ulp in beta2^t moves the first rectified steps so far,
// Prodigy takes its rate from how far the parameters have come, the small difference of large numbers, and Keras reduces in float32
// whatever the dtype.
const tolerances = [
  [/^RAdam|AdaBelief\/rectify_default/, 1e-11],
  [/^Prodigy/, 3e-12],
  [/keras\/Muon/, 5e-7],
  [/keras\/Adafactor/, 2e-5],
  // what a change of the gradients by 1e-12 does is of this size: roots and bases of ill-conditioned matrices
  [/^Shampoo/, 1e-9],
  [/^SOAP/, 1e-11],
];

// How often a step rounds a parameter, where it is not once: PyTorch applies NAdam's two terms one after the other, Adan has
// two terms and a division, optax's Lion does not shrink the weights first, schedule-free rules make x, y and z of one another,
// Fromage divides and bounds what it moved, what some add as weight decay, ours multiply by, and
// Adafactors shrink first and then step.
const roundings = {
  Adafactor: 2,
  NAdam: 2,
  Adan: 5,
  Lion: 2,
  ScheduleFreeSGD: 3,
  ScheduleFreeAdamW: 3,
  Fromage: 3,
  CautiousAdamW: 2,
  MARS: 2,
};

// What float32 runs may differ by as a share of a tensor's largest element, where they are not held to units in the last place.
const shares = [
  [/ tfjs\//, 3.2e-7],
  [/^SOAP SOAP\/asis/, 2.4e-4],
  [/^SOAP/, 6e-6],
  // where matrices are multiplied, each element is made of all others
  [/^Muon/, 3e-6],
];

const [folder, ...names] = process.argv.slice(2);
const here = new URL(".", import.meta.url).pathname;
for (const name of names) {
  const { cases: given, ...rest } = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const cases = given?.map(asRun);
  mkdirSync(dirname(here + name), { recursive: true });
  const packed = !cases
    ? `${JSON.stringify(packRun(rest))}\n`
    : cases[0].steps
      ? packRuns(name, cases)
      : packCases(name, cases, rest);
  writeFileSync(`${here}${name}.json`, packed);
}

/** Runs of an optimizer that evaluates the loss itself. */
function packRuns(file, cases) {
  const lines = cases.map((one) => {
    const { name, source, x0, steps, sensitivity } = one;
    const { made, options } = translated(file, one);
    return JSON.stringify({ name, optimizer: made, source, options, x0, steps, sensitivity });
  });
  return `{"runs":[\n${lines.join(",\n")}\n]}\n`;
}

function packCases(file, cases, { quadratic, params0, sparse_grads, grads, own, qmap1, qmap2 }) {
  const lines = cases.flatMap((given) => {
    const one = unwrapped({ ...given, ...(grads && bitsandbytes(given, params0)) });
    const ours = translated(file, one);
    const why = ours.why ?? whyNot(one, ours);
    if (why) console.log(`left out ${one.name}: ${why}`);
    return why ? [] : [JSON.stringify(packCase(one, ours, laterOf(file, one)))];
  });
  const sparse = sparse_grads && {
    params0: packNumbers(params0),
    grads: sparse_grads.map(({ indices, values }) => ({ indices, rows: packNumbers(values) })),
  };
  const singles = (value) => [packNumbers(value, "float32")];
  const inputs = grads ? { dtype: "float32", params0: singles(params0), grads: grads.map(singles) } : packNumbers(own);
  const maps = qmap1 && [qmap1, qmap2].map((map) => packNumbers(map, "float32"));
  const head = { quadratic: quadratic ?? null, sparse, inputs, maps };
  return `${JSON.stringify(head).slice(0, -1)},"cases":[\n${lines.join(",\n")}\n]}\n`;
}

/** A run of an optimizer in a wrapper, or of a change of gradients, as one of the optimizer. */
function unwrapped(one) {
  const wrap = wrapped[one.optimizer ?? one.transform];
  if (!wrap) return one;
  const [optimizer, hyperparameters, wrapper, options] = wrap(one.hyperparameters);
  const filtered = one.filtered_grads ?? one.updates;
  return { ...one, optimizer, hyperparameters, wrapper: { name: wrapper, options }, filtered };
}

function packCase(one, { made, options }, later) {
  const { name, source, dtype, tensors, shapes, problem, hyperparameters, params, state, wrapper, filtered } = one;
  const pack = (value) => packNumbers(value, dtype);
  const { names = Object.keys(shapes) } = hyperparameters;
  const placed = Object.fromEntries(names.map((name, k) => [name, shapes[k]]));
  const kept = Object.values(new optimizers[made.toLowerCase()](placed, options).state);
  const slots = statesOf(state).map((saved, k) => {
    const known = { ...kept[k], ...(wrapper && { slow: 0 }) };
    return packSlots(renameSlots(made, saved, known), known, dtype);
  });
  for (const [k, slow] of (one.slow_params?.[25] ?? []).entries()) slots[k].slow = pack(slow);
  const ours = { name, optimizer: made, options, source, dtype };
  const compare = {
    tolerance: tolerances.find(([cases]) => cases.test(`${made} ${name}`))?.[1],
    roundings: roundings[one.optimizer] ?? roundings[made],
    ulps: ulps(name, made),
    share: dtype === "float32" ? shares.find(([cases]) => cases.test(`${made} ${name}`))?.[1] : undefined,
  };
  const evalParams = (one.params_eval_x ?? one.eval_params)?.[25];
  const more = {
    later,
    hessianEvery: hyperparameters.hessian_every,
    values: one.values,
    wrapper,
    filtered: pack(filtered),
    evalParams: pack(evalParams),
  };
  const inputs = packNumbers(one.inputs);
  return {
    ...ours,
    ...compare,
    ...more,
    inputs,
    tensors,
    names: hyperparameters.names,
    shapes,
    problem,
    params: pack(params ?? {}),
    state: slots,
  };
}

/** A function of a gradient as a run of one step, in which the parameter goes from 0 to minus the function's value. */
function asRun(run) {
  if (!run.input) return run;
  const { input, output, shape, steps, ...one } = run;
  return {
    ...one,
    optimizer: "Muon",
    hyperparameters: { lr: 1, momentum: 0, nesterov: false, ns_steps: steps, adjust_lr_fn: "none" },
    inputs: { params0: [input.map(() => 0)], grads: [[input]] },
    shapes: [shape],
    params: { 1: [output.map((x) => 0 - x)] },
  };
}

/**
 * What the update may be off by in float32, if not the usual few units: optax and Keras raise the betas to the step in float32,
 * optax's RAdam takes a small difference of large numbers in it, and its optimistic Adam one of terms of fifty times its size;
 * Prodigy's rate, once it has begun to grow, is off by 1e-4, and its DAdaptAdam's by 2e-5. The largest numbers of bitsandbytes'
 * blocks are right to two.
 */
function ulps(name, made) {
  if (made === "Prodigy") return 4096;
  if (name.startsWith("optax/contrib.dadapt_adamw/")) return 256;
  if (name.startsWith("optax/optimistic_adam/default")) return 256;
  if (name.startsWith("bnb/")) return 2;
  return name.startsWith("optax/radam") ? 65536 : /^(optax|keras)\//.test(name) ? 128 : undefined;
}

/** What the file of bitsandbytes leaves out of its cases: they are of one optimizer and one tensor. */
function bitsandbytes({ state }, params0) {
  return { optimizer: "AdamW8bit", source: {}, shapes: [[params0.length]], state: [state] };
}

/** The class and the options of a case, by our names. */
function translated(file, { name, optimizer, hyperparameters, source }) {
  const theirs = Object.fromEntries(Object.entries(hyperparameters).filter(([name]) => !ignored.includes(name)));
  const library = libraryOf(basename(file), source);
  const timm = library === "timm";
  if (timm && optimizer.startsWith("Cautious")) theirs.caution = true;
  const given = { ...(timm && absent[optimizer]), ...theirs };
  const timmName =
    timm && name.startsWith("Adafactor/bigvision") ? "AdafactorBigVision" : timm ? timmNames[optimizer] : undefined;
  return library
    ? translate(library, timmName ?? optimizer, given)
    : {
        made: classes[optimizer] ?? optimizer,
        options: {
          ...impliedOptions(name, hyperparameters),
          ...renameOptions(theirs, classes[optimizer] ?? optimizer),
        },
      };
}

/** The options that change before some steps, by our names. */
function laterOf(file, { later, ...one }) {
  if (!later) return undefined;
  let { hyperparameters } = one;
  let { options } = translated(file, one);
  const changes = Object.entries(later).map(([step, change]) => {
    const before = options;
    hyperparameters = { ...hyperparameters, ...change };
    ({ options } = translated(file, { ...one, hyperparameters }));
    const changed = Object.entries(options).filter(([name, value]) => value !== before[name]);
    return [step, Object.fromEntries(changed)];
  });
  return Object.fromEntries(changes);
}

/** Why a case cannot be compared, if so. */
function whyNot(
  { name, dtype, notes, do_not_test, do_not_test_exactly, float32_rounding_in_float64 },
  { made, options },
) {
  if (do_not_test) return "a fault of the library";
  if (do_not_test_exactly) return "a run in bfloat16";
  const rounds = dtype === "float64" && notes?.some((note) => note.includes("in float32 even with x64"));
  if (rounds || float32_rounding_in_float64 || /float32scalars/.test(name))
    return "scalars rounded to float32 in a float64 run";
  if (/^Shampoo.*float32/.test(name)) return "ill-conditioned: the library's own float32 is far from its float64";
  const known = optimizers[made.toLowerCase()]?.defaults;
  if (!known) return `${made} is no optimizer of ours`;
  const missing = Object.keys(options).filter((option) => !(option in known));
  return missing.length > 0 ? `${missing} is no option of ours` : undefined;
}

/** The authors' options by our names. */
function renameOptions(theirs, made) {
  const known = optimizers[made.toLowerCase()]?.defaults ?? {};
  const ours = {};
  for (const [name, value] of Object.entries(theirs)) {
    if (name === "clip" && value === null) {
      ours.clipping = false;
      continue;
    }
    if (name === "mars_type") {
      ours.marsType = value.replace("mars-", "");
      continue;
    }
    // null is what is off
    assign(ours, camel(name) in known ? camel(name) : (options[name] ?? camel(name)), value ?? 0);
  }
  return ours;
}

function impliedOptions(name, theirs) {
  return Object.assign({}, ...implied.filter(([names]) => names.test(name)).map(([, options]) => options(theirs)));
}

function camel(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
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
  const ours = entries.filter(([name, value]) => name in kept && value !== null);
  return Object.fromEntries(ours.map(([name, value]) => [name, [value].flat()]));
}

function packSlots(saved, kept, dtype) {
  const entries = Object.entries(saved).map(([name, value]) => {
    return [name, packNumbers(value, kept[name] instanceof Uint8Array ? "uint8" : dtype)];
  });
  return Object.fromEntries(entries);
}

/** Inputs by set, or one run. */
function packRun({ sets, ...run }) {
  if (!sets) return { ...run, grads: packNumbers(run.grads), params: packNumbers(run.params) };
  const pack = ({ shapes, params0, grads }) => ({ shapes, params0: packNumbers(params0), grads: packNumbers(grads) });
  return { sets: Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, pack(set)])) };
}
