import { checkFlag, checkNumber, describe } from "./check.js";
import { type AnyRule, type AnyValues, commonRanges, type Defaults, type Range } from "./rule.js";
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
  readonly state: Readonly<Record<string, number>>;
  /** Whether the step, not the rule, applies the weight decay. */
  readonly coupled: boolean;
  readonly #rule: AnyRule;
  readonly #clock: Clock;
  // the values with every schedule as a number that is not zero: they decide which buffers and kernels exist
  readonly #shape: AnyValues;

  constructor(rule: AnyRule, defaults: Defaults, options: Readonly<Record<string, unknown>>, clock: Clock) {
    this.#rule = rule;
    this.#clock = clock;
    this.values = { ...defaults } as AnyValues;
    this.#shape = { ...this.values };
    for (const [name, value] of Object.entries(options)) {
      if (!Object.hasOwn(defaults, name)) {
        const known = Object.keys(defaults).join(", ");
        throw new TypeError(`${rule.name}: unknown option "${name}", expected one of ${known}`);
      }
      if (value !== undefined) this.#write(name, value);
    }
    this.#checkConflict();
    this.kernel = rule.kernel(this.#shape);
    this.state = rule.state(this.#shape);
    this.coupled = !rule.decoupled?.(this.#shape);
  }

  /** The value that the next step uses. */
  get(name: string): number | boolean {
    return this.schedules.get(name)?.(this.#clock.steps) ?? this.values[name];
  }

  /** Sets a hyperparameter to a number or a schedule. After an error nothing has changed. */
  set(name: string, value: unknown): void {
    const { values, schedules } = this;
    const before = { value: values[name], shape: this.#shape[name], schedule: schedules.get(name) };
    try {
      if (typeof before.value === "boolean")
        throw new TypeError(`${this.#rule.name}: ${name} is fixed at construction`);
      this.#write(name, value);
      this.#checkConflict();
      this.#checkFixed(name, value);
    } catch (error) {
      values[name] = before.value;
      this.#shape[name] = before.shape;
      if (before.schedule) schedules.set(name, before.schedule);
      else schedules.delete(name);
      throw error;
    }
  }

  /** The number or the schedule that a hyperparameter was set to. */
  source(name: string): unknown {
    return this.schedules.get(name) ?? this.values[name];
  }

  /** Every option with the value that the next step uses. */
  now(): Record<string, number | boolean> {
    return Object.fromEntries(Object.keys(this.values).map((name) => [name, this.get(name)]));
  }

  /** Takes over checked values, but keeps what follows a schedule. */
  adopt(values: Readonly<Record<string, number | boolean>>): void {
    for (const name of Object.keys(values)) {
      if (!this.schedules.has(name)) this.values[name] = this.#shape[name] = values[name];
    }
  }

  /** Brings the values that follow a schedule up to date; throws before any is used if one is out of its range. */
  follow(): void {
    for (const [name, schedule] of this.schedules) {
      this.values[name] = checkNumber(this.#rule.name, name, schedule(this.#clock.steps), this.#range(name));
    }
  }

  #write(name: string, value: unknown): void {
    const who = this.#rule.name;
    if (typeof this.values[name] === "boolean") {
      this.values[name] = this.#shape[name] = checkFlag(who, name, value);
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
    const state = this.#rule.state(this.#shape);
    const same =
      this.#rule.kernel(this.#shape) === this.kernel &&
      Object.keys(state).length === Object.keys(this.state).length &&
      Object.entries(state).every(([slot, initial]) => this.state[slot] === initial);
    if (!same) {
      const got = typeof value === "number" ? value : describe(value);
      throw new RangeError(
        `${this.#rule.name}: ${name} decides which buffers and kernels exist, so it stays as constructed ` +
          `(zero, or not), got ${got}`,
      );
    }
  }

  #range(name: string): Range {
    return (this.#rule.ranges as Readonly<Record<string, Range>>)[name] ?? commonRanges[name];
  }
}
