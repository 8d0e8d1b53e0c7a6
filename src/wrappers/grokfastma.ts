import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import { sizeOf } from "../layout.js";
import { columnSums } from "../matrix.js";
import type { Reals } from "../real.js";
import { Filter } from "./filter.js";
import type { Wrappable, Wrapped } from "./wrapper.js";

export interface GrokfastMAOptions {
  /** How many gradients are averaged; default 100. */
  readonly windowSize?: number;
  /** How many times the average is added to the gradient; default 5. */
  readonly lamb?: number;
  /** Whether they are averaged or added up; default "mean". */
  readonly filterType?: "mean" | "sum";
  /** Whether gradients stay as they are until there are so many; default true. */
  readonly warmup?: boolean;
}

const Window = /* @__PURE__ */ defineTensorOptimizer({
  name: "GrokfastMA",
  defaults: { windowSize: 100, lamb: 5, filterType: "mean", warmup: true },
  ranges: { windowSize: [1, Infinity] },
  choices: { filterType: ["mean", "sum"] },
  conflict: ({ windowSize }) =>
    Number.isInteger(windowSize) ? undefined : `windowSize must be a whole number, got ${windowSize}`,
  // each tensor counts its own gradients, because a step leaves out those that are frozen
  state: ({ windowSize }, shape) => ({
    window: { shape: [windowSize, ...shape], from: 0 },
    windowCount: { shape: [1], from: 0 },
  }),
  work: (_, shape) => [sizeOf(shape)],
  passes: [
    {
      tensor(x, { windowSize, lamb, filterType, warmup }) {
        const { window } = x.state;
        const seen = x.numbers.windowCount;
        const t = ++seen[0];
        const count = Math.min(t, windowSize);
        x.matrix.grokfastRemember(x.length, (t - 1) % windowSize, x.g, window);
        // float32 does not count for ever
        if (t === 2 * windowSize) seen[0] = windowSize;
        if (warmup && count < windowSize) {
          x.scale(x.p, 1, x.g);
          return;
        }
        x.matrix.columnSums(count, x.length, window, x.work[0]);
        x.combine(x.p, 1, x.g, filterType === "mean" ? lamb / count : lamb, x.work[0]);
      },
    },
  ],
  matrix: {
    f32: { columnSums: matrixF32.columnSums, grokfastRemember },
    f64: { columnSums, grokfastRemember },
  },
  twins: { f32: {}, f64: {} },
});

/**
 * Grokfast with the average of the last gradients, which are the slot `window` of the state: `windowSize` times a parameter's size.
 *
 * @remarks Use GrokfastEMA, which does the same in less memory, unless the window matters.
 * @see Lee et al., 2024, Grokfast: Accelerated Grokking by Amplifying Slow Gradients (arXiv 2405.20233)
 */
export const GrokfastMA = class GrokfastMA extends Filter {
  constructor(optimizer: unknown, options: unknown = {}) {
    super(Window, optimizer, options);
  }
} as unknown as {
  new <O extends Wrappable>(optimizer: O, options?: GrokfastMAOptions): Wrapped<O>;
};

/** Row `row` of window = g, which has n elements. */
export function grokfastRemember(n: number, row: number, g: Reals, window: Reals): void {
  for (let i = 0; i < n; i++) window[row * n + i] = g[i];
}
