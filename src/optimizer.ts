/// <reference lib="esnext.disposable" preserve="true" />
import { type Backend, openBackend } from "./backend.js";
import { checkKnown, describe } from "./check.js";
import { checkAttached, takeGradients } from "./gradients.js";
import { Group, GroupView } from "./group.js";
import { checkDistinct, chooseDtype, type GroupSpec, readGroup, readGroups } from "./params.js";
import type { Reals } from "./real.js";
import type { Dtype, Kind } from "./rule.js";
import { type Clock, GroupSettings } from "./settings.js";
import {
  type LoadOptions,
  type LoadResult,
  type Progress,
  planLoad,
  type StateDict,
  type StateDictOptions,
  saveState,
} from "./state-dict.js";
import type { Placed } from "./store.js";
import type {
  ByName,
  Grads,
  GroupView as GroupOf,
  Hyperparameters,
  NamesOf,
  ParamSet,
  Settings,
  StateView,
  View,
} from "./types.js";

type Views<N extends string, D extends Dtype> = ByName<N, View<D>>;
type States<N extends string, D extends Dtype, H> = ByName<N, { readonly [slot: string]: StateView<D, H> }>;

/**
 * What every optimizer is: parameters, gradients and state in memory that the kernels run on, and one step over all of them.
 * `N` are the parameters' names, `D` the dtype, `H` the options of the rule.
 */
export class Optimizer<N extends string = string, D extends Dtype = Dtype, H = unknown> {
  /** Where the loops run. */
  readonly backend: "wasm" | "js";
  readonly dtype: D;
  /** `dispose`, for `using`, where the engine has it. */
  declare readonly [Symbol.dispose]: () => void;
  readonly #kind: Kind;
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #backend: Backend;
  readonly #clock: Clock = { steps: 0 };
  #groups: Group[] = [];
  #groupViews: readonly GroupView[] = [];
  #tensors: readonly Placed[] = [];
  readonly #gradients: Reals[] = [];
  #numbered = 0;
  #params = {} as Views<N, D>;
  #grads = {} as Views<N, D>;
  #state = {} as States<N, D, H>;
  #disposed = false;

