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
  /** Whether steps leave it alone, and its state. */
  frozen: boolean;
  /** Whether a step has moved it: then what starts from the parameters has. */
  started: boolean;
  /** The sum of the squares of its gradient, where the current step has measured it. */
  squares: number;
}

/** Where a step finds the gradients: in `grads`, handed over, or summed up over several calls. */
export type Source = "grads" | "given" | "gradSum";

/** What a step does beside the rule, for all groups alike. */
export interface Stages {
  source: Source;
  /** What multiplies the gradients. */
  scale: number;
  /** How far from zero they may be then. */
  limit: number;
  /** Whether they are cleared afterwards. */
  clear: boolean;
  /** Whether the gradients stand in `grads`, and nothing is done to them. */
  plain: boolean;
}

/** The stages of a step that does nothing to its gradients. */
export const unguarded: Stages = { source: "grads", scale: 1, limit: Infinity, clear: false, plain: true };

/** What the options of one group add to that. */
export interface GroupStages {
  /** The sign of the gradients: -1 with `maximize`. */
  sign: number;
  /** What is added to them, times the parameters. */
  decay: number;
  /** What multiplies the parameters first. */
  keep: number;
  /** What multiplies the parameters' average before they are added to it; 1 leaves it as it is, if there is one. */
  ema: number;
  /** Whether nothing of all this is done. */
  plain: boolean;
}

/** The stages of a group whose options add nothing. */
export const untouched: GroupStages = { sign: 1, decay: 0, keep: 1, ema: 1, plain: true };

/** Where a group's tensors are, and how a step goes over them. */
export interface Store {
  readonly tensors: readonly Placed[];
  readonly bytes: number;
  /** One pass of step t. */
  step(pass: number, t: number, stages: Stages): void;
  /** Adds the gradients to their sum, or makes them the sum, and clears them if asked to. */
  accumulate(first: boolean, clear: boolean, source: Source): void;
  /** Notes the squares of the gradients of all tensors that are not frozen. */
  measure(source: Source): void;
  /** Runs a method of the rule's after step t, if it can have any. */
  call?(method: string, t: number, source: Source): void;
  /** Takes note of which tensors it has, and which of them are frozen. */
  arrange(): void;
  /** Takes over tensors of another store of the same kind. They stay where they are. Both are to be arranged then. */
  take(from: Store, names: readonly string[]): void;
  /** Makes all views anew, because the memory has grown. */
  renew(): void;
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
