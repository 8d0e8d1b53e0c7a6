import type { TensorStep } from "./tensor-step.js";

/**
 * All tensors of an optimizer as one long vector, several of which it has: "p", and one for each slot of state. Reductions add
 * what the tensors give, in their order.
 */
export class Vectors {
  readonly #store: { readonly steps: readonly TensorStep[] };

  constructor(store: { readonly steps: readonly TensorStep[] }) {
    this.#store = store;
  }

  // they are others after memory has grown
  get #tensors(): readonly TensorStep[] {
    return this.#store.steps;
  }

  /** out = a x */
  scale(out: string, a: number, x: string): void {
    for (const tensor of this.#tensors) tensor.scale(tensor.buffer(out), a, tensor.buffer(x));
  }

  /** out = a x + b y */
  combine(out: string, a: number, x: string, b: number, y: string): void {
    for (const tensor of this.#tensors) {
      tensor.combine(tensor.buffer(out), a, tensor.buffer(x), b, tensor.buffer(y));
    }
  }

  copy(out: string, x: string): void {
    this.scale(out, 1, x);
  }

  dot(x: string, y: string): number {
    return this.#tensors.reduce((sum, tensor) => sum + tensor.dot(tensor.buffer(x), tensor.buffer(y)), 0);
  }

  sumAbs(x: string): number {
    return this.#tensors.reduce((sum, tensor) => sum + tensor.sumAbs(tensor.buffer(x)), 0);
  }

  maxAbs(x: string): number {
    return this.#tensors.reduce((most, tensor) => Math.max(most, tensor.maxAbs(tensor.buffer(x))), 0);
  }
}
