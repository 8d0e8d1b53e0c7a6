import { defineTensorOptimizer } from "../define.js";
import { sgdMomentum as sgdMomentumF32 } from "../generated/f32/optimizers/sgd.js";
import { sgdMomentum } from "./sgd.js";

/**
 * NovoGrad: momentum of gradients that are each divided by a moving norm of their tensor's.
 *
 * @remarks Use it for speech and vision models with large batches, where AdamW's second buffer is too much; its rate needs less
 * tuning than SGD's.
 * @option beta2 how much of the average of the gradients' squared norms a step keeps
 * @option eps added to the norm that is divided by
 * @see Ginsburg et al., 2019, Stochastic Gradient Methods with Layer-wise Adaptive Moments for Training of Deep Networks (arXiv
 * 1905.11286)
 */
export const NovoGrad = /* @__PURE__ */ defineTensorOptimizer({
  name: "NovoGrad",
  defaults: { lr: 1e-3, beta1: 0.95, beta2: 0.98, eps: 1e-8, epsRoot: 0, amsgrad: false, gradAveraging: false },
  ranges: { beta1: [0, 1], beta2: [0, 1] },
  conventions: { torch: {}, optax: { beta1: 0.9, beta2: 0.25, eps: 1e-6 } },
  state: (h) => ({ m: 0, v: number, ...(h.amsgrad && { vmax: number }) }),
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        const { v, vmax } = x.numbers;
        const squares = x.dot(x.g, x.g);
        // the first norm is taken whole; in PyTorch's form, the first that is not 0
        const first = h.convention === "optax" ? t === 1 : v[0] === 0;
        v[0] = first ? squares : h.beta2 * v[0] + (1 - h.beta2) * squares;
        if (h.amsgrad) vmax[0] = Math.max(vmax[0], v[0]);
        const norm = Math.sqrt((h.amsgrad ? vmax : v)[0] + h.epsRoot) + h.eps;
        // the weights decay by the rate alone
        x.addDecay(h.weightDecay * norm);
        x.s[1] = h.beta1;
        x.s[2] = (h.gradAveraging ? 1 - h.beta1 : 1) / norm;
        x.s[3] = h.lr;
        x.run("sgdMomentum", x.p, x.g, x.state.m);
      },
    },
  ],
  twins: { f32: { sgdMomentum: sgdMomentumF32 }, f64: { sgdMomentum } },
});

/** The slot of one number for a tensor. */
const number = { shape: [1], from: 0 };
