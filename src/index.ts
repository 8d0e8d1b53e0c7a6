// first, because of the kernels: see wasm.ts

/** @internal */
export { useThreads } from "./backend.js";
export { useModule } from "./wasm.js";

import * as classes from "./optimizers/index.js";

export type {
  AnyOptimizerClass,
  ClosureOptimizerClass,
  ClosureOptimizerOf,
  OptimizerClass,
  OptimizerOf,
} from "./define.js";
export type { Optimizer } from "./optimizer.js";
export * from "./optimizers/index.js";
export { type RowGrads, type Rows, stepRows } from "./rows.js";
// with what the declarations of a program that exports an optimizer have to name
export type { AllValues, Common, Convention, Dtype, Values } from "./rule.js";
export * from "./schedules/index.js";
export type { LoadOptions, LoadResult, StateDict, StateDictOptions } from "./state-dict.js";
export * from "./toolkit/index.js";
export type { Group, GroupView, Init, Options, ParamSet, Schedule, Setting } from "./types.js";
export * from "./wrappers/index.js";
export type { Wrappable, Wrapped } from "./wrappers/wrapper.js";

type Classes = typeof classes;

type ByName = { readonly [K in keyof Classes as Lowercase<K>]: Classes[K] };

/** Every optimizer by its canonical name: `optimizers.adamw === AdamW`. */
export const optimizers: ByName = /* @__PURE__ */ byName(classes);

function byName(all: Classes): ByName {
  return Object.freeze(
    Object.fromEntries(Object.entries(all).map(([name, made]) => [name.toLowerCase(), made])),
  ) as never;
}
