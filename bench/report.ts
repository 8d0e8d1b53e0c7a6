import { cpus } from "node:os";
import { type Native, flags as nativeFlags } from "./native.js";
import type { Row } from "./run.js";
import type { SmallRow } from "./small.js";
import { type Cell, table } from "./table.js";
import type { Target } from "./targets.js";

/** The machine and the engine, without which a time says nothing. */
export interface Machine {
  cpu: string;
  /** The core that everything was kept on, if that can be had. */
  core: number | null;
  node: string;
  v8: string;
  simd: boolean;
}

export interface Header extends Machine {
  /** null: absent. */
  gcc: string | null;
  gccFlags: string;
  method: string;
}

export interface Report {
  header: Header;
  rows: readonly Row[];
  small: readonly SmallRow[];
  targets: readonly Target[];
}

export function describeMachine(simd: boolean, core?: number): Machine {
  const { node, v8 } = process.versions;
  return { cpu: cpus()[0]?.model ?? "unknown", core: core ?? null, node, v8, simd };
}

export function describeRun(machine: Machine, native?: Native): Header {
  return {
    ...machine,
    gcc: native?.version ?? null,
    gccFlags: nativeFlags.join(" "),
    method:
      "contenders take short turns in rotation and a turn counts as its median step; a time is the median of its turns, " +
      "± the median distance from it; a ratio is the median of the ratios of neighbouring turns; a target holds " +
      "if the best turns or that median are within it, as either can be hit by what else the machine does",
  };
}

/** The report as text. */
export function format({ header, rows, small, targets }: Report): string {
  const { gcc, gccFlags, method } = header;
  const native = gcc === null ? "gcc is absent: its columns stay empty" : `${gcc}, ${gccFlags}`;
  const head = `${machineLine(header)}\n${native}\n${method}`;
  const dtypes = [...new Set(rows.map((row) => row.dtype))];
  const tables = dtypes.map((dtype) => `${dtype}, ns per element\n${rowTable(rows.filter((r) => r.dtype === dtype))}`);
  const parts = [head, ...tables, `small steps\n${smallTable(small)}`, `targets\n${targetTable(targets)}`];
  return `${parts.join("\n\n")}\n`;
}

export function machineLine({ cpu, core, node, v8, simd }: Machine): string {
  const place = core === null ? "" : `, all on core ${core}`;
  return `${cpu}${place}; node ${node}, V8 ${v8}, SIMD ${simd ? "yes" : "no"}`;
}

function rowTable(rows: readonly Row[]): string {
  const lines: Cell[][] = [["rule", "n", "wasm", "twin", "hand", "gcc", "GB/s", "twin/wasm", "hand/wasm", "wasm/gcc"]];
  const firsts = rows.filter((row) => row.contender === "wasm" || row.contender === "copy");
  for (const { rule, variant, n, contender } of firsts) {
    const at = (name: string) =>
      rows.find((r) => r.rule === rule && r.variant === variant && r.n === n && r.contender === name);
    const time = (name: string) => {
      const row = at(name);
      return row ? `${digits(row.nsPerElement)} ±${digits(row.spread.mad)}` : "";
    };
    const ratio = (name: string, upsideDown = false) => {
      const value = at(name)?.timesWasm?.median;
      return value === undefined ? "" : (upsideDown ? 1 / value : value).toFixed(2);
    };
    lines.push([
      variant === "plain" ? rule : `${rule} ${variant}`,
      n,
      time(contender),
      time("twin"),
      time("hand"),
      time("gcc"),
      at(contender)?.gbPerSecond.toFixed(1) ?? "",
      ratio("twin"),
      ratio("hand"),
      ratio("gcc", true),
    ]);
  }
  return table(lines);
}

function smallTable(rows: readonly SmallRow[]): string {
  const lines: Cell[][] = [["step", "backend", "ns", "bytes allocated"]];
  for (const { name, backend, nsPerStep, spread, bytesPerStep } of rows) {
    lines.push([name, backend, `${digits(nsPerStep)} ±${digits(spread.mad)}`, bytesPerStep.toFixed(1)]);
  }
  return table(lines);
}

function targetTable(targets: readonly Target[]): string {
  const lines: Cell[][] = [["target", "limit", "best turn", "median", "holds"]];
  for (const { name, relation, limit, unit, value, median, holds } of targets) {
    const [best, middle] = [value, median].map((x) => (x === null ? "" : digits(x)));
    lines.push([
      name,
      `${relation} ${limit} ${unit}`,
      best,
      middle,
      value === null ? "not measured" : holds ? "yes" : "NO",
    ]);
  }
  return table(lines);
}

/** Three significant digits. */
export function digits(x: number): string {
  return x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2);
}
