import { Adam } from "gradstep";
import { describe, expect, it } from "vitest";
import { cases } from "../bench/cases.js";
import { fill } from "../bench/data.js";
import { duration, ratio } from "../bench/experiment.js";
import { experiments } from "../bench/experiments.js";
import { openBlas, peak, product } from "../bench/products.js";
import type { Row } from "../bench/run.js";
import { separatePasses } from "../bench/separate.js";
import type { SmallRow } from "../bench/small.js";
import { evaluate, judge, targetLabels } from "../bench/targets.js";
import { read } from "../bench/threads.js";

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

  it("hold large steps against C or a copy of their bytes, whichever is faster", () => {
    const n = 8388608;
    const rows = pair("sgd", "plain", n, "gcc", 0.8);
    const copy: Row = { ...rows[0], rule: "copy", variant: "TypedArray.set", contender: "copy", timesWasm: null };
    const judge = (nsPerElement: number) => {
      const measured = [
        ...rows,
        { ...copy, nsPerElement, spread: summary(nsPerElement), gbPerSecond: 8 / nsPerElement },
      ];
      const targets = evaluate(
        measured.map((row) => (row.contender === "wasm" ? { ...row, gbPerSecond: 12 } : row)),
        [],
        true,
      );
      return targets.find(({ name }) => name.startsWith(`sgd f32, n = ${n}`))?.median;
    };
    expect(evaluate([], [], true).length).toBeGreaterThan(evaluate([], []).length);
    // 12 bytes at 8 bytes in 0.5 ns take 0.75 ns
    expect(judge(0.5)).toBeCloseTo(1 / 0.75, 9);
    expect(judge(0.9)).toBeCloseTo(1 / 0.8, 9);
  });

  it("may have no limit, and are then only shown", () => {
    const line = { name: "it", unit: "times", relation: "at least", limit: null } as const;
    expect(judge(line, { best: 2, median: 3 })).toEqual({ ...line, value: 2, median: 3, holds: null });
    expect(judge({ ...line, limit: 3 }, { best: 2, median: 3 }).holds).toBe(true);
    expect(judge({ ...line, limit: 4 }, { best: 2, median: 3 }).holds).toBe(false);
    expect(judge({ ...line, limit: 4 })).toMatchObject({ value: null, holds: false });
  });

  it("look at cases that exist", () => {
    for (const label of targetLabels) expect(cases.map((c) => c.label)).toContain(label);
  });
});

describe("experiments", () => {
  const turns = (...times: number[]) => ({ turn: () => times.shift() ?? Number.NaN });

  it("have names of their own", () => {
    const names = experiments.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("give the best turn over the best, and the median of neighbours, after turns that warm up", async () => {
    const line = { name: "it", relation: "at most", limit: 1 } as const;
    const it = ratio(
      line,
      () => turns(99, 99, 2, 4, 6, 8, 10, 12, 14),
      () => turns(99, 99, 2, 2, 2, 2, 2, 2, 1),
    );
    expect(await it.measure()).toEqual({ best: 2, median: 4 });
    const times = [3, 1, 2];
    const lasts = duration({ ...line, unit: "ms" }, 3, () => times.pop() as number);
    expect(await lasts.measure()).toEqual({ best: 1, median: 2 });
  });

  it("take the stages as passes apart with the numbers of one step", () => {
    const n = 1000;
    const opt = new Adam({ w: n }, { gradScale: 2, clipValue: 0.2, zeroGrad: true, ema: 0.999 });
    const apart = separatePasses(n);
    fill(opt.params.w, opt.grads.w);
    opt.step();
    apart.step();
    expect(apart.params).toEqual(opt.params.w);
    expect(apart.grads).toEqual(opt.grads.w);
    expect(apart.average).toEqual(opt.state.w.ema);
  });

  it("read what the script on threads prints", () => {
    const printed =
      "Node\n| | elements |\n|---|---|\n| sgd | 4 | 0.1 | 0.2 | 0.50 | 0.40 |\n| adam | 4 | 0.4 | 0.2 | 2.00 | 1.90 |\n";
    expect(read(printed, "adam")).toEqual({ best: 2, median: 1.9 });
    expect(read(printed, "sgd")).toEqual({ best: 0.5, median: 0.4 });
  });

  it("multiply matrices, and numbers in registers", async () => {
    const blas = openBlas();
    for (const subject of [product(8), await peak(), ...(blas ? [blas(8)] : [])])
      expect(subject.turn(1)).toBeGreaterThan(0);
    expect(openBlas("no-such-compiler")).toBeUndefined();
  });
});
