import { release } from "./arena.js";
import type { Backend } from "./backend.js";
import type { Tensor } from "./params.js";
import { allocateParts, type Part } from "./part.js";
import type { AnyRule, Defaults, Dtype, Memory } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import { stepPart } from "./step.js";

/** A group of parameters as the optimizer keeps it. */
export class Group {
  readonly names: readonly string[];
  readonly settings: GroupSettings;
  readonly parts: readonly Part[];
  /** Steps taken by this group: bias corrections count from the step it was added. */
  steps = 0;
  readonly memory: Memory;
  readonly #rule: AnyRule;
  readonly #backend: Backend;

  constructor(rule: AnyRule, settings: GroupSettings, backend: Backend, dtype: Dtype, tensors: readonly Tensor[]) {
    this.#rule = rule;
    this.#backend = backend;
    this.names = Object.freeze(tensors.map(({ name }) => name));
    this.settings = settings;
    this.memory = { ...rule.memory?.(settings.values) };
    this.parts = allocateParts(rule, settings, backend, dtype, tensors);
  }

  /** One step; `given` says that the gradients were handed over and do not stand in `grads`. */
  step(given: boolean): void {
    this.steps++;
    const { settings, parts } = this;
    if (parts.length === 0) return;
    const { values } = settings;
    const { scalars } = parts[0];
    const kernel = this.#rule.kernelAt?.(values, this.steps, settings.kernel) ?? settings.kernel;
    this.#rule.scalars(scalars, values, this.steps, this.memory);
    const scale = values.maximize ? -1 : 1;
    const decay = settings.coupled ? values.weightDecay : 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i];
      if (part.scalars !== scalars) part.scalars.set(scalars);
      stepPart(part, kernel, scale, decay, given);
    }
  }

  get bytes(): number {
    return this.parts.reduce((sum, part) => sum + part.region.bytes, 0);
  }

  release(): void {
    for (const part of this.parts) release(this.#backend, part.region);
  }
}

/** A group as `opt.groups` shows it: its names, and an enumerable property for each option. */
export class GroupView {
  declare readonly names: readonly string[];
  readonly #settings: GroupSettings;

  constructor(group: Group, accessors: PropertyDescriptorMap) {
    this.#settings = group.settings;
    Object.defineProperty(this, "names", { value: group.names, enumerable: true });
    Object.defineProperties(this, accessors);
    // a misspelt option would be taken silently
    Object.preventExtensions(this);
  }

  /** The properties that every group of a rule has. */
  static accessors(defaults: Defaults): PropertyDescriptorMap {
    const accessor = (name: string): PropertyDescriptor => ({
      enumerable: true,
      get(this: GroupView) {
        return this.#settings.get(name);
      },
      set(this: GroupView, value: unknown) {
        this.#settings.set(name, value);
      },
    });
    return Object.fromEntries(Object.keys(defaults).map((name) => [name, accessor(name)]));
  }
}
