import { allocate, type Region, release } from "./arena.js";
import type { Backend, Kernel, Kernels, Memory, Ref } from "./backend.js";
import * as stagesF32 from "./generated/f32/stages.js";
import {
  batches,
  blockLength,
  layOut,
  lined,
  overhead,
  PART_BYTES,
  padded,
  SIZE,
  slice,
  slotOf,
  viewOf,
} from "./layout.js";
import type { Tensor } from "./params.js";
import type { Reals } from "./real.js";
import type { AnyElementRule, Dtype, Small } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import * as stages from "./stages.js";
import type { Placed } from "./store.js";

// A part is what a group has in one memory: its streams (parameters, gradients, state slots) one after the other, each the
// tensors of the group padded to whole vectors, so that a step walks the group and not its tensors.
//
//   | p: w…… b… | g: w…… b… | m: w…… b… | v: w…… b… | a block of scratch | the step's scalars | the stages' scalars |
//
// A part of the caller's own arrays has one block of p, which each block of the arrays passes through.

/** Slots for the rule's scalars; the last is the coupled weight decay. */
export const SCALARS = 16;
export const DECAY = 15;

export const STAGE_SCALARS = 4;

/** A tensor in its place, and where it starts in every stream, in elements. */
interface Laid extends Placed {
  readonly start: number;
}

/** The share of a tensor that lies in a block. */
export interface Share {
  readonly tensor: Placed;
  readonly start: number;
  readonly end: number;
  /** Its place in the scratch of gradients, and in that of parameters if they are the caller's. */
  readonly g: Reals;
  readonly p: Reals | undefined;
  /** That part of the caller's own array. */
  readonly own: Reals | undefined;
  /** The gradient handed in last and that part of it, so that the same array costs nothing the next time. */
  source: Reals | undefined;
  given: Reals | undefined;
}

/** What one kernel call works on. */
export interface Block {
  readonly n: number;
  readonly p: Ref;
  readonly g: Ref;
  readonly state: readonly Ref[];
  /** Made when they are first needed. */
  shares: readonly Share[] | undefined;
}

/** Kernels, and the one that ran last with its name: looking it up costs as much as a small step. */
export interface KernelSet {
  readonly kernels: Kernels;
  name: string;
  kernel: Kernel | undefined;
}

