import type { Numbers } from "./real.js";
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
  /** Whether there are parameters that the next step moves for the first time, though it is not the group's first. */
  #late = false;

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

  /** Which of them steps have moved, unless it is none before the first step, and all after it. */
  get moved(): string[] | undefined {
    const moved = this.tensors.filter(({ started }) => started);
    return moved.length === (this.steps > 0 ? this.names.length : 0) ? undefined : moved.map(({ name }) => name);
  }

  /** Begins the next step. */
  begin(): void {
    if (this.steps === 0 || this.#late) this.start();
    this.steps++;
  }

  /** Before the first step that moves a parameter, its slots that start from the parameters take them. */
  start(): void {
    this.follow(this.steps === 0);
    this.#late = false;
    for (const tensor of this.store.tensors) tensor.started ||= !tensor.frozen;
  }

  /** Slots that start from the parameters are what these are until they are moved; where the rule starts anew, all but averages. */
  follow(anew = false): void {
    this.#eachSlot(({ params, started, frozen }, x, start, slot) => {
      if (start === "params" && (!started || (anew && !frozen && !(slot in extraSlots)))) x.set(params);
    });
  }

  /** Takes note of which parameters it has, and which of them are frozen. */
  arrange(): void {
    this.store.arrange();
    this.#late = this.store.tensors.some(({ frozen, started }) => !frozen && !started);
  }

  /** Takes note of a load: the slots that it lacked, where nothing had started, start from the parameters. */
  resume(steps: number, isMoved: (name: string) => boolean, lacked: ReadonlySet<Numbers>): void {
    const fresh = this.steps === 0;
    this.steps = steps;
    for (const tensor of this.store.tensors) tensor.started = isMoved(tensor.name);
    this.#eachSlot(({ params, started }, x, start) => {
      if (fresh && started && start === "params" && lacked.has(x)) x.set(params);
    });
    this.arrange();
  }

  /** Takes over parameters of another group, and its steps and memory if it has no parameters itself. Both are to be arranged then. */
  take(from: Group, names: readonly string[]): void {
    if (this.names.length === 0) {
      this.steps = from.steps;
      if (this.memory !== from.memory) Object.assign(this.memory, from.memory);
    }
    this.store.take(from.store, names);
    this.settings.take(from.settings, names);
  }

  /** Sets the rule's state, but of what is frozen, and memory back to what they start from; the next step is the first. */
  restart(memory: Memory): void {
    this.steps = 0;
    Object.assign(this.memory, memory);
    this.#eachSlot(({ frozen }, x, start, slot) => {
      if (!frozen && start !== "params" && !(slot in extraSlots))
        x.fill(typeof start === "number" ? start : start.from);
    });
  }

  #eachSlot(visit: (tensor: Placed, x: Numbers, start: Start | Slot, slot: string) => void): void {
    const { states } = this.settings;
    for (const [i, tensor] of this.store.tensors.entries()) {
      // a rule that looks at elements has the same slots for all tensors
      for (const [slot, start] of Object.entries(states[i] ?? states[0]))
        visit(tensor, tensor.state[slot], start, slot);
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
