// Checked by the compiler: `tsc -p .` fails if an expected error is none, or a type is another. Never run.
import { expectTypeOf, test } from "vitest";
import {
  Adagrad,
  AdaMod,
  Adam,
  AdamW,
  AdamW8bit,
  type AnyOptimizerClass,
  adaptiveClip,
  clipGradNorm,
  type Dtype,
  GradientCentralization,
  GrokfastEMA,
  GrokfastMA,
  globalNorm,
  LBFGS,
  type LoadResult,
  Lookahead,
  layerDecay,
  lossScaler,
  Momentum,
  noDecay,
  type Optimizer,
  type OptimizerClass,
  optimizers,
  type ParamSet,
  PolyakSGD,
  RMSprop,
  type Schedule,
  SGD,
  type StateDict,
} from "../src/index.js";

const f32 = new Float32Array(2);
const f64 = new Float64Array(2);

test("parameter names are known, in every record", () => {
  const opt = new AdamW({ w: [784, 128], b: 128 }, { lr: 1e-3 });
  expectTypeOf<keyof typeof opt.params>().toEqualTypeOf<"w" | "b">();
  expectTypeOf<keyof typeof opt.grads>().toEqualTypeOf<"w" | "b">();
  expectTypeOf<keyof typeof opt.state>().toEqualTypeOf<"w" | "b">();
  expectTypeOf(opt.groups[0].names).toEqualTypeOf<readonly ("w" | "b")[]>();
  // @ts-expect-error no such parameter
  opt.params.v;
  // @ts-expect-error no such parameter
  opt.grads.weight;
  // @ts-expect-error no such parameter
  opt.state.v;
});

test("the dtype is that of the arrays, or the one asked for, or f32", () => {
  expectTypeOf(new Adam({ w: 2 }).params.w).toEqualTypeOf<Float32Array>();
  expectTypeOf(new Adam({ w: f32 }).params.w).toEqualTypeOf<Float32Array>();
  expectTypeOf(new Adam({ w: f64 }).params.w).toEqualTypeOf<Float64Array>();
  expectTypeOf(new Adam({ w: f64, b: 3 }).params.b).toEqualTypeOf<Float64Array>();
  expectTypeOf(new Adam({ w: { data: f64, shape: [2, 1] } }).grads.w).toEqualTypeOf<Float64Array>();
  expectTypeOf(new Adam({ w: 2 }, { dtype: "f64" }).state.w.m).toEqualTypeOf<Float64Array>();
  expectTypeOf(new Adam({ w: 2 }, { dtype: "f64" }).dtype).toEqualTypeOf<"f64">();
  expectTypeOf(new Adam({ w: 2 }, { stateDtype: "bf16" }).state.w.m).toEqualTypeOf<Uint16Array>();
  expectTypeOf(new Adam([{ params: { w: 2 } }]).state.w.m).toEqualTypeOf<Float32Array | Uint16Array>();
  expectTypeOf(new AdamW8bit({ w: 2 }).state.w.codes1).toEqualTypeOf<Float32Array | Uint8Array>();
  expectTypeOf(new Adam({ w: 2 }).dtype).toEqualTypeOf<"f32">();
  const either = Math.random() < 0.5 ? "f32" : "f64";
  expectTypeOf(new Adam({ w: 2 }, { dtype: either }).params.w).toEqualTypeOf<Float32Array | Float64Array>();
});

test("an array of either dtype makes an optimizer of either", () => {
  const w = f32 as Float32Array | Float64Array;
  const opt = new Adam({ w });
  expectTypeOf(opt.dtype).toEqualTypeOf<Dtype>();
  expectTypeOf(opt.params.w).toEqualTypeOf<Float32Array | Float64Array>();
  const any = new Adam({ w: 2 } as ParamSet);
  expectTypeOf(any.dtype).toEqualTypeOf<Dtype>();
});

