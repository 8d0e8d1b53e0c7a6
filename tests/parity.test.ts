import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import * as caution from "../src/caution.js";
import * as matrix from "../src/matrix.js";
import * as reduce from "../src/reduce.js";
import type { Dtype } from "../src/rule.js";
import * as stages from "../src/stages.js";
import { unpack } from "../src/unpack.js";
import { grokfast } from "../src/wrappers/grokfastema.js";
import { grokfastRemember } from "../src/wrappers/grokfastma.js";
import {
  type AnyClass,
  type AnyOptimizer,
  classes,
  closureClasses,
  differs,
  drawn,
  dtypes,
  full,
  inTurn,
  type Kind,
  kinds,
  type Numbers,
  type Options,
  optionSets,
  random,
  show,
} from "./tables.js";

// GRADSTEP_FULL=1 runs the whole product: every option with every length and every kind of data, 20 steps each, and every pair
// of options with every fourth length, 50 steps each. Otherwise the defaults come with some lengths, each set of options takes the
// next length, and every other pair is for the other dtype.
const short = Array.from({ length: 68 }, (_, n) => n).filter((n) => full || n < 12 || n % 8 < 2);
const long = [1003, 65537];

// what rules look at that look at shapes
const matrices = [
  [1, 1],
  [5, 3],
  [3, 5],
  [8, 8],
  [1, 9],
  [17, 20],
  [2, 3, 4],
  [3, 2, 2, 5],
];

interface Run {
  readonly options: Options;
  readonly shapes: readonly (readonly number[])[];
  readonly kind: Kind;
  readonly steps: number;
}

function runs(made: AnyClass, dtype: Dtype): Run[] {
  const all = optionSets(made);
  const isSingle = (set: Options) => Object.keys(set).length <= 1;
  const pairs = all.filter((set) => !isSingle(set));
  const sets = [...all.filter(isSingle), ...inTurn(pairs, dtypes.indexOf(dtype), 2)];
  const singles = sets.filter(isSingle);
  const each = Object.keys(kinds) as Kind[];
  // the cube of a length is what a decomposition costs
  const cubic = "matrix" in made.rule;
  const whole = "passes" in made.rule;
  const lengths = cubic ? [0, 1, 3, 4, 16, 67] : short;
  // with all remainders of a vector, and of several
  const next = (i: number) => (cubic ? 7 : 8 + (i % 60));
  const product = (options: Options[], lengths: number[], some: Kind[], steps: number): Run[] =>
    options.flatMap((options) =>
      some.flatMap((kind) => lengths.map((length) => ({ options, shapes: [[length]], kind, steps }))),
    );
  const shaped = (options: Options[], some: Kind[], steps: number): Run[] =>
    whole ? options.flatMap((options) => some.map((kind) => ({ options, shapes: matrices, kind, steps }))) : [];
  if (full) {
    return [
      ...product(singles, lengths, each, 20),
      ...product(cubic ? [{}] : singles, long, each, 20),
      ...product(sets, cubic ? lengths : [...lengths.filter((n) => n % 4 === 3), 1003], ["mixed"], 50),
      ...shaped(sets, each, 50),
    ];
  }
  return [
    ...shaped(singles, ["ordinary", "mixed"], 10),
    // one NaN soon is a matrix of NaN
    ...shaped(cubic ? [] : sets, ["ordinary"], 4),
    ...product([{}], lengths, ["mixed"], 4),
    ...sets.flatMap((options, i) => product([options], [next(i)], ["mixed"], cubic ? 8 : whole ? 10 : 20)),
    ...product(cubic ? [{}] : singles, [1003], ["mixed"], 4),
    ...product([{}], [65537], ["mixed"], 2),
  ];
}

/** Steps both backends side by side; returns the numbers compared, or throws at the first bit that differs. */
function compare(made: AnyClass, dtype: Dtype, { options, shapes, kind, steps }: Run, seed: number): number {
  const r = random(seed);
  const [wasm, js] = (["wasm", "js"] as const).map((backend) => new made(shapes, { ...options, dtype, backend }));
  for (const [k, { length }] of Object.entries(wasm.params)) {
    const start = drawn(length, dtype, kind, r);
    for (const optimizer of [wasm, js]) optimizer.params[k].set(start);
  }
  let compared = 0;
  for (let step = 1; step <= steps; step++) {
    const grads = Object.entries(wasm.params).map(([k, { length }]) => [k, drawn(length, dtype, kind, r)] as const);
    const changes = step % 10 === 5 ? change(made, wasm, r) : {};
    for (const optimizer of [wasm, js]) {
      Object.assign(optimizer, changes);
      for (const [k, g] of grads) optimizer.grads[k].set(g);
      if (step % 4 === 2) for (const method of methods(made)) optimizer[method]();
      optimizer.step();
    }
    // a difference stays, so looking now and then finds it
    if (step % 10 !== 0 && step !== steps) continue;
    for (const [what, k, a, b] of pairs(wasm, js)) {
      const at = differs(a, b);
      if (at >= 0) {
        throw new Error(
          `${made.rule.name} ${dtype} ${show(options)}: ${what} ${k}[${at}] of ${a.length} ${kind} numbers is ${a[at]} in ` +
            `WebAssembly and ${b[at]} in JavaScript after ${step} steps`,
        );
      }
      compared += a.length;
    }
  }
  wasm.dispose();
  js.dispose();
  return compared;
}

