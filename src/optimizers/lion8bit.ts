import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/lion8bit.js";
import { sizeOf } from "../layout.js";
import { fillTables, tablesWork } from "../maps.js";
import { dequantise, quantise } from "../quantise.js";
import { abs, add, all, less, mul, type Reals, sign, sub, where } from "../real.js";
import type { Slot } from "../rule.js";

/**
 * Lion8bit: Lion whose state is one byte per parameter. A parameter of fewer than `min8bitSize` elements has ordinary state.
 * Where the gradient is not finite, the parameter stays and its state starts anew.
 *
 * @remarks Use it where memory is so scarce that Lion's momentum is too much; the rate is Lion's, a third to a tenth of AdamW's.
 * @option beta1 the average's share, beside the gradient's, in the direction of the step
 * @option beta2 how much of the average of gradients a step keeps
 * @see Dettmers et al., 2021, 8-bit Optimizers via Block-wise Quantization (arXiv 2110.02861), as in bitsandbytes
 * @state `codes`, `absmax`; `m` below `min8bitSize`: 1 + 4/256
 */
export const Lion8bit = /* @__PURE__ */ defineTensorOptimizer({
  name: "Lion8bit",
  defaults: { lr: 1e-4, beta1: 0.9, beta2: 0.99, min8bitSize: 4096 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  fixed: ["min8bitSize"],
  state({ min8bitSize }, shape): Record<string, number | Slot> {
    const size = sizeOf(shape);
    if (size < min8bitSize) return { m: 0 };
    return { codes: { from: 0, type: "u8" }, absmax: { from: 0, shape: [Math.ceil(size / 256)] } };
  },
  work: () => [...tablesWork(1), 256],
  scalars(s, h) {
    s[0] = 1 - h.lr * h.weightDecay;
    s[1] = h.lr;
    s[2] = h.beta1;
    s[3] = 1 - h.beta1;
    s[4] = h.beta2;
    s[5] = 1 - h.beta2;
  },
  passes: [
    {
      tensor(x) {
        const { m, codes, absmax } = x.state;
        if (m !== undefined) {
          x.run("lionGuarded", x.p, x.g, m);
          return;
        }
        fillTables(x, 1);
        x.runBlocks("lion8bit", x.p, x.g, codes, absmax, x.work[0], x.work[1], x.work[2]);
      },
    },
  ],
  decoupled: () => true,
  twins: { f32, f64: { lion8bit, lionGuarded } },
});

export function lion8bit(
  n: number,
  p: Reals,
  g: Reals,
  codes: Uint8Array,
  absmax: Reals,
  map: Reals,
  starts: Uint8Array,
  m: Reals,
  h: Reals,
): void {
  for (let from = 0; from < n; from += 256) {
    const length = Math.min(256, n - from);
    dequantise(length, m, codes, from, absmax, map, 0);
    lionBlock(length, from, p, g, m, h);
    quantise(length, m, codes, from, absmax, map, 0, starts);
  }
}

export function lionGuarded(n: number, p: Reals, g: Reals, m: Reals, h: Reals): void {
  lionBlock(n, 0, p, g, m, h);
}

/** The step of n elements of p and g, from `from` on. */
export function lionBlock(n: number, from: number, p: Reals, g: Reals, m: Reals, h: Reals): void {
  const keep = h[0];
  const lr = h[1];
  const b1 = h[2];
  const w1 = h[3];
  const b2 = h[4];
  const w2 = h[5];
  const none = all(0);
  const endless = all(Infinity);
  for (let i = 0; i < n; i++) {
    const pi = p[from + i];
    const gi = g[from + i];
    const mi = m[i];
    const next = add(mul(b2, mi), mul(w2, gi));
    const good = less(abs(next), endless);
    m[i] = where(good, next, none);
    p[from + i] = where(good, sub(mul(keep, pi), mul(lr, sign(add(mul(b1, mi), mul(w1, gi))))), pi);
  }
}
