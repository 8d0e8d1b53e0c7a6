import type { Form, Kernel, Kernels, Ref } from "./backend.js";
import { type Block, type Handed, type Range, type Share, shareOut } from "./blocks.js";
import { CHUNK, slice } from "./layout.js";
import type { KernelSet, Part } from "./part.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";
import type { GroupStages, Source, Stages } from "./store.js";

// A step without stages is one kernel call on the whole part, and so is one whose stages are fused into the kernel. Otherwise it
// walks the part in blocks that stay in the cache, and runs for each only the stages that are asked for: copy in, shrink the weights,
// scale or clip the gradient or add the weight decay, the rule's kernel, average the parameters, clear the gradient, copy out. The
// loops count, because an iterator is garbage until its loop is optimized.

/** What a fused kernel does after the rule's formula. */
const AVERAGES = 1;
const CLEARS = 2;

/** Runs one step of a kernel on a part. */
export function stepPart(part: Part, name: string, own: GroupStages, all: Stages): void {
  const { sole, crew } = part;
  if (crew?.each(part, all.source, part.scratchP !== undefined, (one) => stepBlocks(one, name, own, all))) return;
  if (sole && own.plain && all.plain) run(kernelOf(part.plain, name) as Kernel, sole, sole.g, part.h);
  else stepBlocks(part, name, own, all);
}

function stepBlocks(part: Part, name: string, own: GroupStages, all: Stages): void {
  const { keep } = own;
  const { source } = all;
  const { stages, scratch, scratchP, stageH, after, ranges } = part;
  let clips = all.limit < Infinity;
  let decays = own.decay !== 0;
  let scales = own.sign * all.scale !== 1 && !clips && !decays;
  let averages = own.ema !== 1;
  let clears = all.clear && source === "grads";
  const bare = !(clips || decays || scales || averages || clears) && keep === 1;
  if (!bare) writeStages(part.stageScalars, own, all);
  let kernel: Kernel | undefined;
  if (decays && !clips) {
    kernel = kernelAs("decay", part, name);
    if (kernel) decays = false;
  }
  // no kernel averages from the parameters where these are the nearer, or where each thread has a block of them
  const fuses = !decays && (clips || scales || averages || clears) && own.ema > 0.5 && !(averages && part.streams.own);
  const fused = fuses && !kernel ? kernelAs("fused", part, name) : undefined;
  if (fused) {
    kernel = fused;
    after[0] = (averages ? AVERAGES : 0) + (clears ? CLEARS : 0);
    clips = scales = averages = clears = false;
  }
  kernel ??= kernelOf(part.plain, name) as Kernel;
  const once = !(clips || decays || scales || averages || clears) && keep === 1 && source !== "given";
  for (let r = 0; r < ranges.length; r++) {
    const range = ranges[r];
    const { whole, blocks } = range;
    keepBehind(range);
    if (whole && once) {
      if (fused) after[1] = (whole.ema as number) - (whole.p as number);
      run(kernel, whole, sourceOf(whole, part, source), part.h);
    } else {
      share(range, part, source);
      for (let i = 0; i < blocks.length; i++) {
        const block = blocks[i];
        const { n, p } = block;
        copyIn(block, part, source);
        if (keep !== 1) stages.shrinkParameters(n, p, stageH);
        let g = sourceOf(block, part, source);
        if (clips) stages.clipGradient(n, scratch, g, stageH);
        if (clips) g = scratch;
        if (decays) stages.decayGradient(n, scratch, g, p, stageH);
        if (scales) stages.scaleGradient(n, scratch, g, stageH);
        if (decays || scales) g = scratch;
        if (fused) after[1] = (block.ema as number) - (p as number);
        run(kernel, block, g, part.h);
        if (averages) average(stages, n, block.ema, p, own, stageH);
        if (clears) stages.clear(n, block.g);
        if (scratchP) copyOut(block);
      }
    }
    putBack(range);
  }
}

/** Adds the gradients to their sum, which is what they are if they are the first. */
export function accumulatePart(part: Part, first: boolean, clear: boolean, source: Source): void {
  if (part.crew?.each(part, source, false, (one) => accumulateBlocks(one, first, clear, source))) return;
  accumulateBlocks(part, first, clear, source);
}

function accumulateBlocks(part: Part, first: boolean, clear: boolean, source: Source): void {
  const { stages, stageH, ranges } = part;
  part.stageScalars[0] = 1;
  for (let r = 0; r < ranges.length; r++) {
    const range = ranges[r];
    keepBehind(range);
    share(range, part, source);
    for (const block of range.blocks) {
      const { n, gradSum } = block;
      copyIn(block, part, source);
      const g = sourceOf(block, part, source);
      if (first) stages.scaleGradient(n, gradSum, g, stageH);
      else stages.addGradient(n, gradSum, g);
      if (clear && source === "grads") stages.clear(n, block.g);
    }
    putBack(range);
  }
}

