export type { Arrays } from "./arrays.js";
export type { Saved } from "./check.js";
export {
  type ClipByNormOptions,
  type ClipConvention,
  type ClipGradNormOptions,
  clipByBlockRms,
  clipByNorm,
  clipGradNorm,
  clipGradValue,
} from "./clip.js";
export {
  type Divergence,
  type DivergenceGuard,
  type DivergenceGuardOptions,
  divergenceGuard,
} from "./divergence-guard.js";
export { type EmaWarmupOptions, emaDebiased, emaFrom, emaWarmup, type SwaOptions, swa } from "./ema.js";
export { type GroupInit, type LayerDecayOptions, layerDecay, type NoDecayOptions, noDecay } from "./groups.js";
export { type LossScaler, type LossScalerOptions, lossScaler, type Scalable } from "./loss-scaler.js";
export { globalNorm, type NormOptions } from "./norm.js";
export type { Shapes } from "./shapes.js";
export { type AdaptiveClipOptions, adaptiveClip, centralize } from "./units.js";
