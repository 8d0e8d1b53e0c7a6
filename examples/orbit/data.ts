import { gaussian, seededRandom } from "../random.js";

/** The transfer ellipse (x + centre)²/A² + y²/B² = 1, in astronomical units, with the Sun at the origin. */
export const orbit = { centre: 0.26185, A: 1.261845, B: 1.234378 } as const;

export const samples = 512;
export const noise = 0.1;

export interface OrbitDataset {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly length: number;
}

/**
 * Points of the upper half of the orbit, evenly spaced in x from one end of the long axis to the other, with Gaussian
 * noise on y (so y may fall below 0 near the ends). The noise is rounded to 30 binary places: Math.log and Math.cos may
 * differ in the last bit between engines, and the data should not.
 */
export function makeOrbit(seed: number): OrbitDataset {
  const random = seededRandom(seed);
  const x = new Float64Array(samples);
  const y = new Float64Array(samples);
  for (let i = 0; i < samples; i++) {
    const along = (2 * i) / (samples - 1) - 1;
    x[i] = orbit.A * along - orbit.centre;
    y[i] = orbit.B * Math.sqrt(1 - along * along) + Math.round(noise * gaussian(random) * 2 ** 30) / 2 ** 30;
  }
  return { x, y, length: samples };
}
