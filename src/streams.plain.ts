import { createMemory } from "./arena.js";
import type { Backend, Kernels } from "./backend.js";
import * as stagesF32 from "./generated/f32/stages.js";
import { blockLength, SIZE, slice, slotOf, viewOf } from "./layout.js";
import type { Tensor } from "./params.js";
import { SCALARS, STAGE_SCALARS } from "./part.js";
import type { Numbers, Reals } from "./real.js";
import { dot } from "./reduce.js";
import { type AnyElementRule, type Dtype, extraSlots, type Memory, type Small } from "./rule.js";
import type { GroupSettings } from "./settings.js";
import * as stages from "./stages.js";
import { average, run, writeStages } from "./step.js";
import { type GroupStages, type Placed, type Source, type Stages, type Store, unguarded, untouched } from "./store.js";

// Stands in for streams.ts in gradstep/js. A kernel there takes any arrays, so that each tensor is stepped where it stands, the
// caller's own too: nothing is copied, and no memory is shared. The loops of a step count, because an iterator is garbage until its
// loop is optimized.

/** What one kernel call works on: what scratch has room for. */
interface Block {
  readonly from: number;
  readonly n: number;
  readonly p: Reals;
  readonly g: Reals;
  /** The slots of the rule. */
  readonly state: readonly Numbers[];
  /** Those of the step, if it has them. */
  readonly ema: Reals;
  readonly gradSum: Reals;
}

/** A tensor and its blocks. */
interface Laid extends Placed {
  readonly blocks: readonly Block[];
}

/** What a step goes over. */
interface Part {
  readonly tensors: readonly Laid[];
}

/** The tensors of a group whose rule looks at each element alone: a step goes from one to the next. */
export class Streams implements Store, Part {
  tensors: readonly Laid[];
  readonly #rule: AnyElementRule;
  readonly #scalars: AnyElementRule["scalars"];
  readonly #kernelAt: AnyElementRule["kernelAt"];
  readonly #settings: GroupSettings;
  readonly #memory: Memory;
  readonly #backend: Backend;
  readonly #dtype: Dtype;
  readonly #kernels: Kernels;
  readonly #stages: Kernels;
  /** What the rule writes for its kernel, and what the stages take. */
  readonly #h: Reals;
  readonly #stageH: Reals;
  /** Gradients on their way to the kernel. */
  #scratch: Reals;
  /** The tensors that are not frozen. */
  #active: readonly Laid[] = [];

