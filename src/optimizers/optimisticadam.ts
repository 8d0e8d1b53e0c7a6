import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/optimisticadam.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * Optimistic Adam: Adam that takes back a share of its last direction, as if the next one were known.
 *
 * @remarks Use it for games, such as GANs, where Adam circles around the equilibrium.
 * @option alpha the rate as a multiple of `lr`
 * @option beta the share of the last direction that is taken back
 * @see Daskalakis et al., 2017, Training GANs with Optimism (arXiv 1711.00141)
 */
export const OptimisticAdam = /* @__PURE__ */ defineOptimizer({
  name: "OptimisticAdam",
  defaults: { lr: 1e-3, alpha: 1, beta: 1, beta1: 0.9, beta2: 0.999, eps: 1e-8, epsRoot: 0, nesterov: true },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { optax: {} },
  state: () => ({ m: 0, v: 0, previous: 0 }),
  kernel: () => "optimisticadam",
  scalars(s, h, t) {
    const c1 = 1 - power(h.beta1, t);
    const c2 = 1 - power(h.beta2, t);
    const root = Math.sqrt(c2);
    // without nesterov the gradient is multiplied by 0; where it is infinite, so is v, and the direction is NaN anyway
    s[0] = h.nesterov ? (h.beta1 / (1 - power(h.beta1, t + 1))) * root : root / c1;
    s[1] = h.nesterov ? ((1 - h.beta1) / c1) * root : 0;
    s[2] = 1 - h.beta1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = h.epsRoot * c2;
    s[6] = h.eps * root;
    // the first direction is the last one too
    s[7] = h.lr * (t === 1 ? h.alpha : h.alpha + h.beta);
    s[8] = h.lr * h.beta;
  },
  twins: { f32, f64: { optimisticadam } },
});

export function optimisticadam(n: number, p: Reals, g: Reals, m: Reals, v: Reals, previous: Reals, h: Reals): void {
  const momentumShare = h[0];
  const gradientShare = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  const forth = h[7];
  const back = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const mean = add(mul(momentumShare, mi), mul(gradientShare, gi));
    const direction = div(mean, add(sqrt(add(vi, root)), eps));
    const step = sub(mul(forth, direction), mul(back, previous[i]));
    m[i] = mi;
    v[i] = vi;
    previous[i] = direction;
    p[i] = sub(p[i], step);
  }
}
