import { describe, expect, it } from "vitest";
import { checkAgreement, closeEnough, sameBits } from "../bench/agree.js";
import { type Case, cases, casesNamed, loopName } from "../bench/cases.js";
import { checkNormal } from "../bench/contenders.js";
import { fill } from "../bench/data.js";
import { explanations } from "../bench/explanations.js";
import { parseFlags } from "../bench/flags.js";
import { floorOf, needs, ratioOf } from "../bench/floor.js";
import { handLoops } from "../bench/hand.js";
import { kernelSources, readKernels } from "../bench/kernels.js";
import { openNative } from "../bench/native.js";
import { type Pass, workOf } from "../bench/passes.js";
import { compileProbes } from "../bench/probes.js";
import { showProgress } from "../bench/progress.js";
import { describeMachine, describeRun, format } from "../bench/report.js";
import { nearSquare, type RuleRow } from "../bench/rules.js";
import { formatRules, isMarked } from "../bench/rules-report.js";
import { type Row, run } from "../bench/run.js";
import { bytesPerCall, type SmallRow } from "../bench/small.js";
import { quantile, summarize } from "../bench/statistics.js";
import { table } from "../bench/table.js";
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
    expect(parseFlags(["--quick", "--sizes", "8"]).sizes).toEqual([8]);
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
    [["--sizes", ""], '""'],
    [["--dtypes", "f16"], "f16"],
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
});

describe("targets", () => {
  const summary = (median: number) => ({ median, mad: 0, p25: median, p75: median, min: median, max: median });
  const pair = (
    rule: string,
    variant: string,
    n: number,
    contender: Row["contender"],
    times: number,
    median = times,
  ): Row[] => {
    const same = { rule, variant, dtype: "f32", n, gbPerSecond: 1 } as const;
    return [
      { ...same, contender: "wasm", nsPerElement: 1, spread: summary(0.5), timesWasm: null },
      { ...same, contender, nsPerElement: times, spread: summary(times / 2), timesWasm: summary(median) },
    ];
  };
  const small = (nsPerStep: number): SmallRow => ({
    name: "adam, one tensor of 2",
    backend: "wasm",
    nsPerStep,
    spread: summary(nsPerStep),
    bytesPerStep: 0,
  });

  it("hold within their limit and not beyond it", () => {
    const judge = (rows: Row[], steps: SmallRow[]) =>
      evaluate(rows, steps)
        .filter((target) => target.value !== null)
        .map(({ holds }) => holds);
    expect(judge(pair("adam", "plain", 1048576, "twin", 10), [])).toEqual([true]);
    expect(judge(pair("adam", "plain", 1048576, "twin", 9.9), [])).toEqual([false]);
    expect(judge(pair("adam", "plain", 1048576, "hand", 5.9), [])).toEqual([false]);
    expect(judge(pair("sgd", "momentum", 65536, "gcc", 1 / 1.09), [])).toEqual([true]);
    expect(judge(pair("sgd", "momentum", 65536, "gcc", 1 / 1.11), [])).toEqual([false]);
    expect(judge(pair("sgd", "momentum weightDecay", 65536, "gcc", 1 / 1.29), [])).toEqual([true]);
    expect(judge(pair("sgd", "momentum weightDecay", 65536, "gcc", 1 / 1.31), [])).toEqual([false]);
    expect(judge([], [small(180)])).toEqual([true, true]);
    expect(judge([], [small(181)])).toEqual([false, true]);
  });

  it("hold by the best turn or by the median, and show both", () => {
    const [, best] = evaluate(pair("adam", "plain", 1048576, "hand", 7, 5), []);
    expect(best).toMatchObject({ value: 7, median: 5, limit: 6, relation: "at least", holds: true });
    const [, median] = evaluate(pair("adam", "plain", 1048576, "hand", 5, 7), []);
    expect(median).toMatchObject({ value: 5, median: 7, holds: true });
  });

  it("do not hold unless they were measured", () => {
    const targets = evaluate([], []);
    expect(targets.length).toBe(2 + 10 + 8 + 3 + 3);
    for (const target of targets) expect(target).toMatchObject({ value: null, median: null, holds: false });
  });

  it("look at cases that exist", () => {
    for (const label of targetLabels) expect(cases.map((c) => c.label)).toContain(label);
  });
});

describe("kernels, as their texts tell", () => {
  const lanes = `
    export function read(at: usize): v128 { return v128.load(at); }
    export function write(at: usize, x: v128): void { v128.store(at, x); }
    export function div(a: v128, b: v128): v128 { return v128.div<real>(a, b); }
    export function inverse(x: v128): v128 { return div(all(1), x); }`;

  const only = (text: string) => readKernels([lanes, text]).get("kernel");

  it("read and write buffers, also by way of other functions and names", () => {
    const loop = `
      export function kernel(n: usize, p: usize, g: usize, m: usize, unused: usize, h: usize): void {
        const lr = scalar(h, 0);
        for (let i: usize = 0; i < n; i += VECTOR) {
          const at = p + i;
          step(at + VECTOR, read(g + i));
          write(m + i, lr);
        }
      }
      function step(to: usize, x: v128): void { write(to, add(read(to), x)); }`;
    expect(only(loop)?.access).toEqual(["", "rw", "r", "w", "", ""]);
  });

  it("read the gradient alone where the compiler may add the decay", () => {
    expect(only("export function kernel(g: usize, p: usize, h: usize): void { gradient(g, p, h); }")?.access).toEqual([
      "r",
      "",
      "",
    ]);
  });

  it("divide so often per vector", () => {
    const loop = (body: string) => `
      export function kernel(n: usize, p: usize): void {
        const once = div(read(p), read(p));
        for (let i: usize = 0; i < n; i += VECTOR) { ${body} }
      }
      function both(x: v128): v128 { return inverse(sqrt(x)); }`;
    expect(only(loop("write(p + i, div(sqrt(read(p + i)), once));"))?.words).toEqual({ div: 1, sqrt: 1, cbrt: 0 });
    expect(only(loop("write(p + i, div(both(read(p + i)), once));"))?.words).toEqual({ div: 2, sqrt: 1, cbrt: 0 });
    expect(only(loop("write(p + i, cbrt(read(p + i)));"))?.words).toEqual({ div: 0, sqrt: 0, cbrt: 1 });
  });
});

