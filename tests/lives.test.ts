import fc from "fast-check";
import { expect, test } from "vitest";
// the build, where the classes of the tables are
import { stepRows } from "../dist/index.js";
import { load, save } from "../dist/safetensors.js";
import type { Dtype } from "../src/rule.js";
import { arraysOf, bitsEqual, make, type Subject } from "./helpers.js";
import { type AnyClass, classes, drawn, full, type Options, optionSets, type Reals, random } from "./tables.js";

// The other suites know what they look for. Here nobody does: an optimizer is made and lives through any calls in any order, once for
// each backend, with views and with arrays of the caller's. All lives are the same in every bit, the same calls are refused in the same
// words, and what is refused changes nothing.

const ways = [
  { backend: "wasm", own: false },
  { backend: "js", own: false },
  { backend: "wasm", own: true },
  { backend: "js", own: true },
] as const;
type Way = (typeof ways)[number];

/** What a life has beside its optimizer. */
interface Life {
  readonly opt: Subject;
  readonly way: Way;
  readonly made: AnyClass;
  readonly dtype: Dtype;
  /** What was kept of it. */
  dict?: unknown;
  file?: Uint8Array;
}

type Act = (life: Life, x: number, y: number) => unknown;

const array = (dtype: Dtype, length: number): Reals =>
  dtype === "f32" ? new Float32Array(length) : new Float64Array(length);
const pick = <T>(all: readonly T[], x: number): T => all[x % all.length];
const namesOf = ({ opt }: Life) => Object.keys(opt.params);
/** Some of the names, or one that is not there. */
const someOf = (life: Life, x: number) => (x % 17 === 0 ? "nobody" : namesOf(life).filter((_, k) => (x >> k) & 1));
const numbersFor = ({ dtype }: Life, length: number, x: number): Reals =>
  drawn(length, dtype, x % 5 === 0 ? "mixed" : "ordinary", random(x)).slice();
const handed = (life: Life, x: number) =>
  Object.fromEntries(Object.entries(life.opt.grads).map(([name, g], k) => [name, numbersFor(life, g.length, x + k)]));
const shapes = [[3], [2, 3], [1], [0], [5, 2], [70]];
const params = (way: Way, dtype: Dtype, x: number, prefix: string) =>
  Object.fromEntries(
    shapes.slice(0, 1 + (x % shapes.length)).map((shape, k) => {
      const length = shape.reduce((a, b) => a * b, 1);
      return [`${prefix}${k}`, way.own && k % 2 === 0 ? { data: array(dtype, length), shape } : shape];
    }),
  );
/** Values for options: what they can be, and what they cannot. */
const values = [
  0,
  0.5,
  0.9,
  1,
  2,
  1e-3,
  undefined,
  -1,
  Number.NaN,
  true,
  false,
  "skip",
  "throw",
  "apply",
  (t: number) => t / 10,
];

const acts: Readonly<Record<string, Act>> = {
  step: (life, x) => {
    for (const [name, g] of Object.entries(handed(life, x))) life.opt.grads[name].set(g);
    life.opt.updateHessian?.();
    life.opt.step();
  },
  stepWithGradients: ({ opt, ...life }, x) => opt.step(handed({ opt, ...life }, x)),
  stepOnSome: (life, x, y) => {
    const grads = handed(life, x);
    delete grads[pick(namesOf(life), y)];
    life.opt.step(grads);
  },
  stepRows: (life, x, y) => {
    const name = pick(namesOf(life), y);
    const [rows, ...rest] = (life.opt.shapes as Record<string, number[]>)[name];
    const width = rest.reduce((a, b) => a * b, 1);
    const indices = [x, y, x + y].map((i) => i % (rows + (x % 13 === 0 ? 1 : 0)));
    stepRows(life.opt as never, { [name]: { indices, rows: numbersFor(life, 3 * width, x) } } as never);
  },
  setOption: ({ opt, made }, x, y) => {
    opt[pick(Object.keys(made.defaults), x)] = pick(values, y);
  },
  setOptionOfGroup: ({ opt, made }, x, y) => {
    pick(opt.groups, x + y)[pick(Object.keys(made.defaults), x)] = pick(values, y);
  },
  setGuard: ({ opt }, x, y) => {
    opt[pick(["clipNorm", "clipValue", "gradScale", "nonFinite"], x)] = pick(values, y);
  },
  writeParams: (life, x, y) => {
    const p = life.opt.params[pick(namesOf(life), y)];
    p.set(numbersFor(life, p.length, x));
  },
  freeze: (life, x) => life.opt.freeze(someOf(life, x)),
  unfreeze: (life, x) => life.opt.unfreeze(someOf(life, x)),
  move: (life, x, y) => life.opt.move(someOf(life, x), y % (life.opt.groups.length + 1)),
  addGroup: ({ opt, way, dtype, made }, x, y) => {
    const options = { [pick(Object.keys(made.defaults), x)]: pick(values, y) };
    opt.addGroup({ params: params(way, dtype, y, `g${x % 3}`), ...(x % 2 ? options : {}) });
  },
  zeroGrad: ({ opt }) => opt.zeroGrad(),
  swap: ({ opt }) => opt.swap(),
  restore: ({ opt }) => opt.restore(),
  eval: ({ opt }) => opt.eval?.(),
  train: ({ opt }) => opt.train?.(),
  keepState: (life) => {
    life.dict = life.opt.stateDict();
  },
  loadState: (life, x) => life.opt.loadStateDict(life.dict, x % 2 ? {} : { keepHyperparameters: true, strict: false }),
  keepFile: (life) => {
    life.file = save(life.opt as never);
  },
  loadFile: (life) => load(life.opt as never, life.file as Uint8Array),
};

