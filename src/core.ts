import { type Backend, openBackend } from "./backend.js";
import { checkKnown, defined } from "./check.js";
import { checkAttached, takeGradients } from "./gradients.js";
import { Group, GroupView } from "./group.js";
import { Guard } from "./guard.js";
import { readOptions } from "./options.js";
import { checkDistinct, chooseDtype, type GroupSpec, readGroup, readGroups } from "./params.js";
import type { Numbers, Reals } from "./real.js";
import type { Dtype, Kind } from "./rule.js";
import { type Clock, GroupSettings } from "./settings.js";
import type { Placed, Source } from "./store.js";

/** The records of views by name, and the memory that the parameters are in. */
interface Shown {
  readonly params: Readonly<Record<string, Reals>>;
  readonly grads: Readonly<Record<string, Reals>>;
  readonly state: Readonly<Record<string, Readonly<Record<string, Numbers>>>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly buffers: ReadonlySet<ArrayBufferLike>;
}

/** What an optimizer is behind its interface: groups of parameters in memory, and how a step goes over them. */
export class Core {
  readonly kind: Kind;
  readonly dtype: Dtype;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly guard: Guard;
  /** While a step calls functions of the caller's, which are to leave the optimizer alone: the one method that they may call. */
  calling: "none" | "zeroGrad" | undefined;
  groups: readonly Group[] = [];
  tensors: readonly Placed[] = [];
  /** The tensors by name. */
  readonly named = new Map<string, Placed>();
  // made when they are asked for: where many groups are added one by one, to make them takes longer than all else
  #shown: Shown | undefined;
  #groupViews: readonly GroupView[] | undefined;
  readonly #options: Readonly<Record<string, unknown>>;
  #numbered = 0;
  #disposed = false;
  #swapped = false;

  constructor(kind: Kind, params: unknown, options: unknown) {
    const { dtype, backend, threads, foreign, clock, divisor, guard, hyperparameters } = readOptions(kind, options);
    const who = kind.rule.name;
    const specs = readGroups(who, params);
    this.kind = kind;
    this.#options = hyperparameters;
    this.clock = clock;
    this.guard = new Guard(kind, clock, divisor, guard);
    this.dtype = chooseDtype(
      who,
      dtype,
      specs.flatMap(({ tensors }) => tensors),
    );
    this.backend = openBackend(who, backend, this.dtype, threads, foreign);
    this.#add(specs);
  }

  /** Adds a group, and returns what takes it away again. */
  addGroup(group: unknown): () => void {
    const { groups } = this;
    const numbered = this.#numbered;
    this.#add([readGroup(this.kind.rule.name, group, numbered)]);
    return () => {
      this.groups[groups.length].store.release();
      this.#numbered = numbered;
      this.groups = groups;
      this.#groupViews = undefined;
      this.show();
    };
  }

  #add(described: readonly GroupSpec[]): void {
    const { rule, defaults } = this.kind;
    const { foreign } = this.backend;
    const specs = described.map((spec) => {
      return foreign ? { ...spec, tensors: spec.tensors.map((tensor) => foreign.locate(tensor)) } : spec;
    });
    const added = specs.flatMap(({ tensors }) => tensors);
    const count = this.groups.length + specs.length;
    if ("minimize" in rule && count > 1) throw new RangeError(`${rule.name}: expected one group, got ${count}`);
    checkDistinct(rule.name, added, this.named);
    chooseDtype(rule.name, this.dtype, added);
    const settings = specs.map(({ overrides, tensors }) => {
      checkKnown(rule.name, overrides, defaults);
      const options = { ...this.#options, ...defined(overrides) };
      const names = tensors.map(({ name }) => name);
      return new GroupSettings(this.kind, options, this.clock, names, this.kind.seen(tensors));
    });
    const groups: Group[] = [];
    try {
      for (const [i, { tensors }] of specs.entries()) {
        const memory = this.kind.memory(settings[i], (this.groups[0] ?? groups[0])?.memory);
        const store = this.kind.store(settings[i], memory, this.backend, this.dtype, tensors);
        groups.push(new Group(settings[i], memory, store));
      }
    } catch (error) {
      for (const { store } of groups) store.release();
      throw error;
    }
    for (const { numbered } of specs) this.#numbered += numbered;
    this.groups = [...this.groups, ...groups];
    this.#groupViews = undefined;
    this.#show(groups.flatMap(({ tensors }) => tensors));
  }

  /** The groups as an optimizer shows them. Made when they are asked for, because that costs as much as all else. */
  get groupViews(): readonly GroupView[] {
    this.#groupViews ??= Object.freeze(this.groups.map((group) => new GroupView(group, this.kind.accessors)));
    return this.#groupViews;
  }

  /** Brings what is known of all parameters up to date with the groups. */
  show(): void {
    this.tensors = [];
    this.named.clear();
    this.#show(this.groups.flatMap(({ tensors }) => tensors));
  }

