import { all, less, mul, type Reals, sign, where } from "./real.js";

/** step = scale step where it goes against the gradient, else 0 */
export function caution(n: number, step: Reals, g: Reals, h: Reals): void {
  const scale = h[0];
  const zero = all(0);
  for (let i = 0; i < n; i++) {
    const si = step[i];
    const against = less(mul(sign(si), g[i]), zero);
    step[i] = mul(si, where(against, scale, zero));
  }
}
