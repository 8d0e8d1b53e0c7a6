// What other libraries call by another name than gradstep: their optimizers, and the options of these. docs/migration.md is made
// from it (tables.mjs), and so are the options of the golden cases (tests/golden/pack.mjs): what the document says is compared
// with what the libraries computed.
//
// An optimizer is its class here, or [class, options, names]: options that give its defaults, beyond those of the convention, and
// its options that have another name here. "x=1" is the option x with that value, which stands for some options here, or for a
// sentence why it has none; "f(x=1)" is an optimizer that is another class if x is 1. A list of names is for a list of values, or
// for one value that is several options here; "x*y" is an option that is x as a share of y. Names that only lose their snake_case are
// not listed.

const betas = ["beta1", "beta2", "beta3"];
const fairseq = {
  eps: "eps1",
  eps_scale: "eps2",
  clip_threshold: "d",
  decay_rate: "beta2Decay",
  betas: ["momentum"],
};

export const libraries = {
  torch: {
    title: "PyTorch",
    version: "2.13.0",
    prefix: "torch.optim.",
    convention: "torch",
    names: { betas },
    optimizers: {
      ASGD: "ASGD",
      Adadelta: "Adadelta",
      Adafactor: ["Adafactor", {}, { eps: ["eps1", "eps2"] }],
      Adagrad: ["Adagrad", {}, { initial_accumulator_value: "initialAccumulator" }],
      Adam: ["Adam", {}, { decoupled_weight_decay: "decoupled" }],
      AdamW: "AdamW",
      Adamax: "Adamax",
      LBFGS: ["LBFGS", {}, { line_search_fn: "lineSearch" }],
      Muon: ["Muon", {}, { ns_coefficients: ["nsA", "nsB", "nsC"] }],
      NAdam: ["NAdam", {}, { decoupled_weight_decay: "decoupled" }],
      RAdam: ["RAdam", {}, { decoupled_weight_decay: "decoupled" }],
      RMSprop: "RMSprop",
      Rprop: ["Rprop", {}, { etas: ["etaMinus", "etaPlus"], step_sizes: ["stepMin", "stepMax"] }],
      SGD: "SGD",
      SparseAdam: "SparseAdam",
    },
  },
  optax: {
    title: "optax",
    version: "0.2.8",
    prefix: "optax.",
    convention: "optax",
    names: { learning_rate: "lr", b1: "beta1", b2: "beta2", b3: "beta3" },
    optimizers: {
      adabelief: ["AdaBelief", {}, { "nesterov=true": "refused" }],
      adadelta: "Adadelta",
      adafactor: [
        "Adafactor",
        {},
        {
          decay_rate: "-beta2Decay",
          eps: "eps1",
          clipping_threshold: "d",
          multiply_by_parameter_scale: "scaleParameter",
          weight_decay_rate: "weightDecay",
        },
      ],
      adagrad: ["Adagrad", {}, { initial_accumulator_value: "initialAccumulator" }],
      adam: "Adam",
      "adam(nesterov=true)": "NAdam",
      adamax: "Adamax",
      adamaxw: ["Adamax", { decoupled: true, weightDecay: 1e-4 }],
      adamw: "AdamW",
      "adamw(nesterov=true)": "NAdamW",
      adan: "Adan",
      amsgrad: [
        "Adam",
        { amsgrad: true },
        { "bias_correction_mu=false, bias_correction_nu=false": { biasCorrection: false } },
      ],
      "contrib.acprop": "ACProp",
      "contrib.ademamix": "AdEMAMix",
      "contrib.schedule_free_adamw": "ScheduleFreeAdamW",
      "contrib.schedule_free_sgd": ["ScheduleFreeSGD", {}, { b1: "momentum" }],
      "contrib.adopt": ["ADOPT", {}, { use_clipping: "clipping" }],
      "contrib.cocob": "COCOB",
      "contrib.dadapt_adamw": ["DAdaptAdam", {}, { betas, estim_lr0: "d0" }],
      "contrib.dog": ["DoG", {}, { init_step: ["initStep", "initValue"] }],
      "contrib.dowg": "DoWG",
      "contrib.madgrad": "MADGRAD",
      "contrib.prodigy": ["Prodigy", {}, { betas, estim_lr0: "d0", estim_lr_coef: "dCoef" }],
      "contrib.simplified_ademamix": "SimplifiedAdEMAMix",
      fromage: "Fromage",
      lamb: "LAMB",
      lars: ["LARS", {}, { trust_coefficient: "trustCoeff" }],
      "contrib.muon": [
        "Muon",
        {},
        {
          beta: "momentum",
          eps: ["eps", "adamEps"],
          ns_coeffs: ["nsA", "nsB", "nsC"],
          nesterov: ["nesterov", "adamNesterov"],
          adam_b1: "adamBeta1",
          adam_b2: "adamBeta2",
          adam_learning_rate: "adamLrRatio*lr",
          "consistent_rms=0.2": { adjustLrFn: "match_rms_adamw" },
        },
      ],
      lion: "Lion",
      nadam: "NAdam",
      nadamw: "NAdamW",
      novograd: "NovoGrad",
      optimistic_adam: ["OptimisticAdam", { lr: 1 }, { learning_rate: ["alpha", "beta"], optimism: "beta" }],
      optimistic_adam_v2: "OptimisticAdam",
      optimistic_gradient_descent: "OptimisticGradientDescent",
      polyak_sgd: ["PolyakSGD", {}, { max_learning_rate: "lr" }],
      radam: "RAdam",
      rmsprop: [
        "RMSprop",
        {},
        {
          decay: "alpha",
          initial_scale: "initialAccumulator",
          "eps_in_sqrt=false": { convention: "torch", alpha: 0.9 },
        },
      ],
      rprop: ["Rprop", {}, { min_step_size: "stepMin", max_step_size: "stepMax" }],
      sgd: "SGD",
      sign_sgd: "SignSGD",
      signum: "Signum",
      sm3: "SM3",
      yogi: "Yogi",
    },
  },
  keras: {
    title: "Keras",
    version: "3.15.1",
    prefix: "keras.optimizers.",
    convention: "keras",
    names: { learning_rate: "lr", beta_1: "beta1", beta_2: "beta2", epsilon: "eps" },
    optimizers: {
      Adadelta: "Adadelta",
      Adafactor: [
        "Adafactor",
        {},
        {
          epsilon_1: "eps1",
          epsilon_2: "eps2",
          beta_2_decay: "beta2Decay",
          clip_threshold: "d",
          "relative_step=false": {},
        },
      ],
      Adagrad: ["Adagrad", {}, { initial_accumulator_value: "initialAccumulator" }],
      Adam: "Adam",
      AdamW: "AdamW",
      Adamax: "Adamax",
      Ftrl: [
        "Ftrl",
        {},
        {
          initial_accumulator_value: "initialAccumulator",
          l1_regularization_strength: "l1",
          l2_regularization_strength: "l2",
          l2_shrinkage_regularization_strength: "l2Shrinkage",
        },
      ],
      Lamb: "LAMB",
      Lion: "Lion",
      Muon: [
        "Muon",
        {},
        {
          adam_beta_1: "adamBeta1",
          adam_beta_2: "adamBeta2",
          epsilon: "adamEps",
          muon_a: "nsA",
          muon_b: "nsB",
          muon_c: "nsC",
          "rms_rate=null": { adjustLrFn: "none" },
        },
      ],
      Nadam: "NAdam",
      RMSprop: ["RMSprop", {}, { rho: "alpha" }],
      ScheduleFreeAdamW: "ScheduleFreeAdamW",
      SGD: "SGD",
    },
  },
  tfjs: {
    title: "TensorFlow.js",
    version: "4.22.0",
    prefix: "tf.train.",
    convention: "tfjs",
    names: { learningRate: "lr", epsilon: "eps" },
    optimizers: {
      adadelta: "Adadelta",
      adagrad: ["Adagrad", {}, { initialAccumulatorValue: "initialAccumulator" }],
      adam: "Adam",
      adamax: ["Adamax", {}, { decay: "lrDecay" }],
      momentum: ["SGD", {}, { useNesterov: "nesterov" }],
      rmsprop: ["RMSprop", {}, { decay: "alpha", "centered=true": "refused" }],
      sgd: "SGD",
    },
  },
  timm: {
    title: "timm",
    version: "1.0.29",
    prefix: "timm.optim.",
    convention: "torch",
    names: { betas, caution: "cautious" },
    optimizers: {
      Adafactor: [
        "Adafactor",
        { convention: "timm", relativeStep: false, scaleParameter: false },
        { ...fairseq, "scale_parameter=true": {} },
      ],
      "Adafactor(lr=null)": ["Adafactor", { convention: "timm" }, fairseq],
      AdafactorBigVision: [
        "Adafactor",
        { convention: "big_vision" },
        { decay_rate: "-beta2Decay", eps: "eps1", clipping_threshold: "d" },
      ],
      AdaBelief: ["AdaBelief", {}, { eps: ["eps", "epsRoot"], decoupled_decay: "decoupled" }],
      Adan: "Adan",
      AdamP: "AdamP",
      AdamWLegacy: "AdamW",
      Adopt: ["ADOPT", { clip: 0.333 }, { clip_exp: "clip", "clip_exp=null": { clipping: false } }],
      LaProp: "LaProp",
      Lamb: ["LAMB", {}, { decoupled_decay: "decoupled" }],
      Lars: "LARS",
      Lion: "Lion",
      Mars: [
        "MARS",
        { convention: "timm" },
        {
          betas: [
            ["beta1", "beta11d"],
            ["beta2", "beta21d"],
          ],
          betas_1d: ["beta11d", "beta21d"],
          weight_decay: ["weightDecay", "weightDecay1d"],
          'mars_type="lion"': { marsType: "lion" },
        },
      ],
      MADGRAD: ["MADGRAD", {}, { decoupled_decay: "decoupled" }],
      Muon: [
        "Muon",
        {
          lr: 0.02,
          nesterov: false,
          weightDecay: 0,
          nsCoefficients: "quintic",
          adjustLrFn: "match_rms_adamw",
          adamEps: 1e-7,
        },
        {
          eps: ["eps", "adamEps"],
          weight_decay: ["weightDecay", "adamWeightDecay"],
          nesterov: ["nesterov", "adamNesterov"],
          betas: ["adamBeta1", "adamBeta2"],
          adamw_lr: "adamLrRatio*lr",
        },
      ],
      NAdamLegacy: ["NAdam", {}, { schedule_decay: "momentumDecay" }],
      NAdamW: "NAdamW",
      NvNovoGrad: "NovoGrad",
      RMSpropTF: [
        "RMSprop",
        { convention: "optax", alpha: 0.9, eps: 0, epsRoot: 1e-10, initialAccumulator: 1 },
        { eps: "epsRoot", decoupled_decay: "decoupled", "lr_in_momentum=false": { convention: "torch" } },
      ],
      SGDP: "SGDP",
      SGDW: "SGDW",
    },
  },
};

