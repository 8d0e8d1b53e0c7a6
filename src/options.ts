import { checkChoice, checkKnown, defined, describe, isOpenRecord } from "./check.js";
import type { ForeignOptions } from "./foreign.js";
import { guards } from "./guard.js";
import type { Kind } from "./rule.js";
import type { Clock } from "./settings.js";

const accumulations = ["mean", "sum"];

/** Reads the second argument of an optimizer. */
export function readOptions(kind: Kind, options: unknown) {
  const who = kind.rule.name;
  if (!isOpenRecord(options)) {
    throw new TypeError(`${who}: options must be an object with properties of its own, got ${describe(options)}`);
  }
  const {
    dtype,
    backend = "auto",
    threads = 1,
    accumulate = 1,
    accumulation = "mean",
    memory,
    malloc,
    free,
    ...rest
  } = options;
  // a rule that evaluates the loss itself takes all gradients as they are
  const guarding = "minimize" in kind.rule ? [] : guards;
  const entries = Object.entries(rest);
  const some = (wanted: boolean) => Object.fromEntries(entries.filter(([name]) => guarding.includes(name) === wanted));
  const hyperparameters = some(false);
  checkKnown(who, hyperparameters, kind.defaults, [
    "dtype",
    "backend",
    "threads",
    "accumulate",
    "accumulation",
    "memory",
    "malloc",
    "free",
    ...guarding,
  ]);
  const clock: Clock = { steps: 0, calls: checkCalls(kind, accumulate), called: 0 };
  const mean = checkChoice(who, "accumulation", accumulation, accumulations) === "mean";
  return {
    dtype,
    backend,
    threads,
    foreign: (memory ?? malloc ?? free) === undefined ? undefined : ({ memory, malloc, free } as ForeignOptions),
    clock,
    /** What the sum of several calls' gradients is divided by. */
    divisor: mean ? clock.calls : 1,
    guard: defined(some(true)),
    hyperparameters: defined(hyperparameters),
  };
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
