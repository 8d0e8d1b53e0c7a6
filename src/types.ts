import type { NonFinite } from "./guard.js";
import type { Dtype } from "./rule.js";

/** A hyperparameter as a function of the steps taken so far: the first step uses `schedule(0)`. */
export type Schedule = (step: number) => number;

/** What a hyperparameter can be set to. */
export type Setting = number | Schedule;

/** A parameter: your array (updated in place, shape `[length]`), a length, a shape, or your array with a shape. */
export type Init =
  | Float32Array
  | Float64Array
  | number
  | readonly number[]
  | { readonly data: Float32Array | Float64Array; readonly shape: readonly number[] };

/** Parameters by name, or a list of them, named "0", "1", … */
export type ParamSet = { readonly [name: string]: Init } | readonly Init[];

/** The typed array of a dtype. */
export type View<D extends Dtype = Dtype> = D extends "f64" ? Float64Array : Float32Array;

/** The options with the element type of the state as it was asked for, if the optimizer has such an option. */
export type Stated<H, S extends StateDtype> = H extends { readonly stateDtype: StateDtype }
  ? H & { readonly stateDtype: S }
  : H;

export type StateDtype = "same" | "bf16";

/** A buffer of state: of the optimizer's dtype, of bytes where it can be kept in 8 bits, or of bfloat16 numbers. */
export type StateView<D extends Dtype, H> = H extends { readonly stateDtype: infer S }
  ? S extends "bf16"
    ? Uint16Array
    : View<D>
  : H extends { readonly min8bitSize: number }
    ? View<D> | Uint8Array
    : [keyof H] extends [never]
      ? View<D> | Uint8Array | Uint16Array
      : View<D>;

/** The parameter names of a set. */
export type NamesOf<P> = P extends readonly unknown[]
  ? number extends P["length"]
    ? `${number}`
    : Extract<keyof P, `${number}`>
  : Extract<keyof P, string>;

type Data<I> = I extends { readonly data: infer A } ? A : I;
type Inits<P> = P extends readonly (infer I)[] ? Data<I> : { [K in keyof P]: Data<P[K]> }[keyof P];

/** The dtype that a parameter set implies: that of its arrays, f32 if it has none. */
export type DtypeOf<P> = [Extract<Inits<P>, Float64Array>] extends [never]
  ? "f32"
  : [Extract<Inits<P>, Float32Array>] extends [never]
    ? "f64"
    : Dtype;

/** A record by parameter name; that of a list of unknown length can be indexed with numbers. */
export type ByName<N extends string, T> = { readonly [K in N]: T } & (`${number}` extends N
  ? { readonly [index: number]: T }
  : unknown);

/** Gradients for one step: an array for every parameter. */
export type Grads<N extends string, D extends Dtype> = `${number}` extends N
  ? readonly View<D>[] | { readonly [K in N]: View<D> }
  : { readonly [K in N]: View<D> };

/** A group of parameters with options of its own. */
export type Group<H> = { readonly params: ParamSet } & Settings<H>;

// also where TypeScript tells a property that is undefined from one that is left out
type Optional<T> = { [K in keyof T]?: T[K] | undefined };

/** The options that set a hyperparameter, a flag or a choice. One that is undefined counts as left out. */
export type Settings<H> = Optional<{ -readonly [K in keyof H]: H[K] extends boolean | string ? H[K] : Setting }>;

/** The options of an optimizer. One that is undefined counts as left out. */
export type Options<H, D extends Dtype = Dtype> = Settings<H> & Optional<General<D>>;

