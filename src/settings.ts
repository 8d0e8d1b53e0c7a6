import { checkChoice, checkFlag, checkNumber, describe } from "./check.js";
import type { Tensor } from "./params.js";
import {
  type AnyRule,
  type AnyValues,
  type Choices,
  commonRanges,
  type Defaults,
  extraSlots,
  type Kind,
  type Range,
  type Slot,
  type Start,
  type Value,
} from "./rule.js";
import { type GroupStages, untouched } from "./store.js";
import type { Schedule } from "./types.js";

/** Counts an optimizer's steps; its schedules read it. */
export interface Clock {
  steps: number;
  /** How many calls of `step` make one, and how many of the next one's were made. */
  readonly calls: number;
  called: number;
}

/** What state can depend on, beside the options. */
export type Seen = Pick<Tensor, "name" | "shape">;

/** What a rule sees that looks at elements. */
export const whatever: readonly Seen[] = [{ name: "", shape: [] }];

/** The options of one group: checked values, and the schedules that some of them follow. */
export class GroupSettings {
  /** The names of the group's parameters, in the order they were given in. */
  names: readonly string[];
  /** Every option as the step reads it. */
  readonly values: AnyValues;
  readonly schedules = new Map<string, Schedule>();
  /** The kernel of a rule that looks at elements. */
  readonly kernel: string;
  /** The slots of state for each of the group's tensors; a rule that looks at elements has the same for all. */
  states: readonly Slots[];
  /** Where the weight decay goes: the step adds it to the gradient or shrinks the weights, or the rule does. */
  readonly decay: "gradient" | "weights" | "rule";
  /** What a step does beside the rule. */
  readonly stages: GroupStages = { ...untouched };
  /** Whether the parameters are averaged. */
  readonly averages: boolean;
  readonly #kind: Kind;
  readonly #rule: AnyRule;
  readonly #choices: Choices;
  readonly #clock: Clock;
  readonly #names: readonly string[];
  #tensors: readonly Seen[];
  // the values with every schedule as a number that is not zero: they decide which buffers and kernels exist
  readonly #shape: AnyValues;

  /** `options` are known ones; `tensors` are those of the group, if the rule looks at them. */
  constructor(
    kind: Kind,
    options: Readonly<Record<string, unknown>>,
    clock: Clock,
    names: readonly string[],
    tensors: readonly Seen[],
  ) {
    this.names = Object.freeze(names);
    const { rule } = kind;
    this.#kind = kind;
    this.#rule = rule;
    this.#choices = kind.choices;
    this.#clock = clock;
    this.#tensors = tensors;
    this.values = { ...defaultsUnder(kind, options.convention) } as AnyValues;
    this.#names = Object.keys(this.values);
    this.#shape = { ...this.values };
    for (const [name, value] of Object.entries(options)) this.#write(name, value);
    this.#checkConflict();
    this.kernel = this.#kernel();
    this.states = this.#states();
    const { convention, decoupled } = this.#shape;
    const shrinks = convention === "keras" || decoupled === true;
    this.decay = rule.decoupled?.(this.#shape) ? "rule" : shrinks ? "weights" : "gradient";
    this.averages = this.#shape.ema !== 0;
    this.#arrange();
  }

  /** Brings `stages` up to date with the values. */
  #arrange(): void {
    const { values, decay, stages } = this;
    stages.sign = values.maximize ? -1 : 1;
    stages.decay = decay === "gradient" ? values.weightDecay : 0;
    stages.keep = decay === "weights" ? 1 - values.lr * values.weightDecay : 1;
    stages.ema = this.averages ? values.ema : 1;
    stages.plain = stages.sign === 1 && stages.decay === 0 && stages.keep === 1 && stages.ema === 1;
  }

