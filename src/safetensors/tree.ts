import { describe, isRecord } from "../check.js";
import { fail, type TensorData } from "./format.js";

// A state dict is a record of records of arrays and of plain values. The arrays become tensors, the rest becomes JSON; whatever
// else a state dict comes to have goes the same way.

export type Path = readonly string[];

/** A record with its arrays taken out. */
export interface Parts {
  readonly rest: unknown;
  readonly arrays: readonly (readonly [path: Path, data: TensorData])[];
}

type Node = Record<string, unknown>;

/** Takes the typed arrays out of a record. */
export function takeApart(who: string, record: unknown): Parts {
  const arrays: [Path, TensorData][] = [];
  const copy = (value: unknown, path: Path): unknown => {
    if (isRecord(value)) {
      const entries = Object.entries(value).flatMap(([key, each]) => {
        if (ArrayBuffer.isView(each)) arrays.push([[...path, key], each as TensorData]);
        return ArrayBuffer.isView(each) || each === undefined ? [] : [[key, copy(each, [...path, key])]];
      });
      return Object.fromEntries(entries);
    }
    if (Array.isArray(value)) return value.map((each, i) => copy(each, [...path, String(i)]));
    if (typeof value === "number") return writeNumber(value);
    if (typeof value === "string") return writeString(value);
    if (typeof value === "boolean" || value === null) return value;
    const at = path.join(".");
    throw new TypeError(
      `${who}: ${at} must be a record, an array, a number, a string or a boolean, got ${describe(value)}`,
    );
  };
  return { rest: copy(record, []), arrays };
}

/** Puts typed arrays back into a record. */
export function putTogether({ rest, arrays }: Parts): unknown {
  const record = restore(rest, 0);
  for (const [path, data] of arrays) {
    let at: unknown = record;
    for (const key of path.slice(0, -1)) at = isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    const key = path[path.length - 1];
    if (!isRecord(at) || Object.hasOwn(at, key))
      fail(`the metadata have no place for a tensor ${describe(path.join("."))}`);
    define(at as Node, key, data);
  }
  return record;
}

function restore(value: unknown, depth: number): unknown {
  if (depth > 100) fail("the metadata are nested too deeply");
  if (typeof value === "string") return readString(value);
  if (Array.isArray(value)) return value.map((each) => restore(each, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, restore(each, depth + 1)]));
}

/** Sets a property of the record's own, also one that is called `__proto__`. */
function define(record: Node, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, configurable: true, enumerable: true, writable: true });
}

// JSON has no NaN, no Infinity and no -0: they are strings that start with a mark, and so are strings that start with one
const MARK = "#";
const marked: Readonly<Record<string, number>> = {
  "#NaN": NaN,
  "#Infinity": Infinity,
  "#-Infinity": -Infinity,
  "#-0": -0,
};

function writeNumber(x: number): number | string {
  if (Object.is(x, -0)) return "#-0";
  return Number.isFinite(x) ? x : MARK + x;
}

function writeString(text: string): string {
  return text.startsWith(MARK) ? MARK + text : text;
}

function readString(text: string): string | number {
  if (Object.hasOwn(marked, text)) return marked[text];
  return text.startsWith(MARK) ? text.slice(1) : text;
}
