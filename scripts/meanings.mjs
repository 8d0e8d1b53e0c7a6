// What the options of the optimizers mean. The declarations and docs/options.md say it, each with its default and range. What an
// option means in one optimizer alone stands in the docstring of that one: `@option eps added to …`.
import { docs } from "./docs.mjs";

export const meanings = {
  adamBeta1: "`beta1` of AdamW, for what is no matrix",
  adamBeta2: "`beta2` of AdamW, for what is no matrix",
  adamEps: "`eps` of AdamW, for what is no matrix",
  adamLrRatio: "the rate of AdamW, for what is no matrix, as a multiple of `lr`",
  adamNesterov: "whether AdamW, for what is no matrix, looks ahead as NAdamW does",
  adamWeightDecay: "the weight decay of AdamW, for what is no matrix",
  adaptive: "whether the step is multiplied by the inner product of the momentum and its orthogonal form",
  addEps:
    "whether `eps` is added to the norm that a matrix is divided by; otherwise it is the least that the norm can be",
  adjustLrFn:
    'what the rate of a matrix is multiplied by: √max(1, rows / columns), `rmsRate` √max(rows, columns) with "match_rms_adamw", √(rows / columns) with "rms_to_rms"',
  alphaWarmup: "the steps over which `alpha` rises from 0; 0 for none",
  alwaysAdapt: "whether tensors without weight decay get a rate by their norms too",
  amsbound: "whether the largest second moment so far is taken",
  amsgrad: "whether the largest second moment so far is taken, in one buffer more",
  beta1: "how much of the average of gradients a step keeps",
  beta11d: "`beta1` of AdamW, for what is no matrix",
  beta2: "how much of the average of squared gradients a step keeps",
  beta21d: "`beta2` of AdamW, for what is no matrix",
  beta2Cap: "the most that `beta2` comes to",
  beta2Decay: "the power c in beta2 = 1 - t^c",
  beta3Warmup: "the steps over which `beta3` rises from `beta1`; 0 for none",
  biasCorrection: "whether averages are corrected for having started from 0",
  bs: "the number of examples, or tokens, in a batch",
  cautious: "whether a step leaves out what does not go against the gradient",
  centered: "whether the variance of the gradients is taken instead of their mean square, in one buffer more",
  clip: "the power c in a bound: after t steps a gradient counts for at most t^c times the root of its second moment",
  clipping: "whether what a gradient counts for is bounded: see `clip`",
  correctBias: "whether averages are corrected for having started from 0",
  d: "the root mean square that a step has at most, before the rate; 0 for any",
  d0: "the first estimate of the distance to the solution",
  dCoef: "what the estimated distance is multiplied by",
  dampening: "what is taken off the gradient's share in the momentum, but for the first gradient",
  decayAtZ: "whether the weight decay is that of the iterate instead of the parameters",
  decoupled: "whether weight decay shrinks the weights by `lr` times `weightDecay`, instead of adding to the gradient",
  degeneratedToSgd:
    "whether steps that cannot be rectified yet are taken as SGD with momentum; otherwise they move nothing",
  delta:
    "how near to a right angle the gradient has to be to the weights for its step to keep to that angle: the cosine is below delta / √n, for n weights",
  dim: "the width of the model; `dim * dim / nHeads` weights of queries and keys are a head",
  eps: "what keeps a division by 0 away: added to the root of the second moment",
  eps1: 'the least that the root mean square of a gradient is, 0 for the epsilon of the dtype; added to the mean square where the convention is not "torch"',
  eps2: "the least that the parameters' root mean square counts for in the rate",
  epsRoot: "added to the second moment under the root",
  epsilon: "what the preconditioners start from, on their diagonals",
  etaMinus: "what a step is multiplied by where the gradient has turned",
  etaPlus: "what a step is multiplied by where the gradient has kept its sign",
  fMin: "the least value that the loss can have",
  finalLr: "the rate that all come to in the end",
  fixedDecay: "whether weight decay goes without the rate: weights shrink by `weightDecay` alone",
  gradAveraging: "whether the gradient enters the momentum by its share 1 - beta1, not whole",
  growthRate: "what the estimated distance can be multiplied by in a step, at most; the default is no limit",
  historySize: "how many differences of gradients are kept; each takes two buffers. A whole number",
  initEstimSqDist: "the first squared distance; 0 for `eps`",
  initStep:
    "what `initValue` is: the first distance, that distance as a share of 1 plus the norm of the parameters, or the first rate",
  initValue: "the first distance or rate: see `initStep`",
  initialAccumulator: "what the sum or mean of squared gradients starts from",
  innerMomentum: "how much of an average that stands for the gradient a step keeps; 0 for none",
  l1: "how strongly weights are held at exactly 0",
  l2: "how strongly weights are drawn to 0 at the time of the step",
  l2Shrinkage: "how strongly weights are drawn to 0 by their gradients",
  lambd: "how much the weights shrink, times the rate, and how fast the rate falls",
  layerScale: "the weight of the group's layers in the estimate",
  lineSearch: "how the length of a step is found: it is `lr`, or what meets the strong Wolfe conditions",
  lr: "the learning rate",
  lr1dFactor: "the rate of AdamW, for what is no matrix, as a multiple of `lr`",
  lrDecay: "how fast the rate falls: it is lr / (1 + lrDecay (t - 1))",
  marsType: "whose step corrected gradients get",
  maxEval: "how many evaluations of the loss a step makes at most; 0 for 1.25 times `maxIter`. A whole number",
  maxGradNorm: "the norm of all gradients together that a step takes at most; 0 for any",
  maxIter: "how many iterations a step makes at most. A whole number",
  maxPrecondDim: "how long an axis can be that gets a preconditioner",
  min8bitSize: "how many elements a parameter must have for its state to be bytes",
  minDimSizeToFactor: "how long both axes of a matrix must be for its squares to be kept by rows and columns",
  minNorm: "the least that a norm counts for",
  momentum: "how much of the momentum a step keeps; 0 for none",
  momentumDecay: "how fast the momentum rises from half of `beta1` to it",
  nHeads: "the number of heads of an attention layer",
  nesterov: "whether the step looks ahead along its momentum",
  noProx: "whether weight decay shrinks the weights before the step, not after it",
  normalizeGrads: "whether a step is divided by its root mean square",
  nsA: "the coefficient of X in an iteration that makes matrices orthogonal",
  nsB: "the coefficient of XXᵀX in that iteration: see `nsA`",
  nsC: "the coefficient of (XXᵀ)²X in that iteration: see `nsA`",
  nsCoefficients: "the iteration: `nsA`, `nsB`, `nsC` each time, or five sets of numbers one after the other",
  nsSteps: "how many iterations make a matrix orthogonal",
  optimize1d: "whether what is no matrix gets corrected gradients too",
  pBound: "how many times its first norm a tensor can grow to; 0 for any",
  precondition1d: "whether vectors get a basis too",
  preconditionFrequency: "after how many steps the basis is renewed",
  preconditioning: "what a matrix is divided by before it is made orthogonal, so that no singular value is above 1",
  r: "the power of the step number in the weight of an iterate in the average",
  rectify: "whether steps are smaller, or without the second moment, until that can be trusted",
  relativeStep: "whether the rate falls as 1 / √t, from `lr` at most",
  rmsRate: 'the root mean square of a step with adjustLrFn "match_rms_adamw", as a multiple of the rate',
  safeguardWarmup: "whether the estimate's denominator goes without the rate, which helps with a warm-up",
  scaleParameter: "whether the rate is multiplied by the parameters' root mean square",
  scaling: "what gradients are multiplied by",
  shampooBeta: "how much of the preconditioners' statistics a step keeps; -1 for `beta2`",
  smoothing:
    "with `cautious`, added to the number of elements that move, where the step is made larger for those that do not",
  stateDtype: "the element type of `m` and `v`: that of the optimizer, or bfloat16, in half of the memory",
  stepMax: "the most that an element moves in a step",
  stepMin: "the least that an element moves in a step",
  t0: "the step after which the average begins",
  threshold: "how long the average of squared gradients has to be to be trusted",
  toleranceChange: "a step ends where the loss or the parameters change by less",
  toleranceGrad: "a step ends where no gradient is larger",
  trustClip: "whether the rate of a tensor is at most `lr`",
  trustCoeff: "what the ratio of the norms of weights and gradient is multiplied by",
  unscaledWd: "whether weight decay goes without the rate: weights shrink by `weightDecay` alone",
  updateFreq: "after how many steps the roots of the preconditioners are computed again",
  useBiasCorrection: "whether the rate is corrected for averages that have started from 0",
  useMuon: "whether matrices get Muon's step; false leaves the group to AdamW",
  value: "the loss, to be set before each step",
  variant: 'whether a loss below `fMin` makes a step uphill, or with "sps+" none',
  warmupInit: "whether the rate rises by 1e-6 a step, in place of `lr`",
  warmupSteps: "the steps over which the rate rises from 0; 0 for none",
  wdRatio: "what is left of the weight decay where the step keeps to its angle",
  weightDecay:
    "how strongly weights are drawn to 0: `weightDecay` times the weights is added to the gradient, or, where the optimizer's weight decay is its own or with `decoupled`, weights shrink by `lr` times it",
  weightDecay1d: "the weight decay of AdamW, for what is no matrix",
  weightLrPower: "the power of the rate in the weight of an iterate in the average",
  convention: "the library whose defaults and numbers these are: see [migration.md](migration.md)",
  ema: "the decay of an average of the parameters, in the slot `ema` of the state; 0 for none",
  maximize: "whether steps go uphill",
};

