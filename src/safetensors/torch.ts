import { describe, isRecord } from "../check.js";
import type { LoadOptions as DictOptions, LoadResult, StateDict } from "../state-dict.js";
import { checkArguments, dictOptions, type Saveable } from "./extras.js";
import { type Entry, fail, openFile, readTensor, type Tensor } from "./format.js";
import { derived, memories, optionsOf, slots } from "./torch-names.js";

export interface LoadTorchOptions extends DictOptions {
  /** The steps taken, for optimizers of PyTorch's that do not save them, SGD and Muon. Default 1 if there is momentum, else 0. */
  readonly steps?: number;
}

type Tensors = Map<string, Tensor>;

interface TorchGroup {
  readonly names: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Takes over the state of an optimizer of PyTorch's, with its parameters or without, from a safetensors file as docs/checkpoints.md
 * tells to write it: tensors `param.NAME` and `state.NAME.SLOT`, and the metadata `optimizer` and `param_groups`. A NAME is that of
 * a parameter, or its number, as in PyTorch's own state dicts. After an error nothing has changed.
 */
export function loadTorch(opt: Saveable, bytes: Uint8Array | ArrayBuffer, options: LoadTorchOptions = {}): LoadResult {
  checkArguments("loadTorch", opt, options, { ...dictOptions, steps: 0 });
  const { steps, ...rest } = options;
  const own = opt.stateDict({ copy: false });
  const { header, data } = openFile("loadTorch", bytes);
  const slotNames = slotsOf(own.optimizer, header.metadata.get("optimizer"));
  const nameOf = namer(own);
  const { params, state } = sortTensors(header.entries, data, nameOf);
  const tensorsOf = (name: string): Tensors => state.get(name) ?? new Map();
  const groups = readGroups(header.metadata.get("param_groups"), nameOf).map(({ names, options }) => {
    const numbers = commonNumbers(names, tensorsOf);
    const momentum = names.some((name) => tensorsOf(name).size > 0);
    const memory = Object.entries(memories).flatMap(([theirs, ours]) => {
      return numbers.has(theirs) ? [[ours, numbers.get(theirs) as number]] : [];
    });
    return {
      names,
      steps: numbers.get("step") ?? steps ?? (momentum ? 1 : 0),
      options: complete(options, names, own),
      memory: Object.fromEntries(memory),
    };
  });
  const names = new Set([...groups.flatMap((group) => group.names), ...state.keys()]);
  const each = <T>(tensors: Iterable<[string, Tensor]>, pick: (tensor: Tensor) => T) =>
    Object.fromEntries([...tensors].map(([name, tensor]) => [name, pick(tensor)]));
  const dict = {
    version: 1,
    optimizer: own.optimizer,
    dtype: dtypeOf([...params.values(), ...[...state.values()].flatMap(arraysOf)], own),
    steps: Math.max(0, ...groups.map((group) => group.steps)),
    groups,
    shapes: each(params, ({ shape }) => shape),
    ...(params.size > 0 && { params: each(params, (tensor) => tensor.data) }),
    state: Object.fromEntries([...names].map((name) => [name, renameSlots(tensorsOf(name), slotNames)])),
  };
  return opt.loadStateDict(dict as unknown as StateDict, rest);
}

/** Parameters by name, and state by name and slot. */
function sortTensors(entries: readonly Entry[], data: Uint8Array, nameOf: (key: string) => string) {
  const params: Tensors = new Map();
  const state = new Map<string, Tensors>();
  for (const entry of entries) {
    const [, parameter, owner, slot] = /^(?:param\.(.+)|state\.(.+)\.([^.]+))$/s.exec(entry.name) ?? [];
    const tensor = readTensor(entry, data);
    if (parameter !== undefined) params.set(nameOf(parameter), tensor);
    else if (owner === undefined) fail(`tensor ${describe(entry.name)} must be called param.NAME or state.NAME.SLOT`);
    else state.set(nameOf(owner), (state.get(nameOf(owner)) ?? new Map<string, Tensor>()).set(slot, tensor));
  }
  return { params, state };
}

/** What the slots are called there and here. */
function slotsOf(optimizer: string, saved: string | undefined): Readonly<Record<string, string>> {
  if (!Object.hasOwn(slots, optimizer)) {
    throw new RangeError(`loadTorch: the optimizer must be one of ${Object.keys(slots).join(", ")}, got ${optimizer}`);
  }
  if (saved?.toLowerCase() !== optimizer) fail(`the metadata "optimizer" must be ${optimizer}, got ${saved}`);
  return slots[optimizer];
}

/** Our name of a parameter: PyTorch's own state dicts number them through all groups. */
function namer(own: StateDict): (key: unknown) => string {
  const names = own.groups.flatMap((group) => group.names);
  const known = new Set(names);
  return (key) => {
    const name = String(key);
    return known.has(name) || !/^\d+$/.test(name) ? name : (names[Number(name)] ?? name);
  };
}

function readGroups(text: string | undefined, nameOf: (key: unknown) => string): TorchGroup[] {
  let groups: unknown;
  try {
    groups = JSON.parse(text ?? "");
  } catch {
    // said below
  }
  if (!Array.isArray(groups) || !groups.every((group) => isRecord(group) && Array.isArray(group.params))) {
    return fail('the metadata "param_groups" must be JSON of a list of groups, each with its params');
  }
  return groups.map((group) => ({ names: group.params.map(nameOf), options: Object.fromEntries(optionsOf(group)) }));
}

/** The options of a group, with those that PyTorch does not have as they are here. */
function complete(options: TorchGroup["options"], names: readonly string[], own: StateDict): Record<string, unknown> {
  const group = own.groups.find((each) => each.names.some((name) => names.includes(name)));
  const given = Object.entries(options).filter(([name, value]) => {
    // AdamW is Adam with that option there, and has no such option here
    return value !== undefined && (name !== "decoupled" || Object.hasOwn(group?.options ?? {}, name));
  });
  return { ...group?.options, convention: "torch", ...Object.fromEntries(given) };
}

/** The numbers that PyTorch keeps for each parameter, and we for each group. */
function commonNumbers(names: readonly string[], tensorsOf: (name: string) => Tensors): Map<string, number> {
  const common = new Map<string, number>();
  for (const name of names) {
    for (const [slot, tensor] of tensorsOf(name)) {
      if (slot !== "step" && !Object.hasOwn(memories, slot)) continue;
      const { dtype, data } = tensor;
      if (data.length !== 1 || !["F32", "F64", "I32", "I64"].includes(dtype)) {
        fail(`tensor "state.${name}.${slot}" must be one number, got ${dtype} [${tensor.shape}]`);
      }
      const value = Number(data[0]);
      if (!common.has(slot)) common.set(slot, value);
      else if (common.get(slot) !== value) {
        fail(`the parameters of a group must have the same ${slot}, got ${common.get(slot)} and ${value} of "${name}"`);
      }
    }
  }
  return common;
}

/** The tensors that are no numbers. */
function arraysOf(tensors: Tensors): Tensor[] {
  return [...tensors].filter(([slot]) => !isNumber(slot)).map(([, tensor]) => tensor);
}

function isNumber(slot: string): boolean {
  return derived.includes(slot) || Object.hasOwn(memories, slot);
}

function renameSlots(tensors: Tensors, names: Readonly<Record<string, string>>): Record<string, unknown> {
  const kept = [...tensors].filter(([slot]) => !isNumber(slot));
  return Object.fromEntries(kept.map(([slot, { data }]) => [Object.hasOwn(names, slot) ? names[slot] : slot, data]));
}

/** The dtype of the state, which must be one that an optimizer can have. */
function dtypeOf(tensors: readonly Tensor[], own: StateDict): StateDict["dtype"] {
  const other = tensors.find(({ dtype }) => dtype !== "F32" && dtype !== "F64");
  if (other) fail(`parameters and state must be F32 or F64, got ${other.dtype}: convert them before they are saved`);
  return tensors.length === 0 ? own.dtype : tensors[0].dtype === "F32" ? "f32" : "f64";
}
