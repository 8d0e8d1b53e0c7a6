import { readFileSync, writeFileSync } from "node:fs";
import { digits } from "./figures.js";
import { readmeSize as n } from "./flags.js";
import { machineLine, type Report } from "./report.js";
import type { Row } from "./run.js";

const rules = { adam: "Adam", adamw: "AdamW", rmsprop: "RMSprop", sgd: "SGD", "sgd momentum": "SGD, momentum" };
const columns = {
  wasm: "gradstep",
  gcc: "C, gcc -O3",
  "torch fused": "PyTorch, fused",
  torch: "PyTorch",
  hand: "JavaScript by hand",
  twin: "TypeScript twin",
  "tfjs wasm": "tfjs, wasm",
  "tfjs cpu": "tfjs, cpu",
  "jax-js": "jax-js, wasm",
};

const root = new URL("../", import.meta.url);

/** The figures that the table is made of. */
export type Figures = Pick<Report, "command" | "header" | "peers" | "rows">;

/** Writes the figures of a run and the README's table. */
export function writeReadme({ command, header, peers, rows }: Report): void {
  const shown = rows.filter((row) => labelOf(row) in rules && row.dtype === "f32" && row.n === n);
  if (shown.length === 0) throw new RangeError(`--readme: expected a run with one of its rules at n = ${n}`);
  const figures: Figures = { command, header, peers, rows: shown };
  writeFileSync(new URL("docs/benchmark.json", root), `${JSON.stringify(figures, null, 2)}\n`);
  const file = new URL("README.md", root);
  writeFileSync(file, withTable(readFileSync(file, "utf8"), figures));
}

/** A README with the table between its markers. */
export function withTable(readme: string, figures: Figures): string {
  const [start, end] = ["<!-- table: benchmark -->\n", "<!-- end of benchmark -->"];
  const [from, to] = [readme.indexOf(start) + start.length, readme.indexOf(end)];
  if (from < start.length || to < from) throw new Error("the README lacks the markers of the benchmark");
  return `${readme.slice(0, from)}${readmeTable(figures)}\n${readme.slice(to)}`;
}

/** Nanoseconds per element of gradstep, and how many times as long the others take. */
export function readmeTable({ command, header, peers, rows }: Figures): string {
  const shown = Object.keys(columns).filter((contender) => rows.some((row) => row.contender === contender));
  const head = ["", ...shown.map((contender) => columns[contender as keyof typeof columns])];
  const lines = Object.entries(rules).flatMap(([label, name]) => {
    const own = rows.filter((row) => labelOf(row) === label);
    if (own.length === 0) return [];
    return [[name, ...shown.map((contender) => cell(own.find((row) => row.contender === contender)))]];
  });
  const table = [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`);
  const versions = [header.gcc, ...peers.map(({ version }) => version)].filter((version) => version !== null);
  return [
    `float32, n = ${n}: nanoseconds per element of gradstep, and how many times as long the others take, ± the median distance`,
    `from that. Written by \`${command}\` on ${machineLine(header)};`,
    `${versions.join("; ")}.`,
    "",
    ...table,
  ].join("\n");
}

function cell(row: Row | undefined): string {
  if (!row) return "";
  if (!row.timesWasm) return `${digits(row.nsPerElement)} ns`;
  return `${digits(row.timesWasm.median)}× ±${digits(row.timesWasm.mad)}`;
}

function labelOf({ rule, variant }: Row): string {
  return variant === "plain" ? rule : `${rule} ${variant}`;
}
