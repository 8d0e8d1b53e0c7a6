import type { Convention } from "./rule.js";

/**
 * What multiplies gradients of a norm so that it is `max` at most. PyTorch adds 1e-6 to the norm, so that it stays a little below;
 * optax and Keras do not, and under Keras a norm that is not finite makes every gradient NaN.
 */
export function clipFactor(norm: number, max: number, convention: Convention): number {
  if (max === Infinity) return 1;
  if (convention !== "optax" && convention !== "keras") return Math.min(1, max / (norm + 1e-6));
  const factor = norm <= max ? 1 : max / norm;
  return convention === "keras" ? factor + (norm - norm) : factor;
}