/** The options that are no hyperparameters. */
interface General<D extends Dtype> {
  /** The dtype of every buffer; default: that of the arrays given, else "f32". */
  dtype: D;
  /** Where the loops run; "auto", the default, takes WebAssembly where it can be had. */
  backend: "auto" | "wasm" | "js";
  /** How many threads share the work of large steps, "auto" for as many as there are cores: see gradstep/threads. Default 1. */
  threads: number | "auto";
  /**
   * The `WebAssembly.Memory` of another module, for everything to stand in: parameters that are arrays in it are stepped where they
   * are, and gradients handed over are read there. Views are made anew when it has grown: read `opt.params` again then. One thread.
   */
  memory: { readonly buffer: ArrayBufferLike };
  /** Allocates so many bytes in `memory`, which it may let grow, and returns a pointer to them. */
  malloc: (bytes: number) => number;
  /** Frees what `malloc` returned when it is called, in `dispose`; without it, that memory is not given back. */
  free: (pointer: number, bytes: number) => void;
  /** What the gradients are divided by, such as a loss scale; default 1. */
  gradScale: Setting;
  /** The norm of all gradients together, over all groups, that a step takes at most; `Infinity` only measures it. Default: any. */
  clipNorm: Setting;
  /** How far from zero a step takes a gradient at most, after they are clipped by their norm. Default: any. */
  clipValue: Setting;
  /**
   * What a step does about gradients that are not finite: take them as they are (the default), leave the step out, or throw an
   * error that names the first. Of several calls that make a step, one is left out, or, if only their sum is not finite, all so far.
   */
  nonFinite: NonFinite;
  /** Whether a step leaves `grads` zero; default false. */
  zeroGrad: boolean;
  /** How many calls of `step` make one: their gradients are summed up. Default 1. */
  accumulate: number;
  /** Whether the sum is divided by that number; default "mean". */
  accumulation: "mean" | "sum";
}

