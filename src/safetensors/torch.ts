import { describe, isRecord } from "../check.js";
import type { LoadOptions as DictOptions, LoadResult, StateDict } from "../state-dict.js";
import { checkArguments, dictOptions, type Saveable } from "./extras.js";
import { fail, openFile, readTensor, type Tensor } from "./format.js";
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
  const params: Tensors = new Map();
  const state = new Map<string, Tensors>();
  for (const entry of header.entries) {
    const [, parameter, owner, slot] = /^(?:param\.(.+)|state\.(.+)\.([^.]+))$/s.exec(entry.name) ?? [];
    const tensor = readTensor(entry, data);
    if (parameter !== undefined) params.set(nameOf(parameter), tensor);
    else if (owner === undefined) fail(`tensor ${describe(entry.name)} must be called param.NAME or state.NAME.SLOT`);
    else state.set(nameOf(owner), (state.get(nameOf(owner)) ?? new Map<string, Tensor>()).set(slot, tensor));
  }
  const groups = readGroups(header.metadata.get("param_groups"), nameOf).map(({ names, options }) => {
    const slotted = names.map((name) => state.get(name) ?? new Map<string, Tensor>());
    const values = commonNumbers(names, slotted);
    const took = values.get("step") ?? steps ?? (slotted.some(({ size }) => size > 0) ? 1 : 0);
    const memory = Object.entries(memories).flatMap(([torch, ours]) => {
      return values.has(torch) ? [[ours, values.get(torch) as number]] : [];
    });
    return { names, steps: took, options: complete(options, names, own), memory: Object.fromEntries(memory) };
  });
  const shapes = [...params].map(([name, { shape }]) => [name, shape]);
  const renamed = groups.flatMap(({ names }) => names).map((name) => [name, renameSlots(state.get(name), slotNames)]);
  const dict = {
    version: 1,
    optimizer: own.optimizer,
    dtype: dtypeOf([...params.values(), ...[...state.values()].flatMap((tensors) => arraysOf(tensors))], own),
    steps: Math.max(0, ...groups.map((group) => group.steps)),
    groups,
    shapes: Object.fromEntries(shapes),
    ...(params.size > 0 && { params: Object.fromEntries([...params].map(([name, { data }]) => [name, data])) }),
    state: Object.fromEntries(renamed),
  };
  return opt.loadStateDict(dict as unknown as StateDict, rest);
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
  return (key) => (names.includes(String(key)) ? String(key) : (names[Number(key)] ?? String(key)));
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
function commonNumbers(names: readonly string[], tensors: readonly Tensors[]): Map<string, number> {
  const common = new Map<string, number>();
  for (const [i, each] of tensors.entries()) {
    for (const [slot, tensor] of each) {
      if (slot !== "step" && !Object.hasOwn(memories, slot)) continue;
      const { dtype, data } = tensor;
      if (data.length !== 1 || !["F32", "F64", "I32", "I64"].includes(dtype)) {
        fail(`tensor "state.${names[i]}.${slot}" must be one number, got ${dtype} [${tensor.shape}]`);
      }
      const value = Number(data[0]);
      if (!common.has(slot)) common.set(slot, value);
      else if (common.get(slot) !== value) {
        fail(
          `the parameters of a group must have the same ${slot}, got ${common.get(slot)} and ${value} of "${names[i]}"`,
        );
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

function renameSlots(tensors: Tensors | undefined, names: Readonly<Record<string, string>>): Record<string, unknown> {
  const kept = [...(tensors ?? [])].filter(([slot]) => !isNumber(slot));
  return Object.fromEntries(kept.map(([slot, { data }]) => [Object.hasOwn(names, slot) ? names[slot] : slot, data]));
}

/** The dtype of the state, which must be one that an optimizer can have. */
function dtypeOf(tensors: readonly Tensor[], own: StateDict): StateDict["dtype"] {
  const other = tensors.find(({ dtype }) => dtype !== "F32" && dtype !== "F64");
  if (other) fail(`parameters and state must be F32 or F64, got ${other.dtype}: convert them before they are saved`);
  return tensors.length === 0 ? own.dtype : tensors[0].dtype === "F32" ? "f32" : "f64";
}
