import type { Numbers, Reals } from "./real.js";
import { type Defaults, extraSlots, type Memory, type Slot, type Start } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import type { Placed, Store } from "./store.js";

/** A group of parameters as the optimizer keeps it. */
export class Group {
  readonly settings: GroupSettings;
  readonly memory: Memory;
  readonly store: Store;
  /** Steps taken by this group: bias corrections count from the step it was added. */
  steps = 0;
  /** Whether averages of the parameters have begun; they go on where the rule starts anew. */
  averaged = false;

  constructor(settings: GroupSettings, memory: Memory, store: Store) {
    this.settings = settings;
    this.memory = memory;
    this.store = store;
  }

  get names(): readonly string[] {
    return this.settings.names;
  }

  /** Its parameters, in the order of their names, wherever they are. */
  get tensors(): readonly Placed[] {
    const byName = new Map(this.store.tensors.map((tensor) => [tensor.name, tensor]));
    return this.names.map((name) => byName.get(name) as Placed);
  }

  /** Begins the next step. */
  begin(): void {
    if (this.steps === 0) this.start();
    this.steps++;
  }

  /** Before the first step, the slots that start from the parameters take them: all of them, or some. */
  start(some?: ReadonlySet<Numbers>): void {
    this.#eachSlot((x, start, params, slot) => {
      if (start === "params" && (some ? some.has(x) : !(this.averaged && slot in extraSlots))) x.set(params);
    });
    this.averaged = true;
  }

  /** Takes over parameters of another group, and its steps and memory if it has no parameters itself. */
  take(from: Group, names: readonly string[]): void {
    if (this.names.length === 0) {
      this.steps = from.steps;
      this.averaged = from.averaged;
      if (this.memory !== from.memory) Object.assign(this.memory, from.memory);
    }
    this.store.take(from.store, names);
    this.settings.take(from.settings, names);
  }

  /** Sets the rule's state and memory back to what they start from; the next step is the first. */
  restart(memory: Memory): void {
    this.steps = 0;
    Object.assign(this.memory, memory);
    this.#eachSlot((x, start, _params, slot) => {
      if (start !== "params" && !(slot in extraSlots)) x.fill(typeof start === "number" ? start : start.from);
    });
  }

  #eachSlot(visit: (x: Numbers, start: Start | Slot, params: Reals, slot: string) => void): void {
    const { states } = this.settings;
    for (const [i, { state, params }] of this.store.tensors.entries()) {
      // a rule that looks at elements has the same slots for all tensors
      for (const [slot, start] of Object.entries(states[i] ?? states[0])) visit(state[slot], start, params, slot);
    }
  }
}

/** A group as `opt.groups` shows it: its names, and an enumerable property for each option. */
export class GroupView {
  declare readonly names: readonly string[];
  readonly #settings: GroupSettings;

  constructor(group: Group, accessors: PropertyDescriptorMap) {
    this.#settings = group.settings;
    Object.defineProperty(this, "names", { get: () => this.#settings.names, enumerable: true });
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
