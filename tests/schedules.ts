// What the tests of schedules share: calls as lists, as golden cases have them, and digests of bits.
import { createHash } from "node:crypto";
import type { Schedule } from "../src/index.js";
import * as gradstep from "../src/index.js";
import * as schedules from "../src/schedules/index.js";
import { readGolden } from "./golden.js";

export type Call = readonly unknown[];

export interface ScheduleCase {
  readonly name: string;
  readonly source: string;
  readonly call: Call;
  /** The library's values at the steps 0, 1, … */
  readonly values: string;
  /** What a schedule on a plateau is told before each step but the first. */
  readonly metrics?: readonly number[];
  /** What the values may differ by, as a share of the largest, if they are not held to 1e-12 of themselves. */
  readonly tolerance?: number;
}

export const { cases } = readGolden<{ readonly cases: readonly ScheduleCase[] }>("schedules");

/** Everything that makes a schedule, by its exported name. */
export const makers = Object.fromEntries(
  Object.entries(gradstep).filter(([name]) => name in schedules && name !== "sample"),
) as Readonly<Record<string, (...args: readonly unknown[]) => Schedule>>;

// the functions in golden cases
const functions: Readonly<Record<string, Schedule>> = { "e => e % 2 ? 0.99 : 0.9": (step) => (step % 2 ? 0.99 : 0.9) };

/** The schedule that a list of a name and arguments stands for. */
export function build([name, ...args]: Call): Schedule {
  return makers[name as string](...args.map(asArgument));
}

function asArgument(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const [first] = value;
  if (typeof first !== "string") return value.map(asArgument);
  return functions[first] ?? build(value);
}

/** Sixteen hexadecimal digits that depend on every bit of the numbers. */
export function digest(numbers: Iterable<number>): string {
  return createHash("sha256")
    .update(new Uint8Array(Float64Array.from(numbers).buffer))
    .digest("hex")
    .slice(0, 16);
}
