import { sizeOf } from "./layout.js";
import type { AnyElementRule, Values, Whole } from "./rule.js";

/**
 * How a rule of elements steps with `cautious`: what its kernel makes of parameters that are zero is masked, then added. The kernel
 * of a rule that decays the weights itself multiplies them by its first scalar; what it adds does not depend on them.
 */
export function cautiously({ decoupled, kernelAt }: AnyElementRule): Whole {
  return {
    when: (h) => h.cautious === true,
    work: (_h, shape) => [sizeOf(shape)],
    passes: [
      {
        tensor(x, h, t) {
          const [step] = x.work;
          const keep = decoupled?.(h) ? x.s[0] : 1;
          x.stepFromZero(kernelAt?.(h, t, x.kernel) ?? x.kernel, step);
          x.caution(step, h.smoothing as number | undefined);
          x.combine(x.p, keep, x.p, 1, step);
        },
      },
    ],
  };
}

/** What excludes `cautious` where it masks a momentum. */
export function cautiousConflict(h: Values<{ cautious: boolean; momentum: number }>): string | undefined {
  return h.cautious && h.momentum === 0 ? "cautious needs momentum > 0, got momentum 0" : undefined;
}
