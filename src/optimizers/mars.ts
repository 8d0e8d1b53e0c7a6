import type { Ref } from "../backend.js";
import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import { adamAmsgrad as adamAmsgradF32, adam as adamF32 } from "../generated/f32/optimizers/adam.js";
import { mars as marsF32 } from "../generated/f32/optimizers/mars.js";
import { signum as signumF32 } from "../generated/f32/optimizers/signum.js";
import { sizeOf } from "../layout.js";
import * as matrix from "../matrix.js";
import { type Coefficients, newtonSchulz, newtonSchulzWork } from "../newton-schulz.js";
import { add, mul, type Reals, sub } from "../real.js";
import type { Convention, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";
import { adam, adamAmsgrad, adamKernel, adamScalars, adamState } from "./adam.js";
import { signum } from "./signum.js";

/**
 * MARS: AdamW, or the step of Lion or Shampoo with `marsType`, on gradients whose variance is reduced by what the last one was.
 *
 * @remarks Use it to pretrain language models. Only matrices get it, at `lr`; other tensors get AdamW, with `beta11d`, `beta21d`,
 * `weightDecay1d` and the rate times `lr1dFactor`, unless `optimize1d`. `marsType: "shampoo"` makes the momentum of matrices
 * orthogonal, as Muon does. timm corrects whatever is no vector, and takes the first gradient as it is.
 * @option beta1 how much of the average of gradients a step keeps, for matrices
 * @option beta2 how much of the average of squared gradients a step keeps, for matrices
 * @option gamma how much of the change of the gradient is added to it
 * @state `m`, `v`, `previous`; `vmax` with `amsgrad`; no `v` with the steps of Lion and Shampoo: 12 to 16, or 8
 * @see Yuan et al., 2024, MARS: Unleashing the Power of Variance Reduction for Training Large Models (arXiv 2411.10438)
 */
export const MARS = /* @__PURE__ */ defineTensorOptimizer({
  name: "MARS",
  defaults: {
    lr: 3e-3,
    beta1: 0.95,
    beta2: 0.99,
    eps: 1e-8,
    gamma: 0.025,
    marsType: "adamw",
    optimize1d: false,
    lr1dFactor: 1,
    beta11d: 0.9,
    beta21d: 0.95,
    weightDecay1d: 0.1,
    amsgrad: false,
    cautious: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], beta11d: [0, 1], beta21d: [0, 1] },
  conventions: { torch: {}, timm: { beta1: 0.9, beta21d: 0.99, weightDecay1d: 0 } },
  choices: { marsType: ["adamw", "lion", "shampoo"] },
  state: (h, shape) => ({
    ...(formOf(h, shape) === "adamw" ? adamState(h) : { m: 0 }),
    ...(corrects(h, shape) && { previous: 0 }),
  }),
  // the corrected gradient, and the step where it is taken apart
  work(h, shape) {
    const form = formOf(h, shape);
    if (form === "shampoo") return newtonSchulzWork(shape[0], shape[1]);
    return [sizeOf(shape), h.cautious || form === "lion" ? sizeOf(shape) : 0];
  },
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        const corrected = corrects(h, x.shape);
        const g = corrected ? correct(x, h, t) : x.g;
        const lr = corrected ? h.lr : h.lr * h.lr1dFactor;
        const beta1 = corrected ? h.beta1 : h.beta11d;
        const beta2 = corrected ? h.beta2 : h.beta21d;
        const decay = corrected ? h.weightDecay : h.weightDecay1d;
        const form = formOf(h, x.shape);
        const apart = form !== "adamw" || h.cautious;
        const { m, v, vmax } = x.state;
        const step = x.work[form === "shampoo" ? 0 : 1];
        if (form === "shampoo") {
          x.combine(m, beta1, m, 1 - beta1, g);
          orthogonalize(x, h, step);
          x.scale(step, -lr * Math.sqrt(Math.max(1, x.shape[0] / x.shape[1])), step);
        } else if (form === "lion") {
          x.clear(step);
          x.s[0] = lr;
          x.s[1] = 1 - beta1;
          x.run("signum", step, g, m);
        } else {
          if (apart) x.clear(step);
          adamScalars(x.s, { ...h, lr, beta1, beta2, epsRoot: 0, biasCorrection: true }, t, decay);
          x.run(adamKernel(h), apart ? step : x.p, g, m, v, vmax);
        }
        // Lion's steps do not get longer: they have the sign of what is left
        const scale = h.cautious ? x.caution(step) : 1;
        if (apart) x.combine(x.p, 1 - lr * decay, x.p, form === "lion" ? 1 / scale : 1, step);
      },
    },
  ],
  twins: {
    f32: { adam: adamF32, adamAmsgrad: adamAmsgradF32, signum: signumF32, mars: marsF32 },
    f64: { adam, adamAmsgrad, signum, mars },
  },
  matrix: { f32: matrixF32, f64: matrix },
});

type Corrected = Values<{ optimize1d: boolean }> & { readonly convention: Convention };

/** Whether a tensor gets corrected gradients. */
function corrects({ optimize1d, convention }: Corrected, shape: readonly number[]): boolean {
  return optimize1d || shape.length === 2 || (convention === "timm" && shape.length > 2);
}

/** The rule whose step a tensor gets: without corrected gradients AdamW's, and Shampoo's only if it is a matrix. */
function formOf<Form extends string>(
  h: Corrected & { readonly marsType: Form },
  shape: readonly number[],
): Form | "adamw" {
  return corrects(h, shape) && (h.marsType !== "shampoo" || shape.length === 2) ? h.marsType : "adamw";
}

// the authors', five times
const coefficients: Coefficients = [3.4445, -4.775, 2.0315];

/** out = the momentum, with singular values near 1 */
function orthogonalize(x: TensorStep, h: Values<{ beta1: number; eps: number }>, out: Ref): void {
  x.scale(out, 1 / (1 - h.beta1), x.state.m);
  x.scale(out, 1 / (x.norm(out) + h.eps), out);
  newtonSchulz(x, x.shape[0], x.shape[1], Array(5).fill(coefficients));
}

/** The gradient, moved on from the one before, and no longer than 1. */
function correct(
  x: TensorStep,
  h: Values<{ beta1: number; gamma: number }> & { readonly convention: Convention },
  t: number,
): TensorStep["g"] {
  const [out] = x.work;
  const { previous } = x.state;
  if (t === 1 && h.convention === "timm") {
    x.scale(previous, 1, x.g);
    return x.g;
  }
  x.s[0] = (h.gamma * h.beta1) / (1 - h.beta1);
  x.run("mars", out, x.g, previous);
  const norm = x.norm(out);
  if (norm > 1) x.scale(out, 1 / norm, out);
  return out;
}

/** out = g, moved on by a share of its change */
export function mars(n: number, out: Reals, g: Reals, previous: Reals, h: Reals): void {
  const share = h[0];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const change = sub(gi, previous[i]);
    previous[i] = gi;
    out[i] = add(gi, mul(share, change));
  }
}
