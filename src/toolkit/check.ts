import { checkKnown, checkNumber, checkOptions, defined, describe, isRecord } from "../check.js";
import type { Range } from "../rule.js";

/** The options with their defaults. Throws if they are no record, or one is none of the known ones. */
export function readOptions<T extends object>(who: string, options: unknown, defaults: T): T {
  checkOptions(who, options, defaults);
  return { ...defaults, ...defined(options) };
}

/** Throws unless `value` is a number in the range. */
export function checkReal(who: string, name: string, value: unknown, range: Range): number {
  return checkNumber(who, name, value, range, "a number");
}

/** Throws unless `value` is a whole number, `least` or more. */
export function checkWhole(who: string, name: string, value: unknown, least: number): number {
  if (typeof value !== "number") throw new TypeError(`${who}: ${name} must be a number, got ${describe(value)}`);
  if (!(Number.isSafeInteger(value) && value >= least)) {
    throw new RangeError(`${who}: ${name} must be a whole number >= ${least}, got ${value}`);
  }
  return value;
}

/** Progress of something that is not an optimizer: plain values by name. */
export type Saved = Record<string, number | string | boolean>;

/** Throws unless a dict has the entries that the checks are for, and no others; each check throws if its entry is wrong. */
export function checkSaved(dict: unknown, checks: Readonly<Record<string, (value: unknown) => unknown>>): void {
  if (!isRecord(dict)) throw new TypeError(`loadStateDict: the state dict must be an object, got ${describe(dict)}`);
  checkKnown("loadStateDict", dict, checks);
  for (const [name, check] of Object.entries(checks)) {
    if (!Object.hasOwn(dict, name)) throw new RangeError(`loadStateDict: missing "${name}"`);
    check(dict[name]);
  }
}
