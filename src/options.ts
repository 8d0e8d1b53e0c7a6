import { checkChoice, checkKnown, checkNumber, defined, describe, isOpenRecord } from "./check.js";
import type { ForeignOptions } from "./foreign.js";
import { guards } from "./guard.js";
import type { Kind } from "./rule.js";
import type { Clock } from "./settings.js";

/** The other options of every optimizer that are no hyperparameters, with their defaults. */
const usual = {
  dtype: undefined,
  backend: "auto",
  threads: 1,
  accumulate: 1,
  accumulation: "mean",
  memory: undefined,
  malloc: undefined,
  free: undefined,
};

/** Reads the second argument of an optimizer. */
export function readOptions(kind: Kind, options: unknown) {
  const who = kind.rule.name;
  if (!isOpenRecord(options)) {
    throw new TypeError(`${who}: options must be an object with properties of its own, got ${describe(options)}`);
  }
  // a rule that evaluates the loss itself takes all gradients as they are
  const guarding = "minimize" in kind.rule ? {} : guards;
  checkKnown(who, options, { ...kind.defaults, ...usual, ...guarding });
  const given = defined(options);
  const taken = (known: object) => Object.fromEntries(Object.entries(given).filter(([name]) => name in known));
  const { dtype, backend, threads, accumulate, accumulation, memory, malloc, free }: Record<string, unknown> = {
    ...usual,
    ...given,
  };
  const clock: Clock = { steps: 0, calls: checkCalls(kind, accumulate), called: 0 };
  const mean = checkChoice(who, "accumulation", accumulation, ["mean", "sum"]) === "mean";
  return {
    dtype,
    backend,
    threads,
    foreign: (memory ?? malloc ?? free) === undefined ? undefined : ({ memory, malloc, free } as ForeignOptions),
    clock,
    /** What the sum of several calls' gradients is divided by. */
    divisor: mean ? clock.calls : 1,
    guard: taken(guarding),
    hyperparameters: taken(kind.defaults),
  };
}

function checkCalls({ rule }: Kind, accumulate: unknown): number {
  const most = "minimize" in rule ? 1 : Number.MAX_SAFE_INTEGER;
  const calls = checkNumber(rule.name, "accumulate", accumulate, [1, most, "closed"], "a number");
  if (Number.isInteger(calls)) return calls;
  throw new RangeError(`${rule.name}: accumulate must be a whole number, got ${calls}`);
}
