import { describe } from "./check.js";
import type { Core } from "./core.js";
import type { Group } from "./group.js";
import type { Placed } from "./store.js";

// What can be done with single parameters while an optimizer lives.

/** Has steps leave parameters alone, or no longer. */
export function setFrozen(who: string, core: Core, names: unknown, frozen: boolean): void {
  const { kind, groups, tensors } = core.checkIdle(who);
  const { rule } = kind;
  if ("minimize" in rule) throw new TypeError(`${who}: ${rule.name} moves all parameters as one vector`);
  for (const tensor of namedTensors(who, tensors, names)) tensor.frozen = frozen;
  for (const group of groups) group.arrange();
}

/** Checks that parameters can be moved to the group of that index, and returns what moves them. */
export function planMove(who: string, core: Core, names: unknown, to: unknown): () => void {
  const { groups, tensors } = core.checkIdle(who);
  const target = groups[to as number];
  if (typeof to !== "number" || !target) {
    const Kind = typeof to === "number" ? RangeError : TypeError;
    throw new Kind(`${who}: the group must be a whole number in [0, ${groups.length}), got ${describe(to)}`);
  }
  const moved = namedTensors(who, tensors, names).filter(({ name }) => !target.names.includes(name));
  const from = groups.filter(({ names }) => moved.some(({ name }) => names.includes(name)));
  const taken = from.map((group) => group.names.filter((name) => moved.some((tensor) => tensor.name === name)));
  for (const [i, group] of from.entries()) checkAlike(who, group, taken[i], target, to);
  // a group without parameters has come as far as those that it is given
  const [far] = target.names.length > 0 ? [target] : from;
  for (const group of from) checkAsFar(who, group, far, groups.indexOf(far));
  return () => {
    for (const [i, group] of from.entries()) target.take(group, taken[i]);
    core.show();
  };
}

function namedTensors(who: string, tensors: readonly Placed[], names: unknown): Placed[] {
  const asked: readonly unknown[] = Array.isArray(names) ? names : [names];
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return asked.map((name) => {
    if (typeof name !== "string") {
      throw new TypeError(`${who}: expected the name of a parameter or a list of names, got ${describe(name)}`);
    }
    const tensor = byName.get(name);
    if (!tensor) throw new RangeError(`${who}: unknown parameter "${name}"`);
    return tensor;
  });
}

/** Throws unless a parameter's state means the same in both groups. */
function checkAlike(who: string, from: Group, names: readonly string[], to: Group, index: number): void {
  if (!from.settings.isLike(to.settings, names) || from.store.constructor !== to.store.constructor) {
    throw new RangeError(
      `${who}: the options of group ${index} lead to other buffers or kernels than the parameter has`,
    );
  }
}

/** Throws unless both groups have taken as many steps, and remember the same of them. */
function checkAsFar(who: string, from: Group, to: Group, index: number): void {
  const differ = (what: string, a: unknown, b: unknown) => {
    throw new RangeError(`${who}: group ${index} has ${what} ${b}, expected ${a} as the parameter has`);
  };
  if (from.steps !== to.steps) differ("steps", from.steps, to.steps);
  for (const [name, value] of Object.entries(from.memory)) {
    if (!Object.is(value, to.memory[name])) differ(name, value, to.memory[name]);
  }
}
