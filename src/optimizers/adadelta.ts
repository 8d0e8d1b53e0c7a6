import { defineOptimizer } from "../define.js";
import * as f32 from "../generated/f32/optimizers/adadelta.js";
import { add, div, mul, type Reals, sqrt, sub } from "../real.js";

/**
 * Adadelta: the step is scaled by the root mean square of past updates.
 *
 * @remarks Use it where no rate is to be chosen.
 * @option eps added to both mean squares under their roots
 * @option lr the learning rate, which multiplies a step that has the units of the parameters already
 * @option rho how much of the averages of squares a step keeps
 * @see Zeiler, 2012, ADADELTA: An Adaptive Learning Rate Method (arXiv 1212.5701)
 */
export const Adadelta = /* @__PURE__ */ defineOptimizer({
  name: "Adadelta",
  defaults: { lr: 1, rho: 0.9, eps: 1e-6 },
  ranges: { rho: [0, 1, "closed"] },
  conventions: {
    torch: {},
    optax: {},
    keras: { lr: 1e-3, rho: 0.95, eps: 1e-7 },
    tfjs: { lr: 1e-3, rho: 0.95, eps: 1e-7 },
  },
  state: () => ({ s: 0, d: 0 }),
  // TensorFlow.js divides by the squares of the gradients before this one
  kernel: (h) => (h.convention === "tfjs" ? "adadeltaPast" : "adadelta"),
  scalars(s, h) {
    s[0] = h.lr;
    s[1] = h.rho;
    s[2] = 1 - h.rho;
    s[3] = h.eps;
  },
  twins: { f32, f64: { adadelta, adadeltaPast } },
});

export function adadelta(n: number, p: Reals, g: Reals, s: Reals, d: Reals, h: Reals): void {
  const lr = h[0];
  const rho = h[1];
  const w = h[2];
  const eps = h[3];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const di = d[i];
    const si = add(mul(rho, s[i]), mul(mul(w, gi), gi));
    const delta = mul(div(sqrt(add(di, eps)), sqrt(add(si, eps))), gi);
    s[i] = si;
    d[i] = add(mul(rho, di), mul(mul(w, delta), delta));
    p[i] = sub(p[i], mul(lr, delta));
  }
}

export function adadeltaPast(n: number, p: Reals, g: Reals, s: Reals, d: Reals, h: Reals): void {
  const lr = h[0];
  const rho = h[1];
  const w = h[2];
  const eps = h[3];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const di = d[i];
    const si = s[i];
    const delta = mul(div(sqrt(add(di, eps)), sqrt(add(si, eps))), gi);
    s[i] = add(mul(rho, si), mul(mul(w, gi), gi));
    d[i] = add(mul(rho, di), mul(mul(w, delta), delta));
    p[i] = sub(p[i], mul(lr, delta));
  }
}
