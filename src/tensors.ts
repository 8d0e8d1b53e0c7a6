import { allocate, type Region, release } from "./arena.js";
import type { Backend, Kernels, Ref, Spread } from "./backend.js";
import * as cautions from "./caution.js";
import * as cautionsF32 from "./generated/f32/caution.js";
import * as stagesF32 from "./generated/f32/stages.js";
import { batches, layOut, lined, overhead, PART_BYTES, SIZE, sizeOf, slotOf, viewOf } from "./layout.js";
import type { Tensor } from "./params.js";
import { SCALARS, STAGE_SCALARS } from "./part.js";
import type { Reals } from "./real.js";
import * as reduce from "./reduce.js";
import type { AnyTensorRule, Dtype, Library, Memory, Small } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import * as stages from "./stages.js";
import { average, writeStages } from "./step.js";
import { type GroupStages, type Placed, type Source, type Stages, type Store, unguarded } from "./store.js";
import { type Loops, TensorStep } from "./tensor-step.js";

// The tensors of a group whose rule looks at each as a whole. In one memory stand the buffers of one tensor after the other, and
// behind them what the step over a tensor works in:
//
//   | p g m v | p g m v | … | gradient | parameters | work … | the rule's scalars | the stages' scalars |

/** A tensor, what its rule works on, and how it comes there. */
interface Place {
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
}

/** The tensors that share a memory. */
interface Batch {
  readonly region: Region;
  /** Whether its memory belongs to a batch of another group. */
  readonly borrowed: boolean;
  places: readonly Place[];
  readonly stages: Kernels;
  readonly stageScalars: Reals;
  readonly stageH: Ref;
  /** If threads share its memory. */
  readonly spread: Spread | undefined;
}

/** A tensor and the slots of its state. */
interface Slotted extends Tensor {
  readonly slots: readonly (readonly [name: string, slot: ReturnType<typeof slotOf>])[];
  readonly work: readonly { readonly length: number; readonly type: Dtype | Small }[];
  /** Whether its parameters are the caller's, and pass through a buffer that all such tensors share. */
  readonly passes: boolean;
}

/** The tensors of a group whose rule looks at each as a whole: a step goes from one to the next. */
export class Tensors implements Store {
  tensors: readonly Placed[] = [];
  readonly #rule: AnyTensorRule;
  readonly #settings: GroupSettings;
  readonly #memory: Memory;
  // what all tensors get: see TensorRule.scalars
  readonly #scalars = new Float64Array(SCALARS);
  readonly #backend: Backend;
  #batches: readonly Batch[] = [];

  constructor(
    rule: AnyTensorRule,
    settings: GroupSettings,
    memory: Memory,
    backend: Backend,
    dtype: Dtype,
    tensors: readonly Tensor[],
  ) {
    this.#rule = rule;
    this.#settings = settings;
    this.#memory = memory;
    this.#backend = backend;
    const slotted = tensors.map((tensor, i): Slotted => {
      const slots = Object.entries(settings.states[i]).map(
        ([name, slot]) => [name, slotOf(slot, tensor.shape, dtype)] as const,
      );
      const work = (rule.work?.(settings.values, tensor.shape) ?? []).map((one) => {
        return typeof one === "number" ? { length: one, type: dtype } : one;
      });
      return { ...tensor, slots, work, passes: tensor.own !== undefined && !rule.minimize };
    });
    try {
      for (const batch of batches(rule.name, slotted, (one) => bytesOf(one, dtype), PART_BYTES - overhead(0))) {
        this.#batches = [...this.#batches, allocateBatch(rule, settings.kernel, this.#backend, dtype, batch)];
      }
    } catch (error) {
      this.release();
      throw error;
    }
    this.arrange();
  }

  get threads(): number {
    return this.#backend.crew?.threads ?? 1;
  }

  get bytes(): number {
    return this.#batches.reduce((sum, { region, borrowed }) => sum + (borrowed ? 0 : region.bytes), 0);
  }