  /** Whether parameters have the same buffers and kernels under others. */
  isLike(to: GroupSettings, names: readonly string[]): boolean {
    const moved = this.#tensors === whatever ? whatever : this.#tensors.filter(({ name }) => names.includes(name));
    const alike = this.kernel === to.kernel && haveSameSlots(this.#states(moved), to.#states(moved));
    return alike && this.#work(moved) === to.#work(moved);
  }

  /** Takes over the tensors of those names. */
  take(from: GroupSettings, names: readonly string[]): void {
    from.names = Object.freeze(from.names.filter((name) => !names.includes(name)));
    this.names = Object.freeze([...this.names, ...names]);
    if (from.#tensors === whatever) return;
    const moved = from.#tensors.filter(({ name }) => names.includes(name));
    from.#tensors = from.#tensors.filter((tensor) => !moved.includes(tensor));
    this.#tensors = [...(this.#tensors === whatever ? [] : this.#tensors), ...moved];
    from.states = from.#states();
    this.states = this.#states();
  }

  /** Settings of the same group with other options. */
  like(options: Readonly<Record<string, unknown>>, clock: Clock): GroupSettings {
    return new GroupSettings(this.#kind, options, clock, this.names, this.#tensors);
  }

  /** The value that the next step uses. */
  get(name: string): Value {
    return this.schedules.get(name)?.(this.#clock.steps) ?? this.values[name];
  }

  /** Sets a hyperparameter to a number or a schedule. After an error nothing has changed. */
  set(name: string, value: unknown): void {
    const restore = this.restorer(name);
    const before = this.values[name];
    try {
      if (typeof this.values[name] !== "number") {
        throw new TypeError(`${this.#rule.name}: ${name} is fixed at construction`);
      }
      this.#write(name, value);
      this.#checkConflict();
      this.#checkFixed(name, value, before);
      this.#arrange();
    } catch (error) {
      restore();
      throw error;
    }
  }

  /** What puts a hyperparameter back to what it is now. */
  restorer(name: string): () => void {
    const value = this.values[name];
    const shape = this.#shape[name];
    const schedule = this.schedules.get(name);
    return () => {
      this.values[name] = value;
      this.#shape[name] = shape;
      if (schedule) this.schedules.set(name, schedule);
      else this.schedules.delete(name);
      this.#arrange();
    };
  }

  /** What a state dict has: every option that holds for more than one step, with the value that the next step uses. */
  now(): Record<string, Value> {
    const names = this.#names.filter((name) => !this.#rule.once?.includes(name));
    return Object.fromEntries(names.map((name) => [name, this.get(name)]));
  }

  /** Takes over checked values, but keeps what follows a schedule. */
  adopt(values: Readonly<Record<string, Value>>): void {
    for (const name of Object.keys(values)) {
      if (!this.schedules.has(name)) this.values[name] = this.#shape[name] = values[name];
    }
    this.states = this.#states();
    this.#arrange();
  }

  /** Brings the values that follow a schedule up to date; throws before any is used if one is out of its range. */
  follow(): void {
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i];
      const schedule = this.schedules.get(name);
      if (!schedule) continue;
      this.values[name] = this.#number(name, schedule(this.#clock.steps));
    }
    this.#arrange();
  }

  /** Forgets what was to hold for one step. */
  forget(once: readonly string[]): void {
    for (const name of once) if (!this.schedules.has(name)) this.values[name] = this.#rule.defaults[name];
  }

  #write(name: string, value: unknown): void {
    const who = this.#rule.name;
    const kind = typeof this.values[name];
    if (kind === "boolean") {
      this.values[name] = this.#shape[name] = checkFlag(who, name, value);
    } else if (kind === "string") {
      this.values[name] = this.#shape[name] = checkChoice(who, name, value, this.#choices[name]);
    } else if (typeof value === "function") {
      const now = this.#number(name, value(this.#clock.steps));
      this.schedules.set(name, value as Schedule);
      this.values[name] = now;
      this.#shape[name] = now || Number.MIN_VALUE;
    } else {
      this.values[name] = this.#shape[name] = this.#number(name, value);
      this.schedules.delete(name);
    }
  }

  #checkConflict(): void {
    const conflict = this.#rule.conflict?.(this.#shape);
    if (conflict) throw new RangeError(`${this.#rule.name}: ${conflict}`);
  }

  #checkFixed(name: string, value: unknown, before: Value): void {
    const fail = (why: string) => {
      throw new RangeError(`${this.#rule.name}: ${name} ${why}, got ${describe(value)}`);
    };
    const states = this.#states();
    if (this.#kernel() !== this.kernel || !haveSameSlots(states, this.states)) {
      fail("decides which buffers and kernels exist, so it stays zero, or not zero, as constructed");
    }
    const restarts = this.#rule.fixed?.includes(name) && this.values[name] !== before;
    if (restarts || !eachSlot(states, this.states, (a, b) => fromOf(a) === fromOf(b))) {
      fail("is what state starts from, so it stays as constructed");
    }
  }

  #kernel(): string {
    return "kernel" in this.#rule ? this.#rule.kernel(this.#shape) : "";
  }

  #states(tensors = this.#tensors): Slots[] {
    const { ema, gradSum } = extraSlots;
    const averages = this.#shape.ema !== 0;
    const sums = this.#clock.calls > 1;
    const slots = tensors.map(({ shape, name }) => this.#rule.state(this.#shape, shape, name));
    if (!averages && !sums) return slots;
    return slots.map((own) => ({ ...own, ...(averages && { ema }), ...(sums && { gradSum }) }));
  }

  /** The buffers that the rule works in. */
  #work(tensors: readonly Seen[]): string {
    const rule = this.#rule;
    return "work" in rule ? JSON.stringify(tensors.map(({ shape }) => rule.work?.(this.#shape, shape))) : "";
  }

  #number(name: string, value: unknown): number {
    // NaN is the default of what has to be set
    if (typeof value === "number" && Object.is(value, this.#rule.defaults[name])) return value;
    const ranges: Readonly<Record<string, Range | undefined>> = this.#rule.ranges ?? {};
    return checkNumber(this.#rule.name, name, value, ranges[name] ?? commonRanges[name]);
  }
}

/** The defaults of the convention asked for, or those of none in particular. */
function defaultsUnder({ rule, defaults, conventions, choices }: Kind, convention: unknown): Defaults {
  if (convention === undefined) return defaults;
  return conventions[checkChoice(rule.name, "convention", convention, choices.convention)];
}

type Slots = Readonly<Record<string, Start | Slot>>;

/** Whether tensors have the same slots of the same shapes and element types. */
export function haveSameSlots(a: readonly Slots[], b: readonly Slots[]): boolean {
  return eachSlot(a, b, (x, y) => {
    if (typeof x !== "object" || typeof y !== "object") return typeof x !== "object" && typeof y !== "object";
    return x.type === y.type && String(x.shape) === String(y.shape);
  });
}

/** Whether tensors have slots of the same names in the same order, and all are alike. */
function eachSlot(
  a: readonly Slots[],
  b: readonly Slots[],
  alike: (x: Start | Slot, y: Start | Slot) => boolean,
): boolean {
  for (let i = 0; i < a.length; i++) {
    const names = Object.keys(a[i]);
    const others = Object.keys(b[i]);
    if (names.length !== others.length) return false;
    for (let k = 0; k < names.length; k++) {
      if (names[k] !== others[k] || !alike(a[i][names[k]], b[i][names[k]])) return false;
    }
  }
  return true;
}

function fromOf(slot: Start | Slot): Start {
  return typeof slot === "object" ? slot.from : slot;
}
