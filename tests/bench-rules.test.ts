import { describe, expect, it } from "vitest";
import { cases, casesNamed } from "../bench/cases.js";
import { explanations } from "../bench/explanations.js";
import { floorOf, needs, ratioOf } from "../bench/floor.js";
import { kernelSources, readKernels } from "../bench/kernels.js";
import { type Pass, workOf } from "../bench/passes.js";
import { compileProbes } from "../bench/probes.js";
import { describeMachine } from "../bench/report.js";
import { least, nearSquare, type RuleRow } from "../bench/rules.js";
import { formatRules, isMarked } from "../bench/rules-report.js";

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

  const row = (label: string, n: number, ratio: number, bound: "bytes" | "passes"): RuleRow => {
    return { label, dtype: "f32", n, nsPerElement: ratio, floor: { ns: 1, bound, ratio }, gflops: null, doubt: null };
  };

  it("are measured again where a rule is far above, and the least counts", async () => {
    const ratios = [1.5, 1.3, 1.9, 1.4, 1];
    const turns = (list: number[]) => async () => row("it", 64, list.shift() ?? Number.NaN, "bytes");
    expect((await least(turns([...ratios]))).floor?.ratio).toBe(1.3);
    expect((await least(turns([1.1, 1]))).floor?.ratio).toBe(1.1);
  });

  it("stand in a table, with a mark and a reason where a rule of elements is far above", () => {
    const rows = [
      row("near", 64, 1.15, "bytes"),
      row("near", 128, 1, "bytes"),
      row("far", 64, 1.16, "bytes"),
      row("tensors", 64, 9, "passes"),
      { ...row("matrices", 64, 9, "passes"), floor: null, gflops: 20 },
    ];
    expect(rows.map(isMarked)).toEqual([false, false, true, false, false]);
    const report = { header: describeMachine(true), rows };
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
