import { arrays } from "./layout.js";
import type { Numbers, Reals } from "./real.js";
import type { Dtype, Range, Small } from "./rule.js";

/** What a value is, for an error's "got …". */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "object") return tagOf(value);
  if (typeof value === "function" || typeof value === "symbol") return `a ${typeof value}`;
  return String(value);
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** Whether a value is an object, but no function. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value can be a record: an object, also of a class, that is not one of the language's own kinds. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return tagOf(value) === "Object";
}

/** Whether a value is a record that shows what is in it: one of a class without properties of its own may hide it behind getters. */
export function isOpenRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return false;
  const from: unknown = Object.getPrototypeOf(value);
  return from === null || Object.getPrototypeOf(from) === null || Object.keys(value).length > 0;
}

/** Whether a value is a typed array of a dtype, of this realm or another. */
export function isReals(value: unknown, dtype: Dtype): value is Reals {
  return value instanceof (dtype === "f32" ? Float32Array : Float64Array) || dtypeOf(value) === dtype;
}

/** The dtype of a typed array of any realm, or undefined. */
export function dtypeOf(value: unknown): Dtype | undefined {
  return isNumbers(value, "f32") ? "f32" : isNumbers(value, "f64") ? "f64" : undefined;
}

/** Whether a value is a typed array of that element type, of this realm or another. */
export function isNumbers(value: unknown, type: Dtype | Small): value is Numbers {
  return ArrayBuffer.isView(value) && tagOf(value) === arrays[type].name;
}

/** The element type of a buffer of state that does not follow the optimizer's dtype. */
export function smallOf({ BYTES_PER_ELEMENT: bytes }: Numbers): Small | undefined {
  return bytes === 1 ? "u8" : bytes === 2 ? "u16" : undefined;
}

const fromZero: Range = [0, Infinity];

/** Throws unless `value` is a number in the range, which is that of the finite numbers from 0 on if none is given. */
export function checkNumber(
  who: string,
  name: string,
  value: unknown,
  range = fromZero,
  expected = "a number or a schedule",
): number {
  // every step checks schedules and clipping, and an iterator takes memory
  const from = range[0];
  const to = range[1];
  const closed = range[2];
  if (typeof value !== "number") throw new TypeError(`${who}: ${name} must be ${expected}, got ${describe(value)}`);
  if (!(value >= from && (value < to || (closed && value === to)))) {
    throw new RangeError(`${who}: ${name} must be in [${from}, ${to}${closed ? "]" : ")"}, got ${value}`);
  }
  return value;
}

/** Options without those that are undefined, which count as left out. */
export function defined(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Throws if an option is none of the known ones. */
export function checkKnown(who: string, options: object, known: object): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const names = Object.keys(known).join(", ");
    throw new TypeError(`${who}: unknown option "${name}", expected ${names ? `one of ${names}` : "none"}`);
  }
}

/** Throws unless options are a record of known ones. */
export function checkOptions(
  who: string,
  options: unknown,
  known: object,
): asserts options is Readonly<Record<string, unknown>> {
  if (!isRecord(options)) throw new TypeError(`${who}: options must be an object, got ${describe(options)}`);
  checkKnown(who, options, known);
}

export function checkFlag(who: string, name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${who}: ${name} must be true or false, got ${describe(value)}`);
  return value;
}

export function checkChoice(who: string, name: string, value: unknown, choices: readonly string[]): string {
  if (choices.includes(value as string)) return value as string;
  const quoted = choices.map(describe);
  const last = quoted.pop();
  const listed = quoted.length > 0 ? `${quoted.join(", ")} or ${last}` : last;
  const Kind = typeof value === "string" ? RangeError : TypeError;
  throw new Kind(`${who}: ${name} must be ${listed}, got ${describe(value)}`);
}

/** Throws unless the array keeps its length: one that is detached, or can be resized, would move under the optimizer. */
export function checkFixed(who: string, name: string, array: Reals): void {
  const buffer = array.buffer as { resizable?: boolean; growable?: boolean };
  if (buffer.resizable || buffer.growable) {
    throw new TypeError(`${who}: array "${name}" must have a buffer of fixed size, got a resizable one`);
  }
  if (array.length === 0 && isDetached(array)) throw new TypeError(`${who}: array "${name}" is detached`);
}

/** Whether the array's buffer was transferred away. */
function isDetached(array: Reals): boolean {
  try {
    new Uint8Array(array.buffer);
    return false;
  } catch {
    return true;
  }
}
