import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/wrappers/grokfastema.js";
import { add, mul, type Reals } from "../real.js";
import { Filter } from "./filter.js";
import type { Wrappable, Wrapped } from "./wrapper.js";

export interface GrokfastEMAOptions {
  /** How much of the average stays at a step; default 0.98. */
  readonly alpha?: number;
  /** How many times the average is added to the gradient; default 2. */
  readonly lamb?: number;
}

const Average = /* @__PURE__ */ defineOptimizer({
  name: "GrokfastEMA",
  defaults: { alpha: 0.98, lamb: 2 },
  ranges: { alpha: [0, 1] },
  state: () => ({ gradEma: 0 }),
  kernel: () => "grokfast",
  scalars(s, { alpha, lamb }, t) {
    // the average starts as the first gradient
    s[0] = t === 1 ? 0 : alpha;
    s[1] = t === 1 ? 1 : 1 - alpha;
    s[2] = lamb;
  },
  twins: { f32, f64: { grokfast } },
});

/**
 * Grokfast: adds to the gradients what changes slowly in them, by a moving average: the slot `gradEma` of the state.
 *
 * @remarks Use it where a model fits its data long before it generalizes.
 * @see Lee et al., 2024, Grokfast: Accelerated Grokking by Amplifying Slow Gradients (arXiv 2405.20233)
 */
export const GrokfastEMA = class GrokfastEMA extends Filter {
  constructor(optimizer: unknown, options: unknown = {}) {
    super(Average, optimizer, options);
  }
} as unknown as {
  new <O extends Wrappable>(optimizer: O, options?: GrokfastEMAOptions): Wrapped<O>;
};

/** An average of gradients, and `out` = the gradient with the average added to it. */
export function grokfast(n: number, out: Reals, g: Reals, ema: Reals, h: Reals): void {
  const keep = h[0];
  const take = h[1];
  const lamb = h[2];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const ei = add(mul(keep, ema[i]), mul(take, gi));
    ema[i] = ei;
    out[i] = add(gi, mul(lamb, ei));
  }
}
