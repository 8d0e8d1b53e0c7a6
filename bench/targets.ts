import type { Measured } from "./experiment.js";
import type { Row } from "./run.js";
import type { SmallRow } from "./small.js";

/** A line that the library is held to, and what was measured. */
export interface Target {
  name: string;
  unit: Unit;
  relation: Relation;
  /** null: there is none, the figure is only shown. */
  limit: number | null;
  /** From the best turn of each contender: a busy machine only ever adds time. null: not measured in this run. */
  value: number | null;
  /** The same from all turns, each against the turn beside it. */
  median: number | null;
  holds: boolean | null;
}

export type Unit = "times" | "ns" | "µs" | "ms" | "bytes";
export type Relation = "at most" | "at least";

/** A target before anything is measured. */
export type Line = Pick<Target, "name" | "unit" | "relation" | "limit">;

interface Found extends Line {
  find(rows: readonly Row[], small: readonly SmallRow[]): Measured | undefined;
}

/** The sizes at which wasm is held against C in the caches, and those at which memory is what counts. */
export const targetSizes = [65536, 1048576];
export const largeSizes = [8388608, 33554432];

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

const quick: readonly Found[] = [
  faster("twin", 10),
  faster("hand", 6),
  ...plain.flatMap(([rule, variant]) => targetSizes.map((n) => besideC(rule, variant, n, 1.1))),
  ...decaying.flatMap(([rule, variant]) => targetSizes.map((n) => besideC(rule, variant, n, 1.3))),
  smallStep("one tensor of 2", 180),
  smallStep("ten tensors of 10", 400),
  smallStep("your own array of 2", 280),
  ...["one tensor of 2", "ten tensors of 10", "your own array of 2"].map(nothingAllocated),
];

const large: readonly Found[] = plain.flatMap(([rule, variant]) => largeSizes.map((n) => besideBest(rule, variant, n)));

/** Holds the measurements against the lines. A line that was not measured does not hold. */
export function evaluate(rows: readonly Row[], small: readonly SmallRow[], withLarge = false): Target[] {
  const lines = withLarge ? [...quick, ...large] : quick;
  return lines.map(({ find, ...line }) => judge(line, find(rows, small)));
}

export function judge({ name, unit, relation, limit }: Line, measured?: Measured): Target {
  const { best: value = null, median = null } = measured ?? {};
  const within = (x: number | null) =>
    x !== null && limit !== null && (relation === "at most" ? x <= limit : x >= limit);
  // on a busy machine one contender's best turn can be a lucky one, and a median can have met a burst: either will do
  return { name, unit, relation, limit, value, median, holds: limit === null ? null : within(value) || within(median) };
}

function faster(contender: "twin" | "hand", limit: number): Found {
  const who = contender === "twin" ? "the twin" : "JavaScript by hand";
  return {
    name: `adam f32, n = 1048576: time of ${who} over wasm`,
    unit: "times",
    relation: "at least",
    limit,
    find: (rows) => timesWasm(rows, "adam", "plain", 1048576, contender),
  };
}

function besideC(rule: string, variant: string, n: number, limit: number): Found {
  return {
    name: `${labelOf(rule, variant)} f32, n = ${n}: time of wasm over gcc`,
    unit: "times",
    relation: "at most",
    limit,
    find(rows) {
      const times = timesWasm(rows, rule, variant, n, "gcc");
      return times && { best: 1 / times.best, median: 1 / times.median };
    },
  };
}

/** Where memory is what counts: beside C, and beside a copy of as many bytes, whichever is faster. */
function besideBest(rule: string, variant: string, n: number): Found {
  return {
    name: `${labelOf(rule, variant)} f32, n = ${n}: time of wasm over the best of gcc and a copy of its bytes`,
    unit: "times",
    relation: "at most",
    limit: 1.1,
    find(rows) {
      const [wasm, gcc] = ["wasm", "gcc"].map((name) => rowOf(rows, rule, variant, n, name));
      const copy = rowOf(rows, "copy", "TypedArray.set", n, "copy");
      if (!wasm || !copy) return undefined;
      const over = (time: (row: Row) => number) => {
        // a row's GB/s are its bytes over its time: so many bytes at the pace of the copy
        const copied = (wasm.gbPerSecond * wasm.nsPerElement * time(copy)) / (copy.gbPerSecond * copy.nsPerElement);
        return time(wasm) / Math.min(copied, gcc ? time(gcc) : Infinity);
      };
      return { best: over(({ spread }) => spread.min), median: over(({ nsPerElement }) => nsPerElement) };
    },
  };
}

function smallStep(shape: string, limit: number): Found {
  return {
    name: `adam f32, ${shape}: a step after everything else has run`,
    unit: "ns",
    relation: "at most",
    limit,
    find(_, small) {
      const row = smallRow(small, shape);
      return row && { best: row.spread.min, median: row.nsPerStep };
    },
  };
}

function nothingAllocated(shape: string): Found {
  return {
    name: `adam f32, ${shape}: memory that a step takes`,
    unit: "bytes",
    relation: "at most",
    limit: 0,
    find(_, small) {
      const row = smallRow(small, shape);
      return row && { best: row.bytesPerStep, median: row.bytesPerStep };
    },
  };
}

function smallRow(small: readonly SmallRow[], shape: string): SmallRow | undefined {
  return small.find(({ name, backend }) => name === `adam, ${shape}` && backend === "wasm");
}

function labelOf(rule: string, variant: string): string {
  return variant === "plain" ? rule : `${rule} ${variant}`;
}

function rowOf(rows: readonly Row[], rule: string, variant: string, n: number, contender: string): Row | undefined {
  return rows.find(
    (row) =>
      row.rule === rule && row.variant === variant && row.dtype === "f32" && row.n === n && row.contender === contender,
  );
}

/** The time of a contender over that of wasm. */
function timesWasm(rows: readonly Row[], rule: string, variant: string, n: number, who: string): Measured | undefined {
  const wasm = rowOf(rows, rule, variant, n, "wasm");
  const other = rowOf(rows, rule, variant, n, who);
  if (!wasm || !other?.timesWasm) return undefined;
  return { best: other.spread.min / wasm.spread.min, median: other.timesWasm.median };
}
