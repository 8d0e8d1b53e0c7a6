// Some rules as formulas for one element, in plain float64.

export type Numbers = Record<string, number>;
/** Options of a group, schedules as the numbers of the step. */
// biome-ignore lint/suspicious/noExplicitAny: numbers, flags and choices by name, as formulas take them
export type Values = Record<string, any>;

export interface Formula {
  /** The slots of state and what they start from. */
  slots(h: Values): Record<string, number | "params">;
  /** What the group remembers, and what a step makes of it. */
  readonly memory?: Numbers;
  begin?(h: Values, t: number, memory: Numbers): Numbers;
  /** What a tensor's gradient is multiplied by. */
  ratio?(p: Float64Array, g: Float64Array, h: Values): number;
  /** Whether it decays the weights itself. */
  decays?(h: Values): boolean;
  /** Moves one element: `x` are its parameter and its state. */
  element(x: Numbers, g: number, h: Values, t: number, now: Numbers): void;
}

export const norm = (x: Iterable<number>) => Math.sqrt(Array.from(x).reduce((sum, xi) => sum + xi * xi, 0));

/** SGD with momentum, whose buffer starts as the first gradient. */
function heavyBall(x: Numbers, g: number, { lr, momentum, dampening, nesterov }: Values, t: number): void {
  const gi = g * (t === 1 ? 1 : 1 - dampening);
  if (momentum !== 0) x.buf = momentum * x.buf + gi;
  x.p -= lr * (momentum === 0 ? gi : nesterov ? gi + momentum * x.buf : x.buf);
}

const buf = ({ momentum }: Values): Record<string, number> => (momentum === 0 ? {} : { buf: 0 });

export const formulas: Readonly<Record<string, Formula>> = {
  SGD: { slots: buf, element: heavyBall },
  Adam: {
    slots: ({ amsgrad }) => ({ m: 0, v: 0, ...(amsgrad && { vmax: 0 }) }),
    decays: ({ decoupled, convention }) => decoupled && convention !== "keras",
    element(x, g, { lr, beta1, beta2, eps, weightDecay, decoupled, amsgrad, convention }, t) {
      if (decoupled) x.p *= 1 - lr * weightDecay;
      x.m = beta1 * x.m + (1 - beta1) * g;
      x.v = beta2 * x.v + (1 - beta2) * g * g;
      if (amsgrad) x.vmax = Math.max(x.vmax, x.v);
      const [c1, c2] = [1 - beta1 ** t, 1 - beta2 ** t];
      const v = (amsgrad ? x.vmax : x.v) / c2;
      const small = convention === "keras" ? eps / Math.sqrt(c2) : eps;
      x.p -= (lr * (x.m / c1)) / (Math.sqrt(v) + small);
    },
  },
  RMSprop: {
    slots: (h) => ({ v: 0, ...(h.centered && { mg: 0 }), ...buf(h) }),
    element(x, g, { lr, alpha, eps, momentum, centered, convention }) {
      x.v = alpha * x.v + (1 - alpha) * g * g;
      if (centered) x.mg = alpha * x.mg + (1 - alpha) * g;
      const variance = centered ? x.v - x.mg ** 2 : x.v;
      // PyTorch keeps the rate out of the buffer, the others in it
      const torch = convention === "torch";
      const u = torch ? g / (Math.sqrt(variance) + eps) : (lr * g) / Math.sqrt(variance + eps);
      if (momentum !== 0) x.buf = momentum * x.buf + u;
      x.p -= (torch ? lr : 1) * (momentum === 0 ? u : x.buf);
    },
  },
  Adagrad: {
    slots: ({ initialAccumulator }) => ({ s: initialAccumulator }),
    element(x, g, { lr, lrDecay, eps, convention }, t) {
      x.s += g * g;
      const root = convention === "torch" ? Math.sqrt(x.s) + eps : Math.sqrt(x.s + eps);
      x.p -= ((lr / (1 + (t - 1) * lrDecay)) * g) / root;
    },
  },
  LARS: {
    slots: buf,
    decays: () => true,
    ratio(p, g, { weightDecay, alwaysAdapt, trustCoeff, eps }) {
      const [w, size] = [norm(p), norm(g)];
      if ((weightDecay === 0 && !alwaysAdapt) || w === 0 || size === 0) return 1;
      return (trustCoeff * w) / (size + weightDecay * w + eps);
    },
    element: (x, g, h, t, { ratio }) => heavyBall(x, ratio * (g + h.weightDecay * x.p), h, t),
  },
  MADGRAD: {
    slots: () => ({ s: 0, q: 0, x0: "params" }),
    element(x, g, { lr, eps, momentum }, t) {
      const lambda = (lr + eps) * Math.sqrt(t);
      x.s += lambda * g;
      x.q += lambda * g * g;
      x.p = momentum * x.p + (1 - momentum) * (x.x0 - x.s / (Math.cbrt(x.q) + eps));
    },
  },
  ScheduleFreeSGD: {
    slots: () => ({ z: "params" }),
    memory: { lrMax: 0, sum: 0 },
    begin({ lr, warmupSteps, r, weightLrPower }, t, memory) {
      const rate = lr * (warmupSteps === 0 ? 1 : Math.min(1, t / warmupSteps));
      memory.lrMax = Math.max(memory.lrMax, rate);
      const weight = t ** r * memory.lrMax ** weightLrPower;
      memory.sum += weight;
      return { rate, c: weight / memory.sum };
    },
    element(x, g, { momentum }, _t, { rate, c }) {
      x.p = (1 - c) * x.p + c * x.z - rate * (1 - momentum * (1 - c)) * g;
      x.z -= rate * g;
    },
  },
};
