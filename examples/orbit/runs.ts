import { Adadelta, Adagrad, Adam, Adamax, AdamW, Momentum, RMSprop, SGD } from "gradstep";
import { samples } from "./data.js";
import type { Create, Run } from "./train.js";

const shape = { w: [2] };

const sgd: Create = (options) => new SGD(shape, options);
const momentum: Create = (options) => new Momentum(shape, options);
const rmsprop: Create = (options) => new RMSprop(shape, options);
const adam: Create = (options) => new Adam(shape, options);
const adamw: Create = (options) => new AdamW(shape, options);
const adagrad: Create = (options) => new Adagrad(shape, options);
// with its usual eps of 1e-6 Adadelta starts too slowly and then never comes to rest here
const adadelta: Create = (options) => new Adadelta(shape, { ...options, eps: 1e-3 });
const adamax: Create = (options) => new Adamax(shape, options);

const full = (epochs: number, lr: number) => [{ batchSize: samples, epochs, lr }];
// the steps of a full batch are steady, and may be longer
const hybrid = (lr: number) => [
  { batchSize: 32, epochs: 8, lr: 0.001 },
  { batchSize: samples, epochs: 292, lr },
];

/** Every optimizer with a constant learning rate … */
export const constantRuns: readonly Run[] = [
  { name: "full batch", create: sgd, phases: full(300, 0.05), decay: 0 },
  { name: "SGD, batch 1", create: sgd, phases: [{ batchSize: 1, epochs: 30, lr: 0.0005 }], decay: 0 },
  { name: "mini-batch 32", create: sgd, phases: [{ batchSize: 32, epochs: 250, lr: 0.001 }], decay: 0 },
  { name: "hybrid 32, 512", create: sgd, phases: hybrid(0.03), decay: 0 },
  { name: "momentum", create: momentum, phases: full(400, 0.02), decay: 0 },
  { name: "RMSprop", create: rmsprop, phases: full(400, 0.01), decay: 0 },
  { name: "Adam", create: adam, phases: full(400, 0.02), decay: 0 },
  { name: "AdamW", create: adamw, phases: full(400, 0.02), decay: 0 },
  { name: "Adagrad", create: adagrad, phases: full(400, 0.3), decay: 0 },
  { name: "Adadelta", create: adadelta, phases: full(600, 0.1), decay: 0 },
  { name: "Adamax", create: adamax, phases: full(600, 0.1), decay: 0 },
];

/** … and with one that falls as 1 / (1 + decay · step). */
export const decayedRuns: readonly Run[] = [
  { name: "full batch", create: sgd, phases: full(300, 0.05), decay: 0.005 },
  { name: "SGD, batch 1", create: sgd, phases: [{ batchSize: 1, epochs: 30, lr: 0.0005 }], decay: 0.0001 },
  { name: "mini-batch 32", create: sgd, phases: [{ batchSize: 32, epochs: 200, lr: 0.0015 }], decay: 0.0001 },
  { name: "hybrid 32, 512", create: sgd, phases: hybrid(0.05), decay: 0.005 },
  { name: "momentum", create: momentum, phases: full(400, 0.02), decay: 0.001 },
  { name: "RMSprop", create: rmsprop, phases: full(400, 0.02), decay: 0.01 },
  { name: "Adam", create: adam, phases: full(400, 0.05), decay: 0.01 },
  { name: "AdamW", create: adamw, phases: full(400, 0.05), decay: 0.01 },
  { name: "Adagrad", create: adagrad, phases: full(400, 0.3), decay: 0.005 },
  { name: "Adadelta", create: adadelta, phases: full(600, 0.1), decay: 0.005 },
  { name: "Adamax", create: adamax, phases: full(600, 0.2), decay: 0.01 },
];

/** Twenty times the rate of the mini-batch run above: what happens when the first steps are too long. */
export const carelessRun: Run = {
  name: "mini-batch 32",
  create: sgd,
  phases: [{ batchSize: 32, epochs: 80, lr: 0.02 }],
  decay: 0,
};