test("a list of parameters has numbers for names", () => {
  const opt = new SGD([3, [2, 2], f32]);
  expectTypeOf(opt.params[0]).toEqualTypeOf<Float32Array>();
  expectTypeOf(opt.params["2"]).toEqualTypeOf<Float32Array>();
  opt.step([f32, f32, f32]);
  // @ts-expect-error there are three
  opt.params[3];
  const lengths: number[] = [1, 2];
  const many = new SGD(lengths, { dtype: "f64" });
  expectTypeOf(many.params[7]).toEqualTypeOf<Float64Array>();
  many.step(lengths.map((n) => new Float64Array(n)));
  // @ts-expect-error of another dtype
  many.step(lengths.map((n) => new Float32Array(n)));
});

test("names and options of groups are known", () => {
  const opt = new Adam(
    [
      { params: { w: 2 }, lr: 0.1 },
      { params: { b: 1 }, amsgrad: true, weightDecay: () => 0.1 },
    ],
    {
      dtype: "f64",
    },
  );
  expectTypeOf<keyof typeof opt.params>().toEqualTypeOf<"w" | "b">();
  expectTypeOf(opt.params.b).toEqualTypeOf<Float64Array>();
  opt.step({ w: f64, b: f64 });
  // @ts-expect-error misspelt, in a group
  new Adam([{ params: { w: 2 }, learningRate: 0.1 }]);
  // @ts-expect-error misspelt, in the second of two groups
  new Adam([{ params: { w: 2 } }, { params: { b: 2 }, beta_1: 0.9 }]);
  // @ts-expect-error the optimizer's, not a group's
  new Adam([{ params: { w: 2 }, backend: "js" }]);
  // @ts-expect-error a number or a schedule
  new Adam([{ params: { w: 2 }, lr: "0.1" }]);
});

test("a group added later brings its names", () => {
  const opt = new Adam({ w: 2 }).addGroup({ params: { b: 1 }, lr: 0.1 });
  expectTypeOf(opt.params.b).toEqualTypeOf<Float32Array>();
  expectTypeOf(opt.params.w).toEqualTypeOf<Float32Array>();
  expectTypeOf(opt.lr).toEqualTypeOf<number>();
  // @ts-expect-error misspelt
  new Adam({ w: 2 }).addGroup({ params: { b: 1 }, learningRate: 0.1 });
  // @ts-expect-error a group has params
  new Adam({ w: 2 }).addGroup({ lr: 0.1 });
});

test("misspelt names of gradients, missing ones and those of another dtype are errors", () => {
  const opt = new Adam({ w: 2, b: 1 });
  opt.step({ w: f32, b: f32 });
  opt.step(opt.grads).step();
  // @ts-expect-error misspelt
  opt.step({ w: f32, bias: f32 });
  // @ts-expect-error one too many
  opt.step({ w: f32, b: f32, c: f32 });
  // @ts-expect-error one missing
  opt.step({ w: f32 });
  // @ts-expect-error of another dtype
  opt.step({ w: f32, b: f64 });
  // @ts-expect-error no list
  opt.step({ w: f32, b: [1] });
});

test("misspelt options and wrong values are errors", () => {
  new Adam({ w: 2 }, { lr: 0.1, beta1: (step) => 1 / (2 + step), amsgrad: true, backend: "js", dtype: "f64" });
  // @ts-expect-error misspelt
  new Adam({ w: 2 }, { learningRate: 0.1 });
  // @ts-expect-error of another optimizer
  new Adam({ w: 2 }, { momentum: 0.9 });
  // @ts-expect-error of another optimizer
  new SGD({ w: 2 }, { amsgrad: true });
  // @ts-expect-error a flag is true or false
  new Adam({ w: 2 }, { amsgrad: 1 });
  // @ts-expect-error a flag follows no schedule
  new Adam({ w: 2 }, { amsgrad: () => true });
  // @ts-expect-error a number or a schedule
  new Adam({ w: 2 }, { lr: "0.1" });
  // @ts-expect-error a schedule returns a number
  new Adam({ w: 2 }, { lr: () => "0.1" });
  // @ts-expect-error no such dtype
  new Adam({ w: 2 }, { dtype: "f16" });
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Adam(
    { w: 2 },
    { memory, malloc: (bytes) => 64 * bytes, free: (pointer, bytes) => expectTypeOf(pointer + bytes) },
  );
  // @ts-expect-error a pointer is a number
  new Adam({ w: 2 }, { memory, malloc: () => "64" });
  // @ts-expect-error no such backend
  new Adam({ w: 2 }, { backend: "gpu" });
});

