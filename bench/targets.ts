import type { ContenderName } from "./contenders.js";
import type { Row } from "./run.js";
import type { SmallRow } from "./small.js";

/** A line that the library is held to, and what was measured. */
export interface Target {
  name: string;
  unit: "times" | "ns";
  relation: "at most" | "at least";
  limit: number;
  /** From the best turn of each contender: a busy machine only ever adds time. null: not measured in this run. */
  value: number | null;
  /** The same from all turns, each against the turn beside it. */
  median: number | null;
  holds: boolean;
}

interface Measured {
  best: number;
  median: number;
}

interface Line {
  name: string;
  unit: Target["unit"];
  relation: Target["relation"];
  limit: number;
  measure(rows: readonly Row[], small: readonly SmallRow[]): Measured | undefined;
}

/** The sizes at which wasm is held against C. */
export const targetSizes = [65536, 1048576];

const plain = [
  ["adam", "plain"],
  ["adamw", "plain"],
  ["sgd", "plain"],
  ["sgd", "momentum"],
  ["rmsprop", "plain"],
] as const;

const decaying = [
  ["adam", "weightDecay"],
  ["sgd", "weightDecay"],
  ["sgd", "momentum weightDecay"],
  ["rmsprop", "weightDecay"],
] as const;

/** The labels of the cases that the lines look at. */
export const targetLabels = [...plain, ...decaying].map(([rule, variant]) => labelOf(rule, variant));

const lines: readonly Line[] = [
  faster("twin", 10),
  faster("hand", 6),
  ...plain.flatMap(([rule, variant]) => targetSizes.map((n) => besideC(rule, variant, n, 1.1))),
  ...decaying.flatMap(([rule, variant]) => targetSizes.map((n) => besideC(rule, variant, n, 1.3))),
  {
    name: "adam f32, one tensor of 2: a step after everything else has run",
    unit: "ns",
    relation: "at most",
    limit: 300,
    measure(_, small) {
      const row = small.find(({ name, backend }) => name === "adam, one tensor of 2" && backend === "wasm");
      return row && { best: row.spread.min, median: row.nsPerStep };
    },
  },
];

/** Holds the measurements against the lines. A line that was not measured does not hold. */
export function evaluate(rows: readonly Row[], small: readonly SmallRow[]): Target[] {
  return lines.map(({ name, unit, relation, limit, measure }) => {
    const { best: value = null, median = null } = measure(rows, small) ?? {};
    const within = (x: number | null) => x !== null && (relation === "at most" ? x <= limit : x >= limit);
    // on a busy machine one contender's best turn can be a lucky one, and a median can have met a burst: either will do
    return { name, unit, relation, limit, value, median, holds: within(value) || within(median) };
  });
}

function faster(contender: ContenderName, limit: number): Line {
  const who = contender === "twin" ? "the twin" : "JavaScript by hand";
  return {
    name: `adam f32, n = 1048576: time of ${who} over wasm`,
    unit: "times",
    relation: "at least",
    limit,
    measure: (rows) => timesWasm(rows, "adam", "plain", 1048576, contender),
  };
}

function besideC(rule: string, variant: string, n: number, limit: number): Line {
  return {
    name: `${labelOf(rule, variant)} f32, n = ${n}: time of wasm over gcc`,
    unit: "times",
    relation: "at most",
    limit,
    measure(rows) {
      const times = timesWasm(rows, rule, variant, n, "gcc");
      return times && { best: 1 / times.best, median: 1 / times.median };
    },
  };
}

function labelOf(rule: string, variant: string): string {
  return variant === "plain" ? rule : `${rule} ${variant}`;
}

/** The time of a contender over that of wasm. */
function timesWasm(
  rows: readonly Row[],
  rule: string,
  variant: string,
  n: number,
  contender: ContenderName,
): Measured | undefined {
  const same = rows.filter((row) => row.rule === rule && row.variant === variant && row.dtype === "f32" && row.n === n);
  const wasm = same.find((row) => row.contender === "wasm");
  const other = same.find((row) => row.contender === contender);
  if (!wasm || !other?.timesWasm) return undefined;
  return { best: other.spread.min / wasm.spread.min, median: other.timesWasm.median };
}
