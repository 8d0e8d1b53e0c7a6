import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { withTable } from "../bench/readme.js";
import { classes } from "./tables.js";
import { forms, rowOf } from "./textbook.js";

const readme = readFileSync("README.md", "utf8");

test("the README shows every textbook form as it is tested", () => {
  const [, table] = readme.split("| textbook | formula | here |\n|---|---|---|\n");
  expect(table.split("\n\n")[0].split("\n")).toEqual(forms.map(rowOf));
});

test("the tables of optimizers and of the libraries' calls follow from the rules", () => {
  execFileSync(process.execPath, ["scripts/tables.mjs", "--check"], { stdio: "pipe" });
  for (const { rule } of classes) expect(readme).toContain(`| \`${rule.name}\` |`);
});

test("the README's line that lists the optimizers prints the table's states and bytes", () => {
  const [, line] = /^node -e '(.*)'$/m.exec(readme) as RegExpExecArray;
  const printed = execFileSync(process.execPath, ["-e", line], { encoding: "utf8" }).trim().split("\n");
  const rows = [...readme.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) \|/gm)].map((row) => [row[1], row.slice(2)] as const);
  expect(printed).toHaveLength(rows.length);
  const table = new Map(rows);
  for (const row of printed) {
    const [name, ...slots] = row.split(/ +/);
    const [state, bytes] = table.get(name) as readonly string[];
    // some tell how many numbers there are, because that follows from the shape
    if (!/^\d+( to \d+)?$/.test(bytes)) continue;
    expect(bytes.split(" ")[0]).toBe(slots.pop());
    expect(state.startsWith(slots.map((slot) => `\`${slot}\``).join(", "))).toBe(true);
  }
});

test("the table of speeds is what the committed figures say", () => {
  const figures = JSON.parse(readFileSync("docs/benchmark.json", "utf8"));
  expect(withTable(readme, figures)).toBe(readme);
  const [{ nsPerElement }] = figures.rows;
  figures.rows[0].nsPerElement = 2 * nsPerElement;
  expect(withTable(readme, figures)).not.toBe(readme);
});

test("code comes within the first twenty lines of the README", () => {
  expect(readme.split("\n").slice(0, 20).join("\n")).toContain("import { AdamW }");
});
