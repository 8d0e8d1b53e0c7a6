import type { Reals } from "./hand.js";

export type Dtype = "f32" | "f64";

export const arrays = { f32: Float32Array, f64: Float64Array };

/**
 * Fills parameters and gradients with the numbers that native/main.c makes. Gradients are constant and at least 1/8 in
 * size, so that no moving average ever becomes subnormal: subnormals take 2.5 times as long.
 */
export function fill(p: Reals, g: Reals): void {
  const random = generator(1);
  for (let i = 0; i < p.length; i++) p[i] = random() - 0.5;
  for (let i = 0; i < g.length; i++) {
    const x = random() - 0.5;
    g[i] = x < 0 ? x - 0.125 : x + 0.125;
  }
}

/** Numbers in [0, 1) of 24 bits, exact in either dtype. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}
