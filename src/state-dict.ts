import { checkFlag, checkKnown, defined, describe, isNumbers, isObject, isRecord, smallOf } from "./check.js";
import type { Group } from "./group.js";
import { isDtype } from "./params.js";
import type { Numbers, Reals } from "./real.js";
import type { Dtype, Kind, Value } from "./rule.js";
import { type Clock, haveSameSlots } from "./settings.js";
import type { Placed } from "./store.js";

/** A copy of an optimizer's progress: plain data on ordinary, transferable buffers. */
export interface StateDict {
  readonly version: 1;
  /** The canonical name of the optimizer. */
  readonly optimizer: string;
  readonly dtype: Dtype;
  readonly steps: number;
  /** How many gradients are summed up for the next step, where several calls make one. */
  readonly accumulated?: number;
  readonly groups: readonly {
    readonly names: readonly string[];
    readonly steps: number;
    /** Which of its parameters steps have moved, unless it is none before the first step, and all after it. */
    readonly moved?: readonly string[];
    readonly options: Readonly<Record<string, Value>>;
    /** What the rule remembers beside the state of the parameters, if anything. */
    readonly memory?: Readonly<Record<string, number>>;
  }[];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** The parameters. A dict without them leaves the parameters as they are. */
  readonly params?: Readonly<Record<string, Reals>>;
  /** State by parameter and slot. */
  readonly state: Readonly<Record<string, Readonly<Record<string, Numbers>>>>;
}

export interface StateDictOptions {
  /** Whether arrays are copied. If not, they are the optimizer's own views, which the next step changes. Default true. */
  readonly copy?: boolean;
}

export interface LoadOptions {
  /** Whether every tensor must be there and none besides; if not, they are returned. Default true. */
  readonly strict?: boolean;
  /** Whether to keep the hyperparameters of the optimizer instead of the saved ones. Default false. */
  readonly keepHyperparameters?: boolean;
  /** Whether a dict of the other dtype is rounded or widened. Default false. */
  readonly convert?: boolean;
}