  #show(more: readonly Placed[]): void {
    this.tensors = [...this.tensors, ...more];
    for (const tensor of more) this.named.set(tensor.name, tensor);
    this.#shown = undefined;
  }

  /** What an optimizer shows of its parameters. */
  get shown(): Shown {
    this.#shown ??= {
      params: record(this.tensors, "params"),
      grads: record(this.tensors, "grads"),
      state: record(this.tensors, "state"),
      shapes: record(this.tensors, "shape"),
      buffers: new Set(this.tensors.map(({ params }) => params.buffer)),
    };
    return this.#shown;
  }

  /** One step over all groups. */
  step(grads: unknown): void {
    const source = this.#take("step", grads);
    const { guard, clock, groups } = this;
    const { passes, refuse, once } = this.kind;
    const completes = clock.called === clock.calls - 1;
    if (completes) this.#follow();
    if (refuse) this.checkReady();
    if (guard.refuses(this, source, clock.called > 0)) {
      this.clear(source, guard);
      return;
    }
    if (this.renew()) throw new Error("step: memory has grown in a schedule, expected it between steps");
    if (clock.calls > 1) {
      const first = clock.called === 0;
      // those that are thawed before the step have no part in it until then
      if (first) for (const { frozen, state } of this.tensors) if (frozen) state.gradSum.fill(0);
      for (const { store } of groups) store.accumulate(first, guard.stages.clear, source);
      clock.called = completes ? 0 : clock.called + 1;
      if (source === "given") this.clear(source, guard);
      if (!completes) return;
    }
    guard.prepare(this, clock.calls > 1 ? "gradSum" : source);
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
    if (source === "given") this.clear(source, guard);
  }

  /** Clears those of the optimizer's own gradients that a step took, if it is to. */
  clear(source: Source, { stages }: Guard): void {
    if (!stages.clear) return;
    for (const { grads, given, frozen } of this.tensors) {
      if (!frozen && (source === "grads" || given === grads)) grads.fill(0);
    }
  }

  /** Takes the gradients handed to a method, if they are no views of ours; brings schedules up to date. */
  take(method: string, grads: unknown): "given" | "grads" {
    const source = this.#take(method, grads);
    this.#follow();
    return source;
  }

  #take(method: string, grads: unknown): "given" | "grads" {
    this.checkWhole(method);
    const handed = grads !== undefined && grads !== this.shown.grads;
    const given = handed && takeGradients(method, this.tensors, this.dtype, grads, this.shown.buffers);
    return given ? "given" : "grads";
  }

  #follow(): void {
    const { groups, guard } = this;
    this.calling = "none";
    try {
      for (let i = 0; i < groups.length; i++) {
        if (groups[i].settings.schedules.size > 0) groups[i].settings.follow();
      }
      guard.follow();
    } finally {
      this.calling = undefined;
    }
  }

  /** Brings schedules up to date; throws if a step without gradients handed over would. */
  check(method: string): this {
    this.take(method, undefined);
    this.checkReady();
    return this;
  }

  /** Throws if the rule refuses the next step. */
  checkReady(): void {
    const { rule, refuse } = this.kind;
    for (const { settings, memory } of this.groups) {
      const why = refuse?.(settings.values, memory);
      if (why) throw new Error(`${rule.name}: ${why}`);
    }
  }

  /** Runs a method of the rule's, with the gradients that `step` would take. */
  call(method: string, grads: unknown): void {
    const source = this.take(method, grads);
    for (const group of this.groups) {
      group.follow();
      group.store.call?.(method, group.steps, source);
    }
  }

  /** Sets a hyperparameter in all groups, or in none. */
  assign(name: string, value: unknown): void {
    this.checkAlive();
    const restorers: (() => void)[] = [];
    try {
      for (const { settings } of this.groups) {
        restorers.push(settings.restorer(name));
        settings.set(name, value);
      }
    } catch (error) {
      for (const restore of restorers) restore();
      throw error;
    }
  }

  /** Lets parameters and averages change places, if they have not already, or not yet back again. */
  swap(swapped: boolean): void {
    this.checkIdle(swapped ? "swap" : "restore");
    if (swapped && !this.groups.some(({ settings }) => settings.averages)) {
      throw new RangeError(`swap: ${this.kind.rule.name} has no averages, expected the option ema to be set`);
    }
    if (swapped === this.#swapped) return;
    for (const { params, state, started } of this.tensors) {
      // before its first step a parameter has no average
      if (!started || !("ema" in state)) continue;
      const before = params.slice();
      params.set(state.ema);
      state.ema.set(before);
    }
    this.#swapped = swapped;
  }

  dispose(): void {
    if (this.#disposed) return;
    if (this.calling) this.checkIdle("dispose");
    this.#disposed = true;
    for (const { store } of this.groups) store.release();
    this.backend.crew?.dispose();
    // whoever still holds the optimizer does not hold its memory
    this.groups = [];
    this.show();
  }

  /** Throws unless the parameters are where and what they should be. */
  checkWhole(method: string): void {
    this.checkRestored(method);
    checkAttached(method, this.tensors);
  }

  checkRestored(method: string): void {
    this.checkIdle(method);
    if (this.#swapped) throw new Error(`${method}: the parameters show their averages, call restore() first`);
    this.backend.crew?.check(method);
  }

  /** Throws in the middle of a step, where schedules are called, and while workers are at one. */
  checkIdle(method: string): this {
    this.checkAlive();
    if (this.calling && this.calling !== method) {
      throw new Error(`${method}: a step is under way, expected it to be called between steps`);
    }
    this.backend.crew?.checkIdle(method);
    return this;
  }

  checkAlive(): this {
    if (this.#disposed) throw new Error(`${this.kind.rule.name}: used after dispose()`);
    this.renew();
    return this;
  }

  /** Makes all views anew if they are on another module's memory, and it has grown; returns whether it has. */
  renew(): boolean {
    if (!this.backend.foreign?.hasGrown()) return false;
    for (const { store } of this.groups) store.renew();
    this.show();
    return true;
  }
}

function record<K extends keyof Placed>(tensors: readonly Placed[], what: K): Readonly<Record<string, Placed[K]>> {
  return Object.freeze(Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor[what]])));
}
