import { noise, orbit, samples } from "./data.js";
import { type Summary, seeds } from "./study.js";
import { allowedDeviations, standardErrors } from "./tolerance.js";
import { type Run, start } from "./train.js";

export const heading = [
  "run",
  "learning rate",
  "A",
  "B",
  "loss",
  "error",
  "epochs",
  "steps",
  "ms wasm",
  "ms js",
  "bits equal",
  "seeds",
];

/** One row under the heading: numbers of the first seed, times as medians over the seeds. */
export function row(summary: Summary): string[] {
  const { run, outcome, milliseconds } = summary;
  const end = outcome.failure
    ? ["exploded", "", "", ""]
    : [summary.A.toFixed(4), summary.B.toFixed(4), summary.loss.toFixed(5), `${Math.round(100 * summary.error)} %`];
  return [
    run.name,
    rate(run),
    ...end,
    `${run.phases.reduce((sum, { epochs }) => sum + epochs, 0)}`,
    `${outcome.steps}`,
    ...[milliseconds.wasm, milliseconds.js].map((time) => (Number.isNaN(time) ? "–" : time.toFixed(1))),
    summary.sameBits ? "yes" : "no",
    `${summary.arrived} of ${seeds.length}`,
  ];
}

/** "0.05" or "0.05 / (1 + 0.005 t)"; a rate for each phase. */
function rate({ phases, decay }: Run): string {
  const rates = phases.map(({ lr }) => lr).join(", ");
  return decay === 0 ? rates : `${rates} / (1 + ${decay} t)`;
}

/** What is wrong with a run, in sentences; nothing if all is well. */
export function complaints(summary: Summary): string[] {
  const name = `${summary.run.name}, learning rate ${rate(summary.run)}`;
  const wrong = summary.failures.map((failure) => `${name}: ${failure}`);
  const missed = seeds.length - summary.arrived - summary.failures.length;
  if (missed > 0) wrong.push(`${name}: ${missed} of ${seeds.length} seeds ended out of tolerance`);
  if (!summary.sameBits) wrong.push(`${name}: wasm and js ended on different bits`);
  return wrong;
}

/** What is run, and how near to the truth it has to end. */
export function introduction(): string {
  const [errorA, errorB] = standardErrors().map((error) => error.toFixed(4));
  return (
    `Regression of an Earth-to-Mars transfer orbit: ${samples} noisy points; from A = ${start[0]}, B = ${start[1]} to the truth, ` +
    `A = ${orbit.A}, B = ${orbit.B}; float64.\n` +
    `Noise of ${noise} leaves least squares a standard error of ${errorA} on A and ${errorB} on B. ` +
    `A run may end ${allowedDeviations} of them away.\n` +
    `Small batches never quite come to rest: their steps add a variance of lr·σ²/batch to the square of the error.`
  );
}

/** What the columns mean. */
export const remark =
  `A, B, loss, error: of seed ${seeds[0]}; error is that of A or B, as a share of what is tolerated. ` +
  `ms: median of ${seeds.length} seeds; with two parameters nearly all of it is the model's. seeds: how many arrive.`;

/** One sentence on the run that is too bold. */
export function warning({ run, arrived, mirrored, failures }: Summary): string {
  const listed = failures.length > 0 ? ` (${failures.join("; ")})` : "";
  return (
    `Too bold, and not counted: ${run.name} at a constant ${rate(run)}. Of ${seeds.length} seeds ${arrived} arrive, ` +
    `${mirrored} of these by way of A < 0, and ${failures.length} exploded${listed}.`
  );
}