test("a convention is one of those that the optimizer has", () => {
  const opt = new Adam({ w: 2 }, { convention: "keras" });
  expectTypeOf(opt.convention).toEqualTypeOf<keyof typeof Adam.conventions>();
  expectTypeOf<"torch" | "keras" | "tfjs">().toExtend<typeof opt.convention>();
  expectTypeOf(Adam.conventions.keras).toEqualTypeOf<typeof Adam.defaults>();
  expectTypeOf<keyof typeof AdaMod.conventions>().toEqualTypeOf<"torch">();
  new Adam([{ params: { w: 2 }, convention: "tfjs" }]);
  new Adam({ w: 2 }, { ...Adam.conventions.keras, lr: 0.1 });
  // @ts-expect-error no such library
  new Adam({ w: 2 }, { convention: "jax" });
  // @ts-expect-error a library without AdamW
  new AdamW({ w: 2 }, { convention: "tfjs" });
  // @ts-expect-error an optimizer that only its authors have
  new AdaMod({ w: 2 }, { convention: "keras" });
  // @ts-expect-error fixed at construction
  opt.convention = "torch";
  // @ts-expect-error a library without AdamW
  AdamW.conventions.tfjs;
});

test("what is no parameter is an error", () => {
  // @ts-expect-error a string
  new Adam({ w: "2" });
  // @ts-expect-error an Int32Array
  new Adam({ w: new Int32Array(2) });
  // @ts-expect-error null
  new Adam({ w: null });
  // @ts-expect-error one typed array is no set of parameters
  new Adam(f32);
  // @ts-expect-error params are needed
  new Adam();
});

test("a hyperparameter is read as a number and set to a number or a schedule", () => {
  const opt = new AdamW([{ params: { w: 2 } }, { params: { b: 2 } }]);
  expectTypeOf(opt.lr).toEqualTypeOf<number>();
  opt.lr = 0.1;
  opt.lr = (t) => 0.1 / (1 + t);
  const schedule: Schedule = (step) => 0.1 ** step;
  opt.weightDecay = schedule;
  expectTypeOf(opt.groups[1].beta2).toEqualTypeOf<number>();
  opt.groups[1].beta2 = (t) => 1 - 1 / (t + 2);
  // @ts-expect-error a number or a schedule
  opt.lr = "0.1";
  // @ts-expect-error a schedule returns a number
  opt.lr = () => null;
  // @ts-expect-error no hyperparameter of AdamW
  opt.momentum = 0.9;
  // @ts-expect-error misspelt
  opt.groups[0].learningRate = 0.1;
});

test("every hyperparameter of every optimizer is a property", () => {
  const adagrad = new Adagrad({ w: 2 });
  expectTypeOf(adagrad.lrDecay + adagrad.initialAccumulator + adagrad.eps + adagrad.epsRoot).toEqualTypeOf<number>();
  const rmsprop = new RMSprop({ w: 2 });
  expectTypeOf(rmsprop.alpha + rmsprop.momentum + rmsprop.weightDecay).toEqualTypeOf<number>();
  expectTypeOf(new Momentum({ w: 2 }).beta).toEqualTypeOf<number>();
  type Instance<C> =
    C extends OptimizerClass<infer H> ? [H, C extends new (params: never) => infer O ? O : never] : never;
  type Lacking<C> = Instance<C> extends [infer H, infer O] ? Exclude<keyof H, keyof O> : "no class";
  type All = { [K in keyof typeof optimizers]: Lacking<(typeof optimizers)[K]> }[keyof typeof optimizers];
  expectTypeOf<All>().toEqualTypeOf<never>();
});

test("flags, groups and records are read-only", () => {
  const opt = new Adam({ w: 2 });
  expectTypeOf(opt.amsgrad).toEqualTypeOf<boolean>();
  // @ts-expect-error fixed at construction
  opt.amsgrad = true;
  // @ts-expect-error fixed at construction
  opt.groups[0].maximize = true;
  // @ts-expect-error read-only
  opt.groups[0].names = ["w"];
  // @ts-expect-error read-only
  opt.params.w = f32;
  // @ts-expect-error read-only
  opt.steps = 0;
  // @ts-expect-error read-only
  opt.backend = "js";
  // @ts-expect-error frozen
  Adam.defaults.lr = 0.1;
});

