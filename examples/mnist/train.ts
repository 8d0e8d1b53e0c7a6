import { AdamW } from "gradstep";
import { DataLoader } from "../loader.js";
import { seededRandom } from "../random.js";
import type { Digits } from "./idx.js";
import { accuracy, backpropagate, initialize, shapes } from "./mlp.js";

export interface MnistOptions {
  readonly epochs: number;
  readonly batchSize: number;
  /** The first learning rate; it falls to 0 in a line. */
  readonly lr: number;
  readonly seed: number;
}

export interface MnistOutcome {
  /** All parameters, one after the other. */
  readonly weights: Float32Array;
  readonly steps: number;
  /** Mean loss over the last epoch. */
  readonly loss: number;
  /** On the test digits, after each epoch. */
  readonly accuracies: number[];
  /** Spent training, the test not counted. */
  readonly seconds: number;
  /** Spent in `optimizer.step()`. */
  readonly stepSeconds: number;
}

/** Trains the network on one backend. `onEpoch` hears of each epoch's end. */
export function trainMnist(
  training: Digits,
  test: Digits,
  { epochs, batchSize, lr, seed }: MnistOptions,
  backend: "wasm" | "js",
  onEpoch: (note: string) => void = () => {},
): MnistOutcome {
  const loader = new DataLoader(training, batchSize, seed);
  const total = epochs * Math.ceil(training.length / batchSize);
  const optimizer = new AdamW(shapes, { lr: (t) => lr * (1 - t / total), backend });
  const accuracies: number[] = [];
  let [milliseconds, stepMilliseconds, loss] = [0, 0, 0];
  initialize(optimizer.params, seededRandom(seed));
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const began = performance.now();
    loss = 0;
    for (const batch of loader) {
      optimizer.zeroGrad();
      const batchLoss = backpropagate(optimizer.params, optimizer.grads, training, batch);
      const beforeStep = performance.now();
      optimizer.step();
      stepMilliseconds += performance.now() - beforeStep;
      loss += (batchLoss * batch.length) / training.length;
    }
    milliseconds += performance.now() - began;
    accuracies.push(accuracy(optimizer.params, test));
    onEpoch(`${backend}, epoch ${epoch}: ${(100 * accuracies[epoch - 1]).toFixed(2)} % of the test digits`);
  }
  const outcome = {
    weights: concatenate(Object.values(optimizer.params)),
    steps: optimizer.steps,
    loss,
    accuracies,
    seconds: milliseconds / 1000,
    stepSeconds: stepMilliseconds / 1000,
  };
  optimizer.dispose();
  return outcome;
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((length, array) => length + array.length, 0));
  let start = 0;
  for (const array of arrays) {
    all.set(array, start);
    start += array.length;
  }
  return all;
}
