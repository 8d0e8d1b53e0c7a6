import { add, mul, type Reals } from "./real.js";

// What a step does before the rule's kernel. The user's gradient `g` is read, `out` is a block of scratch.

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

/** p = keep p: decoupled weight decay */
export function shrinkParameters(n: number, p: Reals, h: Reals): void {
  const keep = h[2];
  for (let i = 0; i < n; i++) {
    p[i] = mul(keep, p[i]);
  }
}
