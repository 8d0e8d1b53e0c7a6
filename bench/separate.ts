import { fill } from "./data.js";
import type { Subject } from "./experiment.js";
import { openKernels } from "./kernel-file.js";
import { batchFor, timeSteps } from "./measure.js";

/** Scale and clip, Adam, the average and clearing as four passes over all elements, by the kernels that a step runs on blocks. */
export function separatePasses(n: number): Subject {
  const { kernels, starts, views } = openKernels([n, n, n, n, n, 16, 16]);
  const [p, g, m, v, ema, stage, h] = starts;
  const [params, grads, , , average, stageScalars, scalars] = views;
  fill(params, grads);
  average.set(params);
  const given = grads.slice();
  const bytes = 4 * n;
  // as `writeStages` and `adam` lay them out: limit, scale, and the average; the step, and the moments' weights
  stageScalars.set([1, 0, 1, 0.2, 0.5, 0.999, 0.001]);
  scalars.set([1, 1e-3, 0.1, 0.999, 0.001, 0, 1e-8]);
  const step = () => {
    kernels.clipGradient(bytes, g, g, stage);
    kernels.adam(bytes, p, g, m, v, h);
    kernels.averageParameters(bytes, ema, p, stage);
    kernels.clear(bytes, g);
  };
  return {
    turn(milliseconds) {
      grads.set(given);
      return timeSteps(step, batchFor(n), milliseconds);
    },
  };
}
