import { type OrbitDataset, orbit } from "./data.js";

export interface LossAndGradient {
  /** Mean squared error over the valid samples; NaN if there is none. */
  loss: number;
  /** ∂loss/∂w_A and ∂loss/∂w_B. */
  gradient: [number, number];
  /** How many samples have a positive radicand. */
  valid: number;
}

/**
 * ŷ = w_B·√(1 − (x + c)²/w_A²), its mean squared error and gradient over a batch. A sample with a radicand ≤ 0 lies
 * outside of the model's ellipse: it counts neither in the loss nor in the gradient.
 */
export function lossAndGradient(
  { x, y }: OrbitDataset,
  batch: Uint32Array,
  weights: ArrayLike<number>,
): LossAndGradient {
  const [A, B] = [weights[0], weights[1]];
  const stretch = (B * B) / (A * A * A);
  let [loss, gradientA, gradientB, valid] = [0, 0, 0, 0];
  for (const index of batch) {
    const centred = x[index] + orbit.centre;
    const square = centred * centred;
    const radicand = 1 - square / (A * A);
    if (!(radicand > 0)) continue;
    const predicted = B * Math.sqrt(radicand);
    const residual = predicted - y[index];
    loss += residual * residual;
    gradientA += ((2 * residual * square) / predicted) * stretch;
    gradientB += (2 * residual * predicted) / B;
    valid++;
  }
  return { loss: loss / valid, gradient: [gradientA / valid, gradientB / valid], valid };
}
