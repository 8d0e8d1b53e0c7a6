import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/cocob.js";
import { abs, add, all, div, max, mul, type Reals, sub } from "../real.js";

/**
 * COCOB: bets on the direction of the gradients what earlier bets have won, and so needs no learning rate.
 *
 * @remarks Use it where there is no time to tune a rate; `lr` scales the gradients, and 1 is right.
 * @option alpha how many times the largest gradient their sum counts for at least, so that the first steps are small
 * @option eps what the largest gradient starts from
 * @option lr what gradients are multiplied by
 * @see Orabona and Tommasi, 2017, Training Deep Networks without Learning Rates Through Coin Betting (arXiv 1705.07795)
 */
export const COCOB = /* @__PURE__ */ defineOptimizer({
  name: "COCOB",
  defaults: { lr: 1, alpha: 100, eps: 1e-8 },
  conventions: { optax: {} },
  // the starting point, the sum of the gradients, their largest size, the sum of their sizes, and what was won
  state: (h) => ({ x0: "params", sum: 0, largest: h.eps, total: 0, reward: 0 }),
  kernel: () => "cocob",
  scalars(s, h) {
    s[0] = h.lr;
    s[1] = h.alpha;
  },
  twins: { f32, f64: { cocob } },
});

export function cocob(
  n: number,
  p: Reals,
  g: Reals,
  x0: Reals,
  sum: Reals,
  largest: Reals,
  total: Reals,
  reward: Reals,
  h: Reals,
): void {
  const lr = h[0];
  const alpha = h[1];
  for (let i = 0; i < n; i++) {
    const gi = mul(lr, g[i]);
    const start = x0[i];
    const size = abs(gi);
    const li = max(size, largest[i]);
    const ti = add(total[i], size);
    const ri = max(sub(reward[i], mul(gi, sub(p[i], start))), all(0));
    const si = add(sum[i], gi);
    const share = div(si, mul(li, max(add(ti, li), mul(alpha, li))));
    sum[i] = si;
    largest[i] = li;
    total[i] = ti;
    reward[i] = ri;
    p[i] = sub(start, mul(share, add(li, ri)));
  }
}
