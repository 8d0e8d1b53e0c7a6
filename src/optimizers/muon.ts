import type { Ref } from "../backend.js";
import { defineTensorOptimizer } from "../define.js";
import * as matrixF32 from "../generated/f32/matrix.js";
import { adam as adamF32 } from "../generated/f32/optimizers/adam.js";
import { nadam as nadamF32 } from "../generated/f32/optimizers/nadam.js";
import { eigenOf } from "../linalg.js";
import * as matrix from "../matrix.js";
import { type Coefficients, newtonSchulz, newtonSchulzWork } from "../newton-schulz.js";
import { power } from "../power.js";
import type { Convention, Values } from "../rule.js";
import type { TensorStep } from "../tensor-step.js";
import { adam, adamScalars } from "./adam.js";
import { lookAhead, nadam } from "./nadam.js";

const choices = {
  nsCoefficients: ["original", "quintic"],
  preconditioning: ["frobenius", "spectral", "aol", "schatten"],
  adjustLrFn: ["original", "match_rms_adamw", "rms_to_rms", "none"],
} as const;

/**
 * Muon: momentum whose matrices are made orthogonal, with AdamW for what is no matrix.
 *
 * @remarks Use it for the hidden layers of a network; a group with `useMuon: false`, for embeddings and the output layer, is
 * stepped by AdamW.
 * @option eps what keeps a division by 0 away, in the norm of a matrix
 * @see Jordan et al., 2024, Muon: An optimizer for hidden layers in neural networks
 */
export const Muon = /* @__PURE__ */ defineTensorOptimizer({
  name: "Muon",
  defaults: {
    lr: 1e-3,
    momentum: 0.95,
    nesterov: true,
    weightDecay: 0.1,
    nsSteps: 5,
    nsCoefficients: "original",
    nsA: 3.4445,
    nsB: -4.775,
    nsC: 2.0315,
    eps: 1e-7,
    addEps: false,
    preconditioning: "frobenius",
    adjustLrFn: "original",
    rmsRate: 0.2,
    adaptive: false,
    useMuon: true,
    adamLrRatio: 1,
    adamBeta1: 0.9,
    adamBeta2: 0.95,
    adamEps: 1e-10,
    adamWeightDecay: 0,
    adamNesterov: false,
  },
  choices,
  ranges: {
    momentum: [0, 1],
    nsSteps: [0, 100],
    nsA: [-100, 100],
    nsB: [-100, 100],
    nsC: [-100, 100],
    adamBeta1: [0, 1],
    adamBeta2: [0, 1],
  },
  conventions: {
    torch: {},
    optax: { eps: 1e-8, addEps: true, weightDecay: 0, adamBeta2: 0.999, adamEps: 1e-8, adamNesterov: true },
    keras: {
      addEps: true,
      weightDecay: 4e-3,
      adjustLrFn: "match_rms_adamw",
      adamBeta2: 0.999,
      adamEps: 1e-7,
      adamWeightDecay: 4e-3,
    },
  },
  state: (h, shape): Record<string, number> => (isMatrix(h, shape) ? { buf: 0 } : { m: 0, v: 0 }),
  work: (h, shape) => (isMatrix(h, shape) ? newtonSchulzWork(...sidesOf(shape)) : []),
  decoupled: () => true,
  passes: [
    {
      tensor(x, h, t) {
        if (isMatrix(h, x.shape)) stepMatrix(x, h, t);
        else stepRest(x, h, t);
      },
    },
  ],
  twins: {
    f32: { adam: adamF32, nadam: nadamF32 },
    f64: { adam, nadam },
  },
  matrix: { f32: matrixF32, f64: matrix },
});

type MatrixValues = Values<
  {
    lr: number;
    momentum: number;
    nesterov: boolean;
    weightDecay: number;
    nsSteps: number;
    nsCoefficients: string;
    nsA: number;
    nsB: number;
    nsC: number;
    eps: number;
    addEps: boolean;
    preconditioning: string;
    adjustLrFn: string;
    rmsRate: number;
    adaptive: boolean;
  },
  typeof choices
> & { readonly convention: Convention };

type RestValues = Values<{
  lr: number;
  adamLrRatio: number;
  adamBeta1: number;
  adamBeta2: number;
  adamEps: number;
  adamWeightDecay: number;
  adamNesterov: boolean;
}> & { readonly convention: Convention };

/** Whether a tensor is stepped as a matrix; optax and Keras leave tensors of more dimensions to Adam. */
function isMatrix(
  { useMuon, convention }: { readonly useMuon: boolean; readonly convention: Convention },
  shape: readonly number[],
): boolean {
  return useMuon && (shape.length === 2 || (shape.length > 2 && convention === "torch"));
}

/** The rows and columns of a tensor as a matrix: its first dimension by all others. */
function sidesOf([rows, ...others]: readonly number[]): [rows: number, columns: number] {
  return [rows, others.reduce((product, n) => product * n, 1)];
}

