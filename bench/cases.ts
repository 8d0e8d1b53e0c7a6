import { optimizers } from "gradstep";
import type { Dtype } from "./data.js";
import type { Reals } from "./hand.js";

export type Options = Readonly<Record<string, number | boolean>>;

/** A rule with options, by the name that `--only` and the tables use: "adam", "sgd momentum", "adam weightDecay". */
export interface Case {
  label: string;
  rule: string;
  variant: string;
  options: Options;
}

// so slow that p never comes to where the decay balances the gradient: there the averages would vanish
const decay = { weightDecay: 0.01, lr: 1e-6 };

/** What is measured of a rule beside its defaults. A rule that is not listed is measured with its defaults. */
const variants: Readonly<Record<string, Readonly<Record<string, Options>>>> = {
  sgd: {
    momentum: { momentum: 0.9 },
    nesterov: { momentum: 0.9, nesterov: true },
    weightDecay: decay,
    "momentum weightDecay": { momentum: 0.9, ...decay },
  },
  rmsprop: {
    momentum: { momentum: 0.9 },
    // so slow an average keeps v - mg * mg above zero although the gradients are constant
    centered: { centered: true, alpha: 0.999999 },
    weightDecay: decay,
  },
  adam: { amsgrad: { amsgrad: true }, weightDecay: decay },
};

const all = optimizers as unknown as Record<string, OptimizerClass>;

/** Rules whose step evaluates the loss take as long as the loss does: there is nothing to measure. */
const rules = Object.keys(all).filter((rule) => !("minimize" in all[rule].rule));

export const cases: readonly Case[] = rules.flatMap((rule) => [
  { label: rule, rule, variant: "plain", options: {} },
  ...Object.entries(variants[rule] ?? {}).map(([variant, options]) => ({
    label: `${rule} ${variant}`,
    rule,
    variant,
    options,
  })),
]);

/** The cases that a list of rules or labels names. */
export function casesNamed(names: readonly string[]): readonly Case[] {
  return cases.filter(({ rule, label }) => names.includes(rule) || names.includes(label));
}

/** The name of a case's loop in hand/ and native/: "sgd momentum weightDecay" is `sgdMomentum`, with decay apart. */
export function loopName({ label }: Case): string {
  const words = label.split(" ").filter((word) => word !== "weightDecay");
  return (
    words[0] +
    words
      .slice(1)
      .map((word) => word[0].toUpperCase() + word.slice(1))
      .join("")
  );
}

type Views = Readonly<Record<string, Reals>>;

/** What the bench needs of an optimizer, whatever its class. */
export interface Steppable {
  readonly backend: "wasm" | "js";
  readonly params: Views;
  readonly grads: Views;
  readonly state: Readonly<Record<string, Views>>;
  step(grads?: unknown): unknown;
  dispose(): void;
}

export type OptimizerClass = {
  readonly defaults: Options;
  readonly rule: { readonly once?: readonly string[] };
  new (params: unknown, options: object): Steppable;
};

/** The library's optimizer for a case, over memory of its own. */
export function create(c: Case, dtype: Dtype, backend: "auto" | "wasm" | "js", params: unknown): Steppable {
  return new (classOf(c))(params, { ...optionsOf(c, classOf(c)), dtype, backend });
}

/** The options of a case, and schedules for those that hold for one step, such as the loss. */
export function optionsOf({ options }: Case, { rule }: OptimizerClass): object {
  return { ...Object.fromEntries((rule.once ?? []).map((name) => [name, () => 1])), ...options };
}

/** Every option of a case as a number. */
export function hyperparameters(c: Case): Readonly<Record<string, number>> {
  const all = { ...classOf(c).defaults, ...c.options };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, Number(value)]));
}

function classOf({ rule }: Case): OptimizerClass {
  return all[rule];
}
