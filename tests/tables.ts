// What the table-driven suites run over: every optimizer that is exported, its options, and data of every kind.
// the build, because V8 runs twins at full speed only as the build has them
import { optimizers } from "../dist/index.js";
import type { AnyRule, Dtype, Value } from "../src/rule.js";

export type Reals = Float32Array | Float64Array;
export type Numbers = Reals | Uint8Array | Uint16Array;
export type Options = Record<string, unknown>;

/** An optimizer whose types are put aside, so that a test can run over all of them. */
export interface AnyOptimizer {
  // a hyperparameter, or a method of the rule's own
  // biome-ignore lint/suspicious/noExplicitAny: what it is depends on the rule
  [name: string]: any;
  readonly params: Record<string, Reals>;
  readonly grads: Record<string, Reals>;
  readonly state: Record<string, Record<string, Numbers>>;
  step(grads?: unknown): unknown;
  dispose(): void;
}

export interface AnyClass {
  new (params: unknown, options?: Options): AnyOptimizer;
  readonly defaults: Readonly<Record<string, Value>>;
  readonly conventions: Readonly<Record<string, Readonly<Record<string, Value>>>>;
  readonly optimizer: string;
  readonly rule: AnyRule;
}

const all = Object.values(optimizers) as unknown as AnyClass[];
const takesClosure = ({ rule }: AnyClass) => "minimize" in rule;

/** Every optimizer that steps with gradients, and those that evaluate the loss themselves. */
export const classes = all.filter((made) => !takesClosure(made)).map(settled);
export const closureClasses = all.filter(takesClosure);

/** The optimizer of that name. */
export const class_ = (name: string) => classes.find(({ rule }) => rule.name === name) as AnyClass;

/** The class, or one that sets the options that have to be set before each step, where they are not. */
function settled(made: AnyClass): AnyClass {
  const { once = [], name } = made.rule;
  if (once.length === 0) return made;
  const named = {
    [name]: class extends made {
      override step(grads?: unknown): unknown {
        for (const option of once) if (Number.isNaN(this[option])) this[option] = 0.5;
        return super.step(grads);
      }
    },
  };
  return named[name];
}
export const dtypes: readonly Dtype[] = ["f32", "f64"];

/** Whether everything is combined with everything, GRADSTEP_FULL=1, and not only enough to find what is wrong. */
export const full = process.env.GRADSTEP_FULL === "1";

/** Of all, those that are up in turn i: every `of`-th. */
export function inTurn<T>(all: readonly T[], i: number, of: number): readonly T[] {
  return full ? all : all.filter((_, k) => (i + k) % of === 0);
}

/** Numbers in [0, 1), the same in every run: sfc32 (Doty-Humphrey, PractRand). */
export function random(seed: number): () => number {
  let [a, b, c, d] = [seed | 0, 0x9e3779b9, 0x243f6a88, 1];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return next;
}

const special = [0, -0, Infinity, -Infinity, NaN, 1, -1, 2 ** -126, 2 ** -149, 3.4028234663852886e38, 5e-324, 1.7e308];

/** Kinds of data, as functions from a source of randomness to one number. */
type Draw = (r: () => number, dtype: Dtype) => number;

export const kinds: Record<"ordinary" | "decades" | "bits" | "subnormal" | "special" | "mixed", Draw> = {
  ordinary: (r) => (r() - 0.5) * 2,
  decades: (r) => (r() < 0.5 ? -1 : 1) * 10 ** (r() * 80 - 40),
  bits: (r, dtype) => bitsAsNumber(r, dtype),
  subnormal: (r, dtype) => (r() - 0.5) * (dtype === "f32" ? 2 ** -130 : 2 ** -1030),
  special: (r) => special[Math.floor(r() * special.length)],
  mixed: (r, dtype) => {
    const kind = r();
    if (kind < 0.4) return kinds.ordinary(r, dtype);
    if (kind < 0.6) return kinds.decades(r, dtype);
    return kinds[kind < 0.75 ? "bits" : kind < 0.9 ? "subnormal" : "special"](r, dtype);
  },
};

export type Kind = keyof typeof kinds;

const word = new DataView(new ArrayBuffer(8));

