import { release } from "./arena.js";
import type { Backend, Ref } from "./backend.js";
import { allocateBatch, type Batch, bytesOf, type Place, renewBatch, slotted } from "./batch.js";
import { batches, overhead, PART_BYTES } from "./layout.js";
import type { Tensor } from "./params.js";
import { SCALARS } from "./part.js";
import type { Reals } from "./real.js";
import type { AnyTensorRule, Dtype, Memory } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import { average, writeStages } from "./step.js";
import { type GroupStages, type Placed, type Source, type Stages, type Store, unguarded } from "./store.js";
import type { TensorStep } from "./tensor-step.js";

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
    const described = tensors.map((tensor, i) => slotted(rule, settings, dtype, tensor, i));
    try {
      for (const batch of batches(rule.name, described, (one) => bytesOf(one, dtype), PART_BYTES - overhead(0))) {
        this.#batches = [...this.#batches, allocateBatch(rule, settings.kernel, this.#backend, dtype, batch)];
      }
    } catch (error) {
      this.release();
      throw error;
    }
    this.arrange();
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

  renew(): void {
    for (const batch of this.#batches) renewBatch(batch);
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

/** Where a tensor's gradient stands; if it is the caller's, it is brought there unless kernels can take it from where it is. */
function sourceOf(batch: Batch, place: Place, source: Source): Ref {
  const { placed, x, g, gradSum, prepared, preparedView, foreign } = place;
  if (source !== "given") return source === "grads" ? g : gradSum;
  const given = placed.given as Reals;
  const there = foreign?.refTo(given, x.dtype, 0, x.length);
  if (there === undefined) bring(batch, preparedView, given);
  return there ?? prepared;
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
