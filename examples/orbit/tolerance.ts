import { noise, orbit, samples } from "./data.js";

/** How far from the truth a run may end, in standard deviations. Of normal errors, 1 in 16,000 lies farther out. */
export const allowedDeviations = 4;

/**
 * The standard errors of A and B in a least-squares fit: σ·√diag((JᵀJ)⁻¹), with J = (∂ŷ/∂A, ∂ŷ/∂B) at the truth. The first
 * and the last sample are left out: they lie on the edge of the mask, where the model has no slope.
 */
export function standardErrors(): [A: number, B: number] {
  let [sumAA, sumAB, sumBB] = [0, 0, 0];
  for (let i = 1; i < samples - 1; i++) {
    const along = (2 * i) / (samples - 1) - 1;
    const height = Math.sqrt(1 - along * along);
    const slopeA = ((orbit.B / orbit.A) * along * along) / height;
    const slopeB = height;
    sumAA += slopeA * slopeA;
    sumAB += slopeA * slopeB;
    sumBB += slopeB * slopeB;
  }
  const determinant = sumAA * sumBB - sumAB * sumAB;
  return [noise * Math.sqrt(sumBB / determinant), noise * Math.sqrt(sumAA / determinant)];
}

/**
 * How much gradient descent with small batches goes on trembling around the fit. Near it the loss has Hessian H = 2JᵀJ/N, and
 * a batch's gradient has covariance 2σ²H/batch; a step of rate lr balances both at variance lr·σ²/batch, in every direction.
 * The last factor is for drawing without replacement: a batch of all samples does not tremble.
 */
export function trembling(lr: number, batchSize: number): number {
  return noise * Math.sqrt((lr / batchSize) * (1 - batchSize / samples));
}

/** How far A and B may end from the truth, for a run that ends with this rate and batch size. */
export function tolerances(lr: number, batchSize: number): [A: number, B: number] {
  const extra = trembling(lr, batchSize);
  const [errorA, errorB] = standardErrors();
  return [allowedDeviations * Math.hypot(errorA, extra), allowedDeviations * Math.hypot(errorB, extra)];
}
