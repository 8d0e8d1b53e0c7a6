import { GroupView } from "./group.js";
import { Optimizer } from "./optimizer.js";
import {
  type AllValues,
  type AnyRule,
  type Choices,
  type Convention,
  common,
  type Defaults,
  type Dtype,
  type Kind,
  type Rule,
} from "./rule.js";
import type { DtypeOf, Hyperparameters, NamesOf, Options, ParamSet, Settings } from "./types.js";

/** An optimizer of one rule: `H` are its options. */
export type OptimizerOf<H, N extends string = string, D extends Dtype = Dtype> = Optimizer<N, D, H> &
  Hyperparameters<H>;

/** The class of a rule. */
export interface OptimizerClass<H = Record<never, never>> {
  new <const P extends ParamSet, D extends Dtype = DtypeOf<P>>(
    params: P,
    options?: Options<H, D>,
  ): OptimizerOf<H, NamesOf<P>, D>;
  new <const G extends readonly ParamSet[], D extends Dtype = DtypeOf<G[number]>>(
    groups: { readonly [I in keyof G]: { readonly params: G[I] } & Partial<Settings<H>> },
    options?: Options<H, D>,
  ): OptimizerOf<H, NamesOf<G[number]>, D>;
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

/** Makes the class of a rule. */
export function defineOptimizer<
  H extends Defaults,
  const C extends Choices = Record<never, never>,
  L extends Convention = "torch",
>(rule: Rule<H, C, L>): OptimizerClass<AllValues<H, C, L>> {
  const kind = kindOf(rule as unknown as AnyRule);
  const { defaults, conventions } = kind;
  const named = {
    [rule.name]: class extends Optimizer {
      static readonly rule = rule;
      static readonly defaults = defaults;
      static readonly conventions = conventions;
      static readonly optimizer = rule.name.toLowerCase();

      constructor(params: unknown, options: unknown = {}) {
        super(kind, params, options);
      }
    },
  };
  const made = named[rule.name];
  for (const name of Object.keys(defaults)) {
    Object.defineProperty(made.prototype, name, shorthand(name));
  }
  return made as unknown as ReturnType<typeof defineOptimizer<H, C, L>>;
}

function kindOf(rule: AnyRule): Kind {
  const own = { ...rule.defaults, ...common, ...rule.defaults };
  const under = Object.entries(rule.conventions ?? { torch: {} }).map(([convention, changes]) => {
    return [convention, Object.freeze({ ...own, ...changes, convention })] as const;
  });
  const [[, defaults]] = under;
  return {
    rule,
    defaults,
    conventions: Object.freeze(Object.fromEntries(under)),
    choices: { ...rule.choices, convention: under.map(([convention]) => convention) },
    accessors: GroupView.accessors(defaults),
  };
}

/** `opt.lr`: reads the first group's value and sets all groups', or none of them. */
function shorthand(name: string): PropertyDescriptor {
  type Groups = Record<string, unknown>[];
  return {
    configurable: true,
    get(this: Optimizer) {
      return (this.groups as unknown as Groups)[0][name];
    },
    set(this: Optimizer, value: unknown) {
      Optimizer.assign(this, name, value);
    },
  };
}
