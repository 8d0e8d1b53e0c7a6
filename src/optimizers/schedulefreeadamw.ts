import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/schedulefreeadamw.js";
import { power } from "../power.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";
import type { Values } from "../rule.js";
import { scheduleFreeMemory, scheduleFreeMove, scheduleFreeRefuse, scheduleFreeStep } from "./schedulefreesgd.js";

/**
 * Schedule-free AdamW: Adam's second moment on the schedule-free form of momentum. Gradients belong to the parameters in training
 * mode; `eval()` moves them to the average of all iterates, `train()` back.
 *
 * @remarks Use it in place of AdamW with a schedule, at one to ten times its rate, where you do not know how long you will train.
 * @option beta1 where between the iterate, 0, and the average of all, 1, gradients are taken; not 0
 * @see Defazio et al., 2024, The Road Less Scheduled (arXiv 2405.15682)
 */
export const ScheduleFreeAdamW = /* @__PURE__ */ defineOptimizer({
  name: "ScheduleFreeAdamW",
  defaults: {
    lr: 2.5e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    warmupSteps: 0,
    r: 0,
    weightLrPower: 2,
    decayAtZ: false,
    innerMomentum: 0,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], innerMomentum: [0, 1] },
  conventions: { torch: {}, optax: {}, keras: { weightLrPower: 0 } },
  state: (h) => ({ z: "params", v: 0, ...(h.innerMomentum !== 0 && { m: 0 }) }),
  memory: scheduleFreeMemory,
  kernel: (h) => (h.innerMomentum === 0 ? "scheduleFreeAdamw" : "scheduleFreeAdamwMomentum"),
  scalars(s, h, t, memory) {
    const { lr, share } = scheduleFreeStep(h, t, memory);
    const root = Math.sqrt(1 - power(h.beta2, t));
    s[0] = share;
    s[1] = lr * (h.beta1 * (1 - share) - 1);
    s[2] = lr;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    // the direction over its root mean square, times sqrt(1 - beta2^t) above and below
    s[5] = root / (1 - power(h.innerMomentum, t));
    s[6] = h.eps * root;
    const decay = h.convention === "keras" ? 0 : h.weightDecay;
    s[7] = h.decayAtZ ? 0 : decay;
    s[8] = h.decayAtZ ? decay : 0;
    s[9] = 1 - h.innerMomentum;
  },
  // with the direction; Keras shrinks the weights first
  decoupled: (h) => h.convention !== "keras",
  conflict: (h) =>
    h.beta1 === 0 ? "beta1 must not be 0: it says where between z and the average gradients are taken" : undefined,
  refuse: scheduleFreeRefuse,
  methods: {
    eval: /* @__PURE__ */ scheduleFreeMove(moveKernel, 0, (h: Momenta) => 1 - 1 / h.beta1),
    train: /* @__PURE__ */ scheduleFreeMove(moveKernel, 1, (h: Momenta) => 1 - h.beta1),
  },
  twins: {
    f32,
    f64: { scheduleFreeAdamw, scheduleFreeAdamwMomentum, scheduleFreeAdamwMove, scheduleFreeAdamwMomentumMove },
  },
});

type Momenta = Values<{ beta1: number; innerMomentum: number }>;

function moveKernel(h: Momenta): string {
  return h.innerMomentum === 0 ? "scheduleFreeAdamwMove" : "scheduleFreeAdamwMomentumMove";
}

export function scheduleFreeAdamw(n: number, p: Reals, g: Reals, z: Reals, v: Reals, h: Reals): void {
  const share = h[0];
  const step = h[1];
  const lr = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  const decay = h[7];
  const decayZ = h[8];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const pi = p[i];
    const zi = z[i];
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const direction = div(mul(root, gi), add(sqrt(vi), eps));
    const di = add(direction, add(mul(decay, pi), mul(decayZ, zi)));
    v[i] = vi;
    p[i] = add(lerp(pi, zi, share), mul(step, di));
    z[i] = sub(zi, mul(lr, di));
  }
}

export function scheduleFreeAdamwMomentum(n: number, p: Reals, g: Reals, z: Reals, v: Reals, m: Reals, h: Reals): void {
  const share = h[0];
  const step = h[1];
  const lr = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const root = h[5];
  const eps = h[6];
  const decay = h[7];
  const decayZ = h[8];
  const w1 = h[9];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const pi = p[i];
    const zi = z[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    const direction = div(mul(root, mi), add(sqrt(vi), eps));
    const di = add(direction, add(mul(decay, pi), mul(decayZ, zi)));
    m[i] = mi;
    v[i] = vi;
    p[i] = add(lerp(pi, zi, share), mul(step, di));
    z[i] = sub(zi, mul(lr, di));
  }
}

export function scheduleFreeAdamwMove(n: number, p: Reals, _g: Reals, z: Reals, _v: Reals, h: Reals): void {
  const share = h[0];
  for (let i = 0; i < n; i++) {
    p[i] = lerp(p[i], z[i], share);
  }
}

export function scheduleFreeAdamwMomentumMove(
  n: number,
  p: Reals,
  _g: Reals,
  z: Reals,
  _v: Reals,
  _m: Reals,
  h: Reals,
): void {
  const share = h[0];
  for (let i = 0; i < n; i++) {
    p[i] = lerp(p[i], z[i], share);
  }
}
