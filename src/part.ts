import { allocate, type Region } from "./arena.js";
import type { Backend, Kernel, Memory, Ref } from "./backend.js";
import * as stagesF32 from "./generated/f32/stages.js";
import type { Tensor } from "./params.js";
import type { Reals } from "./real.js";
import type { AnyRule, Dtype } from "./rule.js";
import type { Settings } from "./settings.js";
import * as stages from "./stages.js";

// A part is what a group has in one memory: its streams (parameters, gradients, state slots) one after the other, each the
// tensors of the group padded to whole vectors, so that a step walks the group and not its tensors.
//
//   | p: w…… b… | gap | g: w…… b… | gap | m: w…… b… | gap | v: w…… b… | gap | scratch g | scratch p | scalars |
//
// A part of the caller's own arrays has no p; its blocks are copied to scratch p and back.

/** Bytes of each stream in a block: what a pass over it leaves in the cache (measured best at 64 to 128 KB). */
const BLOCK_BYTES = 65536;

/** What streams of a block's size or more are shifted by, so that they do not meet in the same sets of the cache (measured:
 *  Adam on 2^25 elements runs at 14.9 GB/s without and 22 GB/s with it). */
const STAGGER = 4352;

/** The memory of one part, at most: a WebAssembly memory without its last page. */
export const PART_BYTES = 2 ** 32 - 65536;

const VECTOR = 16;
const SCALARS = 16;
const STAGE_SCALARS = 4;

/** A tensor in its place. */
export interface Placed extends Tensor {
  readonly params: Reals;
  readonly grads: Reals;
  readonly state: Readonly<Record<string, Reals>>;
  /** The gradient handed to the current step. */
  given: Reals | undefined;
}