  /** @internal */
  constructor(kind: Kind, params: unknown, options: unknown) {
    const who = kind.rule.name;
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`${who}: options must be an object, got ${describe(options)}`);
    }
    const { dtype, backend = "auto", ...rest } = options as Record<string, unknown>;
    checkKnown(who, rest, kind.defaults, ["dtype", "backend"]);
    const specs = readGroups(who, params);
    this.#kind = kind;
    this.#options = defined(rest);
    this.dtype = chooseDtype(
      who,
      dtype,
      specs.flatMap(({ tensors }) => tensors),
    ) as D;
    this.#backend = openBackend(who, backend, this.dtype);
    this.backend = this.#backend.name;
    this.#add(specs);
  }

  /** Views on the parameters, by name. An array that you handed over is shown itself. */
  get params(): Views<N, D> {
    this.#checkAlive();
    return this.#params;
  }

  /** Views on the gradients: write them here, or hand them to `step`. */
  get grads(): Views<N, D> {
    this.#checkAlive();
    return this.#grads;
  }

  /** Views on the state, by parameter and slot. */
  get state(): States<N, D, H> {
    this.#checkAlive();
    return this.#state;
  }

  /** The groups, each with its `names` and its options as properties, read at every step. */
  get groups(): readonly GroupOf<H, N>[] {
    return this.#groupViews as unknown as readonly GroupOf<H, N>[];
  }

  /** The number of steps taken. */
  get steps(): number {
    return this.#clock.steps;
  }

  /** Bytes of memory that the optimizer holds, without your own arrays. */
  get bytes(): number {
    return this.#groups.reduce((sum, group) => sum + group.store.bytes, 0);
  }

  /**
   * One optimizer step over all parameters, with the gradients in `grads`, or with arrays handed over: one for each parameter,
   * of its length and the optimizer's dtype. After an error nothing has changed.
   */
  step(grads?: Grads<N, D>): this {
    const given = this.#take("step", grads);
    const groups = this.#groups;
    const { passes, refuse, clip, once } = this.#kind;
    if (refuse) this.#checkReady();
    const scale = clip ? this.#clip(given) : 1;
    for (let i = 0; i < groups.length; i++) groups[i].begin();
    for (let pass = 0; pass < passes.length; pass++) {
      const { when, before, after } = passes[pass];
      const { memory, settings, steps } = groups[0];
      if (when && !when(memory)) continue;
      before?.(memory, settings.values, steps);
      for (let i = 0; i < groups.length; i++) groups[i].step(pass, scale, given);
      after?.(memory, settings.values, steps);
    }
    if (once) for (let i = 0; i < groups.length; i++) groups[i].settings.forget(once);
    this.#clock.steps++;
    return this;
  }

  /** Throws if the rule refuses the next step. */
  #checkReady(): void {
    const { rule, refuse } = this.#kind;
    for (const { settings, memory } of this.#groups) {
      const why = refuse?.(settings.values, memory);
      if (why) throw new Error(`${rule.name}: ${why}`);
    }
  }

  /** What multiplies all gradients. */
  #clip(given: boolean): number {
    for (let i = 0; i < this.#tensors.length; i++) {
      const tensor = this.#tensors[i];
      this.#gradients[i] = given ? (tensor.given as Reals) : tensor.grads;
    }
    return this.#kind.clip?.(this.#groups[0].settings.values, this.#gradients) ?? 1;
  }

  /** Sets all gradients to zero. */
  zeroGrad(): this {
    this.#checkAlive();
    for (const { grads } of this.#tensors) grads.fill(0);
    return this;
  }

  /** Adds a group: `{ params, ...options }`. What it leaves open is as given to the constructor; its own step count starts at 1. */
  addGroup<const P extends ParamSet>(
    group: { readonly params: P } & Partial<Settings<H>>,
  ): Optimizer<N | NamesOf<P>, D, H> & Hyperparameters<H> {
    this.#checkAlive();
    this.#add([readGroup(this.#kind.rule.name, group, this.#numbered)]);
    return this as unknown as ReturnType<typeof this.addGroup<P>>;
  }

  /** A copy of everything a resumed run needs, parameters included, keyed by parameter name; with `copy: false`, views on it. */
  stateDict(options: StateDictOptions = {}): StateDict {
    this.#checkAlive();
    checkAttached("stateDict", this.#tensors);
    return saveState(this.#progress(), options);
  }

  /**
   * Takes over a state dict of the same optimizer, parameters included if it has them. It is checked whole before anything
   * changes; a scheduled hyperparameter keeps its schedule.
   */
  loadStateDict(dict: StateDict, options: LoadOptions = {}): LoadResult {
    return this.plan(dict, options)();
  }

  /** @internal Reads a state dict, and returns what loads it. */
  plan(dict: StateDict, options: LoadOptions): () => LoadResult {
    this.#checkAlive();
    return planLoad(this.#progress(), dict, options);
  }

  /** Gives the memory back. The optimizer and its views must not be used afterwards; your own arrays are yours. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { store } of this.#groups) store.release();
    // whoever still holds the optimizer does not hold its memory
    this.#groups = [];
    this.#tensors = [];
    this.#gradients.length = 0;
    this.#params = this.#grads = {} as Views<N, D>;
    this.#state = {} as States<N, D, H>;
  }

  static {
    // engines without explicit resource management have no such symbol
    if (Symbol.dispose) {
      Object.defineProperty(Optimizer.prototype, Symbol.dispose, { value: Optimizer.prototype.dispose });
    }
  }

  /** @internal Sets a hyperparameter in all groups, or in none. */
  static assign(optimizer: Optimizer, name: string, value: unknown): void {
    optimizer.#checkAlive();
    const restorers = optimizer.#groups.map(({ settings }) => settings.restorer(name));
    try {
      for (const { settings } of optimizer.#groups) settings.set(name, value);
    } catch (error) {
      for (const restore of restorers) restore();
      throw error;
    }
  }

  /** @internal Runs a method of the rule's, with the gradients that `step` would take. */
  static call(optimizer: Optimizer, method: string, grads: unknown): void {
    const given = optimizer.#take(method, grads);
    for (const group of optimizer.#groups) group.store.call?.(method, group.steps, given);
  }

  /** Takes the gradients handed to a method, if they are no views of ours, and says whether; brings schedules up to date. */
  #take(method: string, grads: unknown): boolean {
    this.#checkAlive();
    const given = grads !== undefined && grads !== this.#grads;
    checkAttached(method, this.#tensors);
    if (given) takeGradients(method, this.#tensors, this.dtype, grads);
    const groups = this.#groups;
    for (let i = 0; i < groups.length; i++) {
      if (groups[i].settings.schedules.size > 0) groups[i].settings.follow();
    }
    return given;
  }

  /** @internal What functions on optimizers work with. */
  static inside(optimizer: Optimizer, who: string): Progress & { readonly backend: Backend } {
    if (!(#kind in optimizer)) throw new TypeError(`${who}: expected an optimizer, got ${describe(optimizer)}`);
    optimizer.#checkAlive();
    return { ...optimizer.#progress(), backend: optimizer.#backend };
  }

  /** @internal The same; schedules are up to date, and the rule does not refuse a step. */
  static ready(optimizer: Optimizer, who: string): Progress & { readonly backend: Backend } {
    const inside = Optimizer.inside(optimizer, who);
    Optimizer.check(optimizer, who);
    return inside;
  }

  /** @internal Brings schedules up to date; throws if a step without gradients handed over would. */
  static check(optimizer: Optimizer, who: string): void {
    optimizer.#take(who, undefined);
    optimizer.#checkReady();
  }

  /** @internal Sets all state back to what it starts from; parameters, options and the number of steps stay. */
  static restart(optimizer: Optimizer): void {
    for (const group of optimizer.#groups) group.restart(optimizer.#kind.memory(group.settings, undefined));
  }

  #progress(): Progress {
    return { kind: this.#kind, dtype: this.dtype, clock: this.#clock, groups: this.#groups };
  }

  #add(specs: readonly GroupSpec[]): void {
    const { rule, defaults, accessors } = this.#kind;
    const added = specs.flatMap(({ tensors }) => tensors);
    if ("minimize" in rule && this.#groups.length + specs.length > 1) {
      throw new RangeError(`${rule.name}: expected one group of parameters, got ${this.#groups.length + specs.length}`);
    }
    checkDistinct(rule.name, [...this.#tensors, ...added]);
    chooseDtype(rule.name, this.dtype, added);
    const settings = specs.map(({ overrides, tensors }) => {
      checkKnown(rule.name, overrides, defaults);
      const options = { ...this.#options, ...defined(overrides) };
      return new GroupSettings(this.#kind, options, this.#clock, this.#kind.seen(tensors));
    });
    const groups: Group[] = [];
    try {
      for (const [i, { tensors }] of specs.entries()) {
        const names = tensors.map(({ name }) => name);
        const memory = this.#kind.memory(settings[i], [...this.#groups, ...groups][0]?.memory);
        const store = this.#kind.store(settings[i], memory, this.#backend, this.dtype, tensors);
        groups.push(new Group(names, settings[i], memory, store));
      }
    } catch (error) {
      for (const { store } of groups) store.release();
      throw error;
    }
    this.#numbered += specs.reduce((sum, { numbered }) => sum + numbered, 0);
    this.#groups = [...this.#groups, ...groups];
    this.#groupViews = Object.freeze(this.#groups.map((group) => new GroupView(group, accessors)));
    this.#tensors = this.#groups.flatMap(({ names, store }) => inOrder(names, store.tensors));
    this.#params = record(this.#tensors, ({ params }) => params) as Views<N, D>;
    this.#grads = record(this.#tensors, ({ grads }) => grads) as Views<N, D>;
    this.#state = record(this.#tensors, ({ state }) => state) as States<N, D, H>;
  }

  #checkAlive(): void {
    if (this.#disposed) throw new Error(`${this.#kind.rule.name}: used after dispose()`);
  }
}

function defined(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function inOrder(names: readonly string[], tensors: readonly Placed[]): Placed[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return names.map((name) => byName.get(name) as Placed);
}

function record<T>(tensors: readonly Placed[], pick: (tensor: Placed) => T): Readonly<Record<string, T>> {
  return Object.freeze(Object.fromEntries(tensors.map((tensor) => [tensor.name, pick(tensor)])));
}