/** The class and the options that a library's optimizer with these options is, or why it is none. */
export function translate(library, optimizer, theirs) {
  const { convention, names, optimizers } = libraries[library];
  const calls = Object.keys(optimizers).filter((call) => call === optimizer || call.startsWith(`${optimizer}(`));
  const call = calls.findLast((each) => holds(conditionOf(each), theirs));
  if (!call) return { why: "it is no optimizer of ours" };
  const [made, defaults = {}, more = {}] = [optimizers[call]].flat();
  const options = { ...(convention !== "torch" && { convention }), ...defaults };
  const special = Object.keys(more).filter((name) => name.includes("=") && holds(name, theirs));
  const done = [conditionOf(call), ...special].flatMap((condition) => termsOf(condition).map(([name]) => name));
  for (const name of special) {
    if (typeof more[name] === "string") return { why: `${name} is ${more[name]}` };
    Object.assign(options, more[name]);
  }
  for (const [name, given] of Object.entries(theirs)) {
    if (done.includes(name)) continue;
    // null is what is off
    const value = given ?? 0;
    assign(options, more[name] ?? names[name] ?? camelCase(name), value);
  }
  return { made, options };
}

/**
 * Sets an option by its name here: several with what is a list or what is one for all; "x*y", where x is its share of y; or "-x".
 */
export function assign(options, ours, value) {
  if (Array.isArray(ours)) {
    const values = Array.isArray(value) ? value : ours.map(() => value);
    for (const [i, each] of ours.entries()) if (i < values.length) assign(options, each, values[i] ?? 0);
    return;
  }
  const [, sign, name, whole] = /^(-?)(\w+)(?:\*(\w+))?$/.exec(ours);
  options[name] = whole ? value / options[whole] : sign ? -value : value;
}

/** The library that a golden case is of, if it is none of the authors' implementations. */
export function libraryOf(file, source) {
  if (source.repo?.endsWith("pytorch-image-models")) return "timm";
  if (source.repo?.endsWith("/pytorch")) return "torch";
  return Object.keys(libraries).find((name) => file.startsWith(name) || source.package === name);
}

/** What stands in the parentheses of a call. */
function conditionOf(call) {
  return /\((.*)\)$/.exec(call)?.[1] ?? "";
}

function holds(condition, theirs) {
  return termsOf(condition).every(([name, value]) => JSON.stringify(theirs[name]) === value);
}

/** The names and values of "x=1, y=2". */
function termsOf(condition) {
  return condition.split(", ").flatMap((term) => (term ? [term.split("=")] : []));
}

function camelCase(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}
