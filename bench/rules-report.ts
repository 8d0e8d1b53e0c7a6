import { explanations } from "./explanations.js";
import { digits } from "./figures.js";
import { type Machine, machineLine } from "./report.js";
import type { RuleRow } from "./rules.js";
import { type Cell, table } from "./table.js";

/** Above this many times its floor a rule needs an explanation. */
export const limit = 1.15;

export interface RulesReport {
  header: Machine;
  rows: readonly RuleRow[];
}

const about = `floor: what the step cannot do without, measured in turns with it: a loop that only reads and writes the same streams ("bytes"), or
the divisions and roots of its kernel, each at its own speed ("divider"), whichever takes longer. A rule that looks at whole
tensors makes several passes, counted in steps on the fallback: its floor is the sum of theirs. Where matrices are multiplied
(side √n) the speed of that stands instead. x: time over floor, * above ${limit}.`;

/** The report as text. */
export function formatRules({ header, rows }: RulesReport): string {
  const dtypes = [...new Set(rows.map(({ dtype }) => dtype))];
  const tables = dtypes.map(
    (dtype) => `${dtype}, ns per element\n${rulesTable(rows.filter((r) => r.dtype === dtype))}`,
  );
  const marks = [...new Set(rows.filter(isMarked).map(({ label }) => label))];
  const notes = marks.map((label) => `* ${label}: ${explanations[label] ?? "not explained"}`);
  const doubts = rows.flatMap(({ doubt, n }) => (doubt === null ? [] : [`${doubt} (n = ${n})`]));
  const last = [...notes, ...doubts].join("\n");
  return `${[machineLine(header), about, ...tables, ...(last === "" ? [] : [last])].join("\n\n")}\n`;
}

/** Whether a rule of elements is too far above its floor. */
export function isMarked({ floor }: RuleRow): boolean {
  return floor !== null && floor.bound !== "passes" && floor.ratio > limit;
}

function rulesTable(rows: readonly RuleRow[]): string {
  const sizes = [...new Set(rows.map(({ n }) => n))];
  const labels = [...new Set(rows.map(({ label }) => label))];
  const lines = labels.map((label): Cell[] => {
    const cells = sizes.flatMap((n) => cellsOf(rows.find((row) => row.label === label && row.n === n)));
    return [label, ...cells];
  });
  return table([["rule", ...sizes.flatMap((n) => [`n = ${n}`, "floor", "by", "x"])], ...lines]);
}

function cellsOf(row: RuleRow | undefined): Cell[] {
  if (!row) return ["", "", "", ""];
  const time = digits(row.nsPerElement);
  if (!row.floor) return [time, "", `${digits(row.gflops ?? 0)} GFLOP/s`, ""];
  const { ns, bound, ratio } = row.floor;
  return [time, digits(ns), bound, `${ratio.toFixed(2)}${isMarked(row) ? "*" : " "}`];
}