/** What a load with `strict: false` did not find in the dict, and what it did not use. */
export interface LoadResult {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** What is saved and loaded. */
export interface Progress {
  readonly kind: Kind;
  readonly dtype: Dtype;
  readonly clock: Clock;
  readonly groups: readonly Group[];
  /** In the order of the parameters. */
  readonly tensors: readonly Placed[];
}

export function saveState({ kind, dtype, clock, groups, tensors }: Progress, options: StateDictOptions): StateDict {
  const copy = readCopy(options);
  const each = <T>(pick: (tensor: Placed) => T) =>
    Object.fromEntries(tensors.map((tensor) => [tensor.name, pick(tensor)]));
  return {
    version: 1,
    optimizer: kind.rule.name.toLowerCase(),
    dtype,
    steps: clock.steps,
    ...(clock.called > 0 && { accumulated: clock.called }),
    groups: groups.map(({ names, steps, moved, settings, memory }) => {
      return { names: [...names], steps, ...(moved && { moved }), options: settings.now(), memory: { ...memory } };
    }),
    shapes: each(({ shape }) => [...shape]),
    params: each(({ params }) => (copy ? copyOf(params, dtype) : params)),
    state: stateOf(tensors, copy),
  };
}

/** The state by parameter and slot, copied or not. */
export function stateOf(tensors: readonly Placed[], copy: boolean): Record<string, Record<string, Numbers>> {
  const slots = ({ name, state }: Placed) => {
    return [name, Object.fromEntries(Object.entries(state).map(([slot, x]) => [slot, copy ? x.slice() : x]))];
  };
  return Object.fromEntries(tensors.map(slots));
}

/** Whether `stateDict` is to copy. */
export function readCopy(options: StateDictOptions): boolean {
  return readFlags("stateDict", options, { copy: true }).copy;
}

function readFlags<T extends Readonly<Record<string, boolean>>>(who: string, options: object, known: T): T {
  if (!isRecord(options)) throw new TypeError(`${who}: options must be an object, got ${describe(options)}`);
  checkKnown(who, options, known);
  const flags = { ...known, ...defined(options) };
  for (const [name, flag] of Object.entries(flags)) checkFlag(who, name, flag);
  return flags;
}

/** Reads a dict: everything is checked and gathered first; what is returned writes it. */
export function planLoad(progress: Progress, dict: StateDict, options: LoadOptions): () => LoadResult {
  const { strict, keepHyperparameters, convert } = readFlags("loadStateDict", options, {
    strict: true,
    keepHyperparameters: false,
    convert: false,
  });
  checkKind(progress, dict, convert);
  const plan = new Plan(progress, dict);
  for (const tensor of progress.tensors) plan.tensor(tensor);
  for (const [i, group] of progress.groups.entries()) plan.group(progress, group, keepHyperparameters, i);
  plan.unexpectedTensors(progress);
  const { missing, unexpected, problems } = plan;
  if (strict && missing.length > 0) problems.push(`missing ${quoted(missing)}`);
  if (strict && unexpected.length > 0) problems.push(`unexpected ${quoted(unexpected)}`);
  if (problems.length > 0) throw new RangeError(`loadStateDict: ${problems.join("; ")}`);
  return () => {
    for (const write of plan.writes) write();
    for (const { state } of progress.tensors) if (plan.lacked.has(state.gradSum)) state.gradSum.fill(0);
    progress.clock.steps = dict.steps;
    progress.clock.called = dict.accumulated ?? 0;
    return { missing, unexpected };
  };
}

function checkKind({ kind, dtype, clock }: Progress, dict: StateDict, convert: boolean): void {
  const must = (holds: boolean, what: string, expected: string, got: unknown): void => {
    if (!holds) throw new TypeError(`loadStateDict: ${what} must be ${expected}, got ${describe(got)}`);
  };
  const mustBeRecord = (what: string, got: unknown) => must(isRecord(got), what, "a record", got);
  must(isObject(dict), "the state dict", "an object", dict);
  must(dict.version === 1, "version", "1", dict.version);
  const name = kind.rule.name.toLowerCase();
  must(dict.optimizer === name, "optimizer", `"${name}"`, dict.optimizer);
  must(isDtype(dict.dtype), "dtype", '"f32" or "f64"', dict.dtype);
  must(dict.dtype === dtype || convert, "dtype", `"${dtype}" (or pass convert: true)`, dict.dtype);
  must(isCount(dict.steps), "steps", "a whole number >= 0", dict.steps);
  const { accumulated = 0 } = dict;
  const fits = isCount(accumulated) && accumulated < clock.calls;
  must(fits, "accumulated", `a whole number below accumulate, ${clock.calls}`, accumulated);
  must(Array.isArray(dict.groups), "groups", "an array", dict.groups);
  for (const [i, group] of dict.groups.entries()) {
    mustBeRecord(`group ${i}`, group);
    must(Array.isArray(group.names), `names of group ${i}`, "an array", group.names);
    must(Array.isArray(group.moved ?? []), `moved of group ${i}`, "an array", group.moved);
    mustBeRecord(`options of group ${i}`, group.options);
    mustBeRecord(`memory of group ${i}`, group.memory ?? {});
  }
  mustBeRecord("state", dict.state);
  mustBeRecord("shapes", dict.shapes);
  mustBeRecord("params", dict.params === undefined ? {} : dict.params);
  for (const [name, slots] of Object.entries(dict.state)) mustBeRecord(`state of "${name}"`, slots);
}

class Plan {
  readonly missing: string[] = [];
  readonly unexpected: string[] = [];
  readonly problems: string[] = [];
  readonly writes: (() => void)[] = [];
  /** The arrays that the dict lacks. */
  readonly lacked = new Set<Numbers>();
  readonly #dict: StateDict;
  /** The memory that is written to: what a dict has there is copied first. */
  readonly #written: ReadonlySet<ArrayBufferLike>;

  constructor({ tensors }: Progress, dict: StateDict) {
    this.#dict = dict;
    this.#written = new Set(tensors.flatMap((one) => [one.params, ...Object.values(one.state)].map((x) => x.buffer)));
  }

