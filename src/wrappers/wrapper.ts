import { checkOptions, describe, isRecord } from "../check.js";
import type { OptimizerClass } from "../define.js";
import type { Group } from "../group.js";
import { Optimizer } from "../optimizer.js";
import type { Numbers, Reals } from "../real.js";
import {
  type LoadOptions,
  type LoadResult,
  readCopy,
  type StateDict,
  type StateDictOptions,
  stateOf,
} from "../state-dict.js";

/** What can be wrapped: an optimizer, or one that is wrapped. */
export interface Wrappable {
  readonly params: object;
  readonly grads: object;
  readonly state: object;
  step(...args: never[]): unknown;
}

/** A wrapped optimizer: it has all that the optimizer has, and the optimizer itself. */
export type Wrapped<O> = O & { readonly optimizer: O };

type Inner = Optimizer | Wrapper;
type Arrays = Readonly<Record<string, Reals>>;
type States = Readonly<Record<string, Readonly<Record<string, Numbers>>>>;

/** What a wrapper remembers: an optimizer whose parameters are arrays of the wrapped one, by name. */
interface Keeper {
  readonly optimizer: Optimizer;
  readonly target: (name: string) => Reals | undefined;
}

/**
 * What wrappers share. A wrapper shows everything that the optimizer in it has, and what the wrapper remembers as further slots of
 * its state.
 */
export abstract class Wrapper {
  /** The optimizer that is wrapped. */
  readonly optimizer: Inner;
  readonly #keepers: Keeper[] = [];

  /** `made` is the class of what the wrapper remembers. */
  constructor(made: unknown, optimizer: unknown) {
    const who = (made as OptimizerClass).rule.name;
    if (!(optimizer instanceof Optimizer || optimizer instanceof Wrapper)) {
      throw new TypeError(`${who}: expected an optimizer, got ${describe(optimizer)}`);
    }
    for (let inner: Inner = optimizer; inner instanceof Wrapper; inner = inner.optimizer) {
      if (inner.constructor === this.constructor) throw new TypeError(`${who}: the optimizer is in one already`);
    }
    this.optimizer = optimizer;
    forward(this, optimizer);
    // engines without explicit resource management have no such symbol
    if (Symbol.dispose) Object.defineProperty(this, Symbol.dispose, { value: () => this.dispose() });
  }

  abstract step(grads?: unknown): unknown;

  abstract stepAsync(grads?: unknown): Promise<unknown>;

  get params(): Arrays {
    return this.optimizer.params;
  }

  get grads(): Arrays {
    return this.optimizer.grads;
  }

  get state(): States {
    return merged([this.optimizer.state, ...this.#keepers.map(({ optimizer }) => optimizer.state)]);
  }

  get steps(): number {
    return this.optimizer.steps;
  }

  get bytes(): number {
    return this.#keepers.reduce((sum, { optimizer }) => sum + optimizer.bytes, this.optimizer.bytes);
  }

  zeroGrad(): this {
    this.optimizer.zeroGrad();
    return this;
  }

  addGroup(group: never): this {
    this.extend(group);
    return this;
  }

  /** @internal Adds a group, and returns what takes it away again. */
  extend(group: unknown): () => void {
    const added = [this.optimizer.extend(group)];
    const undo = () => {
      for (const takeAway of added.reverse()) takeAway();
    };
    try {
      for (const { optimizer, target } of this.#keepers) {
        added.push(optimizer.extend(targets(this.inside().groups.slice(-1), target)[0]));
      }
    } catch (error) {
      undo();
      throw error;
    }
    return undo;
  }

  freeze(names: never): this {
    return this.#each("freeze", names);
  }

  unfreeze(names: never): this {
    return this.#each("unfreeze", names);
  }

  #each(act: "freeze" | "unfreeze", names: never): this {
    this.optimizer[act](names);
    for (const [keeper, some] of this.#sharesOf(names)) keeper[act](some);
    return this;
  }

  move(names: never, group: number): this {
    this.planMove(names, group)();
    return this;
  }

  /** @internal Checks a move, and returns what does it. */
  planMove(names: unknown, group: unknown): () => void {
    const plans = [this.optimizer.planMove(names, group)];
    for (const [keeper, some] of this.#sharesOf(names)) plans.push(keeper.planMove(some, group));
    return () => {
      for (const move of plans) move();
    };
  }

  /** What is remembered of parameters. */
  #sharesOf(names: unknown): [keeper: Optimizer, names: string[]][] {
    const all = [names].flat() as string[];
    return this.#keepers.map(({ optimizer }) => [
      optimizer,
      all.filter((name) => Object.hasOwn(optimizer.params, name)),
    ]);
  }

  stateDict(options: StateDictOptions = {}): StateDict {
    const copy = readCopy(options);
    const dict = this.optimizer.stateDict({ copy });
    const kept = this.#keepers.map(({ optimizer }) => Optimizer.core(optimizer, "stateDict"));
    // all have taken as many steps, but the first alone has something of every parameter
    const [{ kind, groups: counted }] = kept;
    const groups = dict.groups.map((group, i) => {
      return { ...group, memory: { ...group.memory, [countOf(kind.rule.name)]: counted[i].steps } };
    });
    return { ...dict, groups, state: merged([dict.state, ...kept.map(({ tensors }) => stateOf(tensors, copy))]) };
  }

  loadStateDict(dict: StateDict, options: LoadOptions = {}): LoadResult {
    return this.plan(dict, options)();
  }

