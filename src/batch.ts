import { allocate, type Region } from "./arena.js";
import type { Backend, Kernels, Memory, Ref, Spread } from "./backend.js";
import * as cautions from "./caution.js";
import type { ForeignMemory } from "./foreign.js";
import * as cautionsF32 from "./generated/f32/caution.js";
import * as stagesF32 from "./generated/f32/stages.js";
import { inPlace, layOut, lined, ownOf, SIZE, sizeOf, slotOf, viewOf } from "./layout.js";
import type { Tensor } from "./params.js";
import { SCALARS, STAGE_SCALARS } from "./part.js";
import type { Numbers, Reals } from "./real.js";
import * as reduce from "./reduce.js";
import type { AnyTensorRule, Dtype, Library, Small } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import * as stages from "./stages.js";
import type { Placed } from "./store.js";
import { type Loops, TensorStep } from "./tensor-step.js";

// The tensors of a group whose rule looks at each as a whole. In one memory stand the buffers of one tensor after the other, and
// behind them what the step over a tensor works in:
//
//   | p g m v | p g m v | … | gradient | parameters | work … | the rule's scalars | the stages' scalars |

/** A tensor, what its rule works on, and how it comes there. */
export interface Place {
  readonly lot: Lot;
  readonly placed: Placed;
  readonly x: TensorStep;
  /** Its gradients, where they stand and where they are prepared. */
  readonly g: Ref;
  readonly prepared: Ref;
  readonly preparedView: Reals;
  /** The slots of the step: see `extraSlots`. */
  readonly ema: Ref;
  readonly gradSum: Ref;
  /** Where the caller's own parameters pass through. */
  readonly p: Reals | undefined;
  /** The memory of another module, if it stands in that. */
  readonly foreign: ForeignMemory | undefined;
}

/** The tensors that share a memory. */
export interface Batch {
  readonly region: Region;
  /** Whether its memory belongs to a batch of another group. */
  readonly borrowed: boolean;
  readonly tools: Tools;
  places: readonly Place[];
  readonly stages: Kernels;
  readonly stageScalars: Reals;
  readonly stageH: Ref;
  /** If threads share its memory. */
  readonly spread: Spread | undefined;
}

/** A tensor and the slots of its state. */
export interface Slotted extends Tensor {
  readonly slots: readonly (readonly [name: string, slot: ReturnType<typeof slotOf>])[];
  readonly work: readonly { readonly length: number; readonly type: Dtype | Small }[];
  /** Whether its parameters are the caller's, and pass through a buffer that all such tensors share. */
  readonly passes: boolean;
  /** Whether they are, and kernels take them from where they stand. */
  readonly stays: boolean;
}

/** A tensor, and where its buffers start in memory. */
interface Lot {
  readonly tensor: Slotted;
  readonly p: number;
  readonly g: number;
  readonly slots: readonly number[];
}

/** What all tensors of a batch are stepped with, and where it starts in memory. */
interface Tools {
  readonly backend: Backend;
  readonly dtype: Dtype;
  readonly memory: Memory;
  readonly loops: Loops;
  readonly prepared: number;
  readonly work: readonly number[];
  readonly scalars: number;
  readonly stageScalars: number;
}

/** A tensor with the slots that the settings have for it as number `i`. */
export function slotted(
  rule: AnyTensorRule,
  { states, values }: GroupSettings,
  dtype: Dtype,
  tensor: Tensor,
  i: number,
): Slotted {
  const slots = Object.entries(states[i]).map(([name, slot]) => [name, slotOf(slot, tensor.shape, dtype)] as const);
  const work = (rule.work?.(values, tensor.shape) ?? []).map((one) => {
    return typeof one === "number" ? { length: one, type: dtype } : one;
  });
  // kernels write whole lines
  const stays = tensor.at !== undefined && inPlace(tensor, dtype) === tensor.length;
  return { ...tensor, slots, work, stays, passes: tensor.own !== undefined && !rule.minimize && !stays };
}

/** Bytes of a tensor's buffers: gradients, parameters if they have a buffer of their own, and state. */
function buffersOf({ length, passes, stays, slots }: Slotted, dtype: Dtype): number[] {
  const reals = lined(length, dtype) * SIZE[dtype];
  const state = slots.map(([, { shape, type }]) => lined(sizeOf(shape), dtype) * SIZE[type]);
  return [reals, ...(passes || stays ? [] : [reals]), ...state];
}

/** Bytes of what a step over these tensors works in: a gradient, parameters, and the rule's own buffers. */
function scratchOf(tensors: readonly Slotted[], dtype: Dtype): number[] {
  const most: number[] = [];
  for (const { length, passes, work } of tensors) {
    const reals = [length, passes ? length : 0].map((n) => ({ length: n, type: dtype }));
    for (const [i, { length, type }] of [...reals, ...work].entries()) {
      most[i] = Math.max(most[i] ?? 0, lined(length, dtype) * SIZE[type]);
    }
  }
  return most;
}

export function bytesOf(tensor: Slotted, dtype: Dtype): number {
  return layOut([...buffersOf(tensor, dtype), ...scratchOf([tensor], dtype)]).end;
}

