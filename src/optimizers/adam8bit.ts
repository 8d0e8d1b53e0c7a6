import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adam8bit.js";
import { sizeOf } from "../layout.js";
import { fillTables, tablesWork } from "../maps.js";
import { power } from "../power.js";
import { dequantise, quantise } from "../quantise.js";
import { add, all, div, less, mul, type Reals, sqrt, sub, where } from "../real.js";
import type { Slot, SmallWork, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

type Adam8bitValues = Values<{ lr: number; beta1: number; beta2: number; eps: number }>;

/**
 * Adam8bit: Adam whose state is two bytes per parameter. A parameter of fewer than `min8bitSize` elements has ordinary state.
 * Where the gradient, or its square, is not finite, the parameter stays and its state starts anew.
 *
 * @remarks Use it instead of Adam where the memory for two more copies of the parameters is too much.
 * @see Dettmers et al., 2021, 8-bit Optimizers via Block-wise Quantization (arXiv 2110.02861), as in bitsandbytes on the CPU
 * @state `codes1`, `codes2`, `absmax1`, `absmax2`; `m`, `v` below `min8bitSize`: 2 + 8/256
 */
export const Adam8bit = /* @__PURE__ */ defineTensorOptimizer({
  name: "Adam8bit",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, min8bitSize: 4096 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  fixed: ["min8bitSize"],
  state: adam8bitState,
  work: adam8bitWork,
  scalars: (s, h, t) => adam8bitScalars(s, h, t, 0),
  passes: [{ tensor: stepAdam8bit }],
  twins: { f32, f64: { adam8bit, adamGuarded } },
});

/** The tables of both maps, and a block of m and of v. */
export function adam8bitWork(): (number | SmallWork)[] {
  return [...tablesWork(2), 256, 256];
}

/** Codes and the largest number of each block, or what Adam keeps. */
export function adam8bitState(
  { min8bitSize }: Values<{ min8bitSize: number }>,
  shape: readonly number[],
): Record<string, number | Slot> {
  const size = sizeOf(shape);
  if (size < min8bitSize) return { m: 0, v: 0 };
  const codes: Slot = { from: 0, type: "u8" };
  const absmax: Slot = { from: 0, shape: [Math.ceil(size / 256)] };
  return { codes1: codes, codes2: codes, absmax1: absmax, absmax2: absmax };
}

/** The scalars of a step; `decay` is the weight decay that the kernel applies. */
export function adam8bitScalars(s: Reals, h: Adam8bitValues, t: number, decay: number): void {
  const root = Math.sqrt(1 - power(h.beta2, t));
  s[0] = 1 - h.lr * decay;
  s[1] = (h.lr / (1 - power(h.beta1, t))) * root;
  s[2] = h.beta1;
  s[3] = 1 - h.beta1;
  s[4] = h.beta2;
  s[5] = 1 - h.beta2;
  s[6] = h.eps * root;
}

export function stepAdam8bit(x: TensorStep): void {
  const { work } = x;
  const { m, v, codes1, codes2, absmax1, absmax2 } = x.state;
  if (m !== undefined) {
    x.run("adamGuarded", x.p, x.g, m, v);
    return;
  }
  fillTables(x, 2);
  x.runBlocks("adam8bit", x.p, x.g, codes1, codes2, absmax1, absmax2, work[0], work[1], work[2], work[3]);
}

export function adam8bit(
  n: number,
  p: Reals,
  g: Reals,
  codes1: Uint8Array,
  codes2: Uint8Array,
  absmax1: Reals,
  absmax2: Reals,
  maps: Reals,
  starts: Uint8Array,
  m: Reals,
  v: Reals,
  h: Reals,
): void {
  for (let from = 0; from < n; from += 256) {
    const length = Math.min(256, n - from);
    dequantise(length, m, codes1, from, absmax1, maps, 0);
    dequantise(length, v, codes2, from, absmax2, maps, 512);
    adamBlock(length, from, p, g, m, v, h);
    quantise(length, m, codes1, from, absmax1, maps, 0, starts);
    quantise(length, v, codes2, from, absmax2, maps, 512, starts);
  }
}

export function adamGuarded(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  adamBlock(n, 0, p, g, m, v, h);
}

/** The step of n elements of p and g, from `from` on. */
export function adamBlock(n: number, from: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const keep = h[0];
  const step = h[1];
  const b1 = h[2];
  const w1 = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const eps = h[6];
  const none = all(0);
  const endless = all(Infinity);
  for (let i = 0; i < n; i++) {
    const pi = p[from + i];
    const gi = g[from + i];
    const mi = add(mul(b1, m[i]), mul(w1, gi));
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const good = less(vi, endless);
    m[i] = where(good, mi, none);
    v[i] = where(good, vi, none);
    p[from + i] = where(good, sub(mul(keep, pi), div(mul(step, mi), add(sqrt(vi), eps))), pi);
  }
}