  dispose(): void {
    for (const { optimizer } of this.#keepers) optimizer.dispose();
    this.optimizer.dispose();
  }

  /** @internal Reads a state dict, and returns what loads it. */
  plan(dict: StateDict, options: LoadOptions): () => LoadResult {
    const keepers = this.#keepers.map(({ optimizer }) => optimizer);
    const slots = slotsOf(keepers);
    const rest = isRecord(dict?.state) ? { ...dict, state: chosen(dict.state, (slot) => !slots.has(slot)) } : dict;
    // first, because it says what is wrong with the dict itself
    const inner = this.optimizer.plan(rest, options);
    const more = { ...options, keepHyperparameters: true };
    const plans = [inner, ...keepers.map((keeper) => keeper.plan(shareOf(keeper, dict), more))];
    return () => {
      const results = plans.map((load) => load());
      const missing = [...new Set(results.flatMap((result) => result.missing))];
      return { missing, unexpected: results.flatMap((result) => result.unexpected) };
    };
  }

  /** @internal Sets all state back to what it starts from. */
  restart(): void {
    for (const { optimizer } of this.#keepers) restart(optimizer);
    restart(this.optimizer);
  }

  /** @internal The optimizer in the innermost wrapper. */
  protected get base(): Optimizer {
    return this.optimizer instanceof Wrapper ? this.optimizer.base : this.optimizer;
  }

  /** @internal What stands in it. */
  protected inside(): ReturnType<typeof Optimizer.core> {
    return Optimizer.core(this.base, "step");
  }

  /** @internal Makes what remembers something of the parameters that have a target. */
  protected keep(made: unknown, options: unknown, target: Keeper["target"]): Optimizer {
    const { rule } = made as OptimizerClass;
    checkOptions(rule.name, options, rule.defaults);
    const { groups, dtype, backend } = this.inside();
    const Made = made as new (groups: readonly unknown[], options: object) => Optimizer;
    const optimizer = new Made(targets(groups, target), {
      ...options,
      ...backend.foreign?.options,
      dtype,
      backend: backend.name,
    });
    optimizer.freeze(this.base.frozen.filter((name) => Object.hasOwn(optimizer.params, name)));
    this.#keepers.push({ optimizer, target });
    return optimizer;
  }
}

/** Sets all state back to what it starts from; parameters, options and the number of steps stay. */
export function restart(inner: Inner): void {
  if (inner instanceof Wrapper) {
    inner.restart();
    return;
  }
  const { kind, groups } = Optimizer.core(inner, "step");
  for (const group of groups) group.restart(kind.memory(group.settings, undefined));
}

/** Shows what the optimizer has and the wrapper has not: its options, and its rule's methods. */
function forward(wrapper: Wrapper, optimizer: Inner): void {
  const shown = optimizer as unknown as Record<string, unknown>;
  for (let from: object = optimizer; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      if (name in wrapper) continue;
      Object.defineProperty(wrapper, name, {
        configurable: true,
        get: () => {
          const value = shown[name];
          if (typeof value !== "function") return value;
          return (grads = wrapper.grads) => {
            const result: unknown = value.call(optimizer, grads);
            return result === optimizer ? wrapper : result;
          };
        },
        set: (value) => {
          shown[name] = value;
        },
      });
    }
  }
}

/** Groups of the arrays that stand for the parameters of some groups. */
function targets(groups: readonly Group[], target: Keeper["target"]) {
  return groups.map(({ tensors }) => {
    const arrays = tensors.flatMap(({ name, shape }) => {
      const data = target(name);
      return data ? [[name, { data, shape }]] : [];
    });
    return { params: Object.fromEntries(arrays) };
  });
}

/** Records of slots by parameter, as one. */
function merged(states: readonly States[]): States {
  const [first, ...more] = states;
  const all = Object.keys(first).map((name) => [name, Object.assign({}, first[name], ...more.map((one) => one[name]))]);
  return Object.fromEntries(all);
}

/** The state of these parameters, without the slots that are not chosen. */
function chosen(state: StateDict["state"], choose: (slot: string) => boolean, names = Object.keys(state)): States {
  const some = names.map((name) => {
    const slots = state[name];
    return [name, isRecord(slots) ? Object.fromEntries(Object.entries(slots).filter(([slot]) => choose(slot))) : slots];
  });
  return Object.fromEntries(some);
}

/** What a keeper has of a state dict. */
function shareOf(keeper: Optimizer, dict: StateDict): StateDict {
  const { name } = Optimizer.core(keeper, "loadStateDict").kind.rule;
  const { params: _params, accumulated: _accumulated, ...rest } = dict;
  const slots = slotsOf([keeper]);
  const names = Object.keys(keeper.params).filter((name) => Object.hasOwn(dict.state, name));
  return {
    ...rest,
    optimizer: name.toLowerCase(),
    groups: dict.groups.map(({ names, memory }) => ({ names, steps: memory?.[countOf(name)] ?? 0, options: {} })),
    state: chosen(dict.state, (slot) => slots.has(slot), names),
  };
}

function slotsOf(keepers: readonly Optimizer[]): Set<string> {
  return new Set(keepers.flatMap(({ state }) => Object.values(state).flatMap((slots) => Object.keys(slots))));
}

/** Where a state dict has the steps that a keeper has taken. */
function countOf(name: string): string {
  return `${name}.steps`;
}
