import { add, mul, type Reals } from "./real.js";

// What a step does to a gradient before the rule sees it. The user's gradient `g` is read, `out` is a block of scratch.

/** out = scale g */
export function scaleGradient(n: number, out: Reals, g: Reals, h: Reals): void {
  const scale = h[0];
  for (let i = 0; i < n; i++) {
    out[i] = mul(scale, g[i]);
  }
}

/** out = scale g + decay p: coupled weight decay */
export function decayGradient(n: number, out: Reals, g: Reals, p: Reals, h: Reals): void {
  const scale = h[0];
  const decay = h[1];
  for (let i = 0; i < n; i++) {
    out[i] = add(mul(scale, g[i]), mul(decay, p[i]));
  }
}
