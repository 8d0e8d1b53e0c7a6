import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/rprop.js";
import { abs, all, less, max, min, mul, type Reals, sign, sub, where } from "../real.js";

/**
 * Rprop: steps that grow while the sign of the gradient stays, and shrink when it turns.
 *
 * @remarks Use it with full batches only.
 * @option lr the length of the first step
 * @see Riedmiller and Braun, 1993, A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP Algorithm
 */
export const Rprop = /* @__PURE__ */ defineOptimizer({
  name: "Rprop",
  defaults: { lr: 1e-2, etaMinus: 0.5, etaPlus: 1.2, stepMin: 1e-6, stepMax: 50 },
  ranges: { etaMinus: [0, 1], etaPlus: [1, Infinity] },
  state: (h) => ({ previous: 0, step: h.lr }),
  conventions: { torch: {}, optax: {} },
  // optax takes a step when the next gradient is there, and not if that has another sign: `previous` is the step to be taken
  kernel: (h) => (h.convention === "optax" ? "rpropDelayed" : "rprop"),
  scalars(s, h) {
    s[0] = h.etaMinus;
    s[1] = h.etaPlus;
    s[2] = h.stepMin;
    s[3] = h.stepMax;
  },
  twins: { f32, f64: { rprop, rpropDelayed } },
});

export function rprop(n: number, p: Reals, g: Reals, previous: Reals, step: Reals, h: Reals): void {
  const minus = h[0];
  const plus = h[1];
  const low = h[2];
  const high = h[3];
  const zero = all(0);
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const turn = sign(mul(gi, previous[i]));
    const turned = less(turn, zero);
    const still = less(abs(turn), all(1));
    const factor = where(turned, minus, where(less(zero, turn), plus, where(still, all(1), turn)));
    const si = min(max(mul(step[i], factor), low), high);
    const used = where(turned, zero, gi);
    previous[i] = used;
    step[i] = si;
    p[i] = sub(p[i], mul(sign(used), si));
  }
}

export function rpropDelayed(n: number, p: Reals, g: Reals, previous: Reals, step: Reals, h: Reals): void {
  const minus = h[0];
  const plus = h[1];
  const low = h[2];
  const high = h[3];
  const zero = all(0);
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const wanted = previous[i];
    const size = step[i];
    const product = mul(gi, wanted);
    const turned = less(product, zero);
    const kept = less(zero, product);
    const scaled = min(max(mul(size, where(turned, minus, plus)), low), high);
    const si = where(turned, scaled, where(kept, scaled, size));
    previous[i] = where(turned, zero, mul(si, sign(gi)));
    step[i] = si;
    p[i] = sub(p[i], where(turned, zero, wanted));
  }
}
