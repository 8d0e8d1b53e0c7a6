import type { Setting } from "gradstep";
import { DataLoader } from "../loader.js";
import type { OrbitDataset } from "./data.js";
import { lossAndGradient } from "./model.js";

export type Backend = "wasm" | "js";
export type Weights = readonly [A: number, B: number];

/** What training needs of an optimizer over the two weights. */
export interface Trainable {
  readonly params: { readonly w: Float64Array };
  readonly grads: { readonly w: Float64Array };
  readonly steps: number;
  get lr(): number;
  set lr(value: Setting);
  step(): unknown;
  dispose(): void;
}

export type Create = (options: { dtype: "f64"; backend: Backend }) => Trainable;

export interface Phase {
  readonly batchSize: number;
  readonly epochs: number;
  readonly lr: number;
}

export interface Run {
  readonly name: string;
  readonly create: Create;
  readonly phases: readonly Phase[];
  readonly decay: number;
}

/** The weights at the start and after each step, and when that was, in epochs. */
export interface Path {
  readonly epoch: number[];
  readonly A: number[];
  readonly B: number[];
}

export interface Outcome {
  readonly weights: Float64Array;
  readonly steps: number;
  /** Batches without a valid sample: they take no step. */
  readonly skipped: number;
  readonly milliseconds: number;
  readonly path: Path;
  /** Why the run was given up, if it was. */
  readonly failure?: string;
}

export const start: Weights = [0.1, 1.8];

/** A step longer than this, in astronomical units, is an explosion: the whole orbit is not much larger. */
const longestStep = 1;

class Explosion extends Error {}

/** Trains the two weights of the model. Data, run and seed decide everything: both backends see the same batches. */
export function train(run: Run, dataset: OrbitDataset, seed: number, backend: Backend): Outcome {
  const optimizer = run.create({ dtype: "f64", backend });
  const trace: Trace = { path: { epoch: [0], A: [start[0]], B: [start[1]] }, samples: 0, skipped: 0 };
  optimizer.params.w.set(start);
  let failure: string | undefined;
  const began = performance.now();
  try {
    for (const { batchSize, epochs, lr } of run.phases) {
      optimizer.lr = (t) => lr / (1 + run.decay * t);
      const loader = new DataLoader(dataset, batchSize, seed);
      for (let epoch = 0; epoch < epochs; epoch++) trainEpoch(optimizer, dataset, loader, trace);
    }
  } catch (error) {
    if (!(error instanceof Explosion)) throw error;
    failure = error.message;
  }
  const milliseconds = performance.now() - began;
  const { steps, params } = optimizer;
  const weights = params.w.slice();
  optimizer.dispose();
  return { weights, steps, skipped: trace.skipped, milliseconds, path: trace.path, failure };
}

interface Trace {
  readonly path: Path;
  samples: number;
  skipped: number;
}

function trainEpoch(optimizer: Trainable, dataset: OrbitDataset, loader: DataLoader, trace: Trace): void {
  const { w } = optimizer.params;
  const stepsBefore = optimizer.steps;
  for (const batch of loader) {
    const { gradient, valid } = lossAndGradient(dataset, batch, w);
    trace.samples += batch.length;
    if (valid === 0) {
      trace.skipped++;
      continue;
    }
    const [A, B] = w;
    optimizer.grads.w.set(gradient);
    optimizer.step();
    const moved = Math.hypot(w[0] - A, w[1] - B);
    if (!(moved <= longestStep)) {
      const by = gradient.map((value) => value.toPrecision(3)).join(", ");
      throw new Explosion(`exploded: step ${optimizer.steps} moved ${moved.toPrecision(3)} AU, with gradient (${by})`);
    }
    trace.path.epoch.push(trace.samples / dataset.length);
    trace.path.A.push(w[0]);
    trace.path.B.push(w[1]);
  }
  if (optimizer.steps > stepsBefore) return;
  throw new Explosion(`exploded: at A = ${w[0].toPrecision(3)} no sample is valid`);
}