// A hyperparameter is read as the number that the next step will use, and set to a number or a schedule. TypeScript keeps a
// getter and a setter apart only where they are written out, hence this list: one line for each name that any rule uses.
interface Accessors {
  adamBeta1: { get adamBeta1(): number; set adamBeta1(value: Setting) };
  adamBeta2: { get adamBeta2(): number; set adamBeta2(value: Setting) };
  adamEps: { get adamEps(): number; set adamEps(value: Setting) };
  adamLrRatio: { get adamLrRatio(): number; set adamLrRatio(value: Setting) };
  adamWeightDecay: { get adamWeightDecay(): number; set adamWeightDecay(value: Setting) };
  alpha: { get alpha(): number; set alpha(value: Setting) };
  alphaWarmup: { get alphaWarmup(): number; set alphaWarmup(value: Setting) };
  beta11d: { get beta11d(): number; set beta11d(value: Setting) };
  beta1: { get beta1(): number; set beta1(value: Setting) };
  beta21d: { get beta21d(): number; set beta21d(value: Setting) };
  beta2: { get beta2(): number; set beta2(value: Setting) };
  beta2Cap: { get beta2Cap(): number; set beta2Cap(value: Setting) };
  beta2Decay: { get beta2Decay(): number; set beta2Decay(value: Setting) };
  beta3: { get beta3(): number; set beta3(value: Setting) };
  beta3Warmup: { get beta3Warmup(): number; set beta3Warmup(value: Setting) };
  beta: { get beta(): number; set beta(value: Setting) };
  bs: { get bs(): number; set bs(value: Setting) };
  clip: { get clip(): number; set clip(value: Setting) };
  ema: { get ema(): number; set ema(value: Setting) };
  d0: { get d0(): number; set d0(value: Setting) };
  d: { get d(): number; set d(value: Setting) };
  dampening: { get dampening(): number; set dampening(value: Setting) };
  dCoef: { get dCoef(): number; set dCoef(value: Setting) };
  delta: { get delta(): number; set delta(value: Setting) };
  dim: { get dim(): number; set dim(value: Setting) };
  eps1: { get eps1(): number; set eps1(value: Setting) };
  eps2: { get eps2(): number; set eps2(value: Setting) };
  eps: { get eps(): number; set eps(value: Setting) };
  epsilon: { get epsilon(): number; set epsilon(value: Setting) };
  epsRoot: { get epsRoot(): number; set epsRoot(value: Setting) };
  etaMinus: { get etaMinus(): number; set etaMinus(value: Setting) };
  etaPlus: { get etaPlus(): number; set etaPlus(value: Setting) };
  finalLr: { get finalLr(): number; set finalLr(value: Setting) };
  fMin: { get fMin(): number; set fMin(value: Setting) };
  gamma: { get gamma(): number; set gamma(value: Setting) };
  growthRate: { get growthRate(): number; set growthRate(value: Setting) };
  historySize: { get historySize(): number; set historySize(value: Setting) };
  initEstimSqDist: { get initEstimSqDist(): number; set initEstimSqDist(value: Setting) };
  initialAccumulator: { get initialAccumulator(): number; set initialAccumulator(value: Setting) };
  initValue: { get initValue(): number; set initValue(value: Setting) };
  innerMomentum: { get innerMomentum(): number; set innerMomentum(value: Setting) };
  l1: { get l1(): number; set l1(value: Setting) };
  l2: { get l2(): number; set l2(value: Setting) };
  l2Shrinkage: { get l2Shrinkage(): number; set l2Shrinkage(value: Setting) };
  lambd: { get lambd(): number; set lambd(value: Setting) };
  layerScale: { get layerScale(): number; set layerScale(value: Setting) };
  lr1dFactor: { get lr1dFactor(): number; set lr1dFactor(value: Setting) };
  lr: { get lr(): number; set lr(value: Setting) };
  lrDecay: { get lrDecay(): number; set lrDecay(value: Setting) };
  maxEval: { get maxEval(): number; set maxEval(value: Setting) };
  maxGradNorm: { get maxGradNorm(): number; set maxGradNorm(value: Setting) };
  maxIter: { get maxIter(): number; set maxIter(value: Setting) };
  maxPrecondDim: { get maxPrecondDim(): number; set maxPrecondDim(value: Setting) };
  minDimSizeToFactor: { get minDimSizeToFactor(): number; set minDimSizeToFactor(value: Setting) };
  minNorm: { get minNorm(): number; set minNorm(value: Setting) };
  min8bitSize: { get min8bitSize(): number; set min8bitSize(value: Setting) };
  momentum: { get momentum(): number; set momentum(value: Setting) };
  momentumDecay: { get momentumDecay(): number; set momentumDecay(value: Setting) };
  nHeads: { get nHeads(): number; set nHeads(value: Setting) };
  nsA: { get nsA(): number; set nsA(value: Setting) };
  nsB: { get nsB(): number; set nsB(value: Setting) };
  nsC: { get nsC(): number; set nsC(value: Setting) };
  nsSteps: { get nsSteps(): number; set nsSteps(value: Setting) };
  pBound: { get pBound(): number; set pBound(value: Setting) };
  preconditionFrequency: { get preconditionFrequency(): number; set preconditionFrequency(value: Setting) };
  r: { get r(): number; set r(value: Setting) };
  rho: { get rho(): number; set rho(value: Setting) };
  rmsRate: { get rmsRate(): number; set rmsRate(value: Setting) };
  scaling: { get scaling(): number; set scaling(value: Setting) };
  shampooBeta: { get shampooBeta(): number; set shampooBeta(value: Setting) };
  smoothing: { get smoothing(): number; set smoothing(value: Setting) };
  stepMax: { get stepMax(): number; set stepMax(value: Setting) };
  stepMin: { get stepMin(): number; set stepMin(value: Setting) };
  t0: { get t0(): number; set t0(value: Setting) };
  threshold: { get threshold(): number; set threshold(value: Setting) };
  toleranceChange: { get toleranceChange(): number; set toleranceChange(value: Setting) };
  toleranceGrad: { get toleranceGrad(): number; set toleranceGrad(value: Setting) };
  trustCoeff: { get trustCoeff(): number; set trustCoeff(value: Setting) };
  updateFreq: { get updateFreq(): number; set updateFreq(value: Setting) };
  value: { get value(): number; set value(value: Setting) };
  warmupSteps: { get warmupSteps(): number; set warmupSteps(value: Setting) };
  wdRatio: { get wdRatio(): number; set wdRatio(value: Setting) };
  weightDecay1d: { get weightDecay1d(): number; set weightDecay1d(value: Setting) };
  weightDecay: { get weightDecay(): number; set weightDecay(value: Setting) };
  weightLrPower: { get weightLrPower(): number; set weightLrPower(value: Setting) };
}

type Fixed<H> = { [K in keyof H as H[K] extends boolean | string ? K : never]: H[K] };
type Intersection<U> = (U extends unknown ? (u: U) => void : never) extends (all: infer I) => void ? I : never;

/** Options that are not given are `any` in comments of JavaScript; here they count as not known. */
export type Known<H> = 0 extends 1 & H ? unknown : H;

/** The options of a rule as properties; flags and choices are read-only. */
export type Hyperparameters<H> = Intersection<Accessors[keyof Known<H> & keyof Accessors]> & Readonly<Fixed<Known<H>>>;

/** A group as `opt.groups` shows it. */
export type GroupView<H = unknown, N extends string = string> = { readonly names: readonly N[] } & Hyperparameters<H>;
