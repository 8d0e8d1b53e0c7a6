import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import * as f32 from "../generated/f32/optimizers/sm3.js";
import { sizeOf } from "../layout.js";
import * as matrix from "../matrix.js";
import { add, div, mul, type Reals, sqrt, square } from "../real.js";
import type { Convention, Slot, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * SM3: Adagrad that keeps one accumulator for each row and each column: the largest of its elements' sums of squares.
 *
 * @remarks Use it for large sparse layers such as embeddings, where Adagrad's buffer does not fit.
 * @option beta how much of the accumulators a step keeps; 0 sums the squares up
 * @option eps added to the accumulator under its root
 * @see Anil et al., 2019, Memory-Efficient Adaptive Optimization (arXiv 1901.11150)
 */
export const SM3 = /* @__PURE__ */ defineTensorOptimizer({
  name: "SM3",
  defaults: { lr: 0.1, momentum: 0, beta: 0, eps: 1e-30 },
  ranges: { momentum: [0, 1], beta: [0, 1] },
  conventions: { torch: {}, optax: { momentum: 0.9, eps: 1e-8 } },
  state: (h, shape): Record<string, number | Slot> => ({
    ...(h.momentum !== 0 && { m: 0 }),
    ...Object.fromEntries(axesOf(shape).map((n, axis) => [accumulator(axis), { shape: [n], from: 0 }])),
  }),
  work: (_h, shape) => [sizeOf(shape), sizeOf(shape), Math.max(...axesOf(shape))],
  passes: [{ tensor: (x, h) => step(x, h) }],
  twins: { f32, f64: { sm3 } },
  matrix: { f32: matrixF32, f64: matrix },
});

const accumulator = (axis: number) => `accumulator${axis}`;

/** The lengths of a tensor's axes; a single number has one. */
const axesOf = (shape: readonly number[]) => (shape.length === 0 ? [1] : shape);

type SM3Values = Values<{ lr: number; momentum: number; beta: number; eps: number }> & {
  readonly convention: Convention;
};

function step(x: TensorStep, h: SM3Values): void {
  const { m } = x.state;
  const [squares, u] = x.work;
  x.workNumbers[0].fill(Infinity);
  eachAxis(x.shape, (axis, before, n, after) => {
    x.matrix.lowerAxis(before, n, after, x.state[accumulator(axis)], squares);
  });
  // the squares are summed, or averaged
  x.s[0] = h.beta === 0 ? 1 : h.beta;
  x.s[1] = 1 - h.beta;
  x.s[2] = h.eps;
  x.run("sm3", x.g, squares, u);
  raise(x, h);
  if (h.momentum === 0) x.combine(x.p, 1, x.p, -h.lr, u);
  else {
    x.combine(m, h.momentum, m, 1 - h.momentum, u);
    x.combine(x.p, 1, x.p, -h.lr, m);
  }
}

/** Takes the largest squares into the accumulators. Those of averages never fall, but in optax. */
function raise(x: TensorStep, { beta, convention }: SM3Values): void {
  const [squares, , largest] = x.work;
  eachAxis(x.shape, (axis, before, n, after) => {
    x.matrix.axisMaxima(before, n, after, squares, largest);
    const [kept, now] = [x.numbers[accumulator(axis)], x.workNumbers[2]];
    const falls = beta === 0 || convention === "optax";
    for (let i = 0; i < n; i++) kept[i] = falls ? now[i] : Math.max(kept[i], now[i]);
  });
}

/** Calls with each axis, its length, and how many elements stand before and after it. */
function eachAxis(
  shape: readonly number[],
  call: (axis: number, before: number, n: number, after: number) => void,
): void {
  const axes = axesOf(shape);
  for (const [axis, n] of axes.entries()) call(axis, sizeOf(axes.slice(0, axis)), n, sizeOf(axes.slice(axis + 1)));
}

export function sm3(n: number, g: Reals, squares: Reals, u: Reals, h: Reals): void {
  const keep = h[0];
  const w = h[1];
  const eps = h[2];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const si = add(mul(keep, squares[i]), mul(w, square(gi)));
    squares[i] = si;
    u[i] = div(gi, sqrt(add(si, eps)));
  }
}