/** The methods of a rule, which leave an optimizer so that it can step. */
function methods({ rule }: AnyClass): string[] {
  return Object.keys(("methods" in rule && rule.methods) || {});
}

/** All that two optimizers show of their memory: what it is, whose, and the numbers of both. */
function pairs(one: AnyOptimizer, other: AnyOptimizer): [what: string, name: string, Numbers, Numbers][] {
  return Object.keys(one.params).flatMap((k) => [
    ["params", k, one.params[k], other.params[k]],
    ["grads", k, one.grads[k], other.grads[k]],
    ...Object.entries(one.state[k]).map(([slot, x]): [string, string, Numbers, Numbers] => [
      slot,
      k,
      x,
      other.state[k][slot],
    ]),
  ]);
}

/** New values for the hyperparameters that may change: those that are not zero move a little. */
function change(made: AnyClass, optimizer: AnyOptimizer, r: () => number): Options {
  const changes: Options = {};
  for (const [name, value] of Object.entries(made.defaults)) {
    const now = optimizer[name];
    if (typeof value !== "number" || typeof now !== "number" || now === 0) continue;
    const grows = (made.rule.ranges?.[name]?.[0] ?? 0) > 0;
    const next = Math.min(now * (grows ? 1.1 - 0.1 * r() : 0.9 + 0.1 * r()), Number.MAX_VALUE);
    try {
      Object.assign(optimizer, { [name]: next });
      changes[name] = next;
    } catch (error) {
      // what state starts from cannot change
      expect((error as Error).message).toMatch(/as constructed/);
    }
  }
  return changes;
}

describe.each(classes.map((made) => [made.rule.name, made] as const))("%s", (_, made) => {
  test.each(dtypes)(
    "WebAssembly and JavaScript write the same bits in %s",
    { timeout: full ? 1_200_000 : 60_000 },
    (dtype) => {
      let compared = 0;
      for (const [i, run] of runs(made, dtype).entries()) compared += compare(made, dtype, run, i + 1);
      expect(compared).toBeGreaterThan(10_000);
    },
  );

  test("every kernel of the rule is one that some option set runs", () => {
    const twins = made.rule.twins.f64 as Record<string, (...args: never[]) => unknown>;
    const originals = { ...twins };
    const run = new Set<string>();
    for (const [name, twin] of Object.entries(originals)) {
      twins[name] = (...args) => {
        run.add(name);
        return twin(...args);
      };
    }
    for (const options of optionSets(made)) {
      if (run.size === Object.keys(originals).length) break;
      const optimizer = new made([[2], [3, 4]], { ...options, dtype: "f64", backend: "js" });
      for (const g of Object.values(optimizer.grads)) g.fill(1);
      for (let t = 1; t <= 50; t++) optimizer.step();
      for (const method of methods(made)) optimizer[method]();
    }
    Object.assign(twins, originals);
    expect([...run].sort()).toEqual(Object.keys(twins).sort());
  });
});

describe("the lists of what exists agree", () => {
  let compiled: string[] = [];
  beforeAll(() => {
    const module = new WebAssembly.Module(unpack("f32"));
    compiled = WebAssembly.Module.exports(module).flatMap(({ name, kind }) => (kind === "function" ? [name] : []));
  });

  test("files of rules, and optimizers exported", () => {
    const files = readdirSync("src/optimizers").map((file) => file.replace(".ts", ""));
    expect([...classes, ...closureClasses].map((made) => made.optimizer).sort()).toEqual(
      files.filter((file) => file !== "index").sort(),
    );
  });

  test("kernels compiled for float32 and for float64", () => {
    const module = new WebAssembly.Module(unpack("f64"));
    const names = WebAssembly.Module.exports(module).flatMap(({ name, kind }) => (kind === "function" ? [name] : []));
    expect(names).toEqual(compiled);
  });

  test("kernels compiled, and twins", () => {
    const twins = new Set(classes.flatMap(({ rule }) => Object.keys(rule.twins.f64)));
    const shared = [stages, reduce, matrix, caution, { grokfast, grokfastRemember }].flatMap((twins) =>
      Object.keys(twins),
    );
    expect([...twins, ...shared].sort()).toEqual([...compiled].sort());
  });
});

test("the comparer tells a bit from another, 0 from -0, and takes any NaN for any NaN", () => {
  const a = new Float32Array([1, 0, NaN]);
  expect(differs(a, new Float32Array([1, 0, NaN]))).toBe(-1);
  expect(differs(a, new Float32Array([1 + 2 ** -23, 0, NaN]))).toBe(0);
  expect(differs(a, new Float32Array([1, -0, NaN]))).toBe(1);
  const other = new Float32Array(new Uint32Array([0x3f800000, 0, 0xffc00001]).buffer);
  expect(differs(a, other)).toBe(-1);
});

test("a kernel that differs from its twin in the last bit is found", () => {
  const [made] = classes;
  const broken = class extends (made as unknown as new (...args: unknown[]) => AnyOptimizer) {
    override step(): unknown {
      super.step();
      if (this.backend === "js") this.params[0][0] *= 1 + 2 ** -23;
      return this;
    }
  };
  Object.assign(broken, { rule: made.rule, defaults: made.defaults });
  const run: Run = { options: {}, shapes: [[5]], kind: "ordinary", steps: 1 };
  expect(() => compare(broken as unknown as AnyClass, "f32", run, 1)).toThrow(/params 0\[0\] of 5 ordinary numbers is/);
});
