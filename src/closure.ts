import { describe } from "./check.js";
import type { Core } from "./core.js";
import type { AnyTensorRule } from "./rule.js";
import type { Tensors } from "./tensors.js";
import { Vectors } from "./vectors.js";

// The step of a rule that evaluates the loss at points of its own choice.

/** One step; returns the loss where it began. If the closure throws, the parameters are those of the last iteration. */
export function minimize(core: Core, closure: unknown): number {
  const { rule } = core.kind;
  const [group] = core.groups;
  const who = rule.name;
  if (typeof closure !== "function") {
    const expected = "a closure that writes grads and returns the loss";
    throw new TypeError(`step: ${who} takes ${expected}, got ${describe(closure)}`);
  }
  const { memory, settings } = group;
  const { values } = settings;
  const store = group.store as Tensors;
  const fresh = store.tensors.filter(({ started }) => !started);
  if (group.steps === 0) group.start();
  const vectors = new Vectors(store);
  const sign = values.maximize ? -1 : 1;
  let evaluated = false;
  const evaluate = (): number => {
    store.giveParams();
    const loss = call(closure as () => unknown, core);
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
    for (const tensor of fresh) tensor.started = false;
    throw error;
  } finally {
    store.giveParams();
  }
}

/** Calls the closure, which may let the memory grow that the parameters stand in. */
function call(closure: () => unknown, core: Core): unknown {
  core.calling = "zeroGrad";
  try {
    return closure();
  } finally {
    core.calling = undefined;
    core.renew();
  }
}
