import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { classes } from "./tables.js";
import { forms, rowOf } from "./textbook.js";

const readme = readFileSync("README.md", "utf8");

test("the README shows every textbook form as it is tested", () => {
  const [, table] = readme.split("| textbook | formula | here |\n|---|---|---|\n");
  expect(table.split("\n\n")[0].split("\n")).toEqual(forms.map(rowOf));
});

test("the README's table of optimizers has a row for each", () => {
  for (const { rule } of classes) expect(readme).toContain(`| \`${rule.name}\` |`);
});

test("code comes within the first twenty lines of the README", () => {
  expect(readme.split("\n").slice(0, 20).join("\n")).toContain("import { AdamW }");
});
