import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import * as matrix from "../matrix.js";
import { type Coefficients, newtonSchulz, newtonSchulzWork } from "../newton-schulz.js";
import type { Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";
import { adamScalars, adamTwins } from "./adam.js";

/**
 * Muon: momentum whose matrices are made orthogonal, with AdamW for what is no matrix.
 *
 * @remarks Use it for the hidden layers of a network; put embeddings and the output layer in a group with `useMuon: false`, so that
 * AdamW steps them. A tensor of more than two dimensions counts as a matrix of its first by all others.
 * @see Jordan et al., 2024, Muon: An optimizer for hidden layers in neural networks (kellerjordan.github.io/posts/muon)
 */
export const Muon = /* @__PURE__ */ defineTensorOptimizer({
  name: "Muon",
  defaults: {
    lr: 1e-3,
    momentum: 0.95,
    nesterov: true,
    weightDecay: 0.1,
    nsSteps: 5,
    nsA: 3.4445,
    nsB: -4.775,
    nsC: 2.0315,
    eps: 1e-7,
    addedEps: 0,
    matchRms: false,
    useMuon: true,
    adamLr: 3e-4,
    adamBeta1: 0.9,
    adamBeta2: 0.95,
    adamEps: 1e-10,
    adamWeightDecay: 0,
  },
  ranges: {
    lr: [0, Infinity],
    momentum: [0, 1],
    nsSteps: [0, 100],
    nsA: [-100, 100],
    nsB: [-100, 100],
    nsC: [-100, 100],
    eps: [0, Infinity],
    addedEps: [0, Infinity],
    adamLr: [0, Infinity],
    adamBeta1: [0, 1],
    adamBeta2: [0, 1],
    adamEps: [0, Infinity],
    adamWeightDecay: [0, Infinity],
  },
  state: (h, shape): Record<string, number> => (isMatrix(h, shape) ? { buf: 0 } : { m: 0, v: 0 }),
  work: (h, shape) => (isMatrix(h, shape) ? newtonSchulzWork(...sidesOf(shape)) : []),
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        if (isMatrix(h, x.shape)) stepMatrix(x, h);
        else stepAdam(x, h, t);
      },
    },
  ],
  twins: { f32: { adam: adamTwins.f32.adam }, f64: { adam: adamTwins.f64.adam } },
  matrix: { f32: matrixF32, f64: matrix },
});

type MuonValues = Values<{
  lr: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  nsSteps: number;
  nsA: number;
  nsB: number;
  nsC: number;
  eps: number;
  addedEps: number;
  matchRms: boolean;
}>;

type AdamValues = Values<{
  adamLr: number;
  adamBeta1: number;
  adamBeta2: number;
  adamEps: number;
  adamWeightDecay: number;
}>;

function isMatrix({ useMuon }: { readonly useMuon: boolean }, shape: readonly number[]): boolean {
  return useMuon && shape.length >= 2;
}

/** The rows and columns of a tensor as a matrix: its first dimension by all others. */
function sidesOf([rows, ...others]: readonly number[]): [rows: number, columns: number] {
  return [rows, others.reduce((product, n) => product * n, 1)];
}

function stepMatrix(x: TensorStep, h: MuonValues): void {
  const { buf } = x.state;
  const [direction] = x.work;
  const mu = h.momentum;
  x.combine(buf, mu, buf, 1 - mu, x.g);
  if (h.nesterov) x.combine(direction, mu, buf, 1 - mu, x.g);
  const chosen = h.nesterov ? direction : buf;
  x.scale(direction, 1 / (Math.max(x.norm(chosen), h.eps) + h.addedEps), chosen);
  const [rows, columns] = sidesOf(x.shape);
  const orthogonal = newtonSchulz(x, rows, columns, iterations(h));
  x.combine(x.p, 1 - h.lr * h.weightDecay, x.p, -h.lr * adjustment(rows, columns, h), orthogonal);
}

function iterations({ nsSteps, nsA, nsB, nsC }: MuonValues): Coefficients[] {
  return Array.from({ length: nsSteps }, () => [nsA, nsB, nsC]);
}

/** What the rate is multiplied by, so that it suits matrices of all shapes. */
function adjustment(rows: number, columns: number, { matchRms }: MuonValues): number {
  return matchRms ? 0.2 * Math.sqrt(Math.max(rows, columns)) : Math.sqrt(Math.max(1, rows / columns));
}

function stepAdam(x: TensorStep, h: AdamValues, t: number): void {
  const adam = {
    lr: h.adamLr,
    beta1: h.adamBeta1,
    beta2: h.adamBeta2,
    eps: h.adamEps,
    epsRoot: 0,
    amsgrad: false,
    biasCorrection: true,
    convention: "torch" as const,
  };
  adamScalars(x.s, adam, t, h.adamWeightDecay);
  x.run("adam", x.p, x.g, x.state.m, x.state.v);
}