test("classes and their statics", () => {
  expectTypeOf(optimizers.adamw).toEqualTypeOf<typeof AdamW>();
  expectTypeOf(Adam.defaults.lr).toEqualTypeOf<number>();
  expectTypeOf(Adam.defaults.amsgrad).toEqualTypeOf<boolean>();
  expectTypeOf(Adam.optimizer).toEqualTypeOf<string>();
  // @ts-expect-error no such optimizer
  optimizers.adamx;
  // @ts-expect-error no such default
  Adam.defaults.momentum;
  new Adam({ w: 2 }, { ...Adam.defaults, lr: 0.1 });
});

test("an optimizer of any kind can be handed on", () => {
  const steps = (opt: Optimizer): number => opt.step().steps;
  steps(new Adam({ w: 2 }));
  steps(new SGD({ w: f64 }));
  steps(new Adam([{ params: [2] }]));
  const some: OptimizerClass = Object.values(optimizers)[0];
  expectTypeOf(new some({ w: 2 }).params.w).toEqualTypeOf<Float32Array>();
  for (const Any of Object.values<AnyOptimizerClass>(optimizers)) {
    const opt = new Any({ w: [2, 3] }, { lr: 0.1, weightDecay: 0.01, clipNorm: 1 });
    expectTypeOf(opt.lr).toEqualTypeOf<number>();
    expectTypeOf(opt.params.w.length).toEqualTypeOf<number>();
    // @ts-expect-error not every one has it
    new Any({ w: 2 }, { momentum: 0.9 });
  }
});

test("methods return what they say", () => {
  const opt = new Adam({ w: 2 });
  expectTypeOf(opt.step()).toEqualTypeOf<typeof opt>();
  expectTypeOf(opt.zeroGrad()).toEqualTypeOf<typeof opt>();
  expectTypeOf(opt.stateDict()).toEqualTypeOf<StateDict>();
  expectTypeOf(opt.loadStateDict(opt.stateDict(), { strict: false })).toEqualTypeOf<LoadResult>();
  // @ts-expect-error misspelt
  opt.loadStateDict(opt.stateDict(), { keepHyperParameters: true });
  expectTypeOf(opt.bytes).toEqualTypeOf<number>();
  expectTypeOf(opt.backend).toEqualTypeOf<"wasm" | "js">();
});

test("an optimizer can be used with `using`", () => {
  using opt = new Adam({ w: 2 });
  expectTypeOf(opt.steps).toEqualTypeOf<number>();
  expectTypeOf(opt[Symbol.dispose]()).toEqualTypeOf<void>();
});

test("a wrapper has the types of what it wraps", () => {
  const opt = new Lookahead(new GrokfastEMA(new AdamW({ w: [784, 128], b: f64 }, { dtype: "f64" })), { k: 5 });
  expectTypeOf<keyof typeof opt.params>().toEqualTypeOf<"w" | "b">();
  expectTypeOf(opt.state.w.slow).toEqualTypeOf<Float64Array>();
  expectTypeOf(opt.beta2).toEqualTypeOf<number>();
  expectTypeOf(opt.amsgrad).toEqualTypeOf<boolean>();
  expectTypeOf(opt.step()).toEqualTypeOf<typeof opt>();
  expectTypeOf(opt.optimizer.lr).toEqualTypeOf<number>();
  opt.lr = (step) => 1 / step;
  opt.groups[0].weightDecay = 0.1;
  opt.step({ w: f64, b: f64 });
  // @ts-expect-error no gradient for b
  opt.step({ w: f64 });
  // @ts-expect-error no such option
  new GrokfastMA(opt, { alpha: 0.9 });
  // @ts-expect-error no optimizer
  new Lookahead({ w: 2 });
  expectTypeOf(new Lookahead(new LBFGS({ w: 2 })).step(() => 1)).toEqualTypeOf<number>();
  expectTypeOf(new GradientCentralization(new PolyakSGD([2], { value: 1 })).value).toEqualTypeOf<number>();
});

