import type { Kernel, Ref } from "./backend.js";
import { slice } from "./layout.js";
import { type Block, DECAY, type KernelSet, type Part, type Share, shareOut } from "./part.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";

// A step without stages is one kernel call on the whole part. Otherwise it walks the part in blocks that stay in the cache, and
// runs for each only the stages that are asked for: copy in, shrink the weights, scale the gradient or add the weight decay, the
// rule's kernel, copy out. The loops count, because an iterator is garbage until its loop is optimized.

/** Runs one step of a kernel on a part. `keep` multiplies p, `scale` the gradient, and `decay` times p is added to that. */
export function stepPart(part: Part, name: string, scale: number, decay: number, keep: number, given: boolean): void {
  const copies = given || part.scratchP !== undefined;
  const decaying = decay !== 0 && scale === 1 ? part.decaying() : undefined;
  // not every kernel has a form that decays
  const both = decaying && kernelOf(decaying, name);
  const kernel = both ?? (kernelOf(part.plain, name) as Kernel);
  const staged = scale !== 1 || (decay !== 0 && !both);
  part.scalars[DECAY] = decay;
  if (part.whole && !copies && !staged && keep === 1) {
    run(kernel, part.whole, part.whole.g, part.h);
    return;
  }
  if (copies && part.blocks.length > 0 && part.blocks[0].shares === undefined) shareOut(part);
  part.stageScalars[0] = scale;
  part.stageScalars[1] = decay;
  part.stageScalars[2] = keep;
  for (let i = 0; i < part.blocks.length; i++) {
    const block = part.blocks[i];
    if (copies) copyIn(block.shares as readonly Share[], part.dtype, given);
    if (keep !== 1) part.shrinkParameters(block.n, block.p, part.stageH);
    let g = given ? part.scratch : block.g;
    if (staged) {
      if (decay !== 0) part.decayGradient(block.n, part.scratch, g, block.p, part.stageH);
      else part.scaleGradient(block.n, part.scratch, g, part.stageH);
      g = part.scratch;
    }
    run(kernel, block, g, part.h);
    if (part.scratchP) copyOut(block.shares as readonly Share[]);
  }
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

function copyIn(shares: readonly Share[], dtype: Dtype, given: boolean): void {
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i];
    if (share.own) copy(share.p as Reals, share.own);
    if (given) copy(share.g, gradientOf(share, dtype));
  }
}

function copyOut(shares: readonly Share[]): void {
  for (let i = 0; i < shares.length; i++) copy(shares[i].own as Reals, shares[i].p as Reals);
}

function gradientOf(share: Share, dtype: Dtype): Reals {
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