/** What an option means in an optimizer, or in all that have it. */
export function meaningOf(name, optimizer) {
  return docs[optimizer]?.options[name] ?? meanings[name];
}

/** What the documentation of a class says of an option: its meaning, range and default. */
export function describe({ name: optimizer, rule, defaults, conventions }, name) {
  const meaning = meaningOf(name, optimizer);
  if (!meaning)
    throw new Error(`nothing says what ${name} of ${optimizer} means: its docstring, or scripts/meanings.mjs`);
  // src/rule.ts says it for all optimizers together
  const told = name === "weightDecay" ? "" : `${sentence(meaning)} `;
  const others = Object.entries(conventions)
    .filter(([, under]) => !Object.is(under[name], defaults[name]))
    .map(([convention, under]) => `${valueText(under[name])} for "${convention}"`);
  const range = rangeOf(rule, name);
  return `${told}${range && `In ${range}. `}Default ${[valueText(defaults[name]), ...others].join(", ")}.`;
}

/** The range of a number, where that is not all from 0 on. */
export function rangeOf({ ranges }, name) {
  const [from, to, closed] = { ema: [0, 1, "closed"], ...ranges }[name] ?? [];
  if (from === undefined) return "";
  const [least, most] = [from, to].map((end) => String(end).replace("Infinity", "∞"));
  return `${from === Number.MIN_VALUE ? "(0" : `[${least}`}, ${most}${closed ? "]" : ")"}`;
}

export function valueText(value) {
  if (value === Number.MAX_VALUE) return "Number.MAX_VALUE";
  if (typeof value !== "number") return typeof value === "string" ? JSON.stringify(value) : String(value);
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

export function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}.`;
}
