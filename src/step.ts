import type { Kernel, Kernels, Ref } from "./backend.js";
import { type Block, type Handed, type Range, type Share, shareOut } from "./blocks.js";
import { CHUNK, slice } from "./layout.js";
import { DECAY, type KernelSet, type Part } from "./part.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";
import type { GroupStages, Source, Stages } from "./store.js";

// A step without stages is one kernel call on the whole part. Otherwise it walks the part in blocks that stay in the cache, and
// runs for each only the stages that are asked for: copy in, shrink the weights, scale or clip the gradient or add the weight
// decay, the rule's kernel, average the parameters, clear the gradient, copy out. The loops count, because an iterator is garbage
// until its loop is optimized.

/** Runs one step of a kernel on a part. */
export function stepPart(part: Part, name: string, own: GroupStages, all: Stages): void {
  const { sole, crew } = part;
  if (crew?.each(part, all.source, part.scratchP !== undefined, (one) => stepBlocks(one, name, own, all))) return;
  if (sole && own.plain && all.plain) run(kernelOf(part.plain, name) as Kernel, sole, sole.g, part.h);
  else stepBlocks(part, name, own, all);
}

function stepBlocks(part: Part, name: string, own: GroupStages, all: Stages): void {
  const { decay, keep, ema } = own;
  const { limit, clear, source } = all;
  const scale = own.sign * all.scale;
  const { stages, scratch, scratchP, stageH, ranges } = part;
  const clips = limit < Infinity;
  const decaying = decay !== 0 && (clips || scale === 1) ? part.decaying() : undefined;
  // not every kernel has a form that decays
  const both = decaying && kernelOf(decaying, name);
  const kernel = both ?? (kernelOf(part.plain, name) as Kernel);
  const decays = decay !== 0 && !both;
  const scales = scale !== 1 && !clips && !decays;
  const clears = clear && source === "grads";
  const plain = !(clips || decays || scales || clears) && keep === 1 && ema === 1 && source === "grads" && !scratchP;
  part.scalars[DECAY] = decay;
  if (!plain) writeStages(part.stageScalars, own, all);
  for (let r = 0; r < ranges.length; r++) {
    const range = ranges[r];
    const { whole, blocks } = range;
    keepBehind(range);
    if (whole && plain) run(kernel, whole, whole.g, part.h);
    else {
      share(range, part, source);
      for (let i = 0; i < blocks.length; i++) {
        const block = blocks[i];
        const { n, p } = block;
        copyIn(block, part.dtype, source);
        if (keep !== 1) stages.shrinkParameters(n, p, stageH);
        let g = sourceOf(block, scratch, source);
        if (clips) stages.clipGradient(n, scratch, g, stageH);
        if (clips) g = scratch;
        if (decays) stages.decayGradient(n, scratch, g, p, stageH);
        if (scales) stages.scaleGradient(n, scratch, g, stageH);
        if (decays || scales) g = scratch;
        run(kernel, block, g, part.h);
        if (ema !== 1) average(stages, n, block.ema, p, own, stageH);
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
  const { stages, scratch, stageH, ranges } = part;
  part.stageScalars[0] = 1;
  for (let r = 0; r < ranges.length; r++) {
    const range = ranges[r];
    keepBehind(range);
    share(range, part, source);
    for (const block of range.blocks) {
      const { n, gradSum } = block;
      copyIn(block, part.dtype, source);
      const g = sourceOf(block, scratch, source);
      if (first) stages.scaleGradient(n, gradSum, g, stageH);
      else stages.addGradient(n, gradSum, g);
      if (clear && source === "grads") stages.clear(n, block.g);
    }
    putBack(range);
  }
}

/** Notes with each tensor the sum of its gradient's squares. */
export function measurePart(part: Part, source: Source): void {
  const { tensors, dtype, dot, scratch, streams } = part;
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
    for (let from = 0; from < length; from += CHUNK) {
      const end = Math.min(length, from + CHUNK);
      copy(streams.scratch, end - from === length ? given : slice(given, dtype, from, end));
      tensor.squares += dot(end - from, scratch, scratch);
    }
  }
}

/** Writes the scalars of the stages. */
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

function sourceOf(block: Block, scratch: Ref, source: Source): Ref {
  return source === "grads" ? block.g : source === "given" ? scratch : block.gradSum;
}

function share(range: Range, part: Part, source: Source): void {
  if (range.blocks[0].shares || (source !== "given" && !part.scratchP)) return;
  shareOut(range, part.tensors, part.streams, part.scratchP);
}

function keepBehind({ behind }: Range): void {
  for (let i = 0; i < behind.length; i++) behind[i].kept.set(behind[i].numbers);
}

function putBack({ behind }: Range): void {
  for (let i = 0; i < behind.length; i++) behind[i].numbers.set(behind[i].kept);
}

function kernelOf(set: KernelSet, name: string): Kernel | undefined {
  if (set.name !== name) {
    set.name = name;
    set.kernel = set.kernels[name];
  }
  return set.kernel;
}

function run(kernel: Kernel, { n, p, state }: Block, g: Ref, h: Ref): void {
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

function copyIn({ shares }: Block, dtype: Dtype, source: Source): void {
  if (!shares) return;
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i];
    if (share.own) copy(share.p as Reals, share.own);
    if (source === "given") copy(share.g, gradientOf(share, dtype));
  }
}

function copyOut({ shares }: Block): void {
  const all = shares as readonly Share[];
  for (let i = 0; i < all.length; i++) copy(all[i].own as Reals, all[i].p as Reals);
}

/** The share of a gradient that was handed over. */
export function gradientOf(share: Handed, dtype: Dtype): Reals {
  const whole = share.tensor.given as Reals;
  if (whole.length === share.end - share.start) return whole;
  if (share.source !== whole) {
    share.source = whole;
    share.given = slice(whole, dtype, share.start, share.end);
  }
  return share.given as Reals;
}

function copy(to: Reals, from: Reals): void {
  if (from.length > 32) to.set(from);
  else for (let i = 0; i < from.length; i++) to[i] = from[i];
}