/** Notes with each tensor the sum of its gradient's squares. */
export function measurePart(part: Part, source: Source): void {
  const { tensors, dtype, dot, scratch, foreign } = part;
  if (part.crew?.measure(part, source)) return;
  for (let i = 0; i < tensors.length; i++) {
    const tensor = tensors[i];
    const { length, frozen } = tensor;
    tensor.squares = 0;
    if (frozen) continue;
    if (source !== "given") {
      const g = source === "grads" ? tensor.g : tensor.gradSum;
      tensor.squares = dot(length, g, g);
      continue;
    }
    const given = tensor.given as Reals;
    const there = foreign?.refTo(given, dtype, 0, length);
    if (there !== undefined) {
      tensor.squares = dot(length, there, there);
      continue;
    }
    for (let from = 0; from < length; from += CHUNK) {
      const end = Math.min(length, from + CHUNK);
      copy(part.scratchG, end - from === length ? given : slice(given, dtype, from, end));
      tensor.squares += dot(end - from, scratch, scratch);
    }
  }
}

/** Writes the scalars of the stages; the kernels of other forms know their slots. */
export function writeStages(h: Reals, { sign, decay, keep, ema }: GroupStages, { scale, limit }: Stages): void {
  h[0] = limit < Infinity ? 1 : sign * scale;
  h[1] = decay;
  h[2] = keep;
  h[3] = limit;
  h[4] = sign * scale;
  h[5] = Math.min(ema, 1 - ema);
}

/** Averages the parameters: from the nearer of the two, so that little is rounded away. */
export function average(stages: Kernels, n: number, e: Ref, p: Ref, { ema }: GroupStages, h: Ref): void {
  if (ema > 0.5) stages.averageParameters(n, e, e, p, h);
  else stages.averageParameters(n, e, p, e, h);
}

function sourceOf(block: Block, part: Part, source: Source): Ref {
  if (source !== "given") return source === "grads" ? block.g : block.gradSum;
  return (part.foreign && block.shares?.[0].givenRef) ?? part.scratch;
}

function share(range: Range, part: Part, source: Source): void {
  if (range.blocks[0].shares || (source !== "given" && !part.scratchP)) return;
  shareOut(range, part.tensors, part.dtype, part.scratchG, part.scratchP);
}

function keepBehind({ behind }: Range): void {
  for (let i = 0; i < behind.length; i++) behind[i].kept.set(behind[i].numbers);
}

function putBack({ behind }: Range): void {
  for (let i = 0; i < behind.length; i++) behind[i].numbers.set(behind[i].kept);
}

// not every kernel has other forms
function kernelAs(form: Form, part: Part, name: string): Kernel | undefined {
  const set = part.as(form);
  return set && kernelOf(set, name);
}

function kernelOf(set: KernelSet, name: string): Kernel | undefined {
  if (set.name !== name) {
    set.name = name;
    set.kernel = set.kernels[name];
  }
  return set.kernel;
}

/** Calls a kernel on a block. */
export function run(kernel: Kernel, { n, p, state }: Pick<Block, "n" | "p" | "state">, g: Ref, h: Ref): void {
  // a spread call costs ten times as much
  switch (state.length) {
    case 0:
      kernel(n, p, g, h);
      break;
    case 1:
      kernel(n, p, g, state[0], h);
      break;
    case 2:
      kernel(n, p, g, state[0], state[1], h);
      break;
    case 3:
      kernel(n, p, g, state[0], state[1], state[2], h);
      break;
    case 4:
      kernel(n, p, g, state[0], state[1], state[2], state[3], h);
      break;
    case 5:
      kernel(n, p, g, state[0], state[1], state[2], state[3], state[4], h);
      break;
    default:
      kernel(n, p, g, ...state, h);
  }
}

function copyIn(block: Block, part: Part, source: Source): void {
  const { shares } = block;
  if (!shares) return;
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i];
    if (share.own) copy(share.p as Reals, share.own);
    if (source !== "given") continue;
    takeGiven(share, block, part);
    if (share.givenRef === undefined) copy(share.g, share.given as Reals);
  }
}

function copyOut({ shares }: Block): void {
  const all = shares as readonly Share[];
  for (let i = 0; i < all.length; i++) {
    const { own, p } = all[i];
    if (own) copy(own, p as Reals);
  }
}

/** The share of a gradient that was handed over. */
export function gradientOf(share: Handed, dtype: Dtype): Reals {
  const { tensor, start, end } = share;
  const whole = tensor.given as Reals;
  if (share.source !== whole) {
    share.source = whole;
    share.given = whole.length === end - start ? whole : slice(whole, dtype, start, end);
  }
  return share.given as Reals;
}

/** Notes it, and whether the kernel can take it from where it stands. */
function takeGiven(share: Share, { length, shares }: Block, { dtype, foreign }: Part): void {
  const { start, tensor } = share;
  const whole = tensor.given as Reals;
  if (share.source === whole) return;
  gradientOf(share, dtype);
  // a kernel goes over the whole block
  share.givenRef = shares?.length === 1 ? foreign?.refTo(whole, dtype, start, length) : undefined;
}

function copy(to: Reals, from: Reals): void {
  if (from.length > 32) to.set(from);
  else for (let i = 0; i < from.length; i++) to[i] = from[i];
}
