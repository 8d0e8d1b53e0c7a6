import { GroupView } from "./group.js";
import { type Kind, Optimizer } from "./optimizer.js";
import {
  type AnyElementRule,
  type AnyRule,
  type AnyTensorRule,
  type Common,
  common,
  type Defaults,
  type Dtype,
  type Rule,
  type TensorRule,
  type Whole,
} from "./rule.js";
import type { Seen } from "./settings.js";
import { Streams } from "./streams.js";
import { Tensors } from "./tensors.js";
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
  /** The canonical name, in lower case. */
  readonly optimizer: string;
  /** @internal */
  readonly rule: AnyRule;
}

type Widened<H> = { [K in keyof H]: H[K] extends boolean ? boolean : number };

/** Makes the class of a rule that looks at each element alone. */
export function defineOptimizer<H extends Defaults>(rule: Rule<H>): OptimizerClass<Widened<H & Common>> {
  const any = rule as unknown as AnyElementRule;
  return define(any, {
    passes: [{}],
    memory: ({ values }) => ({ ...any.memory?.(values) }),
    seen: () => whatever,
    store: (...group) => new Streams(any, ...group),
  });
}

/** Makes the class of a rule that looks at whole tensors. */
export function defineTensorOptimizer<H extends Defaults>(rule: TensorRule<H>): OptimizerClass<Widened<H & Common>> {
  const any = rule as unknown as AnyTensorRule;
  return define(any, {
    passes: any.passes,
    memory: ({ values }, before) => before ?? { ...any.memory?.(values) },
    seen,
    store: (...group) => new Tensors(any, ...group),
  });
}

/** Makes the class of a rule that looks at each element alone, but with some flags at whole tensors. */
export function defineMixedOptimizer<H extends Defaults>(
  how: (rule: AnyElementRule) => Whole,
  rule: Rule<H>,
): OptimizerClass<Widened<H & Common>> {
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

/** What a rule sees that looks at elements. */
const whatever: readonly Seen[] = [{ name: "", shape: [] }];

const seen = (tensors: readonly Seen[]) => tensors.map(({ name, shape }) => ({ name, shape }));

function define<H>(rule: AnyRule, tier: Pick<Kind, "passes" | "memory" | "seen" | "store">): OptimizerClass<H> {
  const defaults = Object.freeze({ ...rule.defaults, ...common, ...rule.defaults });
  const kind: Kind = { rule, defaults, accessors: GroupView.accessors(defaults), ...tier };
  const named = {
    [rule.name]: class extends Optimizer {
      static readonly rule = rule;
      static readonly defaults = defaults;
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
  return made as unknown as OptimizerClass<H>;
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