test("groups made of parameters keep their names and options", () => {
  const params = { w: [784, 128], b: 128 } as const;
  const opt = new AdamW(noDecay(params), { weightDecay: 0.1 });
  expectTypeOf<keyof typeof opt.params>().toEqualTypeOf<"w" | "b">();
  expectTypeOf(opt.params.w).toEqualTypeOf<Float32Array>();
  const layerOf = (name: string) => name.length;
  const layers = new AdamW(
    layerDecay({ w: f64, b: { data: f64, shape: [2] } }, { lr: (step) => 1 / (step + 1), layerOf }),
  );
  expectTypeOf<keyof typeof layers.params>().toEqualTypeOf<"w" | "b">();
  expectTypeOf(layers.params.b).toEqualTypeOf<Float64Array>();
  const both = new AdamW(layerDecay(noDecay(params, { names: [/w/] }), { lr: 1, layerOf }));
  expectTypeOf<keyof typeof both.params>().toEqualTypeOf<"w" | "b">();
  const other = new AdamW(
    noDecay(layerDecay([{ params: { w: 2 }, beta1: 0.5 }, { params: { b: 1 } }], { lr: 1, layerOf })),
  );
  expectTypeOf<keyof typeof other.params>().toEqualTypeOf<"w" | "b">();
  const list = new SGD(noDecay([[2, 2], 2]));
  expectTypeOf<keyof typeof list.params>().toEqualTypeOf<"0" | "1">();
  const lengths: number[] = [1, 2];
  expectTypeOf(new SGD(noDecay(lengths)).params[7]).toEqualTypeOf<Float32Array>();
  // @ts-expect-error no such parameter
  opt.params.v;
  // @ts-expect-error a list of names
  noDecay(params, { names: "w" });
  // @ts-expect-error no parameter
  noDecay({ w: "2" });
  // @ts-expect-error no lr
  layerDecay(params, { layerOf });
});

test("clipping takes arrays and optimizers, and a scaler what its optimizer takes", () => {
  const opt = new AdamW({ w: [2, 1], b: f32 }, { nonFinite: "skip" });
  expectTypeOf(clipGradNorm(opt.grads, 1, { convention: "optax" })).toEqualTypeOf<number>();
  globalNorm([f32, f64]);
  adaptiveClip(opt.params, opt.grads, opt, { layout: "in-out" });
  adaptiveClip(f32, f32, [2, 1]);
  expectTypeOf(lossScaler().step(opt, { w: f32, b: f32 })).toEqualTypeOf<boolean>();
  lossScaler().step(new Lookahead(opt));
  // @ts-expect-error no gradient for b
  lossScaler().step(opt, { w: f32 });
  // @ts-expect-error no arrays
  clipGradNorm([1, 2], 1);
  // @ts-expect-error TensorFlow.js has none
  clipGradNorm(opt.grads, 1, { convention: "tfjs" });
});

test("what every optimizer does around its rule is typed", () => {
  const opt = new AdamW(
    { w: 2, b: 1 },
    { clipNorm: (step) => 1 / (step + 1), nonFinite: "skip", accumulate: 2, ema: 0.9 },
  );
  opt.clipNorm = undefined;
  opt.clipNorm = () => 1;
  opt.gradScale = 2;
  opt.ema = (step) => step / (step + 1);
  expectTypeOf(opt.clipNorm).toEqualTypeOf<number | undefined>();
  expectTypeOf(opt.gradNorm).toEqualTypeOf<number>();
  expectTypeOf(opt.freeze("w").unfreeze(["w", "b"]).move("w", 0).swap().restore()).toEqualTypeOf(opt);
  expectTypeOf(opt.frozen).toEqualTypeOf<readonly ("w" | "b")[]>();
  expectTypeOf(opt.shapes.w).toEqualTypeOf<readonly number[]>();
  // @ts-expect-error no such parameter
  opt.freeze("x");
  // @ts-expect-error none of the three
  new AdamW({ w: 2 }, { nonFinite: "ignore" });
  // @ts-expect-error fixed at construction
  opt.accumulate = 3;
  // the types do not know what is frozen
  opt.freeze("b").step({ w: f32, b: opt.grads.b });
});
