import type { Ref } from "../backend.js";
import { cautiousConflict } from "../cautiously.js";
import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import * as f32 from "../generated/f32/optimizers/adafactor.js";
import { sizeOf } from "../layout.js";
import { pow } from "../math.js";
import * as matrix from "../matrix.js";
import { add, div, max, mul, type Reals, sqrt, square } from "../real.js";
import type { Convention, Dtype, Slot, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * Adafactor: the gradient over a root mean square of which only the rows and columns are kept, in steps as large as the weights ask
 * for.
 *
 * @remarks Use it where AdamW's buffers do not fit; with `relativeStep: false` and `scaleParameter: false` its rate is AdamW's.
 * @option lr the learning rate; with `relativeStep` the most that it is, and with `scaleParameter` a share of the parameters
 * @option momentum how much of the average of steps a step keeps; 0 for none
 * @see Shazeer and Stern, 2018, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost (arXiv 1804.04235)
 */
export const Adafactor = /* @__PURE__ */ defineTensorOptimizer({
  name: "Adafactor",
  defaults: {
    lr: 1e-2,
    beta2Decay: -0.8,
    beta2Cap: 1,
    eps1: 0,
    eps2: 1e-3,
    d: 1,
    momentum: 0,
    minDimSizeToFactor: 0,
    relativeStep: true,
    scaleParameter: true,
    warmupInit: false,
    unscaledWd: false,
    cautious: false,
  },
  ranges: { beta2Decay: [-100, 0], momentum: [0, 1] },
  conventions: {
    torch: {},
    timm: { eps1: 1e-30, minDimSizeToFactor: 16 },
    optax: { lr: 1, eps1: 1e-30, minDimSizeToFactor: 128, relativeStep: false, unscaledWd: true },
    big_vision: {
      lr: 1,
      beta2Cap: 0.999,
      eps1: 1e-30,
      d: 0,
      momentum: 0.9,
      minDimSizeToFactor: 16,
      relativeStep: false,
      scaleParameter: false,
    },
    keras: { lr: 1e-3, eps1: 1e-30 },
  },
  state(h, shape): Record<string, number | Slot> {
    const axes = factoredAxes(h, shape);
    const slot = (axis: number) => ({ shape: without(shape, axis), from: 0 });
    return {
      ...(h.momentum !== 0 && { m: 0 }),
      ...(axes ? { rows: slot(axes[1]), columns: slot(axes[0]) } : { v: 0 }),
    };
  },
  work(h, shape) {
    const axes = factoredAxes(h, shape);
    const sizes = axes ? [shape, shape, without(shape, axes[1]), without(shape, axes[0])] : [shape];
    return sizes.map(sizeOf);
  },
  decoupled: () => true,
  conflict: cautiousConflict,
  passes: [{ tensor: (x, h, t) => step(x, h, t) }],
  twins: { f32, f64: { adafactor, adafactorWhole } },
  matrix: { f32: matrixF32, f64: matrix },
});

type AdafactorValues = Values<{
  lr: number;
  beta2Decay: number;
  beta2Cap: number;
  eps1: number;
  eps2: number;
  d: number;
  momentum: number;
  minDimSizeToFactor: number;
  relativeStep: boolean;
  scaleParameter: boolean;
  warmupInit: boolean;
  unscaledWd: boolean;
  cautious: boolean;
  weightDecay: number;
}> & { readonly convention: Convention };

/** The two axes, in rising order, along which a tensor's squares are averaged apart; those of the others are kept whole. */
function factoredAxes(
  { convention, minDimSizeToFactor }: Pick<AdafactorValues, "convention" | "minDimSizeToFactor">,
  shape: readonly number[],
): readonly [number, number] | undefined {
  const rank = shape.length;
  if (rank < 2) return undefined;
  const isLong = (axis: number) =>
    convention === "timm" ? shape[axis] > minDimSizeToFactor : shape[axis] >= minDimSizeToFactor;
  return candidates(convention, shape).find((axes) => axes.every(isLong));
}

function candidates(convention: Convention, shape: readonly number[]): (readonly [number, number])[] {
  const rank = shape.length;
  if (convention === "optax" || convention === "big_vision") {
    const bySize = shape.map((_, axis) => axis).sort((a, b) => shape[a] - shape[b]);
    const [a, b] = bySize.slice(-2);
    return [a < b ? [a, b] : [b, a]];
  }
  // timm takes outputs and inputs of convolutions first
  return convention === "timm" && rank > 2
    ? [
        [0, 1],
        [rank - 2, rank - 1],
      ]
    : [[rank - 2, rank - 1]];
}

function without(shape: readonly number[], axis: number): number[] {
  return shape.filter((_, i) => i !== axis);
}

function step(x: TensorStep, h: AdafactorValues, t: number): void {
  if (x.length === 0) return;
  const { m } = x.state;
  const [u] = x.work;
  const rate = rateOf(x, h, t);
  divide(x, h, t);
  const clipped = 1 / clippingOf(rms(x, u), h);
  const keep = 1 - h.weightDecay * decayRate(rate, h);
  if (h.momentum === 0) {
    x.combine(x.p, keep, x.p, -rate * clipped, u);
    return;
  }
  // Big Vision multiplies the momentum by the rate, the others what goes into it
  const [inner, outer] = h.convention === "big_vision" ? [1, rate] : [rate, 1];
  x.combine(m, h.momentum, m, (1 - h.momentum) * inner * clipped, u);
  x.scale(u, -outer, m);
  if (h.cautious) x.caution(u);
  x.combine(x.p, keep, x.p, 1, u);
}

function rateOf(x: TensorStep, h: AdafactorValues, t: number): number {
  const lr = h.warmupInit ? 1e-6 * t : h.lr;
  const step = h.relativeStep ? Math.min(lr, 1 / Math.sqrt(t)) : lr;
  // Keras takes the weights as the decay leaves them
  const left = h.convention === "keras" ? Math.abs(1 - h.lr * h.weightDecay) : 1;
  return h.scaleParameter ? step * Math.max(h.eps2, left * rms(x, x.p)) : step;
}

function rms(x: TensorStep, values: Ref): number {
  return x.norm(values) / Math.sqrt(x.length);
}

/** What the step is divided by. */
function clippingOf(size: number, { d, convention }: AdafactorValues): number {
  if (d === 0) return 1;
  // timm's form of Big Vision's rule enlarges small steps
  return convention === "big_vision" ? Math.min(1, size * d) : Math.max(1, size / d);
}

function decayRate(rate: number, { lr, unscaledWd, convention }: AdafactorValues): number {
  return unscaledWd ? 1 : convention === "timm" ? rate : lr;
}

const epsilon: Readonly<Record<Dtype, number>> = { f32: 2 ** -23, f64: 2 ** -52 };

/** Averages the squares of the gradient and divides it by their root, into the first work buffer. */
function divide(x: TensorStep, h: AdafactorValues, t: number): void {
  const beta2 = Math.min(h.beta2Cap, 1 - pow(t, h.beta2Decay));
  // PyTorch keeps the root from falling below eps1, the others add eps1 to the squares
  const [added, floor] = h.convention === "torch" ? [0, h.eps1 || epsilon[x.dtype]] : [h.eps1, 0];
  const axes = factoredAxes(h, x.shape);
  if (axes) {
    average(x, axes, beta2, added, floor);
    x.s[0] = floor;
    x.run("adafactor", x.g, x.work[1], x.work[0]);
  } else {
    x.s[0] = floor;
    x.s[1] = beta2;
    x.s[2] = 1 - beta2;
    x.s[3] = added;
    x.run("adafactorWhole", x.g, x.state.v, x.work[0]);
  }
}

/**
 * Averages the squares along both axes. Their product, divided by the mean of one, stands for those of the whole tensor: writes the
 * roots of the two factors into the first work buffers, spread over the tensor.
 */
function average(
  x: TensorStep,
  [first, second]: readonly [number, number],
  beta2: number,
  added: number,
  floor: number,
): void {
  const { axisSquares, spreadAxis } = x.matrix;
  const { rows, columns } = x.numbers;
  const [u, root, rowWork, columnWork] = x.work;
  const [, , rowNumbers, columnNumbers] = x.workNumbers;
  const { shape } = x;
  const [r, c] = [shape[first], shape[second]];
  const before = sizeOf(shape.slice(0, first));
  const between = sizeOf(shape.slice(first + 1, second));
  const after = sizeOf(shape.slice(second + 1));
  axisSquares(before * r * between, c, after, x.g, rowWork);
  axisSquares(before, r, between * c * after, x.g, columnWork);
  for (let i = 0; i < rows.length; i++) rows[i] = beta2 * rows[i] + (1 - beta2) * (rowNumbers[i] / c + added);
  for (let i = 0; i < columns.length; i++) {
    columns[i] = beta2 * columns[i] + (1 - beta2) * (columnNumbers[i] / r + added);
    columnNumbers[i] = Math.sqrt(columns[i]);
  }
  const stride = between * after;
  for (let i = 0; i < before * stride; i++) {
    const start = Math.floor(i / stride) * r * stride + (i % stride);
    let sum = 0;
    for (let j = 0; j < r; j++) sum += rows[start + j * stride];
    const mean = Math.max(sum / r, floor);
    for (let j = 0; j < r; j++) rowNumbers[start + j * stride] = Math.sqrt(rows[start + j * stride] / mean);
  }
  spreadAxis(before * r * between, c, after, rowWork, root);
  spreadAxis(before, r, between * c * after, columnWork, u);
}

export function adafactor(n: number, g: Reals, root: Reals, u: Reals, h: Reals): void {
  const floor = h[0];
  for (let i = 0; i < n; i++) {
    u[i] = div(g[i], max(mul(root[i], u[i]), floor));
  }
}

export function adafactorWhole(n: number, g: Reals, v: Reals, u: Reals, h: Reals): void {
  const floor = h[0];
  const b2 = h[1];
  const w = h[2];
  const eps = h[3];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const vi = add(mul(b2, v[i]), mul(w, add(square(gi), eps)));
    v[i] = vi;
    u[i] = div(gi, max(sqrt(vi), floor));
  }
}
