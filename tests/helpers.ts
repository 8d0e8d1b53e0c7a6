// What the tests of the interface share: optimizers with their types put aside, seeded numbers, and comparison by bits.
import { expect } from "vitest";
import type { LoadResult, StateDict } from "../src/index.js";
import {
  type AnyClass,
  type AnyOptimizer,
  classes,
  differs,
  type Numbers,
  type Options,
  type Reals,
  random,
} from "./tables.js";

export const backends = ["wasm", "js"] as const;

export const f32 = (...values: number[]) => new Float32Array(values);
export const f64 = (...values: number[]) => new Float64Array(values);

/** A row of a table: what is refused, the kind of the error, and parts of its sentence. */
export type Bad = readonly [what: string, value: unknown, kind: ErrorConstructor, ...parts: string[]];

/** Every optimizer, after its name: rows of a table of tests. */
export const named: readonly (readonly [string, AnyClass])[] = classes.map((made) => [made.rule.name, made]);

/** Those whose groups do not share what the rule remembers. */
export const separate = named.filter(([, { rule }]) => !("passes" in rule && rule.memory));

export interface Subject extends AnyOptimizer {
  readonly backend: "wasm" | "js";
  readonly dtype: "f32" | "f64";
  readonly groups: (Options & { readonly names: readonly string[] })[];
  readonly steps: number;
  readonly bytes: number;
  readonly threads: number;
  step(grads?: unknown): Subject;
  stepAsync(grads?: unknown): Promise<Subject>;
  zeroGrad(): Subject;
  addGroup(group: unknown): Subject;
  stateDict(options?: object): StateDict;
  loadStateDict(dict: unknown, options?: unknown): LoadResult;
  [Symbol.dispose](): void;
}

/** `new made(params, options)`, whatever the arguments are. */
export function make(made: unknown, params: unknown, options?: unknown): Subject {
  return new (made as new (...args: unknown[]) => Subject)(params, options);
}

/** Whether both are of one dtype, as long as each other, and the same in every bit. NaN equals NaN; -0 is not 0. */
export function bitsEqual(a: Numbers, b: Numbers): boolean {
  return a.BYTES_PER_ELEMENT === b.BYTES_PER_ELEMENT && differs(a, b) === -1;
}

/** Numbers in [-1, 1) that depend on the name and the step alone. */
export function numbers(name: string, length: number, step: number): number[] {
  let seed = step;
  for (const c of name) seed = Math.imul(seed, 31) + c.charCodeAt(0);
  const next = random(seed);
  const numbers = new Array<number>(length);
  for (let i = 0; i < length; i++) numbers[i] = 2 * next() - 1;
  return numbers;
}

/** Starts the parameters at numbers that depend on their names. */
export function start<S extends AnyOptimizer>(optimizer: S): S {
  for (const [name, p] of Object.entries(optimizer.params)) p.set(numbers(name, p.length, 0));
  return optimizer;
}

/** The gradients of a step, as arrays of their own. */
export function gradients(optimizer: AnyOptimizer, step: number): Record<string, Reals> {
  const each = ([name, g]: [string, Reals]) => [name, g.slice().fill(0)] as const;
  const copies = Object.fromEntries(Object.entries(optimizer.grads).map(each));
  for (const [name, g] of Object.entries(copies)) g.set(numbers(name, g.length, step));
  return copies;
}

/** Steps on, with gradients that depend on the step number alone. */
export function train<S extends Subject>(optimizer: S, steps: number): S {
  for (let i = 0; i < steps; i++) {
    const copies = gradients(optimizer, optimizer.steps + 1);
    for (const [name, g] of Object.entries(copies)) optimizer.grads[name].set(g);
    optimizer.updateHessian?.();
    optimizer.step();
  }
  return optimizer;
}

