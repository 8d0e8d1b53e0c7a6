// An optimizer is made, and lives through any calls in any order: once in each of several ways, with the backends, threads and arrays that
// these have. All lives are the same in every bit, the same calls are refused in the same words, and what is refused changes nothing.
import fc from "fast-check";
import { expect } from "vitest";
import type * as gradstep from "../src/index.js";
import type { Dtype } from "../src/rule.js";
import type * as checkpoints from "../src/safetensors/index.js";
import { Module, sizeOf } from "./foreign.js";
import { arraysOf, bitsEqual, make, type Subject } from "./helpers.js";
import { type AnyClass, drawn, type Options, optionSets, type Reals, random } from "./tables.js";

/** The classes and functions that lives are made of: the build's or the sources'. */
export type Library = Pick<
  typeof gradstep,
  "optimizers" | "stepRows" | "Lookahead" | "GrokfastEMA" | "GrokfastMA" | "GradientCentralization"
> &
  Pick<typeof checkpoints, "save" | "load">;

/** How an optimizer lives. */
export interface Way {
  readonly options: Options;
  /** Whose memory its parameters are in: its own, arrays of the caller's (every second one), or another module's. */
  readonly memory?: "own" | "caller" | "module";
  /** Whether it is saved after each call, and another one made that goes on from there. */
  readonly reborn?: boolean;
}

/** What a life has beside its optimizer. */
interface Life {
  opt: Subject;
  /** Makes an optimizer of the same options, in the same wrapper. */
  readonly make: (params: unknown, more?: Options) => Subject;
  /** Whether a function was set as an option, which no dict has. */
  scheduled: boolean;
  readonly made: AnyClass;
  readonly dtype: Dtype;
  readonly place: Place;
  readonly filtered: boolean;
  /** What was kept of it, or of another. */
  dict?: unknown;
  file?: Uint8Array;
}

/** Makes what a parameter of that shape starts from; `k` counts those that are made together. */
type Place = (name: string, shape: readonly number[], k: number) => unknown;

type Act = (library: Library, life: Life, x: number, y: number) => unknown;

const pick = <T>(all: readonly T[], x: number): T => all[x % all.length];
const namesOf = ({ opt }: Life) => Object.keys(opt.params);
/** Some of the names, or one that is not there. */
const someOf = (life: Life, x: number) => (x % 17 === 0 ? "nobody" : namesOf(life).filter((_, k) => (x >> k) & 1));
const numbersFor = ({ dtype }: Life, length: number, x: number): Reals =>
  drawn(length, dtype, x % 5 === 0 ? "mixed" : "ordinary", random(x)).slice();
const gradientsFor = (life: Life, x: number) =>
  Object.fromEntries(Object.entries(life.opt.grads).map(([name, g], k) => [name, numbersFor(life, g.length, x + k)]));

const shapes = [[3], [2, 3], [1], [0], [5, 2], [70]];

function params(place: Place, prefix: string, x: number): Record<string, unknown> {
  const some = shapes.slice(0, 1 + (x % shapes.length));
  return Object.fromEntries(some.map((shape, k) => [`${prefix}${k}`, place(`${prefix}${k}`, shape, k)]));
}

/** What options can be, and what they cannot. */
const values = [
  0,
  0.5,
  0.9,
  1,
  2,
  1e-3,
  -1,
  Number.NaN,
  undefined,
  true,
  false,
  "skip",
  "throw",
  (t: number) => (t + 1) / 10,
];

