import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/schedulefreesgd.js";
import { pow } from "../math.js";
import { add, lerp, mul, type Reals, sub } from "../real.js";
import type { Convention, Memory, Values } from "../rule.js";

/**
 * Schedule-free SGD: the gradient is taken between the iterate `z` and the average of all iterates, and no schedule of rates is
 * needed. Gradients belong to the parameters in training mode; `eval()` moves them to the average, `train()` back.
 *
 * @remarks Use it where you do not know how long you will train.
 * @option momentum where between the iterate, 0, and the average of all, 1, gradients are taken; not 0
 * @see Defazio et al., 2024, The Road Less Scheduled (arXiv 2405.15682)
 */
export const ScheduleFreeSGD = /* @__PURE__ */ defineOptimizer({
  name: "ScheduleFreeSGD",
  defaults: { lr: 1, momentum: 0.9, warmupSteps: 0, r: 0, weightLrPower: 2 },
  ranges: { momentum: [0, 1] },
  conventions: { torch: {}, optax: {} },
  state: () => ({ z: "params" }),
  memory: scheduleFreeMemory,
  kernel: () => "scheduleFreeSgd",
  scalars(s, h, t, memory) {
    const { lr, share } = scheduleFreeStep(h, t, memory);
    s[0] = share;
    s[1] = lr * (h.momentum * (1 - share) - 1);
    s[2] = lr;
  },
  conflict: (h) =>
    h.momentum === 0
      ? "momentum must not be 0: it says where between z and the average gradients are taken"
      : undefined,
  refuse: scheduleFreeRefuse,
  methods: {
    eval: /* @__PURE__ */ scheduleFreeMove(
      () => "scheduleFreeSgdMove",
      0,
      (h: { momentum: number }) => 1 - 1 / h.momentum,
    ),
    train: /* @__PURE__ */ scheduleFreeMove(
      () => "scheduleFreeSgdMove",
      1,
      (h: { momentum: number }) => 1 - h.momentum,
    ),
  },
  twins: { f32, f64: { scheduleFreeSgd, scheduleFreeSgdMove } },
});

// What both schedule-free rules share.

export function scheduleFreeMemory() {
  return { weightSum: 0, lrMax: 0, training: 1 };
}

export function scheduleFreeRefuse(_h: unknown, memory: Memory): string | undefined {
  return memory.training === 1 ? undefined : "step needs the parameters of training: call train() first";
}

type ScheduleFreeValues = Values<{ lr: number; warmupSteps: number; r: number; weightLrPower: number }> & {
  readonly convention: Convention;
};

/** The rate of step t, and the share by which the average moves to the iterate. */
export function scheduleFreeStep(h: ScheduleFreeValues, t: number, memory: Memory): { lr: number; share: number } {
  memory.lrMax = Math.max(memory.lrMax, warmedUp(h, t));
  const weight = pow(t, h.r) * (h.weightLrPower === 0 ? 1 : pow(memory.lrMax, h.weightLrPower));
  memory.weightSum += weight;
  // optax counts the warm-up of the rate from 0, that of the average's weight from 1
  const lr = warmedUp(h, h.convention === "optax" ? t - 1 : t);
  return { lr, share: memory.weightSum === 0 ? 0 : weight / memory.weightSum };
}

function warmedUp({ lr, warmupSteps }: ScheduleFreeValues, t: number): number {
  return lr * (warmupSteps === 0 ? 1 : Math.min(1, t / warmupSteps));
}

/** The method that moves the parameters by a share of their way to z, unless they are in that mode already. */
export function scheduleFreeMove<H>(kernel: (h: H) => string, training: number, share: (h: H) => number) {
  return {
    kernel,
    scalars(s: Reals, h: H, t: number, memory: Memory): boolean {
      if (memory.training === training) return false;
      memory.training = training;
      s[0] = share(h);
      return t > 0;
    },
  };
}

export function scheduleFreeSgd(n: number, p: Reals, g: Reals, z: Reals, h: Reals): void {
  const share = h[0];
  const step = h[1];
  const lr = h[2];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const zi = z[i];
    p[i] = add(lerp(p[i], zi, share), mul(step, gi));
    z[i] = sub(zi, mul(lr, gi));
  }
}

export function scheduleFreeSgdMove(n: number, p: Reals, _g: Reals, z: Reals, h: Reals): void {
  const share = h[0];
  for (let i = 0; i < n; i++) {
    p[i] = lerp(p[i], z[i], share);
  }
}
