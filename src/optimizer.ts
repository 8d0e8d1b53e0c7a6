/// <reference lib="esnext.disposable" preserve="true" />
import { describe, isObject } from "./check.js";
import { Core } from "./core.js";
import type { Guard, NonFinite } from "./guard.js";
import { planMove, setFrozen } from "./regroup.js";
import type { Dtype, Kind } from "./rule.js";
import {
  type LoadOptions,
  type LoadResult,
  planLoad,
  type StateDict,
  type StateDictOptions,
  saveState,
} from "./state-dict.js";
import type {
  ByName,
  Grads,
  GroupView as GroupOf,
  Hyperparameters,
  Known,
  NamesOf,
  ParamSet,
  Setting,
  Settings,
  StateView,
  View,
} from "./types.js";

type Views<N extends string, D extends Dtype> = ByName<N, View<D>>;
type States<N extends string, D extends Dtype, H> = ByName<N, { readonly [slot: string]: StateView<D, Known<H>> }>;

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
  readonly #core: Core;

  /** @internal */
  constructor(kind: Kind, params: unknown, options: unknown) {
    this.#core = new Core(kind, params, options);
    this.dtype = this.#core.dtype as D;
    this.backend = this.#core.backend.name;
  }

  /** @internal What functions on optimizers work with. */
  static core(optimizer: unknown, who: string, what = "an optimizer"): Core {
    if (isObject(optimizer) && #core in optimizer) return optimizer.#core.checkAlive();
    throw new TypeError(`${who}: expected ${what}, got ${describe(optimizer)}`);
  }

  /** Views on the parameters, by name. An array that you handed over is shown itself. */
  get params(): Views<N, D> {
    return this.#core.checkAlive().shown.params as Views<N, D>;
  }

  /** Views on the gradients: write them here, or hand them to `step`. */
  get grads(): Views<N, D> {
    return this.#core.checkAlive().shown.grads as Views<N, D>;
  }

  /** Views on the state, by parameter and slot. */
  get state(): States<N, D, H> {
    return this.#core.checkAlive().shown.state as States<N, D, H>;
  }

  /** The shapes of the parameters, by name. */
  get shapes(): ByName<N, readonly number[]> {
    return this.#core.checkAlive().shown.shapes as ByName<N, readonly number[]>;
  }

  /** The groups, each with its `names` and its options as properties, read at every step. */
  get groups(): readonly [GroupOf<H, N>, ...GroupOf<H, N>[]] {
    return this.#core.checkAlive().groupViews as unknown as readonly [GroupOf<H, N>, ...GroupOf<H, N>[]];
  }

  /** The number of steps taken. */
  get steps(): number {
    return this.#core.clock.steps;
  }

  /** How many threads share the work of large steps: what you asked for, or 1 where that cannot be had. */
  get threads(): number {
    return this.#core.backend.crew?.threads ?? 1;
  }

  /** Bytes of memory that the optimizer holds, without your own arrays. */
  get bytes(): number {
    return this.#core.groups.reduce((sum, group) => sum + group.store.bytes, 0);
  }

  /**
   * One optimizer step over all parameters, with the gradients in `grads`, or with arrays handed over: one for each parameter,
   * of its length and the optimizer's dtype. After an error nothing has changed.
   */
  step(grads?: Grads<N, D>): this {
    Optimizer.core(this, "step").step(grads);
    return this;
  }

  /**
   * A step that leaves the calling thread free where it can: workers run the kernels of large groups. Gradients that are handed over,
   * the caller's own arrays and rules of whole tensors are done in the call. Until it resolves, leave parameters, gradients and state
   * alone.
   */
  async stepAsync(grads?: Grads<N, D>): Promise<this> {
    const step = () => this.step(grads);
    const { crew } = this.#core.backend;
    return crew ? crew.stepAsync(step) : step();
  }

  /** Sets all gradients to zero. */
  zeroGrad(): this {
    for (const { grads } of this.#core.checkIdle("zeroGrad").tensors) grads.fill(0);
    return this;
  }

  get #guard(): Guard {
    return this.#core.checkAlive().guard;
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
    return this.#core.guard.gradNorm;
  }

  /** How many steps were left out because of gradients that were not finite. */
  get skipped(): number {
    return this.#core.guard.skipped;
  }

  /** Shows the averages in the parameters, until `restore`. Steps and state dicts wait for that. */
  swap(): this {
    this.#core.swap(true);
    return this;
  }

  /** Puts the parameters back that `swap` took away, if it did. */
  restore(): this {
    this.#core.swap(false);
    return this;
  }

  /**
   * Has steps leave parameters alone, and their state: one by name, or several. `step` needs no gradients of theirs; where types
   * ask for one, `opt.grads` has it.
   */
  freeze(names: N | readonly N[]): this {
    setFrozen("freeze", this.#core, names, true);
    return this;
  }

  /** Has steps move parameters again. */
  unfreeze(names: N | readonly N[]): this {
    setFrozen("unfreeze", this.#core, names, false);
    return this;
  }

  /** The names of the parameters that are frozen. */
  get frozen(): readonly N[] {
    return this.#core
      .checkAlive()
      .tensors.filter(({ frozen }) => frozen)
      .map(({ name }) => name as N);
  }

  /**
   * Moves parameters to the group of that index, with their state; views stay valid. A bias correction counts the steps of the
   * group, so that group must have taken as many steps, or have no parameters yet.
   */
  move(names: N | readonly N[], group: number): this {
    this.planMove(names, group)();
    return this;
  }

  /** @internal Checks a move, and returns what does it. */
  planMove(names: unknown, group: unknown): () => void {
    return planMove("move", this.#core, names, group);
  }

  /** Adds a group: `{ params, ...options }`. What it leaves open is as given to the constructor; its own step count starts at 1. */
  addGroup<const P extends ParamSet>(
    group: { readonly params: P } & Settings<H>,
  ): Optimizer<N | NamesOf<P>, D, H> & Hyperparameters<H> {
    this.extend(group);
    return this as unknown as ReturnType<typeof this.addGroup<P>>;
  }

  /** @internal Adds a group, and returns what takes it away again. */
  extend(group: unknown): () => void {
    return this.#core.checkIdle("addGroup").addGroup(group);
  }

  /** A copy of everything a resumed run needs, parameters included, keyed by parameter name; with `copy: false`, views on it. */
  stateDict(options: StateDictOptions = {}): StateDict {
    this.#core.checkWhole("stateDict");
    return saveState(this.#core, options);
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
    const core = this.#core;
    core.checkRestored("loadStateDict");
    const { crew } = core.backend;
    const load = planLoad(core, dict, options);
    return crew ? () => crew.loaded(dict, load()) : load;
  }

  /**
   * Gives the memory back. Afterwards only what was counted can be read: `steps`, `skipped`, `gradNorm`, and `bytes`, which is 0; the
   * rest throws, and views must not be used. Your own arrays are yours.
   */
  dispose(): void {
    this.#core.dispose();
  }
}
