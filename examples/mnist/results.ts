import { sameBits } from "../bits.js";
import type { MnistOutcome } from "./train.js";

/** The same training on both backends. */
export interface MnistPair {
  readonly wasm: MnistOutcome;
  readonly js: MnistOutcome;
}

export const leastAccuracy = 0.96;

export const mnistHeading = ["backend", "test accuracy", "loss", "training s", "in step() s", "share", "µs a step"];

export function mnistRows({ wasm, js }: MnistPair): string[][] {
  return [row("wasm", wasm), row("js", js)];
}

function row(backend: string, { accuracies, loss, seconds, stepSeconds, steps }: MnistOutcome): string[] {
  return [
    backend,
    accuracies.map((accuracy) => `${(100 * accuracy).toFixed(2)} %`).join(", "),
    loss.toFixed(4),
    seconds.toFixed(2),
    stepSeconds.toFixed(2),
    `${((100 * stepSeconds) / seconds).toFixed(1)} %`,
    ((1e6 * stepSeconds) / steps).toFixed(0),
  ];
}

/** What the table does not say. */
export function mnistRemark(pair: MnistPair): string {
  const { wasm, js } = pair;
  const ratio = (js.stepSeconds / wasm.stepSeconds).toFixed(1);
  return (
    `${wasm.weights.length} parameters, ${wasm.steps} steps. A step on wasm is ${ratio} times as fast as on js. ` +
    `Both end on the same bits: ${sameBits(wasm.weights, js.weights) ? "yes" : "no"}.`
  );
}

/** What is wrong, in sentences; nothing if all is well. */
export function mnistComplaints({ wasm, js }: MnistPair): string[] {
  const wrong: string[] = [];
  const accuracy = wasm.accuracies[wasm.accuracies.length - 1];
  if (!(accuracy >= leastAccuracy)) {
    wrong.push(`MNIST: test accuracy is ${(100 * accuracy).toFixed(2)} %, expected at least ${100 * leastAccuracy} %`);
  }
  if (!sameBits(wasm.weights, js.weights)) wrong.push("MNIST: wasm and js ended on different bits");
  return wrong;
}
