// Packs what the libraries' schedules returned, as their runs wrote it, into the compact form that the tests read:
//   node tests/golden/pack-schedules.mjs FOLDER
// A case has our call as a list, name and arguments, and the library's values as base64 of little-endian float64. The values are
// those that the named version of the named library computed; nothing in them comes from gradstep.
import { readFileSync, writeFileSync } from "node:fs";

const folder = process.argv[2];

const stepper = { step_size: "stepSize", gamma: "gamma", milestones: "milestones" };
/** PyTorch's calls by ours, given the learning rate of the optimizer; `factor` of those that chain is without it. */
const torch = {
  StepLR: (lr, args) => ["stepDecay", lr, renamed(args, stepper)],
  MultiStepLR: (lr, args) => ["multiStepDecay", lr, renamed(args, stepper)],
  ConstantLR: (lr, args) => ["constantFactor", lr, renamed(args, { factor: "factor", total_iters: "steps" })],
  LinearLR: (lr, { start_factor = 1 / 3, end_factor = 1, total_iters = 5 }) => [
    "linear",
    lr * start_factor,
    { end: lr * end_factor, steps: total_iters },
  ],
  ExponentialLR: (lr, args) => ["exponentialDecay", lr, args],
  CosineAnnealingLR: (lr, args) => ["cosineAnnealing", lr, renamed(args, { T_max: "steps", eta_min: "end" })],
  PolynomialLR: (lr, { total_iters = 5, power }) => ["polynomial", lr, { steps: total_iters, power }],
  CosineAnnealingWarmRestarts: (lr, args) => [
    "cosineAnnealingWarmRestarts",
    lr,
    renamed(args, { T_0: "steps", T_mult: "stepsFactor", eta_min: "end" }),
  ],
  SequentialLR: (lr, { schedulers, milestones }) => [
    "join",
    schedulers.map(([name, args]) => torch[name](lr, args)),
    milestones,
  ],
  ChainedScheduler: (lr, { schedulers: [first, ...more] }) => [
    "product",
    torch[first[0]](lr, first[1]),
    ...more.map(([name, args]) => torch[name](1, args)),
  ],
  ReduceLROnPlateau: (lr, { threshold_mode, min_lr, ...args }) => [
    "reduceOnPlateau",
    lr,
    { ...args, thresholdMode: threshold_mode, min: min_lr },
  ],
  CyclicLR: (_, { base_lr, max_lr, ...args }) => ["cyclic", max_lr, { base: base_lr, ...renamed(args, cycle) }],
  OneCycleLR: (_, { max_lr, ...args }) => [
    "oneCycle",
    max_lr,
    { ...oneCycle(args), divFactor: args.div_factor, finalDivFactor: args.final_div_factor },
  ],
  LambdaLR: (lr) => ["inverseTimeDecay", lr, { decay: 0.05 }],
  MultiplicativeLR: (lr, { lr_lambda }) => ["multiplicative", lr, [lr_lambda]],
  SWALR: (lr, { swa_lr, anneal_epochs, anneal_strategy }) => [
    anneal_strategy === "linear" ? "linear" : "cosineDecay",
    lr,
    { end: swa_lr, steps: anneal_epochs },
  ],
};
const cycle = { step_size_up: "stepSizeUp", step_size_down: "stepSizeDown", mode: "mode", gamma: "gamma" };
const momentum = {
  CyclicLR: ({ base_momentum = 0.8, max_momentum = 0.9, ...args }) => [
    "cyclicMomentum",
    max_momentum,
    { base: base_momentum, ...renamed(args, cycle) },
  ],
  OneCycleLR: ({ base_momentum, max_momentum = 0.95, ...args }) => [
    "oneCycleMomentum",
    max_momentum,
    { base: base_momentum, ...oneCycle(args) },
  ],
};

function oneCycle({ total_steps, epochs, steps_per_epoch, pct_start, anneal_strategy, three_phase }) {
  const steps = total_steps ?? epochs * steps_per_epoch;
  return { steps, pctStart: pct_start, anneal: anneal_strategy, threePhase: three_phase };
}

const names = {
  transition_steps: "steps",
  transition_begin: "begin",
  decay_steps: "steps",
  decay_rate: "gamma",
  init_value: "init",
  end_value: "end",
  peak_value: "peak",
  warmup_steps: "warmup",
  power: "power",
  staircase: "staircase",
  exponent: "exponent",
  pct_start: "pctStart",
  pct_final: "pctFinal",
  div_factor: "divFactor",
  final_div_factor: "finalDivFactor",
};
const from =
  (name) =>
  ({ init_value, ...args }) => [name, init_value, renamed(args, names)];
const upTo =
  (name) =>
  ({ peak_value, ...args }) => [name, peak_value, renamed(args, names)];
