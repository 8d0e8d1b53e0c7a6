import { release } from "./arena.js";
import type { Backend } from "./backend.js";
import type { Tensor } from "./params.js";
import { allocateParts, type Part } from "./part.js";
import type { AnyElementRule, Dtype, Memory } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import { stepPart } from "./step.js";
import type { Placed, Store } from "./store.js";

type Methods = Required<AnyElementRule>["methods"];

/** The tensors of a group whose rule looks at each element alone: one kernel walks over all of them. */
export class Streams implements Store {
  readonly tensors: readonly Placed[];
  readonly #rule: AnyElementRule;
  // the rule's, as fields: every step asks for them, and rules differ in form
  readonly #scalars: AnyElementRule["scalars"];
  readonly #kernelAt: AnyElementRule["kernelAt"];
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
    this.#scalars = rule.scalars;
    this.#kernelAt = rule.kernelAt;
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
    if (this.#parts.length === 0) return;
    this.run(this.#parts, this.begin(this.#parts[0], t), scale, given);
  }

  /** Begins step t: writes its scalars to a part; returns the kernel to run. */
  begin({ scalars }: Part, t: number): string {
    const { values, kernel } = this.#settings;
    this.#scalars(scalars, values, t, this.#memory);
    return this.#kernelAt?.(values, t, kernel) ?? kernel;
  }

  /** Runs a step's kernel over parts, the first of which has the scalars. */
  run(parts: readonly Part[], kernel: string, scale: number, given: boolean): void {
    const { values, decay } = this.#settings;
    const coupled = decay === "gradient" ? values.weightDecay : 0;
    const keep = decay === "weights" ? 1 - values.lr * values.weightDecay : 1;
    stepParts(parts, kernel, scale, coupled, keep, given);
  }

  call(method: string, t: number, given: boolean): void {
    if (this.#parts.length === 0) return;
    const { values } = this.#settings;
    const { kernel, scalars } = (this.#rule.methods as Methods)[method];
    if (scalars(this.#parts[0].scalars, values, t, this.#memory))
      stepParts(this.#parts, kernel(values), 1, 0, 1, given);
  }

  release(): void {
    for (const { region } of this.#parts) release(this.#backend, region);
  }
}

/** Runs a kernel over parts, with the scalars of the first. */
function stepParts(
  parts: readonly Part[],
  kernel: string,
  scale: number,
  decay: number,
  keep: number,
  given: boolean,
): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (i > 0) part.scalars.set(parts[0].scalars);
    stepPart(part, kernel, scale, decay, keep, given);
  }
}