  constructor(
    rule: AnyElementRule,
    settings: GroupSettings,
    memory: Memory,
    backend: Backend,
    dtype: Dtype,
    tensors: readonly Tensor[],
  ) {
    this.#rule = rule;
    this.#scalars = rule.scalars;
    this.#kernelAt = rule.kernelAt;
    this.#settings = settings;
    this.#memory = memory;
    this.#backend = backend;
    this.#dtype = dtype;
    this.#kernels = rule.twins[dtype] as unknown as Kernels;
    this.#stages = (dtype === "f32" ? stagesF32 : stages) as unknown as Kernels;
    this.#h = this.#reals(SCALARS);
    this.#stageH = this.#reals(STAGE_SCALARS);
    this.#scratch = this.#reals(0);
    this.tensors = tensors.map((tensor) => this.#lay(tensor));
    this.arrange();
  }

  get bytes(): number {
    const held = this.tensors.flatMap(({ own, params, grads, state }) => {
      return [...(own ? [] : [params]), grads, ...Object.values(state)];
    });
    return [this.#scratch, ...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  step(_pass: number, t: number, stages: Stages): void {
    if (this.tensors.length === 0) return;
    this.#walk(this.#active, this.begin(this, t), this.#settings.stages, stages);
  }

  begin(_part: Part, t: number): string {
    const { values, kernel } = this.#settings;
    this.#scalars(this.#h, values, t, this.#memory);
    return this.#kernelAt?.(values, t, kernel) ?? kernel;
  }

  run({ tensors }: Part, kernel: string, stages: Stages): void {
    this.#walk(tensors, kernel, this.#settings.stages, stages);
  }

  #walk(tensors: readonly Laid[], name: string, own: GroupStages, all: Stages): void {
    const stages = this.#stages;
    const kernel = this.#kernels[name];
    const scratch = this.#scratch;
    const h = this.#stageH;
    const clips = all.limit < Infinity;
    const decays = own.decay !== 0;
    const scales = own.sign * all.scale !== 1 && !clips && !decays;
    writeStages(h, own, all);
    for (let i = 0; i < tensors.length; i++) {
      const { blocks } = tensors[i];
      for (let k = 0; k < blocks.length; k++) {
        const block = blocks[k];
        const { n, p, ema } = block;
        let g = this.#source(tensors[i], block, all.source);
        if (own.keep !== 1) stages.shrinkParameters(n, p, h);
        if (clips) stages.clipGradient(n, scratch, g, h);
        if (clips) g = scratch;
        if (decays) stages.decayGradient(n, scratch, g, p, h);
        if (scales) stages.scaleGradient(n, scratch, g, h);
        if (decays || scales) g = scratch;
        run(kernel, block, g, this.#h);
        if (own.ema !== 1) average(stages, n, ema, p, own, h);
        if (all.clear && all.source === "grads") stages.clear(n, block.g);
      }
    }
  }

  accumulate(first: boolean, clear: boolean, source: Source): void {
    const { scaleGradient, addGradient } = this.#stages;
    this.#stageH[0] = 1;
    for (const tensor of this.#active) {
      for (const block of tensor.blocks) {
        const g = this.#source(tensor, block, source);
        if (first) scaleGradient(block.n, block.gradSum, g, this.#stageH);
        else addGradient(block.n, block.gradSum, g);
      }
      if (clear && source === "grads") tensor.grads.fill(0);
    }
  }

  measure(source: Source): void {
    for (let i = 0; i < this.tensors.length; i++) {
      const tensor = this.tensors[i];
      const { length, frozen, grads, given, state } = tensor;
      const g = (source === "grads" ? grads : source === "given" ? given : state.gradSum) as Reals;
      tensor.squares = frozen ? 0 : dot(length, g, g);
    }
  }

  call(method: string, t: number, source: Source): void {
    const { values } = this.#settings;
    const { kernel, scalars } = (this.#rule.methods as Required<AnyElementRule>["methods"])[method];
    if (this.tensors.length === 0 || !scalars(this.#h, values, t, this.#memory)) return;
    // what such a method does to the parameters, it does to those that are frozen too
    this.#walk(this.tensors, kernel(values), untouched, { ...unguarded, source });
  }

  arrange(): void {
    this.#active = this.tensors.filter(({ frozen }) => !frozen);
    this.#makeRoom(this.tensors);
  }

  take(from: Streams, names: readonly string[]): void {
    const moved = from.tensors.filter(({ name }) => names.includes(name));
    from.tensors = from.tensors.filter((tensor) => !moved.includes(tensor));
    this.tensors = [...this.tensors, ...moved];
  }

  gather(length: number): Part {
    const tensors = [this.#lay({ name: "rows", shape: [length], length })];
    this.#makeRoom(tensors);
    return { tensors };
  }

  // no memory of its own grows
  renew(): void {}

  // the garbage collector does
  free(): void {}
  release(): void {}

  #source({ given, length }: Laid, { from, n, g, gradSum }: Block, source: Source): Reals {
    if (source !== "given") return source === "grads" ? g : gradSum;
    return n === length ? (given as Reals) : slice(given as Reals, this.#dtype, from, from + n);
  }

  /** Has scratch for all blocks. */
  #makeRoom(tensors: readonly Laid[]): void {
    const most = tensors.flatMap(({ blocks }) => blocks).reduce((most, { n }) => Math.max(most, n), 0);
    if (most > this.#scratch.length) this.#scratch = this.#reals(most);
  }

  #reals(length: number): Reals {
    return this.#array(length, this.#dtype) as Reals;
  }

  #array(length: number, type: Dtype | Small): Numbers {
    const memory = createMemory(this.#rule.name, this.#backend, length * SIZE[type]);
    return viewOf(memory, type, 0, length);
  }

  #lay({ name, shape, length, own }: Tensor): Laid {
    const slots = Object.entries(this.#settings.states[0]).map(([slot, start]) => {
      const { type, from } = slotOf(start, shape, this.#dtype);
      return [slot, this.#array(length, type).fill(from)] as const;
    });
    const params = own ?? this.#reals(length);
    const grads = this.#reals(length);
    const state = Object.freeze(Object.fromEntries(slots));
    const blocks = cut(params, grads, state, this.#dtype);
    // written out, because spreading takes as long as all else
    const [given, frozen, started, squares] = [undefined, false, false, 0];
    return { name, shape, length, own, params, grads, state, given, frozen, started, squares, blocks };
  }
}

/** Cuts a tensor into blocks; one that is a block is that itself. */
function cut(params: Reals, grads: Reals, state: Placed["state"], dtype: Dtype): Block[] {
  const { length } = params;
  const { ema, gradSum } = state as Readonly<Record<string, Reals>>;
  const slots = Object.keys(state).filter((name) => !(name in extraSlots));
  const most = blockLength(dtype);
  const blocks: Block[] = [];
  for (let from = 0; from < length; from += most) {
    const n = Math.min(most, length - from);
    const at = <T extends Numbers>(x: T): T => (n === length ? x : (x?.subarray(from, from + n) as T));
    blocks.push({
      from,
      n,
      p: n === length ? params : slice(params, dtype, from, from + n),
      g: at(grads),
      state: slots.map((name) => at(state[name])),
      ema: at(ema),
      gradSum: at(gradSum),
    });
  }
  return blocks;
}