const optax = {
  constant_schedule: ({ value }) => ["constant", value],
  linear_schedule: from("linear"),
  polynomial_schedule: from("polynomial"),
  exponential_decay: from("exponentialDecay"),
  cosine_decay_schedule: ({ alpha = 0, ...args }) =>
    from("cosineDecay")({ ...args, end_value: alpha * args.init_value }),
  warmup_constant_schedule: upTo("warmupConstant"),
  warmup_cosine_decay_schedule: upTo("warmupCosineDecay"),
  warmup_exponential_decay_schedule: upTo("warmupExponentialDecay"),
  piecewise_constant_schedule: (args) => ["piecewiseConstant", args.init_value, pieces(args)],
  piecewise_interpolate_schedule: (args) => [
    "piecewiseInterpolate",
    args.init_value,
    { ...pieces(args), interpolate: args.interpolate_type },
  ],
  cosine_onecycle_schedule: upTo("cosineOneCycle"),
  linear_onecycle_schedule: upTo("linearOneCycle"),
  sgdr_schedule: ({ cosine_kwargs }) => ["sgdr", cosine_kwargs.map((cycle) => renamed(cycle, names))],
  join_schedules: ({ parts, boundaries }) => ["join", parts.map(([name, args]) => optax[name](args)), boundaries],
};

function pieces({ boundaries_and_scales: scales }) {
  return { boundaries: Object.keys(scales).map(Number), scales: Object.values(scales) };
}

const keras = {
  ExponentialDecay: (lr, args) => ["exponentialDecay", lr, renamed(args, names)],
  InverseTimeDecay: (lr, { decay_rate, ...args }) => [
    "inverseTimeDecay",
    lr,
    { decay: decay_rate, ...renamed(args, names) },
  ],
  PolynomialDecay: (lr, { end_learning_rate, cycle, ...args }) => [
    "polynomial",
    lr,
    { end: end_learning_rate, cycle, ...renamed(args, names) },
  ],
  PiecewiseConstantDecay: (_, { boundaries, values: [first, ...values] }) => [
    "piecewiseConstant",
    first,
    { boundaries, values, convention: "keras" },
  ],
  CosineDecay: (lr, { decay_steps: steps, alpha = 0, warmup_target: peak, warmup_steps: warmup }) =>
    peak === undefined
      ? ["cosineDecay", lr, { steps, end: alpha * lr }]
      : ["warmupCosineDecay", peak, { warmup, steps, init: lr, end: alpha * peak, convention: "keras" }],
  CosineDecayRestarts: (lr, { first_decay_steps, t_mul = 2, m_mul, alpha = 0 }) => [
    "cosineAnnealingWarmRestarts",
    lr,
    { steps: first_decay_steps, stepsFactor: t_mul, heightFactor: m_mul, end: alpha * lr },
  ],
};

// PyTorch's newer version gives the same bits
const { identical_to_1_13: same } = JSON.parse(readFileSync(`${folder}/libs/torch213_schedulers_changed.json`, "utf8"));

const cases = [
  ...read("refs/schedulers").flatMap((one) => {
    const args = one.args ?? {};
    const call = (lr) => torch[one.scheduler](lr, args);
    const source = "torch 1.13.1 and 2.13.0";
    const { name, metrics } = one;
    if (!same.includes(name)) throw new Error(`${name} differs between PyTorch's versions`);
    // for two parameter groups each lr is a list
    if (Array.isArray(one.base_lr)) {
      return one.base_lr.map((lr, i) => ({
        name: `${name}/${i}`,
        source,
        call: call(lr),
        values: one.lr.map((at) => at[i]),
      }));
    }
    const paired = one.momentum && {
      name: `${name}/momentum`,
      source,
      call: momentum[one.scheduler](args),
      values: one.momentum,
    };
    return [{ name, source, call: call(one.base_lr), metrics, values: one.lr }, paired ?? []].flat();
  }),
  ...read("libs/optax_schedules").map((one) => ({ ...asCase(one), call: optax[one.schedule](one.args) })),
  ...read("libs/keras_schedules").map((one) => {
    const { initial_learning_rate, ...args } = one.args;
    // Keras computes a cosine in float32, whatever the dtype
    const tolerance = one.schedule.startsWith("Cosine") ? 1e-7 : undefined;
    return { ...asCase(one), call: keras[one.schedule](initial_learning_rate, args), tolerance };
  }),
];
const lines = cases.map(({ values, ...one }) => JSON.stringify({ ...one, values: packed(values) }));
writeFileSync(new URL("schedules.json", import.meta.url), `{"cases":[\n${lines.join(",\n")}\n]}\n`);

/** The cases of a file; those of float32 say nothing of schedules that compute in float64. */
function read(name) {
  return JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")).cases.filter(({ dtype }) => dtype === "float64");
}

function asCase({ name, source, value }) {
  return { name, source: `${source.package} ${source.version}`, values: value };
}

/** The options that have a name, by that name. */
function renamed(args, to) {
  return Object.fromEntries(Object.entries(args).flatMap(([name, value]) => (to[name] ? [[to[name], value]] : [])));
}

function packed(values) {
  return Buffer.from(Float64Array.from(values).buffer).toString("base64");
}
