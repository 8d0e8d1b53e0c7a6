import { sameBits } from "../bits.js";
import { makeOrbit, type OrbitDataset, orbit, samples } from "./data.js";
import { lossAndGradient } from "./model.js";
import { tolerances } from "./tolerance.js";
import { type Backend, type Outcome, type Path, type Run, train } from "./train.js";

export const seeds: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8];

/** What became of one run: the outcome of the first seed, and what all seeds say. */
export interface Summary {
  readonly run: Run;
  readonly outcome: Outcome;
  readonly A: number;
  readonly B: number;
  readonly loss: number;
  /** The larger of the errors of A and B, as a share of what is tolerated. */
  readonly error: number;
  /** Medians over the seeds that did not explode. */
  readonly milliseconds: Readonly<Record<Backend, number>>;
  /** Whether both backends end on the same bits, for every seed. */
  readonly sameBits: boolean;
  readonly arrived: number;
  /** How many seeds crossed A = 0: the model sees only A², so a mirrored run is right all the same. */
  readonly mirrored: number;
  /** "seed 3: exploded …" */
  readonly failures: readonly string[];
}

/** What the case study finds. */
export interface Study {
  readonly constant: readonly Summary[];
  readonly decayed: readonly Summary[];
  readonly careless: Summary;
}

/** Runs one configuration over all seeds, on both backends. */
export function study(run: Run): Summary {
  const results = seeds.map((seed) => {
    const dataset = makeOrbit(seed);
    return { seed, dataset, wasm: train(run, dataset, seed, "wasm"), js: train(run, dataset, seed, "js") };
  });
  const { dataset, wasm: outcome } = results[0];
  const calm = results.filter(({ wasm }) => !wasm.failure);
  return {
    run,
    outcome,
    A: Math.abs(outcome.weights[0]),
    B: outcome.weights[1],
    loss: fullLoss(dataset, outcome.weights),
    error: shareOfTolerance(run, outcome),
    milliseconds: {
      wasm: median(calm.map(({ wasm }) => wasm.milliseconds)),
      js: median(calm.map(({ js }) => js.milliseconds)),
    },
    sameBits: results.every(({ wasm, js }) => sameBits(wasm.weights, js.weights) && wasm.steps === js.steps),
    arrived: calm.filter(({ wasm }) => shareOfTolerance(run, wasm) <= 1).length,
    mirrored: calm.filter(({ wasm }) => wasm.path.A.some((A) => A < 0)).length,
    failures: results.flatMap(({ seed, wasm }) => (wasm.failure ? [`seed ${seed} ${wasm.failure}`] : [])),
  };
}

/** The loss over all valid samples at the start and after each epoch. */
export function lossCurve(dataset: OrbitDataset, path: Path): { epoch: number; loss: number }[] {
  const curve = [];
  let step = 0;
  for (let epoch = 0; step + 1 < path.epoch.length; epoch++) {
    while (path.epoch[step + 1] <= epoch) step++;
    curve.push({ epoch, loss: fullLoss(dataset, [path.A[step], path.B[step]]) });
  }
  return curve;
}

function fullLoss(dataset: OrbitDataset, weights: ArrayLike<number>): number {
  return lossAndGradient(dataset, everySample, weights).loss;
}

const everySample = Uint32Array.from({ length: samples }, (_, index) => index);

function shareOfTolerance(run: Run, { weights, steps }: Outcome): number {
  const { lr, batchSize } = run.phases[run.phases.length - 1];
  const [toleranceA, toleranceB] = tolerances(lr / (1 + run.decay * steps), batchSize);
  const errorA = Math.abs(Math.abs(weights[0]) - orbit.A);
  const errorB = Math.abs(weights[1] - orbit.B);
  return Math.max(errorA / toleranceA, errorB / toleranceB);
}

/** NaN if there is no value. */
function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
