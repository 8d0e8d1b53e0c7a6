// gradstep/js keeps the tensors of rules that look at elements in another way than the main entry; the bits are the same.
import { describe, expect, test } from "vitest";
import * as gradstep from "../dist/index.js";
import * as plain from "../dist/js.js";
import {
  arraysOf,
  bitsEqual,
  expectError,
  gradients,
  make,
  named,
  numbers,
  type Subject,
  start,
  train,
} from "./helpers.js";
import { type AnyClass, classes, dtypes, inTurn, type Options, show } from "./tables.js";

const entries = [gradstep, plain];

const sets: Options[] = [
  { weightDecay: 0.1, maximize: true },
  { gradScale: 4, clipNorm: 0.7, clipValue: 0.1, nonFinite: "skip", zeroGrad: true, accumulate: 2, weightDecay: 0.1 },
  { ema: (step: number) => step / (step + 1), zeroGrad: true, accumulate: 3, accumulation: "sum" },
  { convention: "keras", weightDecay: 0.1, clipNorm: Infinity },
];

/** The same class, made by each entry. */
function both({ rule, conventions }: AnyClass, params: () => unknown, { convention, ...set }: Options): Subject[] {
  const needed = Object.fromEntries((rule.once ?? []).map((name) => [name, () => 0.5]));
  const known = (convention as string) in conventions ? { convention } : {};
  return entries.map((entry) => {
    const made = entry.optimizers[rule.name.toLowerCase() as "adam"];
    return start(make(made, params(), { ...set, ...known, ...needed, backend: "js" }));
  });
}

function expectAlike([one, other]: readonly Subject[]): void {
  const [a, b] = [one, other].map(arraysOf);
  expect(Object.keys(b)).toEqual(Object.keys(a));
  expect(Object.keys(a).filter((name) => !bitsEqual(a[name], b[name]))).toEqual([]);
  const figures = ({ steps, skipped, gradNorm }: Subject) => ({ steps, skipped, gradNorm });
  expect(figures(other)).toEqual(figures(one));
}

describe.each(named.map(([name, made], i) => [name, made, i] as const))("%s", (_, made, i) => {
  test.each(
    inTurn(sets, i, 2).flatMap((set, k) => inTurn(dtypes, k, 2).map((dtype) => [show(set), dtype, set] as const)),
  )("steps alike with %s in %s", (_, dtype, set) => {
    const View = dtype === "f32" ? Float32Array : Float64Array;
    // more than a block in one of the runs, where that does not mean the cube of it
    const many = set.accumulate === 2 && !("matrix" in made.rule) ? 40_000 : 90;
    const params = () => [
      { params: { a: [3, 4], none: 0, b: new View(many) } },
      { params: { c: many, d: { data: new View(6), shape: [2, 3] } }, weightDecay: 0.3 },
    ];
    const opts = both(made, params, { ...set, dtype });
    const each = (act: (opt: Subject) => unknown) => {
      for (const opt of opts) act(opt);
    };
    each((opt) => train(opt, 3));
    each((opt) => opt.step(gradients(opt, 4)));
    each((opt) => opt.freeze(["b", "c"]));
    each((opt) => train(opt, 2));
    each((opt) => opt.unfreeze("b"));
    each((opt) => opt.addGroup({ params: { e: 5 } }));
    each((opt) => opt.step(gradients(opt, 5)));
    expectAlike(opts);
  });

  test("goes on alike from the other's state dict, and with parameters moved to another group", () => {
    const params = () => [{ params: { a: 3, b: [2, 3], c: 9 } }, { params: { d: 4 }, weightDecay: 0.3 }];
    const opts = both(made, params, { ema: 0.5 });
    for (const opt of opts) train(opt, 2);
    const dicts = opts.map((opt) => opt.stateDict());
    for (const [i, opt] of opts.entries()) opt.loadStateDict(dicts[1 - i]);
    for (const opt of opts) train(opt.move("b", 1), 2);
    expectAlike(opts);
  });
});

const byRows = classes
  .filter(({ rule }) => "kernel" in rule && !("passes" in rule))
  .map((made) => [made.rule.name, made] as const);

test.each(byRows)("%s: rows are stepped alike", (_, made) => {
  for (const dtype of dtypes) {
    const View = dtype === "f32" ? Float32Array : Float64Array;
    // more than a block at once in one of the runs
    const count = made.rule.name === "Adam" ? 6000 : 10;
    const opts = both(made, () => ({ w: [count, 7], own: { data: new View(20), shape: [4, 5] }, b: 3 }), { dtype });
    for (let t = 1; t <= 3; t++) {
      const indices = [5, 2, 5, ...Array.from({ length: count }, (_, i) => i)];
      const rows = View.from(numbers("rows", 7 * indices.length, t));
      const grads = { w: { indices, rows }, own: { indices: [3, 1], rows: View.from(numbers("own", 10, t)) } };
      for (const [i, opt] of opts.entries()) entries[i].stepRows(opt as never, grads as never);
    }
    expectAlike(opts);
  }
});

test("gradstep/js says what it holds, and gives it up", () => {
  const opt = new plain.Adam({ w: 1000, own: new Float32Array(10) });
  expect(opt.bytes).toBeGreaterThanOrEqual(4 * (4 * 1000 + 3 * 10));
  expect(opt.bytes).toBeLessThan(4 * (5 * 1000 + 4 * 10));
  opt.dispose();
  expect(opt.bytes).toBe(0);
  expectError(() => make(plain.Adam, { w: 2 ** 45 }), RangeError, "Adam: cannot have", "bytes of memory");
  expectError(() => make(plain.Adam, { w: 1 }, { backend: "wasm" }), Error, "cannot be had", "gradstep/js");
});
