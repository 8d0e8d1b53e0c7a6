import { describe, expect, test } from "vitest";
import type { Dtype } from "../src/rule.js";
import {
  type AnyClass,
  type AnyOptimizer,
  classes,
  data,
  differs,
  dtypes,
  full,
  inTurn,
  type Options,
  type Reals,
  random,
} from "./tables.js";

// However the same tensors are laid out, the bits are the same; and a rule that looks at elements treats every one alike, in
// whatever tensor it stands. 40,000 elements are three blocks in float32 and five in float64.
const allLengths = [1, 5, 64, 1003, 40_000];
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

/** The parameters after all steps, in pieces: all the optimizer's own, or every other one the caller's. */
function split(made: AnyClass, options: Options, one: Problem, mixed = false): Reals {
  const inits = pieces(one.start).map((x, i) => (mixed && i % 2 === 0 ? x.slice() : x.length));
  return stepInPieces(new made(inits, options), one);
}

/** The parameters after all steps, each piece in a group of its own. */
function grouped(made: AnyClass, options: Options, one: Problem): Reals {
  const groups = pieces(one.start).map((x) => ({ params: [x.length] }));
  return stepInPieces(new made(groups, options), one);
}

/** The caller's array after all steps. */
function own(made: AnyClass, options: Options, { start, grads }: Problem): Reals {
  const x = start.slice();
  const optimizer = new made({ x }, options);
  for (const [i, g] of grads.entries()) {
    // every other step by way of grads
    if (i % 2 === 0) optimizer.step({ x: g });
    else {
      optimizer.grads.x.set(g);
      optimizer.step();
    }
  }
  expect(optimizer.params.x).toBe(x);
  return x;
}

const all = classes.flatMap((made) => dtypes.map((dtype) => ({ made, dtype, name: made.rule.name })));
const backends = ["wasm", "js"].flatMap((backend) => optionSets.map((set) => ({ ...set, backend })));

describe.each(backends.map((set, i) => [set, i] as const))("with %j", (set: Options, turn) => {
  // blocks are cut alike whatever the options; the cube of a length is what a decomposition costs
  const long = set.maximize || full;
  const lengthsOf = ({ rule }: AnyClass) => allLengths.slice(0, "matrix" in rule ? -2 : long ? undefined : -1);
  // for each set, one backend takes float32 and the other float64
  const table = inTurn(all, turn, 2).filter(
    ({ made }) => !set.convention || String(set.convention) in made.conventions,
  );

  test.each(table)("$name $dtype: all layouts give the same bits", ({ made, dtype }) => {
    const options = { ...set, dtype };
    for (const length of lengthsOf(made)) {
      const one = problem(length, dtype);
      const [together, apart] = [whole(made, options, one), split(made, options, one)];
      const same = (what: string, a: Reals, b: Reals) => expect(differs(a, b), `${what}, length ${length}`).toBe(-1);
      if ("kernel" in made.rule) same("many tensors are one tensor", apart, together);
      same("many groups are one group", grouped(made, options, one), apart);
      same("the caller's array is a view", own(made, options, one), together);
      same("some tensors the caller's and some not", split(made, options, one, true), apart);
    }
  });
});
