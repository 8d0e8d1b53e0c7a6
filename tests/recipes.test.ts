import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const page = readFileSync("docs/recipes.md", "utf8");
const memory = readFileSync("docs/memory.md", "utf8");
const migration = readFileSync("docs/migration.md", "utf8");
const run = promisify(execFile);

/** The recipes of a page, each with the lines that it says it prints. */
const recipes = [...page.split("\n## "), memory.split("\n## ")[0], migration].flatMap((section) => {
  const [title] = section.split("\n");
  return [...section.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => {
    const printed = [...code.matchAll(/^\s*console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
    return { title, code, printed };
  });
});

test("every section but the last has a recipe, and stands in the list", () => {
  const sections = page.split("\n## ").slice(1);
  for (const section of sections.slice(0, -1)) expect(section).toContain("```js\n");
  const titles = sections.map((section) => section.split("\n")[0]);
  const anchor = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^a-z ]/g, "")
      .replaceAll(" ", "-");
  expect([...page.matchAll(/^- (.*)$/gm)].map(([, item]) => item)).toEqual(
    titles.map((title) => `[${title}](#${anchor(title)})`),
  );
});

test.concurrent.each(recipes)("$title: prints what it says", async ({ code, printed }) => {
  // in this folder "gradstep" is the build
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", code]);
  expect(printed.length).toBeGreaterThan(0);
  expect(stdout.trimEnd().split("\n")).toEqual(printed);
});
