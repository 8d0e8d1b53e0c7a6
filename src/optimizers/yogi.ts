import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/yogi.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sign, sqrt, square, sub } from "../real.js";

/**
 * Yogi: Adam whose second moment changes by a share of the squared gradient, whatever its own size.
 *
 * @remarks Use it where sparse gradients make Adam's rates jump.
 * @option initialAccumulator what both averages start from
 * @see Zaheer et al., 2018, Adaptive Methods for Nonconvex Optimization
 */
export const Yogi = /* @__PURE__ */ defineOptimizer({
  name: "Yogi",
  defaults: { lr: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-3, epsRoot: 0, initialAccumulator: 1e-6 },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: {} },
  state: (h) => ({ m: h.initialAccumulator, v: h.initialAccumulator }),
  kernel: () => "yogi",
  scalars(s, h, t) {
    const c2 = 1 - power(h.beta2, t);
    const root = Math.sqrt(c2);
    s[0] = (h.lr / (1 - power(h.beta1, t))) * root;
    s[1] = 1 - h.beta1;
    s[2] = 1 - h.beta2;
    s[3] = h.epsRoot * c2;
    s[4] = h.eps * root;
  },
  twins: { f32, f64: { yogi } },
});

export function yogi(n: number, p: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const step = h[0];
  const w1 = h[1];
  const w2 = h[2];
  const root = h[3];
  const eps = h[4];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const g2 = square(gi);
    const old = v[i];
    const vi = sub(old, mul(w2, mul(sign(sub(old, g2)), g2)));
    const denominator = add(sqrt(add(vi, root)), eps);
    m[i] = mi;
    v[i] = vi;
    p[i] = sub(p[i], div(mul(step, mi), denominator));
  }
}
