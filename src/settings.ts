import { checkChoice, checkFlag, checkNumber, describe } from "./check.js";
import {
  type AnyRule,
  type AnyValues,
  type Choices,
  commonRanges,
  type Defaults,
  type Kind,
  type Range,
  type Value,
} from "./rule.js";
import type { Schedule } from "./types.js";

/** Counts an optimizer's steps; its schedules read it. */
export interface Clock {
  steps: number;
}

/** The options of one group: checked values, and the schedules that some of them follow. */
export class GroupSettings {
  /** Every option as the step reads it. */
  readonly values: AnyValues;
  readonly schedules = new Map<string, Schedule>();
  readonly kernel: string;
  state: Readonly<Record<string, number>>;
  /** Where the weight decay goes: the step adds it to the gradient or shrinks the weights, or the kernel does. */
  readonly decay: "gradient" | "weights" | "kernel";
  readonly #rule: AnyRule;
  readonly #choices: Choices;
  readonly #clock: Clock;
  readonly #names: readonly string[];
  // the values with every schedule as a number that is not zero: they decide which buffers and kernels exist
  readonly #shape: AnyValues;

  /** `options` are known ones. */
  constructor(kind: Kind, options: Readonly<Record<string, unknown>>, clock: Clock) {
    const { rule } = kind;
    this.#rule = rule;
    this.#choices = kind.choices;
    this.#clock = clock;
    this.values = { ...defaultsUnder(kind, options.convention) } as AnyValues;
    this.#names = Object.keys(this.values);
    this.#shape = { ...this.values };
    for (const [name, value] of Object.entries(options)) this.#write(name, value);
    this.#checkConflict();
    this.kernel = rule.kernel(this.#shape);
    this.state = rule.state(this.#shape);
    const { convention, decoupled } = this.#shape;
    const shrinks = convention === "keras" || decoupled === true;
    this.decay = rule.decoupled?.(this.#shape) ? "kernel" : shrinks ? "weights" : "gradient";
  }

  /** The value that the next step uses. */
  get(name: string): Value {
    return this.schedules.get(name)?.(this.#clock.steps) ?? this.values[name];
  }

  /** Sets a hyperparameter to a number or a schedule. After an error nothing has changed. */
  set(name: string, value: unknown): void {
    const restore = this.restorer(name);
    try {
      if (typeof this.values[name] !== "number") {
        throw new TypeError(`${this.#rule.name}: ${name} is fixed at construction`);
      }
      this.#write(name, value);
      this.#checkConflict();
      this.#checkFixed(name, value);
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
    };
  }

  /** Every option with the value that the next step uses. */
  now(): Record<string, Value> {
    return Object.fromEntries(Object.keys(this.values).map((name) => [name, this.get(name)]));
  }

  /** Takes over checked values, but keeps what follows a schedule. */
  adopt(values: Readonly<Record<string, Value>>): void {
    for (const name of Object.keys(values)) {
      if (!this.schedules.has(name)) this.values[name] = this.#shape[name] = values[name];
    }
    this.state = this.#rule.state(this.#shape);
  }

  /** Brings the values that follow a schedule up to date; throws before any is used if one is out of its range. */
  follow(): void {
    for (let i = 0; i < this.#names.length; i++) {
      const name = this.#names[i];
      const schedule = this.schedules.get(name);
      if (!schedule) continue;
      this.values[name] = checkNumber(this.#rule.name, name, schedule(this.#clock.steps), this.#range(name));
    }
  }

  #write(name: string, value: unknown): void {
    const who = this.#rule.name;
    const kind = typeof this.values[name];
    if (kind === "boolean") {
      this.values[name] = this.#shape[name] = checkFlag(who, name, value);
    } else if (kind === "string") {
      this.values[name] = this.#shape[name] = checkChoice(who, name, value, this.#choices[name]);
    } else if (typeof value === "function") {
      const now = checkNumber(who, name, value(this.#clock.steps), this.#range(name));
      this.schedules.set(name, value as Schedule);
      this.values[name] = now;
      this.#shape[name] = now || Number.MIN_VALUE;
    } else {
      this.values[name] = this.#shape[name] = checkNumber(who, name, value, this.#range(name));
      this.schedules.delete(name);
    }
  }

  #checkConflict(): void {
    const conflict = this.#rule.conflict?.(this.#shape);
    if (conflict) throw new RangeError(`${this.#rule.name}: ${conflict}`);
  }

  #checkFixed(name: string, value: unknown): void {
    const fail = (why: string) => {
      throw new RangeError(`${this.#rule.name}: ${name} ${why}, got ${describe(value)}`);
    };
    const state = this.#rule.state(this.#shape);
    if (this.#rule.kernel(this.#shape) !== this.kernel || !sameKeys(state, this.state)) {
      fail("decides which buffers and kernels exist, so it stays zero, or not zero, as constructed");
    }
    if (Object.keys(state).some((slot) => state[slot] !== this.state[slot])) {
      fail("is what state starts from, so it stays as constructed");
    }
  }

  #range(name: string): Range {
    return (this.#rule.ranges as Readonly<Record<string, Range>>)[name] ?? commonRanges[name];
  }
}

/** The defaults of the convention asked for, or those of none in particular. */
function defaultsUnder({ rule, defaults, conventions, choices }: Kind, convention: unknown): Defaults {
  if (convention === undefined) return defaults;
  return conventions[checkChoice(rule.name, "convention", convention, choices.convention)];
}

export function sameKeys(a: object, b: object): boolean {
  return String(Object.keys(a)) === String(Object.keys(b));
}
