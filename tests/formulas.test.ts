// Optimizers live through random calls beside the model: whatever they are made of, the numbers are those of the formulas.
import { expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import { formulas } from "./formulas.js";
import { make, type Subject } from "./helpers.js";
import { Model, type Param, type Rows } from "./model.js";
import { type AnyClass, full, type Options, random } from "./tables.js";

const variants: Readonly<Record<string, readonly Options[]>> = {
  SGD: [{}, { momentum: 0.9, dampening: 0.3 }, { momentum: 0.9, nesterov: true, convention: "optax" }],
  Adam: [{}, { amsgrad: true }, { decoupled: true }, { convention: "keras" }],
  RMSprop: [
    { centered: true, eps: 0.1 },
    { momentum: 0.5, convention: "keras" },
    { momentum: 0.5, decoupled: true },
  ],
  Adagrad: [{ lrDecay: 0.1 }, { initialAccumulator: 0.2, convention: "keras" }],
  LARS: [{ momentum: 0.9 }, { alwaysAdapt: true, trustCoeff: 0.1 }],
  MADGRAD: [{}],
  ScheduleFreeSGD: [{}, { warmupSteps: 3, r: 1 }],
};

/** What options can be, each with the chance that it is left out. */
const rates = [0.05, 0.01, (t: number) => 0.1 / (1 + t)];
const groupOptions = { weightDecay: [0.1, (t: number) => 0.01 * (1 + t)], maximize: [true], lr: rates };
const guardOptions = {
  clipNorm: [1, 0.1, (t: number) => 1 / (1 + t)],
  clipValue: [0.1, 0.5],
  gradScale: [4, (t: number) => t + 1],
  nonFinite: ["skip", "throw"],
  zeroGrad: [true],
  accumulate: [2, 3],
  accumulation: ["sum"],
};
const settings: readonly (readonly [string, unknown])[] = [
  ["clipNorm", 0.5],
  ["clipNorm", undefined],
  ["clipValue", 0.2],
  ["clipValue", undefined],
  ["gradScale", 2],
  ["nonFinite", "skip"],
  ["nonFinite", "apply"],
];
const shapes = [[3], [4, 2], [1], [5, 3], [0]];

/** A source of choices. */
function chooser(seed: number) {
  const next = random(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)];
  return {
    next,
    pick,
    some: <T>(all: readonly T[]): T[] => all.filter(() => next() < 0.5),
    numbers: (length: number) => Float64Array.from({ length }, () => 2 * next() - 1),
    options: (table: Readonly<Record<string, readonly unknown[]>>): Options =>
      Object.fromEntries(Object.entries(table).flatMap(([name, all]) => (next() < 0.3 ? [[name, pick(all)]] : []))),
  };
}

