import { execFileSync, spawnSync } from "node:child_process";
import { JSDOM } from "jsdom";
import { describe, expect, it } from "vitest";
import { bar, bars, terminalOf } from "../bench/bars.js";
import { helpFor, parseFlags } from "../bench/flags.js";
import { htmlReport } from "../bench/html.js";
import { scale, short, spread } from "../bench/plot.js";
import { showProgress } from "../bench/progress.js";
import { readmeTable, withTable } from "../bench/readme.js";
import { describeMachine, describeRun, engineOf, format, type Report } from "../bench/report.js";
import type { Row } from "../bench/run.js";
import { table } from "../bench/table.js";
import { evaluate } from "../bench/targets.js";

/** Rows of a rule at two sizes; a contender takes so many times as long as wasm. */
function rowsOf(rule: string, times: Readonly<Record<string, number>>): Row[] {
  const one = (n: number, contender: string, ratio: number): Row => {
    const around = { mad: 0.1, p25: ratio, p75: ratio, min: ratio, max: ratio };
    const same = { rule, variant: "plain", dtype: "f32", n, contender, nsPerElement: ratio, spread: around } as const;
    const timesWasm = contender === "wasm" || contender === "copy" ? null : { ...around, median: ratio };
    return { ...same, gbPerSecond: 28 / ratio, timesWasm };
  };
  return [1024, 1048576].flatMap((n) => Object.entries(times).map(([contender, ratio]) => one(n, contender, ratio)));
}

const rows = [...rowsOf("copy", { copy: 0.5 }), ...rowsOf("adam", { wasm: 1, gcc: 0.9, twin: 12, "tfjs <cpu>": 400 })];
const peers = [{ name: "tfjs <cpu>", version: "TensorFlow.js 4", trouble: null }];
const report: Report = {
  command: "npm run bench",
  header: describeRun(describeMachine(true, 1)),
  peers,
  rows,
  small: [],
  targets: evaluate(rows, []),
};

describe("text", () => {
  it("lines its columns up", () => {
    const text = table([
      ["rule", "n"],
      ["adam", 65536],
      ["sgd", 2],
    ]);
    expect(text).toBe("rule      n\n----  -----\nadam  65536\nsgd       2");
  });

  it("tells its progress in one line of a terminal, and nothing elsewhere", () => {
    const written: string[] = [];
    const stream = { isTTY: false, write: (text: string) => written.push(text) > 0 };
    const progress = showProgress(stream as unknown as typeof process.stderr);
    progress.show(1, 9, "adam");
    progress.show(2, 9, "sgd");
    progress.end();
    expect(written).toEqual([]);
    const terminal = { ...stream, isTTY: true, columns: 12 };
    const line = showProgress(terminal as unknown as typeof process.stderr);
    line.show(1, 9, "adam");
    line.end();
    expect(written).toEqual(["\r\x1b[K[1/9] adam ", "\r\x1b[K"]);
  });

  it("names the engine", () => {
    expect(engineOf({ node: "20.1.0", v8: "11.3" })).toBe("Node 20.1.0, V8 11.3");
    expect(engineOf({ node: "24.0.0", v8: "14", deno: "2.9" })).toBe("Deno 2.9, V8 14");
    expect(engineOf({ node: "24.0.0", bun: "1.4" })).toBe("Bun 1.4, JavaScriptCore");
  });

  it("shows peers in columns of their own, and no target that was not measured", () => {
    const text = format(report, { columns: 80, colour: false });
    expect(text).toMatch(/tfjs <cpu>: TensorFlow.js 4\n/);
    expect(text).toMatch(/^rule .* tfjs <cpu> .* tfjs <cpu>\/wasm$/m);
    expect(text).toMatch(/the twin over wasm +at least 10 times +12.0 +12.0 +yes\n/);
    expect(text).toMatch(/not measured in this run: \d+ more\n$/);
  });
});

describe("bars", () => {
  const linesAt = (columns: number, colour = false) => bars(rows, { columns, colour }).split("\n");

  it("are as long as the times they stand for, to an eighth of a character", () => {
    expect([bar(2), bar(1.5), bar(0.25), bar(0)]).toEqual(["██", "█▌", "▎", "▏"]);
    const [title, ...lines] = linesAt(100);
    expect(title).toBe("adam f32, n = 1048576, ns per element");
    const lengths = lines.map((line) => line.match(/█/g)?.length ?? 0);
    expect(lines.map((line) => line.trim().split(/ +[▏▎▍▌▋▊▉█]/)[0])).toEqual(["gcc", "wasm", "twin", "tfjs <cpu>"]);
    expect(lengths[2] / lengths[3]).toBeCloseTo(12 / 36, 1);
    // what is beyond all measure is cut
    expect(lines[3]).toMatch(/█» 400 {2}400.00× ±0.10$/);
  });

  it("fit into the terminal, and give way to the figures where it is narrow", () => {
    for (const columns of [40, 60, 80, 200]) {
      for (const line of linesAt(columns).slice(1)) expect(line.length).toBeLessThanOrEqual(columns);
    }
    expect(linesAt(30).join("")).not.toMatch(/[▏▎▍▌▋▊▉█]/);
    expect(linesAt(30)[3]).toBe("  twin       12.0  12.00× ±0.10");
  });

  it("have colours on a terminal only, and not where none are wanted", () => {
    const stream = (isTTY: boolean) => ({ isTTY, columns: 77 }) as typeof process.stdout;
    expect(terminalOf(stream(true), {})).toEqual({ columns: 77, colour: true });
    expect(terminalOf(stream(true), { NO_COLOR: "1" }).colour).toBe(false);
    expect(terminalOf(stream(false), {})).toEqual({ columns: 100, colour: false });
    expect(linesAt(80, true).filter((line) => line.includes("\x1b["))).toHaveLength(1);
    expect(linesAt(80).join("")).not.toContain("\x1b[");
  });
});

