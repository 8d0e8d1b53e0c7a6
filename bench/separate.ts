import { Adam } from "gradstep";
import { fill } from "./data.js";
import type { Subject } from "./experiment.js";
import { openKernels } from "./kernel-file.js";
import { batchFor, timeSteps } from "./measure.js";

/** What a step does, by the options of the one that does it block by block. */
export const stages = { gradScale: 2, clipValue: 0.2, zeroGrad: true, ema: 0.999 };

export interface Passes extends Subject {
  step(): void;
  readonly params: Float32Array;
  readonly grads: Float32Array;
  readonly average: Float32Array;
}

/** Scale and clip, Adam, the average and clearing as four passes over all elements, by the kernels that a step runs on blocks. */
export function separatePasses(n: number): Passes {
  const { kernels, starts, views } = openKernels([n, n, n, n, n, 8, 8]);
  const [p, g, m, v, ema, stage, scalars] = starts;
  const [params, grads, , , average] = views;
  fill(params, grads);
  average.set(params);
  const given = grads.slice();
  const bytes = Math.ceil(n / 32) * 128;
  const { gradScale, clipValue, ema: keep } = stages;
  const { lr, beta1, beta2, eps } = Adam.defaults;
  // in the order of src/stages.ts and of the kernel; the scalars stay those of the first step
  const [c1, root] = [1 - beta1, Math.sqrt(1 - beta2)];
  views[5].set([1, 0, 1, clipValue, 1 / gradScale, 1 - keep]);
  views[6].set([1, (lr / c1) * root, c1, beta2, 1 - beta2, 0, eps * root]);
  const step = () => {
    kernels.clipGradient(bytes, g, g, stage);
    kernels.adam(bytes, p, g, m, v, scalars);
    kernels.averageParameters(bytes, ema, ema, p, stage);
    kernels.clear(bytes, g);
  };
  return {
    step,
    params,
    grads,
    average,
    turn(milliseconds) {
      grads.set(given);
      return timeSteps(step, batchFor(n), milliseconds);
    },
  };
}
