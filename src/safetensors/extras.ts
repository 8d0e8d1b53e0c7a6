import { checkOptions, describe, isRecord } from "../check.js";
import type { LoadOptions as DictOptions, LoadResult, StateDict, StateDictOptions } from "../state-dict.js";
import type { Contents } from "./checkpoint.js";

/** What can be saved and loaded: an optimizer, wrapped or not, or anything else with its state dicts. */
export interface Saveable {
  stateDict(options?: StateDictOptions): StateDict;
  loadStateDict(dict: StateDict, options?: DictOptions): LoadResult;
  readonly steps?: number;
  readonly params?: unknown;
  /** @internal */
  plan?(dict: StateDict, options: DictOptions): unknown;
}

/** What is saved beside an optimizer: a scheduler, a loss scaler, the state of your data loader. */
export interface Extra {
  stateDict(): object;
  loadStateDict(dict: never): unknown;
}

export interface SaveOptions {
  /** Other objects to be saved in the same file, by names of your choice. */
  readonly extras?: Readonly<Record<string, Extra>>;
}

export interface LoadOptions extends DictOptions {
  /** The objects that were saved beside the optimizer, by their names. */
  readonly extras?: Readonly<Record<string, Extra>>;
}

/** What a save and a load take. */
export const saveOptions = { extras: {} };
export const dictOptions = { strict: true, keepHyperparameters: false, convert: false };
export const loadOptions = { ...dictOptions, ...saveOptions };

/** Throws unless there are state dicts to be had, and all options are known. */
export function checkArguments(who: string, opt: unknown, options: unknown, known: object): void {
  checkStateful(who, "the optimizer", opt);
  checkOptions(who, options, known);
  const { extras = {} } = options;
  if (!isRecord(extras)) throw new TypeError(`${who}: extras must be a record, got ${describe(extras)}`);
  for (const [name, extra] of Object.entries(extras)) checkStateful(who, `extra "${name}"`, extra);
}

function checkStateful(who: string, what: string, value: unknown): void {
  const { stateDict, loadStateDict } = (value ?? {}) as Partial<Extra>;
  if (typeof stateDict === "function" && typeof loadStateDict === "function") return;
  throw new TypeError(`${who}: ${what} must have stateDict and loadStateDict, got ${describe(value)}`);
}

/** What a checkpoint has; the optimizer's arrays are not copied. */
export function contentsOf(opt: Saveable, { extras = {} }: SaveOptions): Contents {
  const dicts = Object.entries(extras).map(([name, extra]) => [name, extra.stateDict()]);
  return { state: opt.stateDict({ copy: false }), extras: Object.fromEntries(dicts) };
}

/** Which extras are not in the file, and which are only there; throws if that is not allowed. */
export function compareExtras(
  who: string,
  contents: Contents,
  { extras = {}, strict = true }: LoadOptions,
): LoadResult {
  const saved = isRecord(contents.extras) ? contents.extras : {};
  const without = (a: object, b: object) => Object.keys(a).filter((name) => !Object.hasOwn(b, name));
  const [missing, unexpected] = [without(extras, saved), without(saved, extras)];
  const show = (what: string, names: string[]) => names.map((name) => `${what} extra "${name}"`);
  const problems = [...show("missing", missing), ...show("unexpected", unexpected)];
  if (strict && problems.length > 0) throw new RangeError(`${who}: ${problems.join("; ")}`);
  const full = (name: string) => `extras.${name}`;
  return { missing: missing.map(full), unexpected: unexpected.map(full) };
}

/** Loads extras and optimizer, or, after an error, nothing. */
export function restore(
  who: string,
  opt: Saveable,
  contents: Contents,
  { extras = {}, ...options }: LoadOptions,
): LoadResult {
  const { missing, unexpected } = compareExtras(who, contents, { ...options, extras });
  const undo: (() => void)[] = [];
  try {
    for (const [name, extra] of Object.entries(extras)) {
      if (missing.includes(`extras.${name}`)) continue;
      const before = extra.stateDict();
      undo.push(() => extra.loadStateDict(before as never));
      extra.loadStateDict((contents.extras as Record<string, never>)[name]);
    }
    const result = opt.loadStateDict(contents.state as StateDict, options);
    return { missing: [...result.missing, ...missing], unexpected: [...result.unexpected, ...unexpected] };
  } catch (error) {
    for (const back of undo.reverse()) back();
    throw error;
  }
}
