import type { Tensor } from "./params.js";
import type { Reals } from "./real.js";

/** A tensor in its place. */
export interface Placed extends Tensor {
  readonly params: Reals;
  readonly grads: Reals;
  readonly state: Readonly<Record<string, Reals>>;
  /** The gradient handed to the current step. */
  given: Reals | undefined;
}

/** Where a group's tensors are, and how a step goes over them. */
export interface Store {
  readonly tensors: readonly Placed[];
  readonly bytes: number;
  /** One pass of step t: the gradients, which were `given` or stand in `grads`, come to the rule multiplied by `scale`. */
  step(pass: number, t: number, scale: number, given: boolean): void;
  /** Runs a method of the rule's after step t, if it can have any. */
  call?(method: string, t: number, given: boolean): void;
  release(): void;
}

/** Copies the parameters to the slots that start from them. */
export function startFromParams(tensors: readonly Placed[], slots: Readonly<Record<string, unknown>>): void {
  for (const [slot, start] of Object.entries(slots)) {
    if (start === "params") for (const { state, params } of tensors) state[slot].set(params);
  }
}
