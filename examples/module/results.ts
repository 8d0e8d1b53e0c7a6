import { sameBits } from "../bits.js";
import type { ModulePair } from "./train.js";

const leastAccuracy = 0.9;

export function moduleRemark({ wasm, js }: ModulePair): string {
  const losses = wasm.losses.map((loss) => loss.toFixed(4)).join(", ");
  return (
    `Softmax regression on MNIST digits: loss ${losses}, test accuracy ${percent(wasm.accuracy)}. The module's memory grew by ` +
    `${wasm.grown} pages after the optimizer was made. Both backends end on the same bits: ` +
    `${sameBits(wasm.weights, js.weights) ? "yes" : "no"}.`
  );
}

/** What is wrong, in sentences; nothing if all is well. */
export function moduleComplaints({ wasm, js }: ModulePair): string[] {
  const wrong: string[] = [];
  if (!(wasm.accuracy >= leastAccuracy)) {
    wrong.push(`module: test accuracy is ${percent(wasm.accuracy)}, expected at least ${percent(leastAccuracy)}`);
  }
  if (!sameBits(wasm.weights, js.weights)) wrong.push("module: wasm and js ended on different bits");
  return wrong;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