const acts: Readonly<Record<string, Act>> = {
  step: (_, life, x) => {
    const { opt, made } = life;
    const write = () => {
      for (const [name, g] of Object.entries(gradientsFor(life, x))) opt.grads[name].set(g);
      return x / 100;
    };
    if ("minimize" in made.rule) return opt.step(write);
    write();
    opt.updateHessian?.();
    return opt.step();
  },
  stepWithGradients: (_, life, x) => life.opt.step(gradientsFor(life, x)),
  stepAsync: (_, life, x) => life.opt.stepAsync(gradientsFor(life, x)),
  stepWithoutOne: (_, life, x, y) => {
    const { [pick(namesOf(life), y)]: _one, ...rest } = gradientsFor(life, x);
    life.opt.step(rest);
  },
  stepRows: ({ stepRows }, life, x, y) => {
    const name = pick(namesOf(life), y);
    const [height, ...rest] = (life.opt.shapes as Record<string, number[]>)[name];
    const indices = [x, y, x + y].map((i) => i % (height + (x % 13 === 0 ? 1 : 0)));
    stepRows(life.opt as never, { [name]: { indices, rows: numbersFor(life, 3 * sizeOf(rest), x) } } as never);
  },
  setOption: (_, { opt, made }, x, y) => {
    opt[pick(Object.keys(made.defaults), x)] = pick(values, y);
  },
  setOptionOfGroup: (_, { opt, made }, x, y) => {
    pick(opt.groups, x + y)[pick(Object.keys(made.defaults), x)] = pick(values, y);
  },
  setGuard: (_, { opt }, x, y) => {
    opt[pick(["clipNorm", "clipValue", "gradScale", "nonFinite"], x)] = pick(values, y);
  },
  writeParams: (_, life, x, y) => {
    const p = life.opt.params[pick(namesOf(life), y)];
    p.set(numbersFor(life, p.length, x));
  },
  freeze: (_, life, x) => life.opt.freeze(someOf(life, x)),
  unfreeze: (_, life, x) => life.opt.unfreeze(someOf(life, x)),
  move: (_, life, x, y) => life.opt.move(someOf(life, x), y % (life.opt.groups.length + 1)),
  addGroup: (_, { opt, place, made }, x, y) => {
    const options = { [pick(Object.keys(made.defaults), x)]: pick(values, y) };
    opt.addGroup({ params: params(place, `g${x % 3}`, y), ...(x % 2 ? options : {}) });
  },
  zeroGrad: (_, { opt }) => opt.zeroGrad(),
  swap: (_, { opt }) => opt.swap(),
  restore: (_, { opt }) => opt.restore(),
  eval: (_, { opt }) => opt.eval?.(),
  train: (_, { opt }) => opt.train?.(),
  keepState: (_, life) => {
    life.dict = life.opt.stateDict();
  },
  loadState: (_, { opt, dict }, x) =>
    opt.loadStateDict(dict, x % 2 ? {} : { keepHyperparameters: true, strict: false }),
  keepFile: ({ save }, life) => {
    life.file = save(life.opt as never);
  },
  loadFile: ({ load }, { opt, file }) => load(opt as never, file as Uint8Array),
};

export const calls = Object.keys(acts);

/** What comes of a call: nothing, or what it was refused with. */
async function outcome(act: Act, library: Library, life: Life, x: number, y: number): Promise<string> {
  try {
    await act(library, life, x, y);
    return "done";
  } catch (error) {
    return String(error);
  }
}

function outcomeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

/** All that an optimizer shows. */
function shown({ opt }: Life) {
  const { steps, skipped, gradNorm, frozen, clipNorm, clipValue, gradScale, nonFinite } = opt;
  const groups = opt.groups.map((group) => ({ ...group }));
  return {
    arrays: arraysOf(opt),
    facts: { steps, skipped, gradNorm, frozen, clipNorm, clipValue, gradScale, nonFinite, groups },
  };
}

function expectSameShown(a: ReturnType<typeof shown>, b: ReturnType<typeof shown>, what: string): void {
  expect(Object.keys(a.arrays).sort(), what).toEqual(Object.keys(b.arrays).sort());
  const differing = Object.keys(a.arrays).filter((name) => !bitsEqual(a.arrays[name], b.arrays[name]));
  expect(differing, what).toEqual([]);
  expect(a.facts, what).toEqual(b.facts);
}

/** Where the parameters of a way are, and the options that say so. */
function placeFor({ memory = "own" }: Way, dtype: Dtype): [Place, Options] {
  const array = (length: number) => (dtype === "f32" ? new Float32Array(length) : new Float64Array(length));
  if (memory === "own") return [(_, shape) => shape, {}];
  if (memory === "caller") return [(_, shape, k) => (k % 2 === 0 ? { data: array(sizeOf(shape)), shape } : shape), {}];
  const module = new Module(16);
  const place: Place = (name, shape) => {
    const data = module.place("parameter", dtype, { [name]: sizeOf(shape) }).view("parameter", name);
    data.fill(0);
    return { data, shape };
  };
  return [place, { memory: module.memory, malloc: module.malloc }];
}

const guards: readonly Options[] = [
  {},
  { clipNorm: 1 },
  { accumulate: 2 },
  { zeroGrad: true, nonFinite: "skip" },
  { ema: 0.9 },
];

function begin(library: Library, made: AnyClass, options: Options, way: Way, x: number, y: number): Life {
  const dtype: Dtype = y % 3 === 0 ? "f64" : "f32";
  const [place, more] = placeFor(way, dtype);
  const guard = "minimize" in made.rule ? {} : pick(guards, y);
  const { Lookahead, GrokfastEMA, GrokfastMA, GradientCentralization } = library;
  type Wrap = (inner: unknown) => Subject;
  const alone: Wrap = (inner) => inner as Subject;
  const slow: Wrap = (inner) => make(Lookahead, inner, pick([{}, { k: 2, resetState: true }], y));
  const filters: Wrap[] = [
    (inner) => make(GrokfastEMA, inner),
    (inner) => make(GradientCentralization, inner),
    (inner) => slow(make(GrokfastMA, inner, { windowSize: 2 })),
  ];
  const wrap = pick([alone, alone, alone, slow, ...("minimize" in made.rule ? [] : filters)], x + 2 * y);
  const filtered = filters.includes(wrap);
  const another = (params: unknown, others: Options = {}) =>
    wrap(make(made, params, { ...options, ...guard, ...way.options, ...more, dtype, ...others }));
  return { opt: another(params(place, "p", x + y)), make: another, scheduled: false, made, dtype, place, filtered };
}