/** Copies of the parameters, gradients and state. */
export function arraysOf({ params, grads, state }: AnyOptimizer): Record<string, Numbers> {
  const arrays: Record<string, Numbers> = {};
  for (const name of Object.keys(params)) {
    arrays[`params.${name}`] = params[name];
    arrays[`grads.${name}`] = grads[name];
    for (const [slot, x] of Object.entries(state[name])) arrays[`state.${name}.${slot}`] = x;
  }
  // a detached array cannot be sliced
  const copy = (x: Numbers) => (x.length > 0 ? x.slice() : (Reflect.construct(x.constructor, []) as Numbers));
  return Object.fromEntries(Object.entries(arrays).map(([name, x]) => [name, copy(x)]));
}

/** A copy of all that an optimizer shows. */
export function snapshot(optimizer: Subject) {
  const { steps, bytes, groups } = optimizer;
  return { arrays: arraysOf(optimizer), rest: { steps, bytes, groups: groups.map((group) => ({ ...group })) } };
}

/** Fails unless the optimizer shows what it showed before. */
export function expectUnchanged(optimizer: Subject, before: ReturnType<typeof snapshot>): void {
  const after = snapshot(optimizer);
  expectSameArrays(after.arrays, before.arrays);
  expect(after.rest).toEqual(before.rest);
}

/** Fails unless parameters, gradients and state of both are the same in every bit. */
export function expectSame(a: Subject, b: Subject): void {
  expectSameArrays(arraysOf(a), arraysOf(b));
}

function expectSameArrays(a: Record<string, Numbers>, b: Record<string, Numbers>): void {
  expect(Object.keys(a).sort()).toEqual(Object.keys(b).sort());
  expect(Object.keys(a).filter((name) => !bitsEqual(a[name], b[name]))).toEqual([]);
}

/** Fails unless `act` throws one sentence of that class with all those parts; returns the sentence. */
export function expectError(act: () => unknown, kind: ErrorConstructor, ...parts: readonly string[]): string {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  if (!(error instanceof Error))
    throw new Error(`expected a ${kind.name} with ${parts.join(" … ")}, but nothing threw`);
  const { message, name } = error;
  const right = name === kind.name && /^(\w+): [^\n]*[^.\s]$/.test(message) && parts.every((x) => message.includes(x));
  // an assertion costs more than what it looks at
  if (!right) expect(`${name} ${message}`, "one sentence").toBe(`${kind.name} with ${parts.join(" … ")}`);
  return message;
}

/** A state dict that can be changed. */
export type Dict = Record<string, unknown> & {
  params: Record<string, unknown>;
  state: Record<string, Record<string, unknown>>;
  groups: Record<string, unknown>[];
};

/** A copy of a state dict, to be changed. */
export const loose = (dict: StateDict) => structuredClone(dict) as unknown as Dict;

/** Detaches an array's buffer. */
export function detach<A extends Reals>(array: A): A {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

/** A zero-filled array on a buffer that can be resized. */
export function resizable(length: number): Float32Array {
  const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;
  return new Float32Array(new Resizable(4 * length, { maxByteLength: 8 * length }));
}

/** The memories made from now on: how many, and how many are still there. Those of more than `limit` bytes are refused. */
export function watchMemories(backend: "wasm" | "js", limit = Infinity) {
  const [holder, key] = backend === "wasm" ? [WebAssembly, "Memory"] : [globalThis, "ArrayBuffer"];
  const original = Reflect.get(holder, key) as new (...args: unknown[]) => object;
  const refs: WeakRef<object>[] = [];
  const watched = new Proxy(original, {
    construct(target, [size, ...rest]) {
      const bytes = typeof size === "number" ? size : size.initial * 65536;
      if (bytes > limit) throw new RangeError("out of memory");
      const memory = new target(size, ...rest);
      refs.push(new WeakRef(memory));
      return memory;
    },
  });
  Reflect.set(holder, key, watched);
  return {
    get made() {
      return refs.length;
    },
    get live() {
      return refs.filter((ref) => ref.deref() !== undefined).length;
    },
    stop: () => Reflect.set(holder, key, original),
  };
}
