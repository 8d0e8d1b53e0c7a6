import { describe } from "./check.js";
import type { Core } from "./core.js";
import type { Group } from "./group.js";
import type { Memory } from "./rule.js";
import type { Placed } from "./store.js";

// What can be done with single parameters while an optimizer lives.

/** Has steps leave parameters alone, or no longer. */
export function setFrozen(who: string, core: Core, names: unknown, frozen: boolean): void {
  const { rule } = core.checkIdle(who).kind;
  if ("minimize" in rule) throw new TypeError(`${who}: ${rule.name} moves all parameters as one vector`);
  const changed = new Set(namedTensors(who, core, names));
  for (const tensor of changed) tensor.frozen = frozen;
  for (const group of core.groups) if (group.store.tensors.some((tensor) => changed.has(tensor))) group.arrange();
}

/** Checks that parameters can be moved to the group of that index, and returns what moves them. */
export function planMove(who: string, core: Core, names: unknown, to: unknown): () => void {
  const { groups } = core.checkIdle(who);
  const target = groups[to as number];
  if (typeof to !== "number" || !target) {
    const Kind = typeof to === "number" ? RangeError : TypeError;
    throw new Kind(`${who}: the group must be a whole number in [0, ${groups.length}), got ${describe(to)}`);
  }
  const asked = new Set(namedTensors(who, core, names).map(({ name }) => name));
  for (const name of target.names) asked.delete(name);
  const shares = groups.map((group) => [group, group.names.filter((name) => asked.has(name))] as const);
  const taken = shares.filter(([, names]) => names.length > 0);
  for (const [group, names] of taken) checkAlike(who, group, names, target, to);
  // a group without parameters has come as far as those that it is given
  const far = target.names.length > 0 ? target : taken[0]?.[0];
  for (const [group] of taken) checkAsFar(who, group, far, groups.indexOf(far));
  return () => {
    for (const [group, names] of taken) {
      target.take(group, names);
      group.arrange();
    }
    target.arrange();
    core.show();
  };
}

function namedTensors(who: string, { named }: Core, names: unknown): Placed[] {
  return [names].flat().map((name) => {
    if (typeof name !== "string") {
      throw new TypeError(`${who}: expected the name of a parameter or a list of names, got ${describe(name)}`);
    }
    const tensor = named.get(name);
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
  const [expected, has] = [from, to].map(({ steps, memory }): Memory => ({ steps, ...memory }));
  for (const name of Object.keys(expected)) {
    if (Object.is(expected[name], has[name])) continue;
    throw new RangeError(
      `${who}: group ${index} has ${name} ${has[name]}, expected ${expected[name]} as the parameter has`,
    );
  }
}