/** Has a life go on with an optimizer that is made like the one it was, and loaded from its dict or file; unless averages are shown. */
function resume({ save, load }: Library, life: Life, x: number): void {
  const { opt, made, place } = life;
  const kept = outcomeOf(() => (x % 2 ? opt.stateDict() : save(opt as never)));
  if (kept instanceof Error || life.scheduled) return;
  const shapes = opt.shapes as Record<string, readonly number[]>;
  const groups = opt.groups.map(({ names, ...options }) => {
    for (const once of made.rule.once ?? []) delete options[once];
    return { params: Object.fromEntries(names.map((name, k) => [name, place(name, shapes[name], k)])), ...options };
  });
  const { clipNorm, clipValue, gradScale, nonFinite } = opt;
  life.opt = life.make(groups, "minimize" in made.rule ? {} : { clipNorm, clipValue, gradScale, nonFinite });
  if (opt.frozen.length > 0) life.opt.freeze(opt.frozen);
  if (x % 2) life.opt.loadStateDict(kept);
  else load(life.opt as never, kept as Uint8Array);
  for (const [name, g] of Object.entries(opt.grads)) life.opt.grads[name].set(g);
  opt.dispose();
}

/** Whether a call changes nothing if it is refused. */
function changesNothing(name: string, refusal: string, { filtered }: Life): boolean {
  // gradients were written before the step; and a filter has taken a step that only what it made of the gradients forbids
  return name !== "step" && !(filtered && refusal.endsWith("expected finite numbers"));
}

/** Lets optimizers live, and returns how often each call was done. Other stories come with GRADSTEP_SEED. */
export async function live(library: Library, ways: readonly Way[], runs: number): Promise<Map<string, number>> {
  const classes = Object.values(library.optimizers) as unknown as AnyClass[];
  const sets = new Map(classes.map((made) => [made, optionSets(made)]));
  const word = fc.nat(9999);
  const call = fc.tuple(fc.constantFrom(...calls, "step", "step", "stepWithGradients"), word, word);
  const story = fc.array(call, { minLength: 3, maxLength: 25, size: "max" });
  const done = new Map<string, number>();
  const property = fc.asyncProperty(fc.constantFrom(...classes), word, word, story, async (made, x, y, story) => {
    const options = pick(sets.get(made) as Options[], x);
    const lives = ways.map((way) => begin(library, made, options, way, x, y));
    for (const [name, a, b] of story) {
      for (const { opt } of lives) for (const option of made.rule.once ?? []) opt[option] = 0.5;
      const before = lives.map(shown);
      for (const life of lives)
        life.scheduled ||= /^(set|addGroup)/.test(name) && typeof pick(values, b) === "function";
      const results = await Promise.all(lives.map((life) => outcome(acts[name], library, life, a, b)));
      expect(results, `${made.rule.name} ${name}`).toEqual(ways.map(() => results[0]));
      if (results[0] === "done") done.set(name, (done.get(name) ?? 0) + 1);
      const after = lives.map(shown);
      // these no dict has
      for (const all of [before, after]) {
        const { skipped, gradNorm } = all[0].facts;
        for (const [k, { facts }] of all.entries()) if (ways[k].reborn) Object.assign(facts, { skipped, gradNorm });
      }
      for (const [k, one] of after.entries()) {
        expectSameShown(one, after[0], `${made.rule.name} ${name}, ${JSON.stringify(ways[k])}`);
        if (results[0] !== "done" && changesNothing(name, results[0], lives[k]))
          expectSameShown(one, before[k], `${made.rule.name} ${name} was refused`);
      }
      // each goes on from what another has kept
      const kept = lives.map(({ dict, file }) => ({ dict, file }));
      for (const [k, life] of lives.entries()) Object.assign(life, pick(kept, k + 1));
      for (const [k, life] of lives.entries()) if (ways[k].reborn) resume(library, life, a);
    }
    for (const { opt } of lives) opt.dispose();
  });
  await fc.assert(property, { numRuns: runs, seed: Number(process.env.GRADSTEP_SEED ?? 7) });
  return done;
}
