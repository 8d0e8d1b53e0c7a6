import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as gradstep from "../src/index.js";
import { makers } from "./schedules.js";

const page = readFileSync("docs/schedules.md", "utf8");
const cells = [...page.matchAll(/^\| (`\w+\(.*?`) \| (.*)$/gm)].map(([, calls, rest]) => ({
  calls: calls.split("<br>").map((code) => code.slice(1, -1)),
  rest: rest.split(" | "),
}));

/** Runs code with everything that gradstep exports. */
function run(code: string): unknown {
  return new Function(...Object.keys(gradstep), code)(...Object.values(gradstep));
}

test("every schedule has a row, and no row is of something else", () => {
  const rows = cells.flatMap(({ calls }) => [...new Set(calls.map((call) => call.slice(0, call.indexOf("("))))]);
  expect([...rows].sort()).toEqual(Object.keys(makers).sort());
});

test.each(cells.flatMap(({ calls }) => calls))(
  "%s is a schedule that moves in 100 steps, if it does at all",
  (call) => {
    const values = gradstep.sample(run(`return ${call}`) as gradstep.Schedule, 101);
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    if (!/^constant\(|^reduceOnPlateau/.test(call)) expect(new Set(values).size).toBeGreaterThan(1);
  },
);

test("the page's programs run", () => {
  const programs = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code.replace(/^import .*$/gm, ""));
  expect(programs).toHaveLength(2);
  for (const program of programs) run(`const validationLoss = 1; ${program}`);
});

test("the picture is of the page's calls", () => {
  execFileSync(process.execPath, ["scripts/schedules.mjs", "--check"], { stdio: "pipe" });
});
