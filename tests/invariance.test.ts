import { describe, expect, test } from "vitest";
import type { Dtype } from "../src/rule.js";
import {
  type AnyClass,
  type AnyOptimizer,
  classes,
  data,
  differs,
  dtypes,
  type Options,
  type Reals,
  random,
} from "./tables.js";

// However the same tensors are laid out, the bits are the same; and a rule that looks at elements treats every one alike, in
// whatever tensor it stands. 40,000 elements are three blocks in float32 and five in float64.
const allLengths = [1, 2, 3, 5, 64, 1003, 40_000];
const steps = 3;
// a gradient that passes through scratch, one whose decay is the kernel's own business, and weights that shrink before the kernel
const optionSets: Options[] = [
  { weightDecay: 0.1, maximize: true },
  { weightDecay: 0.1 },
  { weightDecay: 0.1, convention: "keras" },
];

interface Problem {
  readonly start: Reals;
  readonly grads: readonly Reals[];
}

const problems = new Map<string, Problem>();

function problem(length: number, dtype: Dtype): Problem {
  const key = `${length} ${dtype}`;
  const known = problems.get(key);
  if (known) return known;
  const r = random(length);
  const start = data(length, dtype, "ordinary", r);
  const made = { start, grads: Array.from({ length: steps }, () => data(length, dtype, "ordinary", r)) };
  problems.set(key, made);
  return made;
}

/** The parameters after all steps, the optimizer's own layout. */
function whole(made: AnyClass, options: Options, { start, grads }: Problem): Reals {
  const optimizer = new made({ x: start.length }, options);
  optimizer.params.x.set(start);
  for (const g of grads) {
    optimizer.grads.x.set(g);
    optimizer.step();
  }
  return optimizer.params.x;
}

/** Cuts [0, length) at random places. */
function cuts(length: number): number[] {
  const r = random(length + 1);
  const inner = Array.from({ length: 4 }, () => Math.floor(r() * (length + 1)));
  return [0, ...inner.sort((a, b) => a - b), length];
}

function pieces(x: Reals): Reals[] {
  const at = cuts(x.length);
  return at.slice(1).map((end, i) => x.slice(at[i], end));
}

function stepInPieces(optimizer: AnyOptimizer, { start, grads }: Problem): Reals {
  for (const [k, x] of pieces(start).entries()) optimizer.params[k].set(x);
  for (const g of grads) optimizer.step(pieces(g));
  const result = start.slice();
  const at = cuts(start.length);
  for (const [k, x] of Object.values(optimizer.params).entries()) result.set(x, at[k]);
  return result;
}

/** The parameters after all steps, in pieces of the optimizer's own in one group. */
function split(made: AnyClass, options: Options, one: Problem): Reals {
  const lengths = pieces(one.start).map((x) => x.length);
  return stepInPieces(new made(lengths, options), one);
}

const all = classes.flatMap((made) => dtypes.map((dtype) => ({ made, dtype, name: made.rule.name })));
const backends = ["wasm", "js"].flatMap((backend) => optionSets.map((set) => ({ ...set, backend })));

describe.each(backends)("with %j", (set: Options) => {
  // blocks are cut alike on both backends; the cube of a length is what a decomposition costs
  const long = set.backend === "wasm" || set.maximize;
  const lengthsOf = ({ rule }: AnyClass) => allLengths.slice(0, "matrix" in rule ? -2 : long ? undefined : -1);
  const table = all.filter(({ made }) => !set.convention || String(set.convention) in made.conventions);
  const elementwise = table.filter(({ made }) => "kernel" in made.rule);

  test.each(elementwise)("$name $dtype: many tensors are one tensor", ({ made, dtype }) => {
    const options = { ...set, dtype };
    for (const length of lengthsOf(made)) {
      const one = problem(length, dtype);
      expect(differs(split(made, options, one), whole(made, options, one)), `length ${length}`).toBe(-1);
    }
  });

  test.each(table)("$name $dtype: many groups are one group", ({ made, dtype }) => {
    const options = { ...set, dtype };
    for (const length of lengthsOf(made)) {
      const one = problem(length, dtype);
      const groups = pieces(one.start).map((x) => ({ params: [x.length] }));
      const grouped = new made(groups, options);
      expect(differs(stepInPieces(grouped, one), split(made, options, one)), `length ${length}`).toBe(-1);
    }
  });

  test.each(table)("$name $dtype: the caller's arrays are views", ({ made, dtype }) => {
    const options = { ...set, dtype };
    for (const length of lengthsOf(made)) {
      const one = problem(length, dtype);
      const x = one.start.slice();
      const own = new made({ x }, options);
      for (const [i, g] of one.grads.entries()) {
        // every other step by way of grads
        if (i % 2 === 0) own.step({ x: g });
        else {
          own.grads.x.set(g);
          own.step();
        }
      }
      expect(own.params.x).toBe(x);
      expect(differs(x, whole(made, options, one)), `length ${length}`).toBe(-1);
    }
  });

  test.each(table)("$name $dtype: some tensors the caller's and some not", ({ made, dtype }) => {
    const options = { ...set, dtype };
    for (const length of lengthsOf(made)) {
      const one = problem(length, dtype);
      const inits = pieces(one.start).map((x, i) => (i % 2 === 0 ? x.slice() : x.length));
      const mixed = new made(inits, options);
      expect(differs(stepInPieces(mixed, one), split(made, options, one)), `length ${length}`).toBe(-1);
    }
  });
});