/** What happened: nothing, or what it was refused with. */
function outcome(act: Act, life: Life, x: number, y: number): string {
  try {
    act(life, x, y);
    return "done";
  } catch (error) {
    return String(error);
  }
}

/** All that an optimizer shows, but for its numbers. */
function facts({ opt }: Life) {
  const { steps, skipped, gradNorm, frozen, groups, clipNorm, clipValue, gradScale, nonFinite } = opt;
  const guard = { clipNorm, clipValue, gradScale, nonFinite };
  return { steps, skipped, gradNorm, frozen, guard, groups: groups.map((group) => ({ ...group })) };
}

const sets = new Map<AnyClass, Options[]>();
const setsOf = (made: AnyClass) => sets.get(made) ?? sets.set(made, optionSets(made)).get(made) ?? [];

function begin(made: AnyClass, way: Way, x: number, y: number): Life {
  const dtype: Dtype = y % 3 === 0 ? "f64" : "f32";
  const guard = pick<Options>(
    [{}, { clipNorm: 1 }, { accumulate: 2 }, { zeroGrad: true, nonFinite: "skip" }, { ema: 0.9 }],
    y,
  );
  const options = { ...pick(setsOf(made), x), ...guard, dtype, backend: way.backend };
  return { opt: make(made, params(way, dtype, x + y, "p"), options), way, made, dtype };
}

const word = fc.nat(9999);
const lives = fc.tuple(
  fc.constantFrom(...classes),
  word,
  word,
  fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts), "step", "step", "stepWithGradients"), word, word), {
    minLength: 3,
    maxLength: 25,
    size: "max",
  }),
);

test("whatever an optimizer lives through, it is the same on every backend, and what is refused changes nothing", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(lives, ([made, x, y, calls]) => {
      const all = ways.map((way) => begin(made, way, x, y));
      for (const [name, a, b] of calls) {
        for (const { opt } of all) for (const option of made.rule.once ?? []) opt[option] = 0.5;
        const before = all.map((life) => ({ arrays: arraysOf(life.opt), facts: facts(life) }));
        const results = all.map((life) => outcome(acts[name], life, a, b));
        expect(results, `${made.rule.name}, ${name}`).toEqual(Array(ways.length).fill(results[0]));
        // each goes on from what another has kept
        const [{ dict, file }] = all;
        for (const [k, life] of all.entries())
          Object.assign(life, all[k + 1] ? { dict: all[k + 1].dict, file: all[k + 1].file } : { dict, file });
        const refused = results[0] !== "done";
        seen.set(
          `${name} ${refused ? "refused" : "done"}`,
          (seen.get(`${name} ${refused ? "refused" : "done"}`) ?? 0) + 1,
        );
        const after = all.map((life) => ({ arrays: arraysOf(life.opt), facts: facts(life) }));
        for (const [k, one] of after.entries()) {
          expectSameLife(one, after[0], `${made.rule.name}, ${name}: ${JSON.stringify(ways[k])}`);
          // gradients were written before the step that was refused
          if (refused && name !== "step") expectSameLife(one, before[k], `${made.rule.name}, ${name} was refused`);
        }
      }
      for (const { opt } of all) opt.dispose();
    }),
    { numRuns: full ? 5000 : 200, seed: full ? undefined : 7 },
  );
  for (const name of Object.keys(acts)) expect(seen.get(`${name} done`), name).toBeGreaterThan(10);
  console.log(Object.fromEntries([...seen].sort()));
}, 600_000);

type Shown = { arrays: ReturnType<typeof arraysOf>; facts: ReturnType<typeof facts> };

function expectSameLife(a: Shown, b: Shown, what: string): void {
  expect(Object.keys(a.arrays).sort(), what).toEqual(Object.keys(b.arrays).sort());
  const differing = Object.keys(a.arrays).filter((name) => !bitsEqual(a.arrays[name], b.arrays[name]));
  expect(differing, what).toEqual([]);
  expect(a.facts, what).toEqual(b.facts);
}