describe("floors", () => {
  const kernels = readKernels(kernelSources());
  const labelled = (label: string) => workOf(casesNamed([label])[0], kernels);
  const words = (div: number, sqrt: number) => ({ div, sqrt, cbrt: 0 });
  const pass = (streams: string, div = 0, sqrt = 0, share = 1): Pass => {
    return { kernel: "it", streams, words: words(div, sqrt), share };
  };

  it("come from what a step runs", () => {
    const adam = [{ kernel: "adam", streams: "rw r rw rw", words: words(1, 1), share: 1 }];
    expect(labelled("adam")).toEqual({ passes: adam, flops: 0 });
    expect(labelled("adam weightDecay").passes).toEqual(adam);
    expect(labelled("novograd").passes).toEqual([
      { kernel: "dot", streams: "r", words: words(0, 0), share: 1 },
      { kernel: "sgdMomentum", streams: "rw r rw", words: words(0, 0), share: 1 },
    ]);
  });

  it("are what takes longest, and add up over passes", () => {
    const times = new Map(Object.entries({ "rw r": 2, r: 1, div: 1.5, sqrt: 3 }));
    expect(floorOf([pass("rw r")], times)).toEqual({ ns: 2, bound: "bytes" });
    expect(floorOf([pass("rw r", 1)], times)).toEqual({ ns: 2, bound: "bytes" });
    expect(floorOf([pass("rw r", 1, 1)], times)).toEqual({ ns: 4.5, bound: "divider" });
    expect(floorOf([pass("rw r", 1), pass("r", 1, 0, 2)], times)).toEqual({ ns: 5, bound: "passes" });
    expect(needs([pass("rw r"), pass("r", 2), pass("r")])).toEqual({ streams: ["rw r", "r"], words: ["div"] });
  });

  it("are held against the turn beside them, or the best against the best", () => {
    expect(ratioOf([3, 4, 8], [2, 2, 8])).toBe(1.5);
    expect(ratioOf([2, 9, 8], [2, 3, 4])).toBe(1);
  });

  it("are measured by loops that do what they say", async () => {
    const probes = await compileProbes("f64", ["rw r w", "r r"], ["div", "sqrt", "cbrt"]);
    for (const probe of [
      probes.streams("rw r w", 64),
      probes.streams("r r", 64),
      probes.word("div"),
      probes.word("cbrt"),
    ]) {
      expect(probe.turn(1)).toBeGreaterThan(0);
    }
  }, 30_000);

  it("stand in a table, with a mark and a reason where a rule of elements is far above", () => {
    const row = (label: string, n: number, ratio: number, bound: "bytes" | "passes"): RuleRow => {
      return { label, dtype: "f32", n, nsPerElement: ratio, floor: { ns: 1, bound, ratio }, gflops: null, doubt: null };
    };
    const rows = [
      row("near", 64, 1.15, "bytes"),
      row("near", 128, 1, "bytes"),
      row("far", 64, 1.16, "bytes"),
      row("tensors", 64, 9, "passes"),
      { ...row("matrices", 64, 9, "passes"), floor: null, gflops: 20 },
    ];
    expect(rows.map(isMarked)).toEqual([false, false, true, false, false]);
    const report = { command: "bench", header: describeMachine(true), rows };
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const text = formatRules(report);
    expect(text).toMatch(/\nrule +n = 64 +floor +by +x +n = 128 +floor +by +x\n/);
    expect(text).toMatch(/\nnear +1.15 +1.00 +bytes +1.15 +1.00 +1.00 +bytes +1.00\n/);
    expect(text).toMatch(/\nfar +1.16 +1.00 +bytes +1.16\*\n/);
    expect(text).toMatch(/\nmatrices +9.00 +20.0 GFLOP\/s\n/);
    expect(text).toMatch(/\n\* far: not explained\n$/);
  });

  it("are explained for rules that exist", () => {
    expect(cases.map((c) => c.label)).toEqual(expect.arrayContaining(Object.keys(explanations)));
  });

  it("are those of a matrix that is nearly square", () => {
    expect([nearSquare(65536), nearSquare(12), nearSquare(7)]).toEqual([
      [256, 256],
      [3, 4],
      [1, 7],
    ]);
  });
});

describe("bytes per call", () => {
  it("tells a call that allocates from one that does not", () => {
    const kept: unknown[] = [];
    expect(bytesPerCall(() => {}, 1000, 21)).toBeLessThan(1);
    expect(bytesPerCall(() => kept.splice(0, 1, new Array(10).fill(0)), 1000, 21)).toBeGreaterThan(50);
  });
});
