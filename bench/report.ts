import { cpus } from "node:os";
import { bars, terminalOf } from "./bars.js";
import { digits } from "./figures.js";
import { type Native, flags as nativeFlags } from "./native.js";
import type { PeerNote } from "./peers.js";
import type { Row } from "./run.js";
import type { SmallRow } from "./small.js";
import { type Cell, table } from "./table.js";
import type { Target } from "./targets.js";

/** The machine and the engine, without which a time says nothing. */
export interface Machine {
  cpu: string;
  /** The core that everything was kept on, if that can be had. */
  core: number | null;
  cores: number;
  /** Threads that a step runs on. */
  threads: number;
  engine: string;
  simd: boolean;
}

export interface Header extends Machine {
  /** null: absent. */
  gcc: string | null;
  gccFlags: string;
  method: string;
}

export interface Report {
  /** What was typed. */
  command: string;
  header: Header;
  /** Other libraries, if they were asked for. */
  peers: readonly PeerNote[];
  rows: readonly Row[];
  small: readonly SmallRow[];
  targets: readonly Target[];
}

export function describeMachine(simd: boolean, core?: number): Machine {
  const all = cpus();
  const cpu = all[0]?.model.trim() ?? "unknown";
  return { cpu, core: core ?? null, cores: all.length, threads: 1, engine: engineOf(process.versions), simd };
}

/** The runtime and its engine, with their versions. */
export function engineOf({ node, v8, bun, deno }: Readonly<Record<string, string | undefined>>): string {
  if (bun !== undefined) return `Bun ${bun}, JavaScriptCore`;
  return `${deno === undefined ? `Node ${node}` : `Deno ${deno}`}, V8 ${v8}`;
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
export function format({ command, header, peers, rows, small, targets }: Report, terminal = terminalOf()): string {
  const { gcc, gccFlags, method } = header;
  const native = gcc === null ? "gcc is absent: its columns stay empty" : `${gcc}, ${gccFlags}`;
  const others = peers.map(({ name, version, trouble }) => `${name}: ${trouble ?? version}`);
  const head = [command, machineLine(header), native, ...others, method].join("\n");
  const dtypes = [...new Set(rows.map((row) => row.dtype))];
  const tables = dtypes.map((dtype) => `${dtype}, ns per element\n${rowTable(rows.filter((r) => r.dtype === dtype))}`);
  const parts = [
    head,
    ...tables,
    bars(rows, terminal),
    ...(small.length === 0 ? [] : [`small steps\n${table(smallCells(small))}`]),
    targetsPart(targets),
  ];
  return `${parts.join("\n\n")}\n`;
}

export function machineLine({ cpu, core, cores, threads, engine, simd }: Machine): string {
  const place = core === null ? "" : `, all on core ${core}`;
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  return `${cpu}, ${many(cores, "core")}, ${many(threads, "thread")}${place}; ${engine}, SIMD ${simd ? "yes" : "no"}`;
}

function rowTable(rows: readonly Row[]): string {
  const ours = ["copy", "wasm", "twin", "hand", "gcc"];
  const peers = [...new Set(rows.map(({ contender }) => contender))].filter((name) => !ours.includes(name));
  const ratios = ["twin/wasm", "hand/wasm", "wasm/gcc", ...peers.map((name) => `${name}/wasm`)];
  const lines: Cell[][] = [["rule", "n", "wasm", "twin", "hand", "gcc", ...peers, "GB/s", ...ratios]];
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
      ...peers.map(time),
      at(contender)?.gbPerSecond.toFixed(1) ?? "",
      ratio("twin"),
      ratio("hand"),
      ratio("gcc", true),
      ...peers.map((name) => ratio(name)),
    ]);
  }
  return table(lines);
}

/** The cells of small steps, the first line as the head. */
export function smallCells(rows: readonly SmallRow[]): string[][] {
  const lines = rows.map(({ name, backend, nsPerStep, spread, bytesPerStep }) => {
    return [name, backend, `${digits(nsPerStep)} ±${digits(spread.mad)}`, bytesPerStep.toFixed(1)];
  });
  return [["step", "backend", "ns", "bytes allocated"], ...lines];
}

/** The cells of the targets that were measured. */
export function targetCells(targets: readonly Target[]): string[][] {
  const lines = targets.flatMap(({ name, relation, limit, unit, value, median, holds }) => {
    if (value === null || median === null) return [];
    const what = limit === null ? unit : `${relation} ${limit} ${unit}`;
    return [[name, what, digits(value), digits(median), holds === null ? "" : holds ? "yes" : "NO"]];
  });
  return [["target", "limit", "best turn", "median", "holds"], ...lines];
}

function targetsPart(targets: readonly Target[]): string {
  const missing = targets.filter(({ value }) => value === null).length;
  const rest = missing === 0 ? [] : [`not measured in this run: ${missing}${missing < targets.length ? " more" : ""}`];
  return ["targets", ...(missing < targets.length ? [table(targetCells(targets))] : []), ...rest].join("\n");
}
