import type { Backend } from "./backend.js";
import type { Tensor } from "./params.js";
import type { Numbers, Reals } from "./real.js";
import type { AnyValues, Dtype, Memory, Pass } from "./rule.js";
import type { GroupSettings, Seen } from "./settings.js";

/** A tensor in its place. */
export interface Placed extends Tensor {
  readonly params: Reals;
  readonly grads: Reals;
  readonly state: Readonly<Record<string, Numbers>>;
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

/** How rules of one kind are stepped: those that look at elements, or those that look at tensors. */
export interface Tier {
  /** The passes of a step over all groups. */
  readonly passes: readonly Partial<Pick<Pass<AnyValues>, "when" | "before" | "after">>[];
  /** What a new group remembers, given what those before it do. */
  memory(settings: GroupSettings, before: Memory | undefined): Memory;
  /** The tensors that decide about a group's state. */
  seen(tensors: readonly Tensor[]): readonly Seen[];
  store(settings: GroupSettings, memory: Memory, backend: Backend, dtype: Dtype, tensors: readonly Tensor[]): Store;
}