  step(pass: number, t: number, stages: Stages): void {
    const { values, stages: own } = this.#settings;
    const { scalars, passes } = this.#rule;
    const { tensor } = passes[pass];
    const last = pass === passes.length - 1;
    if (pass === 0) scalars?.(this.#scalars, values, t, this.#memory);
    for (const batch of this.#batches) {
      writeStages(batch.stageScalars, own, stages);
      for (const place of batch.places) {
        if (place.placed.frozen) continue;
        prepare(batch, place, own, stages, pass === 0);
        if (scalars) place.x.s.set(this.#scalars);
        tensor(place.x, values, t, this.#memory);
        const { n, p } = place.x;
        if (last && own.ema !== 1) average(batch.stages, n, place.ema, p, own, batch.stageH);
        if (last && stages.clear && stages.source === "grads") batch.stages.clear(n, place.g);
        if (place.p) fetch(batch, place.placed.params, place.p);
      }
    }
  }

  accumulate(first: boolean, clear: boolean, source: Source): void {
    for (const batch of this.#batches) {
      const { places, stages, stageScalars, stageH } = batch;
      stageScalars[0] = 1;
      for (const place of places) {
        const { n } = place.x;
        if (place.placed.frozen) continue;
        const g = sourceOf(batch, place, source);
        if (first) stages.scaleGradient(n, place.gradSum, g, stageH);
        else stages.addGradient(n, place.gradSum, g);
        if (clear && source === "grads") stages.clear(n, g);
      }
    }
  }

  measure(source: Source): void {
    for (const batch of this.#batches) {
      for (const place of batch.places) {
        const { placed, x } = place;
        const g = placed.frozen ? undefined : sourceOf(batch, place, source);
        placed.squares = g === undefined ? 0 : x.dot(g, g);
      }
    }
  }

  arrange(): void {
    this.tensors = this.#batches.flatMap(({ places }) => places.map(({ placed }) => placed));
  }

  take(from: Tensors, names: readonly string[]): void {
    const isMoved = ({ placed }: Place) => names.includes(placed.name);
    for (const batch of from.#batches) {
      const places = batch.places.filter(isMoved);
      if (places.length === 0) continue;
      batch.places = batch.places.filter((place) => !isMoved(place));
      this.#batches = [...this.#batches, { ...batch, places, borrowed: true }];
    }
    from.arrange();
    this.arrange();
  }

  /** Averages the parameters after a step that a rule has taken itself. */
  average(): void {
    const own = this.#settings.stages;
    if (own.ema === 1) return;
    for (const { places, stages, stageScalars, stageH } of this.#batches) {
      writeStages(stageScalars, own, unguarded);
      for (const { x, ema } of places) average(stages, x.n, ema, x.p, own, stageH);
    }
  }

  /** The tensors as a rule works on them, for one that evaluates the loss itself. */
  get steps(): readonly TensorStep[] {
    return this.#batches.flatMap(({ places }) => places.map(({ x }) => x));
  }

  /** Takes over the parameters that are the caller's. */
  takeParams(): void {
    this.#eachOwn((batch, p, params) => bring(batch, p, params));
  }

  /** Gives them back. */
  giveParams(): void {
    this.#eachOwn((batch, p, params) => fetch(batch, params, p));
  }

  #eachOwn(copy: (batch: Batch, p: Reals, params: Reals) => void): void {
    for (const batch of this.#batches) for (const { p, placed } of batch.places) if (p) copy(batch, p, placed.params);
  }

  release(): void {
    for (const { region, borrowed } of this.#batches) if (!borrowed) release(this.#backend, region);
  }
}

/** Brings a tensor's parameters and gradient to where its rule works on them. */
function prepare(
  batch: Batch,
  place: Place,
  { sign, decay, keep }: GroupStages,
  { scale, limit, source }: Stages,
  first: boolean,
): void {
  const { stages, stageH, spread } = batch;
  const { placed, x, prepared } = place;
  const { n, p } = x;
  if (spread) spread.tensor = placed.name;
  if (place.p) bring(batch, place.p, placed.params);
  x.g = sourceOf(batch, place, source);
  if (first && keep !== 1) stages.shrinkParameters(n, p, stageH);
  const clips = limit < Infinity;
  if (clips) stages.clipGradient(n, prepared, x.g, stageH);
  if (clips) x.g = prepared;
  if (decay !== 0) stages.decayGradient(n, prepared, x.g, p, stageH);
  else if (sign * scale !== 1 && !clips) stages.scaleGradient(n, prepared, x.g, stageH);
  else return;
  x.g = prepared;
}

/** Where a tensor's gradient stands; if it is the caller's, it is brought there. */
function sourceOf(batch: Batch, { placed, g, gradSum, prepared, preparedView }: Place, source: Source): Ref {
  if (source === "given") bring(batch, preparedView, placed.given as Reals);
  return source === "grads" ? g : source === "given" ? prepared : gradSum;
}

/** Copies the caller's numbers to a batch's memory. */
function bring({ spread }: Batch, to: Reals, from: Reals): void {
  if (spread) spread.carrier.bring(to, 0, from);
  else to.set(from);
}

/** Copies them back. */
function fetch({ spread }: Batch, to: Reals, from: Reals): void {
  if (spread) spread.carrier.fetch(to, from, 0);
  else to.set(from);
}

/** Bytes of a tensor's buffers: gradients, parameters if they have a buffer of their own, and state. */
function buffersOf({ length, passes, slots }: Slotted, dtype: Dtype): number[] {
  const reals = lined(length, dtype) * SIZE[dtype];
  const state = slots.map(([, { shape, type }]) => lined(sizeOf(shape), dtype) * SIZE[type]);
  return [reals, ...(passes ? [] : [reals]), ...state];
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

function bytesOf(tensor: Slotted, dtype: Dtype): number {
  return layOut([...buffersOf(tensor, dtype), ...scratchOf([tensor], dtype)]).end;
}

function allocateBatch(
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
  const ref = (start: number, length: number, type: Dtype | Small = dtype) =>
    backend.ref(memory, type, offset + start, length);
  const view = (start: number, length: number) => viewOf(memory, dtype, offset + start, length);
  const [stageScalars, scalars] = [starts.pop() as number, starts.pop() as number];
  const [preparedG, preparedP, ...work] = starts.splice(starts.length - scratch.length);
  const sizes = new Map([scalars, stageScalars].map((start) => [ref(start, SCALARS), 0]));
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
  const places = tensors.map((tensor): Place => {
    const { length, own, slots, passes } = tensor;
    const [g, ...rest] = starts.splice(0, buffersOf(tensor, dtype).length);
    const p = passes ? preparedP : (rest.shift() as number);
    const each = <T>(at: (start: number, length: number, type: Dtype | Small) => T): Readonly<Record<string, T>> => {
      const made = slots.map(([name, { shape, type }], i) => [name, at(rest[i], sizeOf(shape), type)] as const);
      return Object.freeze(Object.fromEntries(made));
    };
    const state = each((start, length, type) => viewOf(memory, type, offset + start, length));
    for (const [name, { from }] of slots) if (from !== 0) state[name].fill(from);
    const { name, shape } = tensor;
    const placed = { name, shape, length, own, params: own ?? view(p, length), grads: view(g, length), state };
    for (const [i, [, { type }]] of slots.entries()) if (type !== dtype) sizes.set(ref(rest[i], 0, type), SIZE[type]);
    const { ema = 0, gradSum = 0, ...rules } = each(ref);
    const buffers = {
      p: ref(p, length),
      g: ref(g, length),
      prepared: ref(preparedG, length),
      state: rules,
      work: tensor.work.map(({ length, type }, i) => ref(work[i], length, type)),
      h: ref(scalars, SCALARS),
    };
    const workNumbers = tensor.work.map(({ length, type }, i) => viewOf(memory, type, offset + work[i], length));
    return {
      placed: { ...placed, given: undefined, frozen: false, squares: 0 },
      x: new TensorStep(tensor, dtype, buffers, { state, work: workNumbers }, view(scalars, SCALARS), loops),
      g: buffers.g,
      prepared: buffers.prepared,
      ema,
      gradSum,
      preparedView: view(preparedG, length),
      p: own && view(p, length),
    };
  });
  return {
    region,
    borrowed: false,
    places,
    stages: stageKernels,
    stageScalars: view(stageScalars, STAGE_SCALARS),
    stageH: ref(stageScalars, STAGE_SCALARS),
    spread,
  };
}

/** The length of the longest buffer. */
function longestOf(tensors: readonly Slotted[]): number {
  return tensors.reduce((most, { length, slots, work }) => {
    const others = [...slots.map(([, { shape }]) => sizeOf(shape)), ...work.map((one) => one.length)];
    return Math.max(most, length, ...others);
  }, 0);
}
