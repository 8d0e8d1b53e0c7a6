import { add, all, lerp, max, min, mul, type Reals, sub } from "./real.js";

// What a step does before and after the rule's kernel. The user's gradient `g` is read, `out` is a block of scratch.

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

/** out = scale g, but no further from zero than a limit */
export function clipGradient(n: number, out: Reals, g: Reals, h: Reals): void {
  const limit = h[3];
  const scale = h[4];
  const opposite = sub(all(0), limit);
  for (let i = 0; i < n; i++) {
    out[i] = max(min(mul(scale, g[i]), limit), opposite);
  }
}

/** sum = sum + g */
export function addGradient(n: number, sum: Reals, g: Reals): void {
  for (let i = 0; i < n; i++) {
    sum[i] = add(sum[i], g[i]);
  }
}

/** e = a + share (b - a), where one of a and b is e and the other the parameters: their moving average */
export function averageParameters(n: number, e: Reals, a: Reals, b: Reals, h: Reals): void {
  const share = h[5];
  for (let i = 0; i < n; i++) {
    e[i] = lerp(a[i], b[i], share);
  }
}

/** out = 0 */
export function clear(n: number, out: Reals): void {
  out.fill(0, 0, n);
}
