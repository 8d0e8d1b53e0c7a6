import { checkChoice, checkFlag, checkKnown, describe, isRecord } from "../check.js";
import type { Schedule } from "../types.js";

/** Checks an option and returns it, or its default if it is not given. */
export type Field<T> = (who: string, name: string, value: unknown) => T;

/** The options of a schedule, checked, with the defaults of those that are not given. */
export function readOptions<O extends object, F extends { readonly [K in keyof Required<O>]: Field<unknown> }>(
  who: string,
  options: O,
  fields: F,
): { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never } {
  if (!isRecord(options)) throw new TypeError(`${who}: expected a record of options, got ${describe(options)}`);
  checkKnown(who, options, fields);
  const read = Object.entries<Field<unknown>>(fields).map(([name, field]) => [name, field(who, name, options[name])]);
  return Object.fromEntries(read);
}

export function real(usual?: number): Field<number> {
  return number(usual, "finite", Number.isFinite);
}

/** A number of steps, which need not be whole. */
export function count(usual?: number): Field<number> {
  return number(usual, "in [0, Infinity)", (value) => value >= 0 && value < Infinity);
}

export function positive(usual?: number): Field<number> {
  return number(usual, "in (0, Infinity)", (value) => value > 0 && value < Infinity);
}

/** In [0, 1). */
export function share(usual?: number): Field<number> {
  return number(usual, "in [0, 1)", (value) => value >= 0 && value < 1);
}

export function whole(from: number, usual?: number): Field<number> {
  return number(usual, `a whole number, ${from} or more`, (value) => Number.isInteger(value) && value >= from);
}

export function within(from: number, to: number, usual?: number): Field<number> {
  return number(usual, `in [${from}, ${to}]`, (value) => value >= from && value <= to);
}

function number(usual: number | undefined, range: string, holds: (value: number) => boolean): Field<number> {
  return (who, name, value = usual) => {
    if (typeof value !== "number") throw new TypeError(`${who}: ${name} must be a number, got ${describe(value)}`);
    if (!holds(value)) throw new RangeError(`${who}: ${name} must be ${range}, got ${value}`);
    return value;
  };
}

/** A number as `toStored` writes it. */
export function stored(): Field<number> {
  return (who, name, value) => {
    const read = typeof value === "string" && toStored(Number(value)) === value ? Number(value) : value;
    if (typeof read !== "number") throw new TypeError(`${who}: ${name} must be a number, got ${describe(value)}`);
    return read;
  };
}

/** A number that JSON keeps: infinity and NaN as strings. */
export function toStored(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

export function flag(usual: boolean): Field<boolean> {
  return (who, name, value = usual) => checkFlag(who, name, value);
}

/** One of some words; the first is the default. */
export function choice<const C extends string>(...choices: readonly C[]): Field<C> {
  return (who, name, value = choices[0]) => checkChoice(who, name, value, choices) as C;
}

export function optional<T>(field: Field<T>): Field<T | undefined> {
  return (who, name, value) => (value === undefined ? undefined : field(who, name, value));
}

export function list<T>(field: Field<T>): Field<readonly T[]> {
  return (who, name, value) => {
    if (!Array.isArray(value)) throw new TypeError(`${who}: ${name} must be an array, got ${describe(value)}`);
    return value.map((each, i) => field(who, `${name}[${i}]`, each));
  };
}

/** Steps, none before the one in front of it. */
export function boundaries(): Field<readonly number[]> {
  return (who, name, value) => {
    const bounds = list(count())(who, name, value);
    for (let i = 1; i < bounds.length; i++) {
      if (bounds[i] < bounds[i - 1]) {
        throw new RangeError(`${who}: ${name} must not fall, got ${bounds[i]} after ${bounds[i - 1]}`);
      }
    }
    return bounds;
  };
}

export function schedule(): Field<Schedule> {
  return (who, name, value) => {
    if (typeof value === "function") return value as Schedule;
    throw new TypeError(`${who}: ${name} must be a schedule, got ${describe(value)}`);
  };
}

/** What every exponential decay has. */
export function exponentialFields() {
  return {
    gamma: positive(),
    steps: positive(1),
    begin: count(0),
    staircase: flag(false),
    end: optional(real()),
  };
}
