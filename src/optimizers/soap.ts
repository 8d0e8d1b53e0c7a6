import { type Axis, axesOf, gram, multiplyAlong } from "../axes.js";
import type { Ref } from "../backend.js";
import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import * as f32 from "../generated/f32/optimizers/soap.js";
import { eigenOf, orthogonalFactor } from "../linalg.js";
import * as matrix from "../matrix.js";
import { power } from "../power.js";
import type { Numbers } from "../real.js";
import { add, div, lerp, mul, type Reals, sqrt, sub } from "../real.js";
import type { Slot, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";

/**
 * SOAP: Adam in the basis of Shampoo's eigenvectors, which are renewed every `preconditionFrequency` steps. The first step only
 * sets the basis up. Axes longer than `maxPrecondDim` stay as they are; `shampooBeta` -1 stands for `beta2`.
 *
 * @remarks Use it for dense layers of moderate width: it needs fewer steps than Adam, and each costs some matrix products.
 * @state `m`, `v`, two matrices for each axis: 8 + 8 d² for each axis of length d
 * @see Vyas et al., 2024, SOAP: Improving and Stabilizing Shampoo using Adam (arXiv 2409.11321)
 */
export const SOAP = /* @__PURE__ */ defineTensorOptimizer({
  name: "SOAP",
  defaults: {
    lr: 3e-3,
    beta1: 0.95,
    beta2: 0.95,
    shampooBeta: -1,
    eps: 1e-8,
    weightDecay: 0.01,
    preconditionFrequency: 10,
    maxPrecondDim: 10000,
    precondition1d: false,
    normalizeGrads: false,
    correctBias: true,
  },
  ranges: { beta1: [0, 1], beta2: [0, 1], shampooBeta: [-1, 1], preconditionFrequency: [1, Infinity] },
  fixed: ["maxPrecondDim"],
  state: (h, shape) => {
    const slots: Record<string, number | Slot> = { m: 0, v: 0 };
    for (const { index, size } of axesOfBasis(shape, h)) {
      slots[`gg${index}`] = { shape: [size, size], from: 0 };
      slots[`q${index}`] = { shape: [size, size], from: 0 };
    }
    return slots;
  },
  work(h, shape) {
    const length = shape.reduce((size, n) => size * n, 1);
    const longest = axesOfBasis(shape, h).reduce((most, { size }) => Math.max(most, size), 0);
    return [length, length, length, longest ** 2, longest ** 2, longest ** 2];
  },
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        const axes = axesOfBasis(x.shape, h);
        if (t === 1) {
          gather(x, axes, h);
          for (const axis of axes) beginBasis(x, axis);
          return;
        }
        const k = t - 1;
        const direction = x.work[2];
        const g = project(x, axes, x.g);
        x.s[0] = 1 - h.beta1;
        x.s[1] = h.beta2;
        x.s[2] = 1 - h.beta2;
        x.s[3] = h.eps;
        x.run("soapDirection", g, x.state.m, x.state.v, direction);
        const step = projectBack(x, axes, direction);
        const correction = h.correctBias ? Math.sqrt(1 - power(h.beta2, k)) / (1 - power(h.beta1, k)) : 1;
        const scale = h.normalizeGrads ? 1 / (1e-30 + x.norm(step) / Math.sqrt(x.length)) : 1;
        x.s[0] = h.lr * correction * scale;
        x.s[1] = 1 - h.lr * h.weightDecay;
        x.run("soap", x.p, step);
        gather(x, axes, h);
        if (axes.length > 0 && k % h.preconditionFrequency === 0) {
          // the first moment changes bases by way of the parameters' own
          const m = projectBack(x, axes, x.state.m);
          for (const axis of axes) renewBasis(x, axis);
          x.scale(x.state.m, 1, project(x, axes, m));
        }
      },
    },
  ],
  matrix: { f32: matrixF32, f64: matrix },
  twins: { f32, f64: { soapDirection, soap } },
});

type BasisValues = Values<{ maxPrecondDim: number; precondition1d: boolean }>;

/** The axes that have a basis. */
function axesOfBasis(shape: readonly number[], h: BasisValues): Axis[] {
  return shape.length > 1 || h.precondition1d ? axesOf(shape, h.maxPrecondDim) : [];
}