describe("the page", () => {
  const { document } = new JSDOM(htmlReport(report)).window;
  const all = (selector: string) => [...document.querySelectorAll(selector)];

  it("needs no script and no other file", () => {
    expect(all("script, link, img, [src], [href]")).toEqual([]);
    expect(document.querySelector("style")?.textContent).not.toMatch(/url\(|@import/);
  });

  it("has two plots for a rule, each with a title and a description, and all numbers in a table", () => {
    const plots = all("details svg");
    expect(plots).toHaveLength(2);
    for (const plot of plots) {
      const [title, desc] = (plot.getAttribute("aria-labelledby") ?? "")
        .split(" ")
        .map((id) => document.getElementById(id));
      expect([title?.tagName, desc?.tagName]).toEqual(["title", "desc"]);
      expect(title?.textContent).toMatch(/^adam f32: /);
    }
    const ids = all("[id]").map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(all("details tbody tr").map((row) => row.children[1].textContent)).toEqual([...names, ...names]);
  });

  const names = ["wasm", "gcc", "twin", "tfjs <cpu>"];

  it("draws the limit of memory with the paces, and a mark for each measurement", () => {
    const [times, paces] = all("details svg");
    expect(times.querySelectorAll(".mark")).toHaveLength(8);
    expect(times.querySelectorAll(".limit")).toHaveLength(0);
    expect(paces.querySelectorAll(".limit")).toHaveLength(1);
    expect([...paces.querySelectorAll(".name")].map((name) => name.textContent)).toEqual([...names, "copy"]);
  });

  it("has logarithmic axes with round numbers", () => {
    const { at, ticks } = scale([1, 10, 1000], 0, 300);
    expect(at(10) - at(1)).toBeCloseTo(at(100) - at(10), 9);
    expect(ticks).toEqual([1, 10, 100, 1000]);
    expect(scale([0.2, 1.1], 0, 1).ticks).toEqual([0.2, 0.5, 1]);
    expect([1024, 1048576, 0.5, 12].map(short)).toEqual(["1.02 K", "1.05 M", "0.5", "12"]);
  });

  it("moves labels apart that would lie on each other", () => {
    const moved = spread([100, 101, 290, 295, 20]);
    const sorted = [...moved].sort((a, b) => a - b);
    for (const [i, at] of sorted.slice(1).entries()) expect(at - sorted[i]).toBeGreaterThanOrEqual(14);
    expect(moved[4]).toBe(20);
  });
});

describe("the README's table", () => {
  it("has a line for a rule and a column for each contender that was measured", () => {
    const text = readmeTable({ ...report, rows: rows.filter(({ n }) => n === 1048576) });
    expect(text).toMatch(/Written by `npm run bench`/);
    expect(text).toContain("| Adam | 1.00 ns | 0.90× ±0.10 | 12.0× ±0.10 |");
  });

  it("is put between its markers, or there is an error", () => {
    const marked = "before\n<!-- table: benchmark -->\nold\n<!-- end of benchmark -->\nafter\n";
    expect(withTable(marked, report)).toMatch(
      /^before\n<!-- .* -->\nfloat32(.|\n)*\n<!-- end of benchmark -->\nafter\n$/,
    );
    expect(() => withTable("no markers", report)).toThrow("markers");
  });
});

describe("gradstep, the command", () => {
  const bin = "dist/bench/bin.js";
  const run = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { encoding: "utf8" });

  it("measures without what the repository has, and writes a page", () => {
    const args = ["bench", "--only", "sgd momentum", "--sizes", "64", "--json", "--html", "/dev/null"];
    const made = JSON.parse(execFileSync(process.execPath, [bin, ...args], { encoding: "utf8", stdio: "pipe" }));
    expect(made.command).toBe(`npx gradstep ${args.join(" ")}`);
    expect(made.rows.map(({ contender }: Row) => contender)).toEqual(expect.arrayContaining(["wasm", "hand", "twin"]));
    // they are measured with Adam
    expect(made.small).toEqual([]);
  });

  it("says what there is", () => {
    expect(run().stdout).toContain("npx gradstep bench");
    expect(run("bench", "--help").stdout).toBe(`${helpFor("npx gradstep bench", false)}\n`);
    expect(run("bench", "--help").stdout).not.toContain("--rules");
    expect(run("step")).toMatchObject({ status: 2, stderr: expect.stringContaining('no command "step"') });
    expect(run("bench", "--fast")).toMatchObject({ status: 2, stderr: expect.stringContaining("--fast") });
    expect(run("bench", "--html", "no/such/folder/report.html")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no/such"),
    });
    expect(run("bench", "--rules").stderr).toContain("in a clone of the repository only");
  });

  it.each(["targets", "rules", "readme"])("takes --%s in the repository", (name) => {
    expect(parseFlags([`--${name}`])).toMatchObject({ [name]: true });
    expect(() => parseFlags([`--${name}`], false)).toThrow("clone");
  });
});