export interface Part {
  readonly region: Region;
  readonly dtype: Dtype;
  readonly tensors: readonly Laid[];
  /** Everything at once, for a step that needs no scratch, and in blocks. */
  readonly whole: Block | undefined;
  readonly blocks: readonly Block[];
  /** The rule's kernels, and those of them that add the weight decay themselves, if there are such. */
  readonly plain: KernelSet;
  readonly decaying: () => KernelSet | undefined;
  readonly scaleGradient: Kernel;
  readonly decayGradient: Kernel;
  readonly shrinkParameters: Kernel;
  /** A block of gradients on their way to the kernel, and of parameters if they are the caller's. */
  readonly scratch: Ref;
  readonly scratchG: Reals;
  readonly scratchP: Reals | undefined;
  /** What the rule's scalars are written to, and what its kernel is given. */
  readonly scalars: Reals;
  readonly h: Ref;
  readonly stageScalars: Reals;
  readonly stageH: Ref;
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
      const streams = [dtype, ...(own ? [] : [dtype]), ...slotsOf(settings, dtype).map(({ type }) => type)];
      const bytesPerElement = streams.reduce((sum, type) => sum + SIZE[type], 0);
      const bytesOf = ({ length }: Tensor) => bytesPerElement * padded(length, dtype);
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

/** Where the streams of a part start, in bytes of its memory. */
interface Streams {
  readonly memory: Memory;
  readonly dtype: Dtype;
  /** Whether the parameters are the caller's, and `p` is a block that they pass through. */
  readonly own: boolean;
  readonly p: number;
  readonly g: number;
  readonly state: readonly { readonly name: string; readonly type: Dtype | Small; readonly start: number }[];
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
  const length = tensors.reduce((sum, tensor) => sum + padded(tensor.length, dtype), 0);
  const stream = lined(length, dtype);
  const block = Math.min(stream, blockLength(dtype));
  const sizes = [own ? block : stream, stream, block, SCALARS, STAGE_SCALARS].map((n) => n * SIZE[dtype]);
  sizes.splice(2, 0, ...slots.map(({ type }) => stream * SIZE[type]));
  const { starts, end } = layOut(sizes);
  const region = allocate(rule.name, backend, end);
  const { memory, offset } = region;
  const [p, g, ...rest] = starts.map((start) => offset + start);
  const [scratch, scalars, stageScalars] = rest.splice(slots.length);
  const state = slots.map((slot, i) => ({ ...slot, start: rest[i] }));
  for (const { type, from, start } of state) if (from !== 0) viewOf(memory, type, start, length).fill(from);
  const streams: Streams = { memory, dtype, own, p, g, state };
  return {
    region,
    dtype,
    tensors: place(streams, tensors),
    whole: own ? undefined : cut(streams, backend, length, length)[0],
    blocks: cut(streams, backend, length, block),
    ...loops(rule, settings.kernel, backend, memory, dtype),
    scratch: backend.ref(memory, dtype, scratch, block),
    scratchG: viewOf(memory, dtype, scratch, block),
    scratchP: own ? viewOf(memory, dtype, p, block) : undefined,
    scalars: viewOf(memory, dtype, scalars, SCALARS),
    h: backend.ref(memory, dtype, scalars, SCALARS),
    stageScalars: viewOf(memory, dtype, stageScalars, STAGE_SCALARS),
    stageH: backend.ref(memory, dtype, stageScalars, STAGE_SCALARS),
  };
}

function place({ memory, dtype, own, p, g, state }: Streams, tensors: readonly Tensor[]): Laid[] {
  let next = 0;
  return tensors.map((tensor) => {
    const start = next;
    next += padded(tensor.length, dtype);
    const view = (stream: number) => viewOf(memory, dtype, stream + start * SIZE[dtype], tensor.length);
    const params = own ? (tensor.own as Reals) : view(p);
    const slots = state.map((slot) => {
      return [slot.name, viewOf(memory, slot.type, slot.start + start * SIZE[slot.type], tensor.length)] as const;
    });
    const views = Object.freeze(Object.fromEntries(slots));
    return { ...tensor, start, params, grads: view(g), state: views, given: undefined };
  });
}

/** Cuts `length` elements of the streams into blocks. */
function cut({ memory, dtype, own, p, g, state }: Streams, backend: Backend, length: number, block: number): Block[] {
  const blocks: Block[] = [];
  for (let from = 0; from < length; from += block) {
    const count = Math.min(block, length - from);
    const at = (stream: number, type: Dtype | Small = dtype) =>
      backend.ref(memory, type, stream + from * SIZE[type], count);
    blocks.push({
      n: backend.count(dtype, count),
      p: own ? backend.ref(memory, dtype, p, count) : at(p),
      g: at(g),
      state: state.map(({ start, type }) => at(start, type)),
      shares: undefined,
    });
  }
  return blocks;
}

function loops(rule: AnyElementRule, kernel: string, backend: Backend, memory: Memory, dtype: Dtype) {
  const cached = (kernels: Kernels): KernelSet => ({ kernels, name: kernel, kernel: kernels[kernel] });
  const { scaleGradient, decayGradient, shrinkParameters } = backend.kernels(memory, dtype, {
    f32: stagesF32,
    f64: stages,
  });
  let decaying: KernelSet | null | undefined;
  return {
    plain: cached(backend.kernels(memory, dtype, rule.twins)),
    decaying(): KernelSet | undefined {
      if (decaying === undefined) {
        const kernels = backend.decayKernels(memory, dtype);
        decaying = kernels ? cached(kernels) : null;
      }
      return decaying ?? undefined;
    },
    scaleGradient,
    decayGradient,
    shrinkParameters,
  };
}

/** The shares of a part's tensors in its blocks, for copying to and from scratch. */
export function shareOut({ blocks, tensors, scratchG, scratchP, dtype }: Part): void {
  const block = blockLength(dtype);
  for (const [i, each] of blocks.entries()) {
    const from = i * block;
    each.shares = tensors.flatMap((tensor): Share[] => {
      const start = Math.max(0, from - tensor.start);
      const end = Math.min(tensor.length, from + block - tensor.start);
      if (start >= end) return [];
      const at = tensor.start + start - from;
      const g = scratchG.subarray(at, at + end - start);
      const p = scratchP?.subarray(at, at + end - start);
      return [
        {
          tensor,
          start,
          end,
          g,
          p,
          own: tensor.own && slice(tensor.own, dtype, start, end),
          source: undefined,
          given: undefined,
        },
      ];
    });
  }
}
