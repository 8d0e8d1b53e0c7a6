import { minimize } from "./closure.js";
import { GroupView } from "./group.js";
import { Optimizer } from "./optimizer.js";
import {
  type AllValues,
  type AnyElementRule,
  type AnyRule,
  type AnyTensorRule,
  type Choices,
  type Common,
  type Convention,
  common,
  type Defaults,
  type Dtype,
  type Kind,
  type Rule,
  type TensorRule,
  type Value,
  type Whole,
} from "./rule.js";
import { type Seen, whatever } from "./settings.js";
import type { Tier } from "./store.js";
import { Streams } from "./streams.js";
import { Tensors } from "./tensors.js";
import type {
  DtypeOf,
  Grads,
  Hyperparameters,
  NamesOf,
  Options,
  ParamSet,
  Settings,
  StateDtype,
  Stated,
} from "./types.js";

/** An optimizer of one rule: `H` are its options, `M` its methods beside those that all have. */
export type OptimizerOf<H, N extends string = string, D extends Dtype = Dtype, M extends string = never> = Optimizer<
  N,
  D,
  H
> &
  Hyperparameters<H> & { readonly [K in M]: (grads?: Grads<N, D>) => void };

type Every = { lr: number } & Common;

/** The class of any rule, with what all of them have: `Object.values<AnyOptimizerClass>(optimizers)`. */
export interface AnyOptimizerClass {
  new <const P extends ParamSet>(params: P, options?: Options<Every>): Optimizer<NamesOf<P>> & Hyperparameters<Every>;
  /** Every option that changes the update, with its default. */
  readonly defaults: Readonly<Record<string, Value>>;
  /** The canonical name, in lower case. */
  readonly optimizer: string;
}

/** The class of a rule. */
export interface OptimizerClass<H = Record<never, never>, M extends string = never> {
  new <const P extends ParamSet, D extends Dtype = DtypeOf<P>, S extends StateDtype = "same">(
    params: P,
    options?: Options<Stated<H, S>, D>,
  ): OptimizerOf<Stated<H, S>, NamesOf<P>, D, M>;
  new <const G extends readonly ParamSet[], D extends Dtype = DtypeOf<G[number]>>(
    groups: { readonly [I in keyof G]: { readonly params: G[I] } & Settings<H> },
    options?: Options<H, D>,
  ): OptimizerOf<H, NamesOf<G[number]>, D, M>;
  /** Every option that changes the update, with its default. */
  readonly defaults: Readonly<H>;
  /** The defaults under each convention that the optimizer has: `{ convention: "keras" }` takes `conventions.keras`. */
  readonly conventions: H extends { readonly convention: infer L extends string }
    ? { readonly [K in L]: Readonly<H> }
    : unknown;
  /** The canonical name, in lower case. */
  readonly optimizer: string;
  /** @internal */
  readonly rule: AnyRule;
}

/** Makes the class of a rule that looks at each element alone. */
export function defineOptimizer<
  H extends Defaults,
  const C extends Choices = Record<never, never>,
  L extends Convention = "torch",
  M extends string = never,
>(rule: Rule<H, C, L, M>): OptimizerClass<AllValues<H, C, L>, M> {
  const any = rule as unknown as AnyElementRule;
  return define(any, {
    passes: [{}],
    memory: ({ values }) => ({ ...any.memory?.(values) }),
    seen: () => whatever,
    store: (...group) => new Streams(any, ...group),
  });
}

/** Makes the class of a rule that looks at whole tensors. */
export function defineTensorOptimizer<
  H extends Defaults,
  const C extends Choices = Record<never, never>,
  L extends Convention = "torch",
>(rule: TensorRule<H, C, L>): OptimizerClass<AllValues<H, C, L>> {
  const any = rule as unknown as AnyTensorRule;
  return define(any, {
    passes: any.passes,
    memory: ({ values }, before) => before ?? { ...any.memory?.(values) },
    seen,
    store: (...group) => new Tensors(any, ...group),
  });
}

/** Makes the class of a rule that looks at each element alone, but with some flags at whole tensors. */
export function defineMixedOptimizer<
  H extends Defaults,
  const C extends Choices = Record<never, never>,
  L extends Convention = "torch",
>(how: (rule: AnyElementRule) => Whole, rule: Rule<H, C, L>): OptimizerClass<AllValues<H, C, L>> {
  const elements = rule as unknown as AnyElementRule;
  const whole = how(elements);
  const both = { ...elements, ...whole };
  return define(both, {
    passes: whole.passes,
    memory: ({ values }) => ({ ...elements.memory?.(values) }),
    seen: (tensors) => (tensors.length === 0 ? whatever : seen(tensors)),
    store: (settings, ...group) =>
      whole.when(settings.values) ? new Tensors(both, settings, ...group) : new Streams(elements, settings, ...group),
  });
}

