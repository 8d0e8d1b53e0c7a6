import { describe, expect, it } from "vitest";
import { checkAgreement, closeEnough, sameBits } from "../bench/agree.js";
import { type Case, cases, casesNamed, loopName } from "../bench/cases.js";
import { checkNormal } from "../bench/contenders.js";
import { fill } from "../bench/data.js";
import { parseFlags } from "../bench/flags.js";
import { handLoops } from "../bench/hand.js";
import { openNative } from "../bench/native.js";
import { describeMachine, describeRun, format } from "../bench/report.js";
import { type Row, run } from "../bench/run.js";
import { bytesPerCall } from "../bench/small.js";
import { quantile, summarize } from "../bench/statistics.js";
import { evaluate, targetLabels } from "../bench/targets.js";

describe("flags", () => {
  it("take the rules that everyone knows, at all sizes, unless told otherwise", () => {
    const flags = parseFlags([]);
    expect(flags.labels).toEqual(targetLabels);
    expect(flags.dtypes).toEqual(["f32"]);
    expect(flags.sizes[0]).toBe(2);
    expect(flags.sizes.at(-1)).toBe(4194304);
  });

  it("name rules, variants, sizes and dtypes", () => {
    const flags = parseFlags(["--json", "--only", "adamw, sgd momentum", "--sizes=2,64", "--dtypes", "f64"]);
    expect(flags).toMatchObject({ json: true, quick: false, sizes: [2, 64], dtypes: ["f64"] });
    expect(flags.labels).toEqual(["adamw", "sgd momentum"]);
    expect(parseFlags(["--only", "adam"]).labels).toContain("adam amsgrad");
    expect(parseFlags(["--only", "adam"]).labels).not.toContain("adamw");
  });

  it("--all takes every rule in both dtypes", () => {
    expect(parseFlags(["--all"])).toMatchObject({ labels: cases.map((c) => c.label), dtypes: ["f32", "f64"] });
  });

  it("--quick takes the cases of the targets, and what is given beside it wins", () => {
    expect(parseFlags(["--quick"])).toMatchObject({ labels: targetLabels, dtypes: ["f32"] });
    expect(parseFlags(["--quick", "--sizes", "8,8"]).sizes).toEqual([8]);
  });

  it("--rules takes a size in the caches and one beyond them", () => {
    expect(parseFlags([])).toMatchObject({ rules: false });
    expect(parseFlags(["--rules"])).toMatchObject({ rules: true, sizes: [65536, 4194304], dtypes: ["f32", "f64"] });
    expect(parseFlags(["--rules", "--sizes", "64", "--only", "adam"]).sizes).toEqual([64]);
  });

  it.each([
    [["--fast"], "--fast"],
    [["--only", "adam,nope"], "nope"],
    [["--rules", "adam"], "adam"],
    [["--sizes", "2,1.5"], "1.5"],
    [["--sizes", "0"], '"0"'],
    [["--sizes", "99999999999"], "in [1, 67108864]"],
    [["--sizes", ""], '""'],
    [["--dtypes", "f16"], "f16"],
    [["--html", ""], "name of a file"],
    [["--readme", "--sizes", "2"], "its own"],
    [["--rules", "--peers"], "--peers does not go with it"],
  ])("%j is refused in one sentence", (args, word) => {
    expect(() => parseFlags(args)).toThrow(word);
  });
});

describe("statistics", () => {
  it("interpolates between neighbours", () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
    expect(quantile([7], 0.9)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });

  it("summarizes in any order", () => {
    expect(summarize([9, 1, 2, 100, 4])).toEqual({ median: 4, mad: 3, p25: 2, p75: 9, min: 1, max: 100 });
  });
});

