import { defineTensorOptimizer } from "../define.js";

/**
 * PolyakSGD: SGD whose rate follows from the loss and its least value: Polyak's step size, at most `lr`.
 *
 * @remarks Use it where the least loss, `fMin`, is known, as for models that fit all their data. Before each step set `value` to
 * the loss.
 * @option eps added to the squared norm of the gradients
 * @option lr the most that the rate is
 * @see Loizou et al., 2020, Stochastic Polyak Step-size for SGD: An Adaptive Learning Rate for Fast Convergence (arXiv 2002.10542)
 */
export const PolyakSGD = /* @__PURE__ */ defineTensorOptimizer({
  name: "PolyakSGD",
  defaults: { lr: 1, value: NaN, scaling: 1, fMin: 0, eps: 0, variant: "sps" },
  ranges: { value: [-Infinity, Infinity], fMin: [-Infinity, Infinity] },
  // with "sps" a loss below fMin makes a step uphill, with "sps+" none
  choices: { variant: ["sps", "sps+"] },
  conventions: { optax: {} },
  once: ["value"],
  refuse: ({ value }) => (Number.isNaN(value) ? "value must be set to the loss before each step" : undefined),
  state: () => ({}),
  memory: () => ({ square: 0, rate: 0 }),
  passes: [
    {
      before(memory) {
        memory.square = 0;
      },
      tensor(x, { scaling }, _t, memory) {
        memory.square += scaling * scaling * x.dot(x.g, x.g);
      },
      after(memory, { value, fMin, eps, variant }) {
        const gap = variant === "sps+" ? Math.max(value - fMin, 0) : value - fMin;
        const denominator = memory.square + eps;
        memory.rate = denominator <= Number.EPSILON ? 0 : gap / denominator;
      },
    },
    {
      tensor(x, { lr, scaling }, _t, { rate }) {
        x.combine(x.p, 1, x.p, -scaling * Math.min(rate, lr), x.g);
      },
    },
  ],
  twins: { f32: {}, f64: {} },
});