type GatherValues = Values<{ shampooBeta: number; beta2: number }>;

/** Moves the statistics of all axes towards those of the gradient. */
function gather(x: TensorStep, axes: readonly Axis[], h: GatherValues): void {
  const [work, , , statistic, part] = x.work;
  const beta = h.shampooBeta < 0 ? h.beta2 : h.shampooBeta;
  for (const axis of axes) {
    const gg = x.state[`gg${axis.index}`];
    gram(x, axis, x.g, work, part, statistic);
    x.combine(gg, beta, gg, 1 - beta, statistic, axis.size ** 2);
  }
}

/** A tensor in the basis: in one of the first two work buffers, or where it was if there is none. */
function project(x: TensorStep, axes: readonly Axis[], from: Ref): Ref {
  return turn(x, axes, from, (q, qt) => [qt, q]);
}

function projectBack(x: TensorStep, axes: readonly Axis[], from: Ref): Ref {
  return turn(x, axes, from, (q, qt) => [q, qt]);
}

function turn(x: TensorStep, axes: readonly Axis[], from: Ref, pick: (q: Ref, qt: Ref) => [m: Ref, mt: Ref]): Ref {
  const [a, b] = x.work;
  const qt = x.work[5];
  let source = from;
  for (const axis of axes) {
    const q = x.state[`q${axis.index}`];
    const [m, mt] = pick(q, qt);
    const target = source === a ? b : a;
    x.matrix.transpose(axis.size, axis.size, q, qt);
    multiplyAlong(x, axis, m, mt, source, target);
    source = target;
  }
  return source;
}

/** The first basis: the eigenvectors of the statistics, that of the largest eigenvalue first. */
function beginBasis(x: TensorStep, { index, size }: Axis): void {
  const statistics = Float64Array.from(x.numbers[`gg${index}`]);
  for (let i = 0; i < size; i++) statistics[i * size + i] += 1e-30;
  const { vectors } = eigenOf(size, statistics);
  // rows, the largest last, become columns
  x.numbers[`q${index}`].set(vectors.map((_, k) => vectors[(size - 1 - (k % size)) * size + Math.floor(k / size)]));
}

/** The next basis: a step of the power iteration, after its axes, and the second moment's, are in the order of the eigenvalues. */
function renewBasis(x: TensorStep, axis: Axis): void {
  const { index, size } = axis;
  const turned = x.work[3];
  x.matrix.matmul(size, size, size, x.state[`gg${index}`], x.state[`q${index}`], turned);
  const q = x.numbers[`q${index}`];
  const gq = x.workNumbers[3];
  const values = new Float64Array(size);
  for (let k = 0; k < size * size; k++) values[k % size] += q[k] * gq[k];
  const order = [...values.keys()].sort((i, j) => values[j] - values[i] || i - j);
  const ordered = Float64Array.from(q, (_, k) => gq[k - (k % size) + order[k % size]]);
  q.set(orthogonalFactor(size, ordered));
  reorder(x.numbers.v, axis, order);
}

/** Takes the parts of a tensor along an axis in another order. */
function reorder(v: Numbers, { outer, size, inner }: Axis, order: readonly number[]): void {
  const before = v.slice();
  for (let o = 0; o < outer; o++) {
    for (const [to, from] of order.entries()) {
      const at = (o * size + from) * inner;
      v.set(before.subarray(at, at + inner), (o * size + to) * inner);
    }
  }
}

/** The moments, and the direction of Adam without its corrections. */
export function soapDirection(n: number, g: Reals, m: Reals, v: Reals, direction: Reals, h: Reals): void {
  const w1 = h[0];
  const b2 = h[1];
  const w2 = h[2];
  const eps = h[3];
  for (let i = 0; i < n; i++) {
    const gi = g[i];
    const mi = lerp(m[i], gi, w1);
    const vi = add(mul(b2, v[i]), mul(mul(w2, gi), gi));
    m[i] = mi;
    v[i] = vi;
    direction[i] = div(mi, add(sqrt(vi), eps));
  }
}

export function soap(n: number, p: Reals, step: Reals, h: Reals): void {
  const lr = h[0];
  const keep = h[1];
  for (let i = 0; i < n; i++) {
    p[i] = mul(keep, sub(p[i], mul(lr, step[i])));
  }
}