describe("contenders", () => {
  const dtypes = ["f32", "f64"] as const;

  const loopOf = (c: Case) => loopName(c) + ("weightDecay" in c.options ? "Decay" : "");

  it.each(dtypes)("by hand agree with the library in %s", async (dtype) => {
    const loops = await handLoops(dtype);
    for (const c of cases) if (loops[loopOf(c)]) checkAgreement(c, dtype, loops[loopOf(c)]);
  });

  it("by hand exist for the rules that everyone knows, and none is left over", async () => {
    const loops = Object.keys(await handLoops("f32"));
    const known = ["adadelta", "adagrad", "adam", "adamw", "adamax", "momentum", "rmsprop", "sgd", "sgdMomentum"];
    expect(loops).toEqual(expect.arrayContaining(known));
    expect(cases.map(loopOf)).toEqual(expect.arrayContaining(loops));
  });

  it("by hand in the two dtypes are functions apart", async () => {
    expect((await handLoops("f32")).adam).not.toBe((await handLoops("f64")).adam);
  });

  it("that are wrong are named", async () => {
    const [adam] = casesNamed(["adam"]);
    const { sgd } = await handLoops("f32");
    expect(() => checkAgreement(adam, "f32", sgd)).toThrow(
      /^adam f32: JavaScript by hand differs from the library: elem/,
    );
  });

  it("may differ by rounding, not by more, and C not at all", () => {
    const start = new Float32Array(100);
    fill(start, new Float32Array(100));
    const moved = start.map((x) => x + 1e-3);
    const rounded = moved.map((x) => x * (1 + 2 ** -23));
    const wrong = moved.map((x, i) => (i === 99 ? x + 1e-5 : x));
    const spoilt = moved.map((x, i) => (i === 3 ? Number.NaN : x));
    expect(() => closeEnough("it", "f32", moved, rounded, start)).not.toThrow();
    expect(() => closeEnough("it", "f32", moved, rounded)).not.toThrow();
    expect(() => closeEnough("it", "f32", moved, wrong, start)).toThrow("element 99");
    expect(() => closeEnough("it", "f32", moved, spoilt, start)).toThrow("element 3");
    expect(() => sameBits("it", start, start.slice())).not.toThrow();
    expect(() => sameBits("it", moved, rounded)).toThrow("element 0");
  });

  it("must keep their state among normal numbers", () => {
    expect(() => checkNormal("it", "f32", [Float32Array.of(0, 1, -(2 ** -126))])).not.toThrow();
    expect(() => checkNormal("it", "f32", [Float32Array.of(1, 2 ** -127)])).toThrow("tells nothing");
    expect(() => checkNormal("it", "f64", [Float64Array.of(2 ** -127)])).not.toThrow();
    expect(() => checkNormal("it", "f64", [Float64Array.of(Number.NaN)])).toThrow("NaN");
  });

  it("do without a compiler", () => {
    expect(openNative("no-such-compiler")).toBeUndefined();
  });
});

describe("a tiny run", () => {
  it("gives a row for each contender and size, that a report can hold", async () => {
    const told: string[] = [];
    const rows = await run({
      cases: casesNamed(["adam"]).slice(0, 1),
      dtypes: ["f32"],
      sizes: [2, 64],
      milliseconds: 1,
      rounds: () => 3,
      progress: (done, total, text) => told.push(`${done}/${total} ${text}`),
    });
    expect(told).toEqual(["1/2 adam f32, n = 2", "2/2 adam f32, n = 64"]);
    const name = ({ rule, n, contender }: Row) => `${rule} ${n} ${contender}`;
    const expected = [2, 64].flatMap((n) => ["wasm", "hand", "twin"].map((contender) => `adam ${n} ${contender}`));
    expect(rows.map(name)).toEqual(["copy 2 copy", "copy 64 copy", ...expected]);
    for (const row of rows) {
      expect(row).toMatchObject({ dtype: "f32", variant: expect.any(String) });
      expect(row.nsPerElement).toBeGreaterThan(0);
      expect(Object.keys(row.spread).sort()).toEqual(["mad", "max", "min", "p25", "p75"]);
      expect(row.spread.min).toBeLessThanOrEqual(row.nsPerElement);
      expect(row.gbPerSecond).toBeCloseTo((row.rule === "copy" ? 8 : 28) / row.nsPerElement, 6);
      expect(row.timesWasm === null).toBe(row.contender === "wasm" || row.contender === "copy");
    }
    const report = {
      command: "bench",
      header: describeRun(describeMachine(true)),
      peers: [],
      rows,
      small: [],
      targets: evaluate(rows, []),
    };
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(format(report)).toMatch(/gcc is absent.*\nadam +64 .*not measured/s);
  });
});

describe("bytes per call", () => {
  it("tells a call that allocates from one that does not", () => {
    const kept: unknown[] = [];
    expect(bytesPerCall(() => {}, 1000, 21)).toBeLessThan(1);
    expect(bytesPerCall(() => kept.splice(0, 1, new Array(10).fill(0)), 1000, 21)).toBeGreaterThan(50);
  });
});
