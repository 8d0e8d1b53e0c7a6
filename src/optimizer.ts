/// <reference lib="esnext.disposable" preserve="true" />
import { type Backend, openBackend } from "./backend.js";
import { checkChoice, checkKnown, describe } from "./check.js";
import { checkAttached, takeGradients } from "./gradients.js";
import { Group, GroupView } from "./group.js";
import { Guard, guards, type NonFinite } from "./guard.js";
import { checkDistinct, chooseDtype, type GroupSpec, readGroup, readGroups } from "./params.js";
import { moveTensors, setFrozen } from "./regroup.js";
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
import type { Placed, Source } from "./store.js";
import type {
  ByName,
  Grads,
  GroupView as GroupOf,
  Hyperparameters,
  NamesOf,
  ParamSet,
  Setting,
  Settings,
  StateView,
  View,
} from "./types.js";

type Views<N extends string, D extends Dtype> = ByName<N, View<D>>;
type States<N extends string, D extends Dtype, H> = ByName<N, { readonly [slot: string]: StateView<D, H> }>;

/** What functions on optimizers work with. */
interface Inside extends Progress {
  readonly backend: Backend;
  readonly guard: Guard;
}

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
  readonly #clock: Clock;
  readonly #guard: Guard;
  readonly #inside: { groups: readonly Group[]; tensors: readonly Placed[] } = { groups: [], tensors: [] };
  #groupViews: readonly GroupView[] = [];
  #numbered = 0;
  #params = {} as Views<N, D>;
  #grads = {} as Views<N, D>;
  #state = {} as States<N, D, H>;
  #disposed = false;
  #swapped = false;

  /** @internal */
  constructor(kind: Kind, params: unknown, options: unknown) {
    const who = kind.rule.name;
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`${who}: options must be an object, got ${describe(options)}`);
    }
    const {
      dtype,
      backend = "auto",
      threads = 1,
      accumulate = 1,
      accumulation = "mean",
      ...rest
    } = options as Record<string, unknown>;
    // a rule that evaluates the loss itself takes all gradients as they are
    const guarded = "minimize" in kind.rule ? [] : guards.filter((name) => name in rest);
    const [guard, hyperparameters] = parted(rest, guarded);
    checkKnown(who, hyperparameters, kind.defaults, [
      "dtype",
      "backend",
      "threads",
      "accumulate",
      "accumulation",
      ...guards,
    ]);
    const specs = readGroups(who, params);
    this.#kind = kind;
    this.#options = defined(hyperparameters);
    this.#clock = { steps: 0, calls: checkCalls(kind, accumulate), called: 0 };
    const mean = checkChoice(who, "accumulation", accumulation, ["mean", "sum"]) === "mean";
    this.#guard = new Guard(kind, this.#clock, mean ? this.#clock.calls : 1, defined(guard));
    this.dtype = chooseDtype(
      who,
      dtype,
      specs.flatMap(({ tensors }) => tensors),
    ) as D;
    this.#backend = openBackend(who, backend, this.dtype, threads);
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

  /** How many threads share the work of large steps: what you asked for, or 1 where that cannot be had. */
  get threads(): number {
    return this.#inside.groups.reduce((most, { store }) => Math.max(most, store.threads), 1);
  }

  /** Bytes of memory that the optimizer holds, without your own arrays. */
  get bytes(): number {
    return this.#inside.groups.reduce((sum, group) => sum + group.store.bytes, 0);
  }

  /**
   * One optimizer step over all parameters, with the gradients in `grads`, or with arrays handed over: one for each parameter,
   * of its length and the optimizer's dtype. After an error nothing has changed.
   */
  step(grads?: Grads<N, D>): this {
    let source: Source = this.#take("step", grads) ? "given" : "grads";
    const guard = this.#guard;
    const clock = this.#clock;
    const { passes, refuse, once } = this.#kind;
    if (refuse) this.#checkReady();
    const groups = this.#inside.groups;
    if (guard.refuses(this.#inside, source)) return this;
    if (clock.calls > 1) {
      for (const { store } of groups) store.accumulate(clock.called === 0, guard.stages.clear, source);
      clock.called++;
      if (clock.called < clock.calls) return this;
      clock.called = 0;
      source = "gradSum";
    }
    guard.prepare(this.#inside, source);
    for (let i = 0; i < groups.length; i++) groups[i].begin();
    for (let pass = 0; pass < passes.length; pass++) {
      const { when, before, after } = passes[pass];
      const { memory, settings, steps } = groups[0];
      if (when && !when(memory)) continue;
      before?.(memory, settings.values, steps);
      for (let i = 0; i < groups.length; i++) groups[i].store.step(pass, groups[i].steps, guard.stages);
      after?.(memory, settings.values, steps);
    }
    if (once) for (let i = 0; i < groups.length; i++) groups[i].settings.forget(once);
    clock.steps++;
    return this;
  }

  /** Throws if the rule refuses the next step. */
  #checkReady(): void {
    const { rule, refuse } = this.#kind;
    for (const { settings, memory } of this.#inside.groups) {
      const why = refuse?.(settings.values, memory);
      if (why) throw new Error(`${rule.name}: ${why}`);
    }
  }

  /**
   * A step that leaves the calling thread free where it can: workers run the kernels of large groups. Until it resolves, leave
   * parameters, gradients and state alone.
   */
  async stepAsync(grads?: Grads<N, D>): Promise<this> {
    const step = () => this.step(grads);
    const { crew } = this.#backend;
    return crew ? crew.stepAsync(step) : step();
  }

  /** Sets all gradients to zero. */
  zeroGrad(): this {
    this.#checkAlive();
    for (const { grads } of this.#inside.tensors) grads.fill(0);
    return this;
  }

  /** What the gradients are divided by, such as a loss scale. A number or a schedule; default 1. */
  get gradScale(): number {
    return this.#guard.get("gradScale") as number;
  }

  set gradScale(value: Setting) {
    this.#guard.set("gradScale", value);
  }

  /** The norm of all gradients together that a step takes at most; undefined for any. A number or a schedule. */
  get clipNorm(): number | undefined {
    return this.#guard.get("clipNorm") as number | undefined;
  }

  set clipNorm(value: Setting | undefined) {
    this.#guard.set("clipNorm", value);
  }

  /** How far from zero a step takes a gradient at most; undefined for any. A number or a schedule. */
  get clipValue(): number | undefined {
    return this.#guard.get("clipValue") as number | undefined;
  }

  set clipValue(value: Setting | undefined) {
    this.#guard.set("clipValue", value);
  }

  /** What a step does about gradients that are not finite. */
  get nonFinite(): NonFinite {
    return this.#guard.get("nonFinite") as NonFinite;
  }

  set nonFinite(value: NonFinite) {
    this.#guard.set("nonFinite", value);
  }

  /** The norm of all gradients when a step last measured it, divided by `gradScale` and not clipped; NaN before. */
  get gradNorm(): number {
    return this.#guard.gradNorm;
  }

  /** How many steps were left out because of gradients that were not finite. */
  get skipped(): number {
    return this.#guard.skipped;
  }

  /** Shows the averages in the parameters, until `restore`. Steps and state dicts wait for that. */
  swap(): this {
    this.#checkAlive();
    const averaged = this.#inside.tensors.filter(({ state }) => "ema" in state);
    if (averaged.length === 0) {
      throw new RangeError(`swap: ${this.#kind.rule.name} has no averages, expected the option ema to be set`);
    }
    if (!this.#swapped) this.#exchange();
    return this;
  }

  /** Puts the parameters back that `swap` took away, if it did. */
  restore(): this {
    this.#checkAlive();
    if (this.#swapped) this.#exchange();
    return this;
  }

  /** Has steps leave parameters alone, and their state: one by name, or several. */
  freeze(names: N | readonly N[]): this {
    return this.#setFrozen("freeze", names, true);
  }

  /** Has steps move parameters again. */
  unfreeze(names: N | readonly N[]): this {
    return this.#setFrozen("unfreeze", names, false);
  }

  /** The names of the parameters that are frozen. */
  get frozen(): readonly N[] {
    return this.#inside.tensors.filter(({ frozen }) => frozen).map(({ name }) => name as N);
  }

  /**
   * Moves parameters to the group of that index, with their state; views stay valid. A bias correction counts the steps of the
   * group, so that group must have taken as many steps, or have no parameters yet.
   */
  move(names: N | readonly N[], group: number): this {
    this.#checkAlive();
    moveTensors("move", this.#inside, names, group);
    this.#show();
    return this;
  }

  #setFrozen(who: string, names: unknown, frozen: boolean): this {
    this.#checkAlive();
    const { rule } = this.#kind;
    if ("minimize" in rule) throw new TypeError(`${who}: ${rule.name} moves all parameters as one vector`);
    setFrozen(who, this.#inside, names, frozen);
    return this;
  }

  #exchange(): void {
    for (const { store, steps } of this.#inside.groups) {
      // before the first step there is no average
      for (const { params, state } of steps > 0 ? store.tensors : []) {
        if (!("ema" in state)) continue;
        const before = params.slice();
        params.set(state.ema);
        state.ema.set(before);
      }
    }
    this.#swapped = !this.#swapped;
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
    this.#checkRestored("stateDict");
    checkAttached("stateDict", this.#inside.tensors);
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
    this.#checkRestored("loadStateDict");
    const { crew } = this.#backend;
    const load = planLoad(this.#progress(), dict, options);
    return crew ? () => crew.loaded(dict, load()) : load;
  }

  /** Gives the memory back. The optimizer and its views must not be used afterwards; your own arrays are yours. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const { store } of this.#inside.groups) store.release();
    this.#backend.crew?.dispose();
    // whoever still holds the optimizer does not hold its memory
    this.#inside.groups = [];
    this.#inside.tensors = [];
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
    const restorers = optimizer.#inside.groups.map(({ settings }) => settings.restorer(name));
    try {
      for (const { settings } of optimizer.#inside.groups) settings.set(name, value);
    } catch (error) {
      for (const restore of restorers) restore();
      throw error;
    }
  }

  /** @internal Runs a method of the rule's, with the gradients that `step` would take. */
  static call(optimizer: Optimizer, method: string, grads: unknown): void {
    const source = optimizer.#take(method, grads) ? "given" : "grads";
    for (const group of optimizer.#inside.groups) group.store.call?.(method, group.steps, source);
  }

  /** Takes the gradients handed to a method, if they are no views of ours, and says whether; brings schedules up to date. */
  #take(method: string, grads: unknown): boolean {
    this.#checkAlive();
    this.#checkRestored(method);
    const given = grads !== undefined && grads !== this.#grads;
    checkAttached(method, this.#inside.tensors);
    if (given) takeGradients(method, this.#inside.tensors, this.dtype, grads);
    const groups = this.#inside.groups;
    for (let i = 0; i < groups.length; i++) {
      if (groups[i].settings.schedules.size > 0) groups[i].settings.follow();
    }
    return given;
  }

  /** @internal What functions on optimizers work with. */
  static inside(optimizer: Optimizer, who: string): Inside {
    if (!(#kind in optimizer)) throw new TypeError(`${who}: expected an optimizer, got ${describe(optimizer)}`);
    optimizer.#checkAlive();
    return {
      ...optimizer.#progress(),
      backend: optimizer.#backend.alone ?? optimizer.#backend,
      guard: optimizer.#guard,
    };
  }

  /** @internal The same; schedules are up to date, and the rule does not refuse a step. */
  static ready(optimizer: Optimizer, who: string): Inside {
    const inside = Optimizer.inside(optimizer, who);
    Optimizer.check(optimizer, who);
    return inside;
  }

  /** @internal Whether the gradients that a step of an optimizer would take are kept from it. */
  static refuses(optimizer: Optimizer, grads: unknown, guard: Guard): boolean {
    return guard.refuses(optimizer.#inside, optimizer.#take("step", grads) ? "given" : "grads");
  }

  /** @internal Brings schedules up to date; throws if a step without gradients handed over would. */
  static check(optimizer: Optimizer, who: string): void {
    optimizer.#take(who, undefined);
    optimizer.#checkReady();
  }

  /** @internal Sets all state back to what it starts from; parameters, options and the number of steps stay. */
  static restart(optimizer: Optimizer): void {
    for (const group of optimizer.#inside.groups) group.restart(optimizer.#kind.memory(group.settings, undefined));
  }

  #progress(): Progress {
    return { kind: this.#kind, dtype: this.dtype, clock: this.#clock, groups: this.#inside.groups };
  }

  #add(specs: readonly GroupSpec[]): void {
    const { rule, defaults, accessors } = this.#kind;
    const added = specs.flatMap(({ tensors }) => tensors);
    if ("minimize" in rule && this.#inside.groups.length + specs.length > 1) {
      throw new RangeError(
        `${rule.name}: expected one group of parameters, got ${this.#inside.groups.length + specs.length}`,
      );
    }
    checkDistinct(rule.name, [...this.#inside.tensors, ...added]);
    chooseDtype(rule.name, this.dtype, added);
    const settings = specs.map(({ overrides, tensors }) => {
      checkKnown(rule.name, overrides, defaults);
      const options = { ...this.#options, ...defined(overrides) };
      const names = tensors.map(({ name }) => name);
      return new GroupSettings(this.#kind, options, this.#clock, names, this.#kind.seen(tensors));
    });
    const groups: Group[] = [];
    try {
      for (const [i, { tensors }] of specs.entries()) {
        const memory = this.#kind.memory(settings[i], [...this.#inside.groups, ...groups][0]?.memory);
        const store = this.#kind.store(settings[i], memory, this.#backend, this.dtype, tensors);
        groups.push(new Group(settings[i], memory, store));
      }
    } catch (error) {
      for (const { store } of groups) store.release();
      throw error;
    }
    this.#numbered += specs.reduce((sum, { numbered }) => sum + numbered, 0);
    this.#inside.groups = [...this.#inside.groups, ...groups];
    this.#groupViews = Object.freeze(this.#inside.groups.map((group) => new GroupView(group, accessors)));
    this.#show();
  }

  /** Brings the records of views up to date with the groups. */
  #show(): void {
    this.#inside.tensors = this.#inside.groups.flatMap(({ names, store }) => inOrder(names, store.tensors));
    this.#params = record(this.#inside.tensors, ({ params }) => params) as Views<N, D>;
    this.#grads = record(this.#inside.tensors, ({ grads }) => grads) as Views<N, D>;
    this.#state = record(this.#inside.tensors, ({ state }) => state) as States<N, D, H>;
  }

  #checkRestored(method: string): void {
    if (this.#swapped) throw new Error(`${method}: the parameters show their averages, call restore() first`);
    this.#backend.crew?.check(method);
  }

  #checkAlive(): void {
    if (this.#disposed) throw new Error(`${this.#kind.rule.name}: used after dispose()`);
  }
}

/** The entries of those names, and the others. */
function parted(all: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const entries = Object.entries(all);
  const some = (wanted: boolean) => Object.fromEntries(entries.filter(([name]) => names.includes(name) === wanted));
  return [some(true), some(false)];
}

function checkCalls({ rule }: Kind, accumulate: unknown): number {
  if (typeof accumulate !== "number") {
    throw new TypeError(`${rule.name}: accumulate must be a number, got ${describe(accumulate)}`);
  }
  const most = "minimize" in rule ? 1 : Number.MAX_SAFE_INTEGER;
  if (!(Number.isInteger(accumulate) && accumulate >= 1 && accumulate <= most)) {
    throw new RangeError(`${rule.name}: accumulate must be a whole number in [1, ${most}], got ${accumulate}`);
  }
  return accumulate;
}

function defined(options: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function inOrder(names: readonly string[], tensors: readonly Placed[]): Placed[] {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return names.map((name) => byName.get(name) as Placed);
}

function record<T>(tensors: readonly Placed[], pick: (tensor: Placed) => T): Readonly<Record<string, T>> {
  return Object.freeze(Object.fromEntries(tensors.map((tensor) => [tensor.name, pick(tensor)])));
}
