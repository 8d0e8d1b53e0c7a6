import { allocate, type Region, release } from "./arena.js";
import type { Backend, Crew, Form, Kernel, Kernels, Memory, Ref } from "./backend.js";
import { type Block, type Laid, type Range, rangesOf, type Streams } from "./blocks.js";
import type { ForeignMemory } from "./foreign.js";
import * as stagesF32 from "./generated/f32/stages.js";
import {
  batches,
  blockLength,
  inPlace,
  LINE,
  layOut,
  lined,
  overhead,
  ownOf,
  PART_BYTES,
  roomOf,
  SIZE,
  slotOf,
  viewOf,
} from "./layout.js";
import type { Tensor } from "./params.js";
import type { Reals } from "./real.js";
import { dot } from "./reduce.js";
import type { AnyElementRule, Dtype } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import * as stages from "./stages.js";

// A part is what a group has in one memory: its streams (parameters, gradients, state slots) one after the other, each the
// tensors of the group padded to whole vectors, so that a step walks the group and not its tensors.
//
//   | p: w…… b… | g: w…… b… | m: w…… b… | v: w…… b… | a block of scratch | the step's scalars | the stages' scalars |
//
// A part of the caller's own arrays has one block of p, which each block of the arrays passes through; but whole lines of an array
// in another module's memory, in which all this stands too, are stepped where they are.

/** Slots for the scalars of the rule, and behind them for those of the stages, as fused kernels expect them. */
export const SCALARS = 16;
export const STAGE_SCALARS = 8;

/** The slot of the stages' scalars that holds words instead. */
const AFTER = 6;

/** Kernels, and the one that ran last with its name: looking it up costs as much as a small step. */
export interface KernelSet {
  readonly kernels: Kernels;
  name: string;
  kernel: Kernel | undefined;
}

export interface Part extends Tools {
  readonly region: Region;
  readonly streams: Streams;
  readonly dtype: Dtype;
  tensors: readonly Laid[];
  /** Whether its memory belongs to the part of another group. */
  readonly borrowed: boolean;
  /** Where the last tensor ends in the streams, in elements. */
  readonly end: number;
  /** All tensors, and those that are not frozen. */
  all: readonly Range[];
  ranges: readonly Range[];
  /** The latter in one range, if they are and not the caller's. */
  sole: Block | undefined;
  /** The rule's kernels, and those in another form, if there are such. */
  readonly plain: KernelSet;
  readonly as: (form: Form) => KernelSet | undefined;
  readonly stages: Kernels;
  readonly dot: (n: number, x: Ref, y: Ref) => number;
  /** The threads that its memory is shared by. */
  readonly crew: Crew | undefined;
  /** The memory of another module, if it stands in that. */
  readonly foreign: ForeignMemory | undefined;
}

/** What a step works with beside the streams. */
interface Tools {
  /** A block of gradients on their way to the kernel, and of parameters if they are the caller's. */
  readonly scratch: Ref;
  readonly scratchG: Reals;
  readonly scratchP: Reals | undefined;
  /** What the rule's scalars are written to, and what its kernel is given. */
  readonly scalars: Reals;
  readonly h: Ref;
  readonly stageScalars: Reals;
  readonly stageH: Ref;
  /** What a fused kernel does after the rule's formula, and how far behind the parameters their average stands, in bytes. */
  readonly after: Uint32Array;
}

/** Allocates the tensors of a group: parts for those it owns and for the caller's own, more than one where a memory is full. */
export function allocateParts(
  rule: AnyElementRule,
  settings: GroupSettings,
  backend: Backend,
  dtype: Dtype,
  tensors: readonly Tensor[],
  limit = PART_BYTES,
): Part[] {
  const parts: Part[] = [];
  try {
    for (const own of [false, true]) {
      const some = tensors.filter((tensor) => (tensor.own !== undefined) === own);
      // at the starts of lines, so that the last lines of those that are shorter can be stepped together
      some.sort((a, b) => inPlace(b, dtype) - inPlace(a, dtype));
      const streams = [dtype, ...(own ? [] : [dtype]), ...slotsOf(settings, dtype).map(({ type }) => type)];
      const bytesPerElement = streams.reduce((sum, type) => sum + SIZE[type], 0);
      const bytesOf = (tensor: Tensor) => bytesPerElement * roomOf(tensor, dtype);
      for (const batch of batches(rule.name, some, bytesOf, limit - overhead(streams.length))) {
        parts.push(allocatePart(rule, settings, backend, dtype, batch, own));
      }
    }
    return parts;
  } catch (error) {
    for (const part of parts) release(backend, part.region);
    throw error;
  }
}

/** The slots of state that every tensor of a group has. */
function slotsOf({ states }: GroupSettings, dtype: Dtype) {
  return Object.entries(states[0]).map(([name, slot]) => ({ name, ...slotOf(slot, [], dtype) }));
}

