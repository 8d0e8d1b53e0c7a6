// Compiled against the packed declarations by more than one TypeScript: see types.test.ts.
import {
  Adam,
  AdamW,
  cosineDecay,
  divergenceGuard,
  LBFGS,
  Lookahead,
  lossScaler,
  noDecay,
  type Optimizer,
  type OptimizerOf,
  optimizers,
  reduceOnPlateau,
  type Schedule,
  SGD,
  useModule,
} from "gradstep";
import { Adam as AdamJs } from "gradstep/js";
import { load, loadStream, loadTorch, readTensors, save, saveStream } from "gradstep/safetensors";
import { startWorkers, useWorker } from "gradstep/threads";

const opt = new AdamW({ w: [784, 128], b: 128 }, { lr: 1e-3, weightDecay: 0.01 });
export const w: Float32Array = opt.params.w;
export const m: Float32Array | undefined = opt.state.w.m;
opt.step().step({ w: new Float32Array(784 * 128), b: new Float32Array(128) });

const double = new SGD({ w: new Float64Array(3) }, { lr: 0.1, momentum: 0.9, nesterov: true });
export const v: Float64Array = double.grads.w;
export const forced: Float64Array = new Adam({ w: 3 }, { dtype: "f64" }).params.w;

// an option that may be left out
export const configured = ({ lr, clipNorm, dtype }: { lr?: number; clipNorm?: number; dtype?: "f64" }) =>
  new AdamW([{ params: { w: 3 }, weightDecay: lr }], { lr, clipNorm, dtype });

// a field whose optimizer is made later, with names that are not known yet
class Trainer {
  readonly adam: InstanceType<typeof Adam>;
  readonly lbfgs: InstanceType<typeof LBFGS> = new LBFGS([{ params: { w: 3 } }]);
  readonly any: Optimizer;
  constructor(weights: Record<string, Float32Array>) {
    this.adam = new Adam(weights, { lr: 0.1 });
    this.any = new SGD(weights);
  }
  train(grads: Record<string, Float32Array>): number {
    this.adam.beta1 = 0.8;
    this.adam.step(grads);
    this.any.step(grads);
    return this.lbfgs.step(() => 1);
  }
}
export const trained: number = new Trainer({ w: new Float32Array(3) }).train({ w: new Float32Array(3) });

const decay: Schedule = (step) => 0.1 / (step + 1);
opt.lr = decay;
opt.lr = 0.1;
export const lr: number = opt.lr;
export const perGroup: number = new Adam([{ params: { w: 3 }, lr: 0.5 }, { params: { b: 3 } }]).groups[0].lr;
export const numbered: Float32Array = new Adam([3, [2, 2]]).params[1];
export const backend: "wasm" | "js" = new AdamJs({ w: 3 }).backend;
export const kept: typeof AdamW = optimizers.adamw;
export const saved: number = opt.stateDict().steps;
export const any: OptimizerOf<{ lr: number }, "w" | "b", "f32"> = opt;
useModule({});
useWorker("/worker.js");
export const workers: Promise<number> = startWorkers(1);

interface Progress {
  epoch: number;
}
const extras = { loop: { stateDict: (): Progress => ({ epoch: 1 }), loadStateDict(_: Progress) {} } };
export const file: Uint8Array = save(opt, { extras });
export const missing: readonly string[] = load(new AdamJs({ w: 3 }), file, { strict: false, extras }).missing;
export const loaded: Promise<object> = loadStream(opt, saveStream(opt), { inPlace: true });
export const imported: readonly string[] = loadTorch(opt, file.buffer as ArrayBuffer, { steps: 3 }).unexpected;
export const shape: readonly number[] = readTensors(file).tensors.w?.shape ?? [];

// @ts-expect-error no optimizer
save({});
// @ts-expect-error an option's name
load(opt, file, { Strict: true });
// @ts-expect-error a gradient's name
opt.step({ w: new Float32Array(784 * 128), bias: new Float32Array(128) });
// @ts-expect-error a gradient missing
opt.step({ w: new Float32Array(784 * 128) });
// @ts-expect-error a gradient of another dtype
double.step({ w: new Float32Array(3) });
// @ts-expect-error an option's name
new Adam({ w: 3 }, { learningRate: 0.1 });
// @ts-expect-error an option of another optimizer
new Adam({ w: 3 }, { momentum: 0.9 });
// @ts-expect-error an option's type
new Adam({ w: 3 }, { amsgrad: 1 });
// @ts-expect-error a parameter's name
opt.params.weights;
// @ts-expect-error an optimizer's name
optimizers.adam2;
// @ts-expect-error a flag is fixed at construction
opt.amsgrad = true;
// @ts-expect-error a view cannot be replaced
opt.params.w = new Float32Array(3);

// What a module exports has to have types that its declarations can name.
export const made = new Adam({ w: 3 }, { lr: 0.1 });
export const inGroups = new SGD([{ params: { w: 3 } }, { params: { b: 3 }, lr: 1 }]);
export const closed = new LBFGS({ w: 3 });
export const wrapped = new Lookahead(new AdamW({ w: 3 }, { stateDtype: "bf16" }));
export const added = made.addGroup({ params: { b: 3 } });
export const { groups, state } = made;
export const { defaults, conventions } = AdamW;
export const classes = { Adam, LBFGS, Lookahead, optimizers };
export const split = noDecay({ w: [3, 4], b: 4 });
export const schedules = [reduceOnPlateau(0.1), cosineDecay(0.1, { steps: 3 })];
export const helpers = { scaler: lossScaler(), guard: divergenceGuard() };
export const { tensors } = readTensors(file);
export const found = (name: keyof typeof optimizers) => optimizers[name];
