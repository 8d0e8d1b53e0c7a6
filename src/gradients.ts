import { checkFixed, describe, isObject, isReals } from "./check.js";
import { arrays } from "./layout.js";
import type { Reals } from "./real.js";
import type { Dtype } from "./rule.js";
import type { Placed } from "./store.js";

// Every step comes through here, so the loops count: an iterator is garbage until its loop is optimized.

/** Throws unless the caller's own parameters are still where they were. */
export function checkAttached(who: string, tensors: readonly Placed[]): void {
  for (let i = 0; i < tensors.length; i++) {
    const { name, length, params } = tensors[i];
    if (params.length !== length) throw new TypeError(`${who}: parameter "${name}" was transferred away`);
  }
}

/**
 * Takes the gradients handed to a step, or another method: an array for every tensor, of its length and the optimizer's dtype. Returns
 * whether they are other arrays than the optimizer's own. Those that overlap parameters, in whose `buffers` they then are, are copied.
 */
export function takeGradients(
  who: string,
  tensors: readonly Placed[],
  dtype: Dtype,
  grads: unknown,
  buffers: ReadonlySet<ArrayBufferLike>,
): boolean {
  if (!isObject(grads) || ArrayBuffer.isView(grads)) {
    throw new TypeError(`${who}: gradients must be a record of arrays by parameter name, got ${describe(grads)}`);
  }
  const record = grads as Readonly<Record<string, unknown>>;
  let taken = 0;
  let others = 0;
  for (let i = 0; i < tensors.length; i++) {
    const tensor = tensors[i];
    const { name, length } = tensor;
    const g = record[name];
    if (tensor.frozen && who === "step" && (g === undefined || !Object.hasOwn(record, name))) continue;
    if (!isReals(g, dtype)) throw new TypeError(wrongGradient(who, record, name, dtype));
    if (g !== tensor.given || g.length !== length) checkFixed(who, name, g);
    if (g.length !== length)
      throw new RangeError(`${who}: gradient "${name}" has length ${g.length}, expected ${length}`);
    taken++;
    if (g === tensor.grads) {
      tensor.given = g;
      continue;
    }
    others++;
    if (g !== tensor.given) tensor.given = buffers.has(g.buffer) && overlaps(g, tensors) ? g.slice() : g;
  }
  if (Array.isArray(grads) && grads.length === tensors.length) return others > 0;
  // what an object inherits is not a gradient handed over by mistake
  let own = 0;
  for (const name in record) if (Object.hasOwn(record, name)) own++;
  if (own > taken) {
    const unknown = unknownNames(tensors, record);
    if (unknown) throw new TypeError(`${who}: unknown gradient ${unknown}`);
  }
  return others > 0;
}

function overlaps({ buffer, byteOffset: from, byteLength }: Reals, tensors: readonly Placed[]): boolean {
  return tensors.some(({ params }) => {
    const start = params.byteOffset;
    return params.buffer === buffer && start < from + byteLength && from < start + params.byteLength;
  });
}

function unknownNames(tensors: readonly Placed[], record: object): string {
  const known = new Set(tensors.map(({ name }) => name));
  return listed(Object.keys(record).filter((name) => !known.has(name)));
}

function listed(names: readonly string[]): string {
  return names.map(describe).join(", ");
}

function wrongGradient(who: string, grads: Readonly<Record<string, unknown>>, name: string, dtype: Dtype): string {
  const g = grads[name];
  if (g === undefined || !Object.hasOwn(grads, name)) {
    return `${who}: gradient "${name}" is missing, got ${listed(Object.keys(grads)) || "none"}`;
  }
  return `${who}: gradient "${name}" must be a ${arrays[dtype].name}, got ${describe(g)}`;
}