function allocatePart(
  rule: AnyElementRule,
  settings: GroupSettings,
  backend: Backend,
  dtype: Dtype,
  tensors: readonly Tensor[],
  own: boolean,
): Part {
  const slots = slotsOf(settings, dtype);
  const length = tensors.reduce((sum, tensor) => sum + roomOf(tensor, dtype), 0);
  const stream = lined(length, dtype);
  const block = Math.min(stream, blockLength(dtype));
  const types = [dtype, dtype, ...slots.map(({ type }) => type)];
  const lengths = [own ? block : stream, ...types.slice(1).map(() => stream), block, SCALARS + STAGE_SCALARS];
  const sizes = lengths.map((n, i) => {
    const [type, next] = [types[i] ?? dtype, types[i + 1] ?? dtype];
    // where a kernel goes on to the end of a line, that many bytes are more elements of the next stream
    return n * SIZE[type] + (SIZE[next] < SIZE[type] ? LINE : 0);
  });
  const { starts, end } = layOut(sizes);
  // to bring the caller's parameters to threads and back takes as long as a step of a rule with little state
  const alone = backend.crew && own && slots.length < 2 ? backend.alone : undefined;
  const region = allocate(rule.name, alone ?? backend, end);
  const { memory, offset } = region;
  const [p, g, ...rest] = starts.map((start) => offset + start);
  const [scratch, scalars] = rest.splice(slots.length);
  const stageScalars = scalars + SCALARS * SIZE[dtype];
  const state = slots.map((slot, i) => ({ ...slot, start: rest[i] }));
  for (const { type, from, start } of state) if (from !== 0) viewOf(memory, type, start, length).fill(from);
  const streams: Streams = { memory, dtype, own, p, g, state, block, scratch, scalars, stageScalars };
  const part: Part = {
    region,
    streams,
    dtype,
    tensors: place(streams, backend, tensors),
    end: length,
    borrowed: false,
    all: [],
    ranges: [],
    sole: undefined,
    ...loops(rule, settings.kernel, backend, memory, dtype),
    ...toolsOf(streams, backend),
    crew: backend.crew?.on(memory),
    foreign: backend.foreign,
  };
  arrangePart(part, backend);
  return part;
}

/** Makes all views of a part anew, because its memory has grown. */
export function renewPart(part: Part, backend: Backend): void {
  const { streams, tensors } = part;
  Object.assign(part, toolsOf(streams, backend));
  for (const tensor of tensors) Object.assign(tensor, viewsOf(streams, backend, tensor, tensor.start));
  arrangePart(part, backend);
}

/** Makes the ranges of a part's tensors. */
export function arrangePart(part: Part, backend: Backend): void {
  const { streams, tensors, end } = part;
  const active = tensors.filter(({ frozen }) => !frozen);
  part.all = rangesOf(streams, tensors, backend, end);
  part.ranges = active.length === tensors.length ? part.all : rangesOf(streams, active, backend, end);
  const [range, ...more] = part.ranges;
  part.sole = more.length === 0 && range?.behind.length === 0 ? range.whole : undefined;
}

function place(streams: Streams, backend: Backend, tensors: readonly Tensor[]): Laid[] {
  let next = 0;
  return tensors.map((tensor) => {
    const start = next;
    next += roomOf(tensor, streams.dtype);
    const { name, shape, length, at } = tensor;
    const { own, params, grads, state, g, gradSum } = viewsOf(streams, backend, tensor, start);
    const [given, frozen, started, squares] = [undefined, false, false, 0];
    // spreading took half of the time that it takes to make an optimizer
    return { name, shape, length, at, own, start, params, grads, state, g, gradSum, given, frozen, started, squares };
  });
}

/** What the tensor that starts there has of its streams. */
function viewsOf({ memory, dtype, p, g, state }: Streams, backend: Backend, tensor: Tensor, start: number) {
  const { length } = tensor;
  const view = (stream: number) => viewOf(memory, dtype, stream + start * SIZE[dtype], length);
  const ref = (stream = 0) => backend.ref(memory, dtype, stream + start * SIZE[dtype], length);
  const own = ownOf(memory, dtype, tensor);
  const slots = state.map((slot) => {
    return [slot.name, viewOf(memory, slot.type, slot.start + start * SIZE[slot.type], length)] as const;
  });
  return {
    own,
    params: own ?? view(p),
    grads: view(g),
    state: Object.freeze(Object.fromEntries(slots)),
    g: ref(g),
    gradSum: ref(state.find(({ name }) => name === "gradSum")?.start),
  };
}

function toolsOf(streams: Streams, backend: Backend): Tools {
  const { memory, dtype, own, p, block, scratch, scalars, stageScalars } = streams;
  return {
    scratch: backend.ref(memory, dtype, scratch, block),
    scratchG: viewOf(memory, dtype, scratch, block),
    scratchP: own ? viewOf(memory, dtype, p, block) : undefined,
    scalars: viewOf(memory, dtype, scalars, SCALARS),
    h: backend.ref(memory, dtype, scalars, SCALARS),
    stageScalars: viewOf(memory, dtype, stageScalars, STAGE_SCALARS),
    stageH: backend.ref(memory, dtype, stageScalars, STAGE_SCALARS),
    after: new Uint32Array(memory.buffer, stageScalars + AFTER * SIZE[dtype], 2),
  };
}

function loops(rule: AnyElementRule, kernel: string, backend: Backend, memory: Memory, dtype: Dtype) {
  const cached = (kernels: Kernels): KernelSet => ({ kernels, name: kernel, kernel: kernels[kernel] });
  const forms: Partial<Record<Form, KernelSet | null>> = {};
  return {
    plain: cached(backend.kernels(memory, dtype, rule.twins)),
    as(form: Form): KernelSet | undefined {
      if (forms[form] === undefined) {
        const kernels = backend.kernelsAs(form, memory, dtype);
        forms[form] = kernels ? cached(kernels) : null;
      }
      return forms[form] ?? undefined;
    },
    stages: backend.kernels(memory, dtype, { f32: stagesF32, f64: stages }),
    dot: backend.kernels(memory, dtype, { f32: { dot }, f64: { dot } }).dot as unknown as Part["dot"],
  };
}
