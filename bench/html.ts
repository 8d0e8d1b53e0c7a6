import { groupsOf, reachOf } from "./bars.js";
import { digits } from "./figures.js";
import { style } from "./html-style.js";
import { escaped, plot, type Series } from "./plot.js";
import { machineLine, type Report, smallCells, targetCells } from "./report.js";
import type { Row } from "./run.js";

/** The report as a page that needs no other file and no script. */
export function htmlReport({ command, header, peers, rows, small, targets }: Report): string {
  const copies = rows.filter(({ contender }) => contender === "copy");
  const others = peers.map(({ name, version, trouble }) => `${name}: ${trouble ?? version}`);
  const about = [machineLine(header), header.gcc ? `${header.gcc}, ${header.gccFlags}` : "gcc is absent", ...others];
  const rules = groupsOf(rows).map((group, i) => {
    const same = rows.filter((row) => labelOf(row) === labelOf(group[0]));
    return ruleSection(same, copies, group, i);
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gradstep: optimizer steps, timed</title>
<style>
${style}</style>
</head>
<body>
<h1>Optimizer steps, timed</h1>
<p>${about.map(escaped).join("<br>")}</p>
<p class="quiet">${escaped(header.method)}. Made by <code>${escaped(command)}</code>.</p>
<h2>Rules</h2>
${rules.join("\n")}
${small.length === 0 ? "" : `<h2>Small steps</h2>\n${table(smallCells(small), "What a step costs when there is next to nothing to update")}`}
<h2>Targets</h2>
${table(targetCells(targets), "What the library is held to, and what was measured")}
</body>
</html>
`;
}

function ruleSection(rows: readonly Row[], copies: readonly Row[], group: readonly Row[], i: number): string {
  const [{ dtype, n }] = group;
  const label = labelOf(group[0]);
  const names = [...new Set(rows.map(({ contender }) => contender))];
  const series = (value: (row: Row) => number) =>
    names.map((name): Series => {
      const own = rows.filter(({ contender }) => contender === name);
      return { name, points: own.map((row) => [row.n, value(row)]) };
    });
  const limit: Series = {
    name: "copy",
    points: copies.filter((row) => row.dtype === dtype).map((row) => [row.n, row.gbPerSecond]),
    isLimit: true,
  };
  const x = "elements";
  const times = plot({
    id: `times-${i}`,
    title: `${label}: nanoseconds per element against the number of elements`,
    description: `${names.join(", ")}; the numbers are in the table below.`,
    ...{ x, y: "ns per element", series: series(({ nsPerElement }) => nsPerElement) },
  });
  const pace = plot({
    id: `pace-${i}`,
    title: `${label}: gigabytes per second against the number of elements`,
    description: `What a step reads and writes, over its time; in dashes a copy, which memory does not let pass.`,
    ...{ x, y: "GB/s", series: [...series(({ gbPerSecond }) => gbPerSecond), limit] },
  });
  const lines = rows.map((row) => [
    row.n.toLocaleString("en"),
    row.contender,
    `${digits(row.nsPerElement)} ±${digits(row.spread.mad)}`,
    row.gbPerSecond.toFixed(1),
    row.timesWasm ? `${digits(row.timesWasm.median)} ±${digits(row.timesWasm.mad)}` : "",
  ]);
  const head = ["n", "by", "ns per element", "GB/s", "times wasm"];
  return `<details${i === 0 ? " open" : ""}>
<summary>${escaped(label)}<span class="quiet"> n = ${n.toLocaleString("en")}: ${escaped(summaryOf(group))}</span></summary>
${ratioBars(group)}
<div class="plots"><figure>${times}</figure><figure>${pace}</figure></div>
${table([head, ...lines], `${label}, every measurement`)}
</details>`;
}

/** "wasm 0.54 ns, twin 14×" */
function summaryOf(group: readonly Row[]): string {
  const ownFirst = [...group].sort((a, b) => Number(b.contender === "wasm") - Number(a.contender === "wasm"));
  const parts = ownFirst.map(({ contender, nsPerElement, timesWasm }) =>
    timesWasm ? `${contender} ${digits(timesWasm.median)}×` : `${contender} ${digits(nsPerElement)} ns`,
  );
  return parts.join(", ");
}

function ratioBars(group: readonly Row[]): string {
  const reach = reachOf(group);
  const bars = group.map(({ contender, nsPerElement }) => {
    const share = Math.min(100, Math.max(0.3, (100 * nsPerElement) / reach)).toFixed(1);
    const kind = contender === "wasm" ? ' class="own"' : nsPerElement > reach ? ' class="cut"' : "";
    return `<dt>${escaped(contender)}</dt><dd><span${kind} style="width:${share}%"></span>${digits(nsPerElement)} ns</dd>`;
  });
  return `<dl class="bars">${bars.join("")}</dl>`;
}

function table([head, ...lines]: readonly (readonly string[])[], caption: string): string {
  const cells = (line: readonly string[]) => line.map((cell) => `<td>${escaped(cell)}</td>`).join("");
  const body = lines.map((line) => `<tr>${cells(line)}</tr>`).join("\n");
  const titles = head.map((title) => `<th scope="col">${escaped(title)}</th>`).join("");
  return `<div class="wide" tabindex="0" role="region" aria-label="${escaped(caption)}"><table><caption>${escaped(caption)}</caption>
<thead><tr>${titles}</tr></thead>
<tbody>
${body}
</tbody></table></div>`;
}

function labelOf({ rule, variant, dtype }: Row): string {
  return `${variant === "plain" ? rule : `${rule} ${variant}`} ${dtype}`;
}