/** The share of a tensor that lies in a block. */
export interface Share {
  readonly tensor: Placed;
  readonly start: number;
  readonly end: number;
  /** Its place in scratch, for the gradient and for the caller's own parameters. */
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

export interface Part {
  readonly region: Region;
  readonly kernel: Kernel;
  readonly scaleGradient: Kernel;
  readonly decayGradient: Kernel;
  readonly dtype: Dtype;
  readonly tensors: readonly Placed[];
  readonly blocks: readonly Block[];
  readonly scratch: Ref;
  readonly scalars: Reals;
  readonly h: Ref;
  readonly stageScalars: Reals;
  readonly stageH: Ref;
  /** The elements of the scratch buffers. */
  readonly scratchG: Reals;
  readonly scratchP: Reals | undefined;
  /** Where each tensor starts, in elements. */
  readonly starts: readonly number[];
}

/** Bytes of an element. */
const SIZE = { f32: 4, f64: 8 } as const;

/** Allocates the tensors of a group: a part for those it owns and a part for the caller's own, more where a memory is full. */
export function allocateParts(
  rule: AnyRule,
  settings: Settings,
  backend: Backend,
  dtype: Dtype,
  tensors: readonly Tensor[],
  limit = PART_BYTES,
): Part[] {
  const parts: Part[] = [];
  for (const own of [false, true]) {
    const streams = Object.keys(settings.state).length + (own ? 1 : 2);
    const fit = Math.floor((limit - 2 * BLOCK_BYTES - (streams + 1) * STAGGER) / (streams * VECTOR)) * lanes(dtype);
    const some = tensors.filter((tensor) => (tensor.own !== undefined) === own);
    for (const batch of batches(rule.name, some, dtype, fit))
      parts.push(allocatePart(rule, settings, backend, dtype, batch, own));
  }
  return parts;
}

function batches(who: string, tensors: readonly Tensor[], dtype: Dtype, fit: number): Tensor[][] {
  const result: Tensor[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const length = padded(tensor.length, dtype);
    if (length > fit) {
      throw new RangeError(
        `${who}: parameter "${tensor.name}" has ${tensor.length} elements, expected at most ${fit} in one tensor ` +
          "(it shares 4 GiB with its gradients and state)",
      );
    }
    if (result.length === 0 || length > room) {
      result.push([]);
      room = fit;
    }
    result[result.length - 1].push(tensor);
    room -= length;
  }
  return result;
}

function allocatePart(
  rule: AnyRule,
  { state, kernel }: Settings,
  backend: Backend,
  dtype: Dtype,
  tensors: readonly Tensor[],
  own: boolean,
): Part {
  const size = SIZE[dtype];
  let length = 0;
  const starts = tensors.map((tensor) => {
    const start = length;
    length += padded(tensor.length, dtype);
    return start;
  });
  const slots = Object.keys(state);
  const block = Math.min(length, BLOCK_BYTES / size);
  const offsets: number[] = [];
  let end = 0;
  for (const stream of [...(own ? [] : [length]), length, ...slots.map(() => length), block, own ? block : 0]) {
    offsets.push(end);
    end += stream * size + (length > block ? STAGGER : 0);
  }
  const scalarsAt = end;
  const region = allocate(backend, end + (SCALARS + STAGE_SCALARS) * size);
  const { memory, offset } = region;
  const view = (at: number, count: number) => viewOf(memory, dtype, offset + at, count);
  const ref = (at: number, count: number) => backend.ref(memory, dtype, offset + at, count);

  const [pAt, gAt, ...rest] = own ? [offsets[offsets.length - 1], ...offsets] : offsets;
  const stateAt = rest.slice(0, slots.length);
  const scratchAt = rest[slots.length];
  for (const [i, slot] of slots.entries()) {
    if (state[slot] !== 0) view(stateAt[i], length).fill(state[slot]);
  }
  const placed = tensors.map((tensor, k): Placed => {
    const slice = (at: number) => view(at + starts[k] * size, tensor.length);
    return {
      ...tensor,
      params: tensor.own ?? slice(pAt),
      grads: slice(gAt),
      state: Object.freeze(Object.fromEntries(slots.map((slot, i) => [slot, slice(stateAt[i])]))),
      given: undefined,
    };
  });
  const blocks: Block[] = [];
  for (let from = 0; from < length; from += block) {
    const count = Math.min(block, length - from);
    const at = (start: number) => ref(start + from * size, count);
    blocks.push({
      n: backend.count(dtype, count),
      p: own ? ref(pAt, count) : at(pAt),
      g: at(gAt),
      state: stateAt.map(at),
      shares: undefined,
    });
  }
  const { scaleGradient, decayGradient } = backend.kernels(memory, dtype, { f32: stagesF32, f64: stages });
  return {
    region,
    kernel: backend.kernels(memory, dtype, rule.twins)[kernel],
    scaleGradient,
    decayGradient,
    dtype,
    tensors: placed,
    blocks,
    starts,
    scratch: ref(scratchAt, block),
    scratchG: view(scratchAt, block),
    scratchP: own ? view(pAt, block) : undefined,
    scalars: view(scalarsAt, SCALARS),
    h: ref(scalarsAt, SCALARS),
    stageScalars: view(scalarsAt + SCALARS * size, STAGE_SCALARS),
    stageH: ref(scalarsAt + SCALARS * size, STAGE_SCALARS),
  };
}

/** The shares of a part's tensors in its blocks, for copying to and from scratch. */
export function shareOut({ blocks, tensors, starts, scratchG, scratchP, dtype }: Part): void {
  const size = BLOCK_BYTES / SIZE[dtype];
  for (const [i, block] of blocks.entries()) {
    const from = i * size;
    const shares: Share[] = [];
    for (const [k, tensor] of tensors.entries()) {
      const start = Math.max(0, from - starts[k]);
      const end = Math.min(tensor.length, from + size - starts[k]);
      if (start >= end) continue;
      const at = starts[k] + start - from;
      shares.push({
        tensor,
        start,
        end,
        g: scratchG.subarray(at, at + end - start),
        p: scratchP?.subarray(at, at + end - start),
        own: tensor.own?.subarray(start, end),
        source: undefined,
        given: undefined,
      });
    }
    block.shares = shares;
  }
}

function viewOf(memory: Memory, dtype: Dtype, offset: number, length: number): Reals {
  const { buffer } = memory;
  return dtype === "f32" ? new Float32Array(buffer, offset, length) : new Float64Array(buffer, offset, length);
}

function lanes(dtype: Dtype): number {
  return VECTOR / SIZE[dtype];
}

function padded(length: number, dtype: Dtype): number {
  return Math.ceil(length / lanes(dtype)) * lanes(dtype);
}
