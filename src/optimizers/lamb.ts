import { defineTensorOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/lamb.js";
import { sizeOf } from "../layout.js";
import { power } from "../power.js";
import { add, div, mul, type Reals, sqrt } from "../real.js";

/**
 * LAMB: AdamW whose step for each tensor has the length of its weights.
 *
 * @remarks Use it to train transformers with very large batches. As in timm it clips the gradients' norm over all parameters, and
 * gives tensors that are not decayed their length only with `alwaysAdapt`.
 * @see You et al., 2019, Large Batch Optimization for Deep Learning: Training BERT in 76 minutes (arXiv 1904.00962)
 */
export const LAMB = /* @__PURE__ */ defineTensorOptimizer({
  name: "LAMB",
  defaults: {
    lr: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-6,
    epsRoot: 0,
    weightDecay: 1e-2,
    maxGradNorm: 1,
    biasCorrection: true,
    gradAveraging: true,
    decoupled: false,
    alwaysAdapt: false,
    trustClip: false,
    cautious: false,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: {
    torch: {},
    optax: { weightDecay: 0, maxGradNorm: 0, alwaysAdapt: true },
    keras: { eps: 1e-7, weightDecay: 0, maxGradNorm: 0, alwaysAdapt: true, decoupled: true },
  },
  state: () => ({ m: 0, v: 0 }),
  work: (_h, shape) => [sizeOf(shape)],
  // the squares of the gradients' norms, summed over all tensors that are clipped
  memory: () => ({ squares: 0 }),
  scalars(s, h, t) {
    const c1 = h.biasCorrection ? 1 - power(h.beta1, t) : 1;
    const c2 = h.biasCorrection ? 1 - power(h.beta2, t) : 1;
    const root = Math.sqrt(c2);
    s[1] = h.beta1;
    s[2] = h.gradAveraging ? 1 - h.beta1 : 1;
    s[3] = h.beta2;
    s[4] = 1 - h.beta2;
    s[5] = -root / c1;
    s[6] = h.epsRoot * c2;
    s[7] = h.eps * root;
  },
  decoupled: () => true,
  passes: [
    {
      before(memory) {
        memory.squares = 0;
      },
      tensor(x, h, _t, memory) {
        if (h.maxGradNorm !== 0) memory.squares += x.dot(x.g, x.g);
      },
    },
    {
      tensor(x, h, _t, memory) {
        const [step] = x.work;
        x.s[0] = h.maxGradNorm === 0 ? 1 : 1 / Math.max(1, Math.sqrt(memory.squares) / h.maxGradNorm);
        x.run("lamb", step, x.g, x.state.m, x.state.v);
        if (h.cautious) x.caution(step);
        if (!h.decoupled && h.weightDecay !== 0) x.combine(step, 1, step, -h.weightDecay, x.p);
        const keep = h.decoupled ? 1 - h.lr * h.weightDecay : 1;
        const adapts = h.weightDecay !== 0 || h.alwaysAdapt;
        const ratio = adapts ? trustRatio(Math.abs(keep) * x.norm(x.p), x.norm(step), h.trustClip) : 1;
        x.combine(x.p, keep, x.p, h.lr * ratio, step);
      },
    },
  ],
  twins: { f32, f64: { lamb } },
});

/** What a step of that norm is multiplied by. */
function trustRatio(p: number, step: number, clips: boolean): number {
  const ratio = p > 0 && step > 0 ? p / step : 1;
  return clips ? Math.min(ratio, 1) : ratio;
}

/** Updates the moments, and writes the step of Adam at a rate of 1. */
export function lamb(n: number, step: Reals, g: Reals, m: Reals, v: Reals, h: Reals): void {
  const clip = h[0];
  const b1 = h[1];
  const w1 = h[2];
  const b2 = h[3];
  const w2 = h[4];
  const rate = h[5];
  const root = h[6];
  const eps = h[7];
  for (let i = 0; i < n; i++) {
    const gi = mul(clip, g[i]);
    const mi = add(mul(b1, m[i]), mul(w1, gi));
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    m[i] = mi;
    v[i] = vi;
    step[i] = div(mul(rate, mi), add(sqrt(add(vi, root)), eps));
  }
}