const seen = (tensors: readonly Seen[]) => tensors.map(({ name, shape }) => ({ name, shape }));

/** An optimizer whose step takes a closure that writes `grads` and returns the loss; it returns the loss where it began. */
export type ClosureOptimizerOf<H, N extends string = string, D extends Dtype = Dtype> = OptimizerOf<H, N, D> & {
  step(closure: () => number): number;
};

/** The class of a rule that evaluates the loss itself. */
export interface ClosureOptimizerClass<H> extends Pick<OptimizerClass<H>, keyof OptimizerClass<H>> {
  new <const P extends ParamSet, D extends Dtype = DtypeOf<P>>(
    params: P,
    options?: Options<H, D>,
  ): ClosureOptimizerOf<H, NamesOf<P>, D>;
  new <const P extends ParamSet, D extends Dtype = DtypeOf<P>>(
    groups: readonly [{ readonly params: P } & Settings<H>],
    options?: Options<H, D>,
  ): ClosureOptimizerOf<H, NamesOf<P>, D>;
}

/** Makes the class of a rule that evaluates the loss at points of its own choice. It takes one group. */
export function defineClosureOptimizer<
  H extends Defaults,
  const C extends Choices = Record<never, never>,
  L extends Convention = "torch",
>(rule: TensorRule<H, C, L> & { minimize: unknown }): ClosureOptimizerClass<AllValues<H, C, L>> {
  const made = defineTensorOptimizer(rule) as unknown as typeof Optimizer;
  Object.defineProperty(made.prototype, "step", {
    configurable: true,
    value(this: Optimizer, closure: unknown) {
      const core = Optimizer.core(this, "step").check("step");
      const [group] = core.groups;
      const loss = minimize(core, closure);
      (group.store as Tensors).average();
      group.steps++;
      core.clock.steps++;
      return loss;
    },
  });
  return made as unknown as ReturnType<typeof defineClosureOptimizer<H, C, L>>;
}

function define<H, M extends string>(rule: AnyRule, tier: Tier): OptimizerClass<H, M> {
  const kind = kindOf(rule, tier);
  const { defaults, conventions } = kind;
  const named = {
    [rule.name]: class extends Optimizer {
      static readonly rule = rule;
      static readonly defaults = defaults;
      static readonly conventions = conventions;
      static readonly optimizer = rule.name.toLowerCase();

      constructor(params: unknown, options: unknown = {}) {
        super(kind, params, options);
        // a misspelt option would be taken silently; a class of the caller's may have more
        if (new.target === made) Object.preventExtensions(this);
      }
    },
  };
  const made = named[rule.name];
  // engines without explicit resource management have no such symbol
  if (Symbol.dispose) Object.defineProperty(made.prototype, Symbol.dispose, { value: made.prototype.dispose });
  for (const name of Object.keys(defaults)) {
    Object.defineProperty(made.prototype, name, shorthand(name));
  }
  for (const name of "methods" in rule ? Object.keys(rule.methods ?? {}) : []) {
    Object.defineProperty(made.prototype, name, method(name));
  }
  return made as unknown as OptimizerClass<H, M>;
}

/** A method of the rule's own. */
function method(name: string): PropertyDescriptor {
  return {
    configurable: true,
    value(this: Optimizer, grads?: unknown) {
      Optimizer.core(this, name).call(name, grads);
    },
  };
}

function kindOf(rule: AnyRule, { passes, memory, seen, store }: Tier): Kind {
  const own = { ...rule.defaults, ...common, ...rule.defaults };
  const under = Object.entries(rule.conventions ?? { torch: {} }).map(([convention, changes]) => {
    return [convention, Object.freeze({ ...own, ...changes, convention })] as const;
  });
  const [[, defaults]] = under;
  const { refuse, clip, once } = rule;
  return {
    rule,
    refuse,
    clip,
    once,
    defaults,
    conventions: Object.freeze(Object.fromEntries(under)),
    choices: { ...rule.choices, convention: under.map(([convention]) => convention) },
    accessors: GroupView.accessors(defaults),
    passes: passes.map(({ when, before, after }) => ({ when, before, after })),
    memory,
    seen,
    store,
  };
}

/** `opt.lr`: reads the first group's value and sets all groups', or none of them. */
function shorthand(name: string): PropertyDescriptor {
  return {
    configurable: true,
    get(this: Optimizer) {
      return Optimizer.core(this, name).groups[0].settings.get(name);
    },
    set(this: Optimizer, value: unknown) {
      Optimizer.core(this, name).assign(name, value);
    },
  };
}