function bitsAsNumber(r: () => number, dtype: Dtype): number {
  word.setUint32(0, r() * 2 ** 32);
  word.setUint32(4, r() * 2 ** 32);
  return dtype === "f32" ? word.getFloat32(0) : word.getFloat64(0);
}

/** An array of random numbers of one kind. */
export function data(length: number, dtype: Dtype, kind: Kind, r: () => number): Reals {
  const array = dtype === "f32" ? new Float32Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i++) array[i] = kinds[kind](r, dtype);
  return array;
}

const pools = new Map<string, Reals>();

/** `length` numbers of one kind from a pool made once: a slice of it from a random place. */
export function drawn(length: number, dtype: Dtype, kind: Kind, r: () => number): Reals {
  const key = `${dtype} ${kind}`;
  const pool = pools.get(key) ?? data(3 * 65537, dtype, kind, random(key.length));
  pools.set(key, pool);
  const start = Math.floor(r() * (pool.length - length));
  return pool.subarray(start, start + length);
}

/** The index of the first element whose bits differ, or -1. Any NaN equals any NaN; -0 is not 0. */
export function differs(a: Numbers, b: Numbers): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  if (a.length === 0) return -1;
  if (a.BYTES_PER_ELEMENT < 4) return a.findIndex((x, i) => x !== b[i]);
  const [x, y] = [a, b].map((array) => new Int32Array(array.buffer, array.byteOffset, array.byteLength / 4));
  const words = a.BYTES_PER_ELEMENT / 4;
  for (let k = 0; k < x.length; k++) {
    if (x[k] === y[k]) continue;
    const i = Math.floor(k / words);
    if (!Object.is(a[i], b[i])) return i;
  }
  return -1;
}

/** What an option can be that is a choice. */
export function choicesOf(made: AnyClass, name: string): readonly string[] {
  return name === "convention" ? Object.keys(made.conventions) : (made.rule.choices?.[name] ?? []);
}

/** Other valid values for an option: the other flag, every other choice, or a number that takes another way through the rule. */
function alternatives(made: AnyClass, name: string): readonly unknown[] {
  const value = made.defaults[name];
  if (typeof value === "boolean") return [!value];
  if (typeof value === "string") return choicesOf(made, name).filter((choice) => choice !== value);
  // where there is no such thing, the rule may go another way
  if (wayOf(made, { [name]: 0 }) !== wayOf(made)) return [0];
  // a number of steps becomes one that the tests reach
  const candidates = value === 0 ? [0.3, 0.01] : value > 1000 ? [3] : [value / 2, value * 2];
  return [candidates.find((x) => isValid(made, { [name]: x }))];
}

/** The kernel that a rule of elements runs, and the buffers that it keeps for a matrix. */
function wayOf({ rule, defaults }: AnyClass, options: Options = {}): string {
  const h = { ...defaults, ...options } as never;
  return ["kernel" in rule && rule.kernel(h), ...Object.keys(rule.state(h, [2, 3], ""))].join();
}

export function isValid(made: AnyClass, options: Options): boolean {
  try {
    new made({}, options);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The option sets of an optimizer: none, each option alone, and all pairs that do not exclude each other. An option that needs
 * another one comes with it and each third. An average of the parameters comes alone: it sees only what the step has made of them.
 */
export function optionSets(made: AnyClass): Options[] {
  const single = Object.keys(made.defaults).flatMap((name) => alternatives(made, name).map((x) => ({ [name]: x })));
  const valid = (sets: readonly Options[]) => sets.filter((set) => isValid(made, set));
  const rule = single.filter((set) => !("ema" in set));
  const pairs = valid(rule.flatMap((set, i) => withEach(rule.slice(0, i), set)));
  const needy = pairs.filter((pair) => Object.entries(pair).some(([name, x]) => !isValid(made, { [name]: x })));
  return [{}, ...valid(single), ...pairs, ...valid(needy.flatMap((pair) => withEach(rule, pair)))];
}

/** The set with each option that is not one of its own. */
function withEach(single: readonly Options[], set: Options): Options[] {
  return single
    .filter((each) => Object.keys(each).every((name) => !(name in set)))
    .map((each) => ({ ...each, ...set }));
}

export function show(options: Options): string {
  return JSON.stringify(options);
}
