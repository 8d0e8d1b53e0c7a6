import { checkChoice, checkFixed, describe, dtypeOf, isObject, isRecord } from "./check.js";
import { arrays } from "./layout.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";

/** A parameter as the caller described it. */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly length: number;
  /** The caller's array, if it is the caller's. */
  readonly own?: Reals;
  /** Where that stands in another module's memory, if it does. */
  readonly at?: number;
}

/** A group as the caller described it: its tensors, and options of its own. */
export interface GroupSpec {
  readonly tensors: readonly Tensor[];
  readonly overrides: Readonly<Record<string, unknown>>;
  /** How many of the tensors have a number for a name. */
  readonly numbered: number;
}

/** Reads the first argument of an optimizer: a record, a list of inits, or a list of groups. */
export function readGroups(who: string, params: unknown): GroupSpec[] {
  const groups = Array.isArray(params) ? params.filter(isGroup) : [];
  if (!Array.isArray(params) || groups.length === 0) return [readGroup(who, { params }, 0)];
  if (groups.length < params.length) {
    throw new TypeError(`${who}: params must be all groups or all parameters, got ${groups.length} groups`);
  }
  let numbered = 0;
  return groups.map((group) => {
    const spec = readGroup(who, group, numbered);
    numbered += spec.numbered;
    return spec;
  });
}

/** Reads `{ params, ...overrides }`; a list of parameters is numbered from `numbered` on. */
export function readGroup(who: string, group: unknown, numbered: number): GroupSpec {
  if (!isGroup(group)) throw new TypeError(`${who}: a group must be { params, ...options }, got ${describe(group)}`);
  const { params, ...overrides } = group;
  const tensors = readSet(who, params, numbered);
  return { tensors, overrides, numbered: Array.isArray(params) ? tensors.length : 0 };
}

/** Whether a value is `{ params, ...overrides }`. */
export function isGroup(value: unknown): value is { params: unknown } & Record<string, unknown> {
  return isObject(value) && "params" in value;
}

function readSet(who: string, set: unknown, numbered: number): Tensor[] {
  if (Array.isArray(set)) return Array.from(set, (init, i) => readInit(who, String(numbered + i), init));
  if (!isRecord(set)) {
    throw new TypeError(`${who}: params must be a record or an array of parameters, got ${describe(set)}`);
  }
  return Object.entries(set).map(([name, init]) => readInit(who, name, init));
}

function readInit(who: string, name: string, init: unknown): Tensor {
  if (typeof init === "number") return { name, shape: [init], length: sizeOf(who, name, [init]) };
  if (Array.isArray(init)) return { name, shape: [...init], length: sizeOf(who, name, init) };
  if (dtypeOf(init)) return owned(who, name, init as Reals, [(init as Reals).length]);
  let got = describe(init);
  if (isObject(init) && "data" in init && "shape" in init) {
    const { data, shape } = init;
    if (dtypeOf(data) && Array.isArray(shape)) return owned(who, name, data as Reals, shape);
    got = `{ data: ${describe(data)}, shape: ${describe(shape)} }`;
  }
  throw new TypeError(
    `${who}: parameter "${name}" must be a Float32Array, a Float64Array, a length, a shape or { data, shape }, got ${got}`,
  );
}

function owned(who: string, name: string, own: Reals, shape: readonly number[]): Tensor {
  checkFixed(who, name, own);
  const length = sizeOf(who, name, shape);
  if (own.length !== length) {
    throw new RangeError(`${who}: parameter "${name}" has length ${own.length}, expected ${length} for its shape`);
  }
  return { name, shape: [...shape], length, own };
}

function sizeOf(who: string, name: string, shape: readonly unknown[]): number {
  let size = 1;
  for (const n of shape) {
    if (typeof n === "number" && Number.isSafeInteger(n) && n >= 0) {
      size *= n;
      continue;
    }
    const Kind = typeof n === "number" ? RangeError : TypeError;
    const wants = `parameter "${name}" must have whole dimensions >= 0, or be a Float32Array`;
    throw new Kind(`${who}: ${wants}, got ${describe(n)}`);
  }
  return size;
}

/** The dtype of an optimizer: the one asked for, else that of the arrays, else f32. They must agree. */
export function chooseDtype(who: string, asked: unknown, tensors: readonly Tensor[]): Dtype {
  let dtype = asked === undefined ? asked : (checkChoice(who, "dtype", asked, dtypes) as Dtype);
  for (const { name, own } of tensors) {
    if (!own) continue;
    const given = dtypeOf(own) as Dtype;
    dtype ??= given;
    if (given !== dtype) {
      throw new TypeError(`${who}: parameter "${name}" is a ${arrays[given].name}, expected a ${arrays[dtype].name}`);
    }
  }
  return dtype ?? "f32";
}

const dtypes = ["f32", "f64"];

export function isDtype(value: unknown): value is Dtype {
  return dtypes.includes(value as Dtype);
}

/** Throws if a name comes twice or two arrays share memory, with those that are `there` already. */
export function checkDistinct(who: string, added: readonly Tensor[], there: ReadonlyMap<string, Tensor>): void {
  const names = new Set<string>();
  for (const { name } of added) {
    if (names.has(name) || there.has(name)) throw new RangeError(`${who}: parameter "${name}" is given twice`);
    names.add(name);
  }
  checkDisjoint(who, [...there.values(), ...added]);
}

/** Throws if two of the caller's arrays share memory. */
function checkDisjoint(who: string, tensors: readonly Tensor[]): void {
  const byBuffer = new Map<ArrayBufferLike, [string, Reals][]>();
  for (const { name, own } of tensors) {
    if (!own?.length) continue;
    const others = byBuffer.get(own.buffer) ?? [];
    byBuffer.set(own.buffer, others);
    others.push([name, own]);
  }
  for (const sharing of byBuffer.values()) {
    sharing.sort(([, a], [, b]) => a.byteOffset - b.byteOffset);
    for (let i = 1; i < sharing.length; i++) {
      const [before, a] = sharing[i - 1];
      const [name, b] = sharing[i];
      if (b.byteOffset < a.byteOffset + a.byteLength) {
        throw new RangeError(`${who}: parameters "${before}" and "${name}" must not share memory`);
      }
    }
  }
}
