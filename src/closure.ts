import { describe } from "./check.js";
import type { Group } from "./group.js";
import type { AnyTensorRule, Kind } from "./rule.js";
import type { Tensors } from "./tensors.js";
import { Vectors } from "./vectors.js";

// The step of a rule that evaluates the loss at points of its own choice.

/** One step; returns the loss where it began. If the closure throws, the parameters are those of the last iteration. */
export function minimize({ rule }: Kind, group: Group, closure: unknown): number {
  const who = rule.name;
  if (typeof closure !== "function") {
    const expected = "a closure that writes grads and returns the loss";
    throw new TypeError(`step: ${who} takes ${expected}, got ${describe(closure)}`);
  }
  const { memory, settings } = group;
  const { values } = settings;
  const store = group.store as Tensors;
  const vectors = new Vectors(store.steps);
  const sign = values.maximize ? -1 : 1;
  let evaluated = false;
  const evaluate = (): number => {
    store.giveParams();
    const loss: unknown = closure();
    if (typeof loss !== "number") {
      throw new TypeError(`step: the closure must return the loss, a number, got ${describe(loss)}`);
    }
    for (const x of store.steps) {
      x.combine(x.state.gradient, sign, x.g, values.weightDecay, x.p);
    }
    evaluated = true;
    return sign * loss + 0.5 * values.weightDecay * vectors.dot("p", "p");
  };
  store.takeParams();
  try {
    const { minimize } = rule as AnyTensorRule & { minimize: NonNullable<AnyTensorRule["minimize"]> };
    return sign * minimize(vectors, values, memory, evaluate);
  } catch (error) {
    if (evaluated) vectors.copy("p", "start");
    Object.assign(memory, (rule as AnyTensorRule).memory?.(values));
    throw error;
  } finally {
    store.giveParams();
  }
}
