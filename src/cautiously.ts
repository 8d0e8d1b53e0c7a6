import { sizeOf } from "./layout.js";
import type { AnyElementRule, Whole } from "./rule.js";

/**
 * How a rule of elements steps with `cautious`: what its kernel makes of parameters that are zero is masked, then added. Such a
 * kernel multiplies the parameters by its first scalar, and adds what does not depend on them.
 */
export function cautiously({ kernelAt }: AnyElementRule): Whole {
  return {
    when: (h) => h.cautious === true,
    work: (_h, shape) => [sizeOf(shape)],
    passes: [
      {
        tensor(x, h, t) {
          const [step] = x.work;
          const keep = x.s[0];
          x.stepFromZero(kernelAt?.(h, t, x.kernel) ?? x.kernel, step);
          x.caution(step, h.smoothing as number | undefined);
          x.combine(x.p, keep, x.p, 1, step);
        },
      },
    ],
  };
}
