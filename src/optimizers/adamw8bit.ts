import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adam8bit.js";
import { adam8bit, adam8bitScalars, adam8bitState, adam8bitWork, adamGuarded, stepAdam8bit } from "./adam8bit.js";

/**
 * AdamW8bit: AdamW whose state is two bytes per parameter, as that of Adam8bit.
 *
 * @remarks Use it instead of AdamW where the memory for two more copies of the parameters is too much.
 * @see Dettmers et al., 2021, 8-bit Optimizers via Block-wise Quantization (arXiv 2110.02861), as in bitsandbytes on the CPU
 * @state `codes1`, `codes2`, `absmax1`, `absmax2`; `m`, `v` below `min8bitSize`: 2 + 8/256
 */
export const AdamW8bit = /* @__PURE__ */ defineTensorOptimizer({
  name: "AdamW8bit",
  defaults: { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 1e-2, min8bitSize: 4096 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  fixed: ["min8bitSize"],
  state: adam8bitState,
  work: adam8bitWork,
  scalars: (s, h, t) => adam8bitScalars(s, h, t, h.weightDecay),
  passes: [{ tensor: stepAdam8bit }],
  decoupled: () => true,
  twins: { f32, f64: { adam8bit, adamGuarded } },
});