/** One life beside the model; returns what was done, and what it was made of. */
function live(seed: number, most: number): string[] {
  const { next, pick, some, numbers, options } = chooser(seed);
  const name = pick(Object.keys(formulas));
  const made = (gradstep as unknown as Record<string, AnyClass>)[name];
  const own = pick(variants[name]);
  const rest = { lr: pick(rates), ...own, ...(next() < 0.3 && { ema: pick([0.9, 0.3, (t: number) => t / (1 + t)]) }) };
  const guard = options(guardOptions);
  const model = new Model(name, guard);
  const log = [`${name} ${JSON.stringify([rest, guard], (_, x) => (typeof x === "function" ? String(x) : x))}`];
  let count = 0;
  const group = () => {
    const all = Array.from({ length: pick([0, 1, 2, 3]) }, () => {
      const shape = pick(most > 8 ? [...shapes, [most]] : shapes);
      const p = numbers(shape.reduce((size, n) => size * n, 1));
      return [`p${count++}`, { p, width: shape[0] === 0 ? 0 : p.length / shape[0], shape }] as const;
    });
    const more = options(groupOptions);
    const convention = String(own.convention ?? made.defaults.convention);
    const defaults = (made.conventions as Record<string, Options>)[convention];
    model.addGroup({ ...defaults, ...rest, ...more }, Object.fromEntries(all));
    // views, or arrays of the caller's
    const params = all.map(([name, { p, shape }]) => [name, next() < 0.3 ? { data: p.slice(), shape } : shape]);
    return { params: Object.fromEntries(params), ...more };
  };
  const groups = Array.from({ length: pick([1, 2, 3]) }, group);
  const opt = make(made, groups, { ...rest, ...guard, dtype: "f64", backend: pick(["wasm", "js"]) });
  const fill = () => {
    for (const [name, { x }] of model.params) opt.params[name].set(x.p);
  };
  fill();
  const names = () => [...model.params.keys()];
  const paramOf = (name: string) => model.params.get(name) as Param;
  const gradients = () => {
    const all = [...model.params].map(([name, { g }]) => [name, numbers(g.length)] as const);
    if (next() < 0.1 && all.length > 0) pick(all)[1].fill(pick([Number.NaN, Infinity, 1.5e308]));
    return Object.fromEntries(all);
  };
  const both = (act: (one: Subject | Model) => unknown) => [() => act(opt), () => act(model)];
  const acts: Readonly<Record<string, () => readonly (() => unknown)[]>> = {
    step: () => {
      for (const [name, g] of Object.entries(gradients()))
        for (const to of [opt.grads[name], paramOf(name).g]) to.set(g);
      return both((one) => one.step());
    },
    stepWithGradients: () => {
      const all = gradients();
      return both((one) => one.step(all));
    },
    stepRows: () => {
      if (name === "LARS" || "ema" in rest || "accumulate" in guard) return [];
      const all = some(names()).map((name): [string, Rows] => {
        const { width, g } = paramOf(name);
        const indices =
          width === 0 ? [] : numbers(pick([0, 1, 3])).map((x) => Math.floor(((x + 1) / 2) * (g.length / width)));
        return [name, Array.from(indices, (index) => [index, numbers(width)] as const)];
      });
      const rows = all.map(([name, rows]) => {
        return [
          name,
          { indices: rows.map(([index]) => index), rows: Float64Array.from(rows.flatMap(([, row]) => [...row])) },
        ];
      });
      return [
        () => gradstep.stepRows(opt as never, Object.fromEntries(rows) as never),
        () => model.stepRows(Object.fromEntries(all)),
      ];
    },
    freeze: () => freezing(true),
    unfreeze: () => freezing(false),
    move: () => {
      const [moved, to] = [some(names()), Math.floor(next() * model.groups.length)];
      return both((one) => one.move(moved, to));
    },
    addGroup: () => (model.groups.length > 3 ? [] : [() => void opt.addGroup(group()), fill]),
    setOption: () => {
      const [at, option, value] = [
        Math.floor(next() * model.groups.length),
        pick(["lr", "weightDecay"]),
        pick([0, ...rates]),
      ];
      return [
        () => Object.assign(opt.groups[at], { [option]: value }),
        () => Object.assign(model.groups[at].options, { [option]: value }),
      ];
    },
    setGuard: () => {
      const [option, value] = pick(settings);
      return [() => Object.assign(opt, { [option]: value }), () => Object.assign(model.guard, { [option]: value })];
    },
    writeParams: () => {
      const written = some(names()).map((name) => [name, numbers(paramOf(name).g.length)] as const);
      return [
        () => written.map(([name, p]) => opt.params[name].set(p)),
        () => written.map(([name, p]) => paramOf(name).x.p.set(p)),
      ];
    },
    reload: () => [() => opt.loadStateDict(structuredClone(opt.stateDict())), () => {}],
    swapAndRestore: () => ("ema" in rest ? [() => opt.swap() && opt.restore(), () => {}] : []),
  };
  const freezing = (frozen: boolean) => {
    const all = some(names());
    const act = () => (frozen ? opt.freeze(all) : opt.unfreeze(all));
    return [act, () => all.map((name) => Object.assign(paramOf(name), { frozen }))];
  };
  const calls = 5 + Math.floor(20 * next());
  for (let left = calls; left > 0; left--) {
    const first = left === calls && next() < 0.5 ? ["freeze"] : undefined;
    const act = pick(first ?? (next() < 0.5 ? ["step", "stepWithGradients", "stepRows"] : Object.keys(acts)));
    const [real, expected] = acts[act]();
    if (!real) continue;
    const refusal = refusalOf(real);
    log.push(refusal ? `${act} was refused: ${refusal}` : act);
    // what is refused changes nothing
    if (refusal === "") expected();
    else if (/finite/.test(refusal)) expect(refusalOf(expected), log.join("\n")).toMatch(/finite/);
    else expect(`${act} ${refusal}`, log.join("\n")).toMatch(/^move move: group \d has /);
    if ([...model.params.values()].some(({ x }) => !x.p.every(Number.isFinite))) break;
    expectAlike(opt, model, log);
  }
  opt.dispose();
  return log;
}

function refusalOf(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function expectAlike(opt: Subject, model: Model, log: readonly string[]): void {
  const { steps, skipped, gradNorm } = opt;
  const wrong: unknown[] = [];
  const compare = (what: string, got: ArrayLike<number>, expected: ArrayLike<number>) => {
    for (let i = 0; i < expected.length; i++) {
      const near = Math.abs(got[i] - expected[i]) <= 1e-9 * (1 + Math.abs(expected[i]));
      if (!near && !Object.is(got[i], expected[i])) wrong.push(`${what}[${i}] is ${got[i]}, expected ${expected[i]}`);
    }
  };
  compare("counts", [steps, skipped, gradNorm], [model.steps, model.skipped, model.gradNorm]);
  for (const [name, { x, g, started }] of model.params) {
    compare(`${name}.grads`, opt.grads[name], g);
    compare(`${name}.params`, opt.params[name], x.p);
    for (const [slot, numbers] of Object.entries(opt.state[name])) {
      if (slot === "gradSum" ? model.called > 0 : started) compare(`${name}.${slot}`, numbers, x[slot]);
    }
  }
  expect(wrong.slice(0, 3), log.join("\n")).toEqual([]);
}

test("whatever is called, the numbers are those of the formulas", { timeout: 600_000 }, () => {
  const seen = new Set<string>();
  const lives = full ? 5000 : 150;
  for (let seed = 0; seed < lives; seed++) for (const line of live(seed, 8)) seen.add(line.split(" ")[0]);
  // tensors of more than a block
  for (let seed = 0; seed < lives / 30; seed++) live(seed, 20_000);
  for (const act of [...Object.keys(formulas), "step", "stepRows", "move", "addGroup", "swapAndRestore"]) {
    expect(seen).toContain(act);
  }
});