export function allocateBatch(
  rule: AnyTensorRule,
  kernel: string,
  backend: Backend,
  dtype: Dtype,
  tensors: readonly Slotted[],
): Batch {
  const scratch = scratchOf(tensors, dtype);
  const scalarSizes = [SCALARS, STAGE_SCALARS].map((n) => lined(n, dtype) * SIZE[dtype]);
  const { starts, end } = layOut([...tensors.flatMap((one) => buffersOf(one, dtype)), ...scratch, ...scalarSizes]);
  const region = allocate(rule.name, backend, end);
  const { memory, offset } = region;
  const places = starts.map((start) => offset + start);
  const [stageScalars, scalars] = [places.pop() as number, places.pop() as number];
  const [prepared, passing, ...work] = places.splice(places.length - scratch.length);
  const sizes = new Map([scalars, stageScalars].map((start) => [backend.ref(memory, dtype, start, SCALARS), 0]));
  const spread = backend.crew?.spread(memory, dtype, longestOf(tensors), sizes);
  const bind = (twins: Readonly<Record<Dtype, Library>>) => backend.kernels(memory, dtype, twins);
  const stageKernels = spread?.kernels ?? bind({ f32: stagesF32, f64: stages });
  const loops: Loops = {
    kernel,
    kernels: spread?.kernels ?? bind(rule.twins),
    blocks: bind(rule.twins),
    stages: stageKernels,
    caution: (spread?.kernels ?? bind({ f32: cautionsF32, f64: cautions })).caution,
    reduce: spread?.reduce ?? (bind({ f32: reduce, f64: reduce }) as unknown as Loops["reduce"]),
    matrix: spread?.matrix ?? ((rule.matrix && bind(rule.matrix)) as unknown as Loops["matrix"]),
    count: (length) => backend.count(dtype, length),
  };
  const tools: Tools = { backend, dtype, memory, loops, prepared, work, scalars, stageScalars };
  const lots = tensors.map((tensor): Lot => {
    const [g, ...slots] = places.splice(0, buffersOf(tensor, dtype).length);
    const p = tensor.stays ? (tensor.at as number) : tensor.passes ? passing : (slots.shift() as number);
    for (const [i, [, { from, shape, type }]] of tensor.slots.entries()) {
      if (from !== 0) viewOf(memory, type, slots[i], sizeOf(shape)).fill(from);
      if (type !== dtype) sizes.set(backend.ref(memory, type, slots[i], 0), SIZE[type]);
    }
    return { tensor, p, g, slots };
  });
  return {
    region,
    borrowed: false,
    tools,
    places: lots.map((lot) => {
      const { name, shape, length } = lot.tensor;
      const [given, frozen, started, squares] = [undefined, false, false, 0];
      const placed = { name, shape, length, at: lot.tensor.at, given, frozen, started, squares };
      return placeOf(tools, lot, { ...placed, ...viewsOf(tools, lot) });
    }),
    stages: stageKernels,
    ...scalarsOf(tools),
    spread,
  };
}

/** Makes all views of a batch anew, because its memory has grown. */
export function renewBatch(batch: Batch): void {
  const { tools } = batch;
  Object.assign(batch, scalarsOf(tools));
  batch.places = batch.places.map(({ lot, placed }) => placeOf(tools, lot, Object.assign(placed, viewsOf(tools, lot))));
}

function scalarsOf({ backend, dtype, memory, stageScalars }: Tools) {
  return {
    stageScalars: viewOf(memory, dtype, stageScalars, STAGE_SCALARS),
    stageH: backend.ref(memory, dtype, stageScalars, STAGE_SCALARS),
  };
}

/** What a tensor shows of its buffers. */
function viewsOf({ dtype, memory }: Tools, { tensor, p, g, slots }: Lot) {
  const { length } = tensor;
  const own = ownOf(memory, dtype, tensor);
  const state = tensor.slots.map(([name, { shape, type }], i) => {
    return [name, viewOf(memory, type, slots[i], sizeOf(shape))] as const;
  });
  return {
    own,
    params: own ?? viewOf(memory, dtype, p, length),
    grads: viewOf(memory, dtype, g, length),
    state: Object.freeze(Object.fromEntries<Numbers>(state)),
  };
}

/** What a step needs of a tensor. */
function placeOf(tools: Tools, lot: Lot, placed: Placed): Place {
  const { backend, dtype, memory, loops, prepared, work, scalars } = tools;
  const { tensor, p, g, slots } = lot;
  const { length, own, stays } = tensor;
  const ref = (start: number, length: number, type: Dtype | Small = dtype) => backend.ref(memory, type, start, length);
  const view = (start: number, length: number) => viewOf(memory, dtype, start, length);
  const refs = tensor.slots.map(([name, { shape, type }], i) => [name, ref(slots[i], sizeOf(shape), type)] as const);
  const { ema = 0, gradSum = 0, ...state }: Record<string, Ref> = Object.fromEntries(refs);
  const buffers = {
    p: ref(p, length),
    g: ref(g, length),
    prepared: ref(prepared, length),
    state,
    work: tensor.work.map(({ length, type }, i) => ref(work[i], length, type)),
    h: ref(scalars, SCALARS),
  };
  const workNumbers = tensor.work.map(({ length, type }, i) => viewOf(memory, type, work[i], length));
  const numbers = { state: placed.state, work: workNumbers };
  return {
    lot,
    placed,
    x: new TensorStep(tensor, dtype, buffers, numbers, view(scalars, SCALARS), loops),
    g: buffers.g,
    prepared: buffers.prepared,
    ema,
    gradSum,
    preparedView: view(prepared, length),
    p: own && !stays ? view(p, length) : undefined,
    foreign: backend.foreign,
  };
}

/** The length of the longest buffer. */
function longestOf(tensors: readonly Slotted[]): number {
  return tensors.reduce((most, { length, slots, work }) => {
    const others = [...slots.map(([, { shape }]) => sizeOf(shape)), ...work.map((one) => one.length)];
    return Math.max(most, length, ...others);
  }, 0);
}