  tensor(tensor: Placed): void {
    const { name, shape, state } = tensor;
    const { shapes, params } = this.#dict;
    const slots = own(this.#dict.state, name);
    if (slots === undefined) {
      this.missing.push(name);
      for (const x of Object.values(state)) this.lacked.add(x);
      return;
    }
    const saved = own(shapes, name);
    if (saved !== undefined && showShape(saved) !== showShape(shape)) {
      this.problems.push(`"${name}" has shape ${showShape(saved)}, expected ${showShape(shape)}`);
      return;
    }
    for (const slot of Object.keys(state))
      this.#copy(`${name}.${slot}`, state[slot], own(slots, slot), state[slot].length);
    for (const slot of Object.keys(slots)) if (!Object.hasOwn(state, slot)) this.unexpected.push(`${name}.${slot}`);
    if (params) this.#copy(name, tensor.params, own(params, name), tensor.length);
  }

  unexpectedTensors({ tensors }: Progress): void {
    const names = new Set(Object.keys({ ...this.#dict.state, ...this.#dict.params }));
    for (const { name } of tensors) names.delete(name);
    this.unexpected.push(...names);
  }

  group({ kind, clock }: Progress, group: Group, keep: boolean, index: number): void {
    const saved = this.#dict.groups.filter(({ names }) => group.names.some((name) => names.includes(name)));
    const some = group.names.filter((name) => own(this.#dict.state, name) !== undefined);
    const same = this.#dict.groups[index];
    const empty = group.names.length === 0 && same?.names.length === 0;
    if (some.length === 0 && !empty) return;
    const [first, ...more] = empty ? [same] : saved;
    if (!first || !more.every((other) => isAlike(first, other, keep))) {
      this.problems.push(
        `parameters ${quoted(some)} must have been in one group, or in groups that were alike, ` +
          `got ${saved.length} of ${this.#dict.groups.length} groups`,
      );
      return;
    }
    const { steps, options, memory = {} } = first;
    if (!isCount(steps)) this.problems.push(`the steps of a group must be a whole number >= 0, got ${describe(steps)}`);
    for (const name of Object.keys(group.memory)) {
      if (typeof own(memory, name) !== "number") this.missing.push(`memory.${name}`);
      else this.writes.push(() => Object.assign(group.memory, { [name]: memory[name] }));
    }
    const isMoved = (name: string) => {
      const { moved } = this.#dict.groups.find(({ names }) => names.includes(name)) ?? {};
      return moved ? moved.includes(name) : steps > 0;
    };
    this.writes.push(() => group.resume(steps, isMoved, this.lacked));
    if (keep) return;
    try {
      checkKnown(kind.rule.name, options, kind.defaults);
      const kept = { ...options, ...Object.fromEntries(group.settings.schedules) };
      const { values, kernel, states, decay } = group.settings.like(kept, { ...clock, steps: this.#dict.steps });
      const { settings } = group;
      const differs = kernel !== settings.kernel || decay !== settings.decay || !haveSameSlots(states, settings.states);
      for (const [name, now] of Object.entries(settings.values)) {
        const saved = values[name];
        const fits = typeof now === "number" ? !differs || (saved === 0) === (now === 0) : saved === now;
        const expected = typeof now === "number" && now !== 0 ? "not 0" : describe(now);
        if (!fits) this.problems.push(`${name} is ${describe(saved)}, expected ${expected}`);
      }
      this.writes.push(() => settings.adopt(values));
    } catch (error) {
      this.problems.push((error as Error).message);
    }
  }

  #copy(name: string, to: Numbers, from: unknown, length: number): void {
    // codes are the same in both dtypes
    const type = smallOf(to) ?? this.#dict.dtype;
    if (from === undefined) {
      this.missing.push(name);
      this.lacked.add(to);
    } else if (!isNumbers(from, type)) this.problems.push(`"${name}" is ${describe(from)}, expected ${type}`);
    else if (from.length !== length) this.problems.push(`"${name}" has length ${from.length}, expected ${length}`);
    else if (to.length !== length) this.problems.push(`parameter "${name}" was transferred away`);
    // a stream may have written there already
    else if (from !== to) {
      const source = this.#written.has(from.buffer) ? from.slice() : from;
      this.writes.push(() => to.set(source));
    }
  }
}

type SavedGroup = StateDict["groups"][number];

/** Whether groups can go on as one: they took as many steps with the same options, and remember the same. */
function isAlike(a: SavedGroup, b: SavedGroup, keepHyperparameters: boolean): boolean {
  const same = isSameRecord(a.memory ?? {}, b.memory ?? {}) && a.steps === b.steps;
  return same && (keepHyperparameters || isSameRecord(a.options, b.options));
}

function isSameRecord(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.is(a[name], own(b, name)));
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** A copy on a buffer of its own, whatever class the array is of. */
function copyOf(array: Reals, dtype: Dtype): Reals {
  return dtype === "f32" ? new Float32Array(array) : new Float64Array(array);
}

function showShape(shape: unknown): string {
  return Array.isArray(shape) ? `[${shape.map(describe)}]` : describe(shape);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