function stepMatrix(x: TensorStep, h: MatrixValues, t: number): void {
  const { buf } = x.state;
  const [matrix, other] = x.work;
  const [rows, columns] = sidesOf(x.shape);
  x.combine(buf, h.momentum, buf, shareOf(h), x.g);
  direct(x, h, t, matrix);
  const usual = h.preconditioning === "frobenius";
  if (usual) x.scale(matrix, 1 / divisorOf(x.norm(matrix), h), matrix);
  newtonSchulz(x, rows, columns, iterations(h), usual ? undefined : (gram, n) => scalesOf(gram, n, h));
  let scale = adjustment(rows, columns, h);
  if (h.adaptive) {
    direct(x, h, t, other);
    scale *= x.dot(other, matrix);
  }
  x.combine(x.p, 1 - h.lr * h.weightDecay, x.p, -h.lr * scale, matrix);
}

function divisorOf(norm: number, { addEps, eps }: MatrixValues): number {
  return addEps ? norm + eps : Math.max(norm, eps);
}

/** What takes singular values above 1 away, other than dividing by the Frobenius norm, as in optax. */
function scalesOf(gram: Float64Array, n: number, h: MatrixValues): Float64Array {
  const scales = new Float64Array(n);
  if (h.preconditioning === "spectral") {
    const largest = eigenOf(n, gram).values.reduce((a, b) => Math.max(a, b), 0);
    return scales.fill(1 / divisorOf(Math.sqrt(largest), h));
  }
  if (h.preconditioning === "schatten") {
    const norm = Math.sqrt(gram.reduce((sum, x) => sum + x * x, 0));
    return scales.fill(1 / Math.sqrt(Math.max(norm, 1e-8)));
  }
  // as in Almost-Orthogonal Layers, Prach and Lampert, 2022
  return scales.map((_, i) => {
    const size = gram.subarray(i * n, i * n + n).reduce((sum, x) => sum + Math.abs(x), 0);
    return 1 / Math.sqrt(Math.max(size, 1e-8));
  });
}

/** The gradient's share in the momentum: an average but for Keras, which sums. */
function shareOf({ momentum, convention }: MatrixValues): number {
  return convention === "keras" ? 1 : 1 - momentum;
}

/** Writes the direction to go in, which optax corrects for having started from 0. */
function direct(x: TensorStep, h: MatrixValues, t: number, out: Ref): void {
  const { buf } = x.state;
  const left = h.convention === "optax" ? power(h.momentum, t) : 0;
  if (!h.nesterov) x.scale(out, 1 / (1 - left), buf);
  else x.combine(out, h.momentum / (1 - left * h.momentum), buf, shareOf(h) / (1 - left), x.g);
}

// timm's, one after the other
const quintic: readonly Coefficients[] = [
  [4.0848, -6.8946, 2.927],
  [3.9505, -6.3029, 2.6377],
  [3.7418, -5.5913, 2.3037],
  [2.8769, -3.1427, 1.2046],
  [2.8366, -3.0525, 1.2012],
];

function iterations({ nsSteps, nsCoefficients, nsA, nsB, nsC }: MatrixValues): Coefficients[] {
  return Array.from({ length: nsSteps }, (_, i) => {
    return nsCoefficients === "quintic" ? quintic[Math.min(i, quintic.length - 1)] : [nsA, nsB, nsC];
  });
}

/** What the rate is multiplied by, so that one suits matrices of all shapes. */
function adjustment(rows: number, columns: number, { adjustLrFn, rmsRate, convention }: MatrixValues): number {
  // a row of a matrix is an output but for optax
  const ratio = convention === "optax" ? columns / rows : rows / columns;
  switch (adjustLrFn) {
    case "original":
      return Math.sqrt(Math.max(1, ratio));
    case "match_rms_adamw":
      return rmsRate * Math.sqrt(Math.max(rows, columns));
    case "rms_to_rms":
      return Math.sqrt(ratio);
    case "none":
      return 1;
  }
}

/** AdamW. */
function stepRest(x: TensorStep, h: RestValues, t: number): void {
  const adam = {
    lr: h.lr * h.adamLrRatio,
    beta1: h.adamBeta1,
    beta2: h.adamBeta2,
    eps: h.adamEps,
    epsRoot: 0,
    amsgrad: false,
    biasCorrection: true,
    convention: h.convention,
  };
  if (h.adamNesterov) lookAhead(x.s, adam, t, h.adamWeightDecay);
  else adamScalars(x.s, adam, t, h.adamWeightDecay);
  // Keras decays everything at the same rate
  if (h.convention === "keras") x.s[0] = 1 - h.lr * h.adamWeightDecay;
  x.run(h.adamNesterov ? "nadam" : "adam", x.p, x.g, x.state.m, x.state.v);
}
