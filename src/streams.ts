import { release } from "./arena.js";
import type { Backend } from "./backend.js";
import type { Tensor } from "./params.js";
import { allocateParts, type Part } from "./part.js";
import type { AnyElementRule, Dtype, Memory } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import { stepPart } from "./step.js";
import type { Placed, Store } from "./store.js";

/** The tensors of a group whose rule looks at each element alone: one kernel walks over all of them. */
export class Streams implements Store {
  readonly tensors: readonly Placed[];
  readonly #rule: AnyElementRule;
  readonly #settings: GroupSettings;
  readonly #memory: Memory;
  readonly #backend: Backend;
  readonly #parts: readonly Part[];

  constructor(
    rule: AnyElementRule,
    settings: GroupSettings,
    memory: Memory,
    backend: Backend,
    dtype: Dtype,
    tensors: readonly Tensor[],
  ) {
    this.#rule = rule;
    this.#settings = settings;
    this.#memory = memory;
    this.#backend = backend;
    this.#parts = allocateParts(rule, settings, backend, dtype, tensors);
    this.tensors = this.#parts.flatMap((part) => part.tensors);
  }

  get bytes(): number {
    return this.#parts.reduce((sum, { region }) => sum + region.bytes, 0);
  }

  step(_pass: number, t: number, scale: number, given: boolean): void {
    const parts = this.#parts;
    if (parts.length === 0) return;
    const rule = this.#rule;
    const { values, coupled, kernel } = this.#settings;
    const { scalars } = parts[0];
    const name = rule.kernelAt?.(values, t) ?? kernel;
    rule.scalars(scalars, values, t, this.#memory);
    const decay = coupled ? values.weightDecay : 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (part.scalars !== scalars) part.scalars.set(scalars);
      stepPart(part, name, scale, decay, given);
    }
  }

  release(): void {
    for (const { region } of this.#parts) release(this.#backend, region);
  }
}
