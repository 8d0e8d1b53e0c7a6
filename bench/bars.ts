import { digits } from "./figures.js";
import type { Row } from "./run.js";

export interface Terminal {
  /** Characters of a line. */
  columns: number;
  colour: boolean;
}

/** What bars are drawn for: a terminal with its colours, unless it is told to have none, or a file. */
export function terminalOf(stream = process.stdout, environment: NodeJS.ProcessEnv = process.env): Terminal {
  const colour = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== "dumb";
  return { columns: stream.isTTY ? stream.columns : 100, colour };
}

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of so many characters, to an eighth of one; a thing that takes time has one, however short. */
export function bar(length: number): string {
  const whole = Math.max(1, Math.round(8 * length));
  return "█".repeat(whole >> 3) + eighths[whole & 7];
}

/** The contenders of each rule at the largest size that all were measured at, the longest bar as long as there is room. */
export function bars(rows: readonly Row[], { columns, colour }: Terminal): string {
  const groups = groupsOf(rows);
  const names = groups.flatMap((group) => group.map(({ contender }) => contender));
  const width = Math.max(0, ...names.map((name) => name.length));
  const parts = groups.map((group) => {
    const [{ rule, variant, dtype, n }] = group;
    const title = `${variant === "plain" ? rule : `${rule} ${variant}`} ${dtype}, n = ${n}, ns per element`;
    const reach = reachOf(group);
    const lines = group.map(({ contender, nsPerElement, timesWasm }) => {
      const spread = timesWasm ? `${timesWasm.median.toFixed(2)}× ±${digits(timesWasm.mad)}` : "";
      const figures = `${digits(nsPerElement)}`.padStart(6) + (spread && `  ${spread}`);
      const room = columns - width - 26;
      // where there is no room for a bar that tells something, the figures do
      const drawn =
        room < 8 ? "" : nsPerElement > reach ? `${bar(room - 1)}» ` : `${bar((room * nsPerElement) / reach)} `;
      const painted = colour && contender === "wasm" ? `\x1b[36m${drawn}\x1b[0m` : drawn;
      return `  ${contender.padEnd(width)} ${painted}${figures.trim()}`;
    });
    return [title, ...lines].join("\n");
  });
  return parts.join("\n");
}

/** The time that the longest bar stands for: what takes longer has a bar that is cut, so that the others can be told apart. */
export function reachOf(group: readonly Row[]): number {
  const times = group.map(({ nsPerElement }) => nsPerElement);
  return Math.min(Math.max(...times), 40 * Math.min(...times));
}

/** The rows of each rule and dtype where most contenders stand side by side, at the largest such size. */
export function groupsOf(rows: readonly Row[]): Row[][] {
  const sizes = new Map<string, Map<number, Row[]>>();
  for (const row of rows) {
    if (row.contender === "copy") continue;
    const name = `${row.rule} ${row.variant} ${row.dtype}`;
    const bySize = sizes.get(name) ?? new Map<number, Row[]>();
    sizes.set(name, bySize);
    bySize.set(row.n, [...(bySize.get(row.n) ?? []), row]);
  }
  return [...sizes.values()].map((bySize) => {
    const groups = [...bySize.values()];
    const most = Math.max(...groups.map(({ length }) => length));
    const largest = groups.filter(({ length }) => length === most).at(-1) as Row[];
    return [...largest].sort((a, b) => a.nsPerElement - b.nsPerElement);
  });
}
