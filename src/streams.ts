import { release } from "./arena.js";
import type { Backend } from "./backend.js";
import type { Tensor } from "./params.js";
import { allocateParts, arrangePart, type Part, renewPart } from "./part.js";
import type { AnyElementRule, Dtype, Memory } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import { accumulatePart, measurePart, stepPart } from "./step.js";
import { type GroupStages, type Placed, type Source, type Stages, type Store, unguarded, untouched } from "./store.js";

type Methods = Required<AnyElementRule>["methods"];

/** The tensors of a group whose rule looks at each element alone: one kernel walks over all of them. */
export class Streams implements Store {
  tensors: readonly Placed[];
  readonly #rule: AnyElementRule;
  // the rule's, as fields: every step asks for them, and rules differ in form
  readonly #scalars: AnyElementRule["scalars"];
  readonly #kernelAt: AnyElementRule["kernelAt"];
  readonly #settings: GroupSettings;
  readonly #memory: Memory;
  readonly #backend: Backend;
  readonly #dtype: Dtype;
  #parts: readonly Part[];

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
    this.#dtype = dtype;
    this.#parts = allocateParts(rule, settings, backend, dtype, tensors);
    this.tensors = this.#parts.flatMap((part) => part.tensors);
  }

  get bytes(): number {
    return this.#parts.reduce((sum, { region, borrowed }) => sum + (borrowed ? 0 : region.bytes), 0);
  }

  step(_pass: number, t: number, stages: Stages): void {
    if (this.#parts.length === 0) return;
    stepParts(this.#parts, this.begin(this.#parts[0], t), this.#settings.stages, stages);
  }

  /** Begins step t: writes its scalars to a part; returns the kernel to run. */
  begin({ scalars }: Part, t: number): string {
    const { values, kernel } = this.#settings;
    this.#scalars(scalars, values, t, this.#memory);
    return this.#kernelAt?.(values, t, kernel) ?? kernel;
  }

  /** Runs a step's kernel on a part that has the scalars. */
  run(part: Part, kernel: string, stages: Stages): void {
    stepPart(part, kernel, this.#settings.stages, stages);
  }

  /** A part for so many elements to be stepped in, on the calling thread, until it is freed. */
  gather(length: number): Part {
    const tensors = [{ name: "rows", shape: [length], length }];
    return allocateParts(this.#rule, this.#settings, this.#alone, this.#dtype, tensors)[0];
  }

  free({ region }: Part): void {
    release(this.#alone, region);
  }

  get #alone(): Backend {
    return this.#backend.alone ?? this.#backend;
  }

  accumulate(first: boolean, clear: boolean, source: Source): void {
    for (const part of this.#parts) accumulatePart(part, first, clear, source);
  }

  measure(source: Source): void {
    for (let i = 0; i < this.#parts.length; i++) measurePart(this.#parts[i], source);
  }

  call(method: string, t: number, source: Source): void {
    if (this.#parts.length === 0) return;
    const { values } = this.#settings;
    const { kernel, scalars } = (this.#rule.methods as Methods)[method];
    if (!scalars(this.#parts[0].scalars, values, t, this.#memory)) return;
    const stages = { ...unguarded, source, plain: false };
    // what such a method does to the parameters, it does to those that are frozen too
    stepParts(
      this.#parts.map((part) => ({ ...part, ranges: part.all })),
      kernel(values),
      untouched,
      stages,
    );
  }

  arrange(): void {
    this.tensors = this.#parts.flatMap((part) => part.tensors);
    for (const part of this.#parts) arrangePart(part, this.#backend);
  }

  take(from: Streams, names: readonly string[]): void {
    const isMoved = ({ name }: Placed) => names.includes(name);
    for (const part of from.#parts) {
      const tensors = part.tensors.filter(isMoved);
      if (tensors.length === 0) continue;
      part.tensors = part.tensors.filter((tensor) => !isMoved(tensor));
      this.#parts = [...this.#parts, { ...part, tensors, borrowed: true }];
    }
  }

  renew(): void {
    for (const part of this.#parts) renewPart(part, this.#backend);
  }

  release(): void {
    for (const { region, borrowed } of this.#parts) if (!borrowed) release(this.#backend, region);
  }
}

/** Runs a kernel over parts, with the scalars of the first. */
function stepParts(parts: readonly Part[], kernel: string, own: GroupStages, stages: Stages): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i];
    if (i > 0) part.scalars.set(parts[0].scalars);
    stepPart(part, kernel, own, stages);
  }
}
