import { describe, isObject, isReals } from "./check.js";
import type { Group } from "./group.js";
import { arrays, blockLength, slice } from "./layout.js";
import { Optimizer } from "./optimizer.js";
import type { Numbers, Reals } from "./real.js";
import { dot } from "./reduce.js";
import type { Dtype } from "./rule.js";
import type { Placed, Stages } from "./store.js";
import { Streams } from "./streams.js";
import type { View } from "./types.js";

/**
 * Rows of a gradient, for a parameter of which a step touches few, such as an embedding: row `indices[i]` has the elements of
 * `rows` from `i` times a row's length on. A row that comes twice is added up.
 */
export interface Rows<D extends Dtype = Dtype> {
  readonly indices: ArrayLike<number>;
  readonly rows: View<D>;
}

/** Gradients for `stepRows`: whole arrays, or rows. A parameter that is left out is not touched. */
export type RowGrads<N extends string, D extends Dtype> = { readonly [K in N]?: View<D> | Rows<D> };

/** The rows of a tensor that a step moves, and their gradients. */
interface Touched {
  readonly tensor: Placed;
  readonly width: number;
  readonly indices: readonly number[];
  readonly rows: Reals;
}

type Part = ReturnType<Streams["gather"]>;

/** The rows of a group, and the part they are stepped in. */
interface Work {
  readonly group: Group;
  readonly store: Streams;
  readonly touched: readonly Touched[];
  readonly part: Part;
}

/**
 * One optimizer step that moves only the rows given, with their state: what PyTorch does with sparse gradients. Any optimizer whose
 * rule looks at each element alone can, without a wrapper; the step number is that of the group. After an error nothing has changed.
 */
export function stepRows<N extends string, D extends Dtype, O extends Optimizer<N, D>>(
  optimizer: O & Optimizer<N, D>,
  grads: RowGrads<N, D>,
): O {
  const core = Optimizer.core(optimizer, "stepRows", "an optimizer without a wrapper").check("stepRows");
  const { kind, dtype, clock, groups, guard } = core;
  if (!groups.every(({ store }) => store instanceof Streams)) {
    throw new TypeError(`stepRows: ${kind.rule.name} looks at whole tensors, expected a rule that looks at elements`);
  }
  if (clock.calls > 1) throw new RangeError(`stepRows: expected accumulate 1, got ${clock.calls}`);
  for (const { settings } of groups) {
    if (settings.averages) throw new RangeError(`stepRows: expected ema 0, because an average is one of all rows`);
  }
  const all = readRows(groups, dtype, grads).filter(({ tensor }) => !tensor.frozen);
  const tensors = all.map(({ tensor, rows }) => ({ ...tensor, given: rows }));
  const measure = () => {
    for (const tensor of tensors) tensor.squares = dot(tensor.given.length, tensor.given, tensor.given);
  };
  const inside = { groups: [{ settings: groups[0].settings, store: { measure } }], tensors };
  if (guard.refuses(inside, "given")) return optimizer;
  const work = groups.flatMap((group): Work[] => {
    const touched = all.filter(({ tensor }) => group.store.tensors.includes(tensor));
    const store = group.store as Streams;
    return touched.length === 0 ? [] : [{ group, store, touched, part: store.gather(lengthOf(touched, dtype)) }];
  });
  guard.prepare(inside, "given");
  for (const one of work) {
    one.group.begin();
    moveRows(one, { ...guard.stages, source: "grads", clear: false, plain: false }, dtype);
    one.store.free(one.part);
  }
  clock.steps++;
  return optimizer;
}

function readRows(groups: readonly Group[], dtype: Dtype, grads: unknown): Touched[] {
  if (!isObject(grads) || ArrayBuffer.isView(grads)) {
    throw new TypeError(`stepRows: gradients must be a record by parameter name, got ${describe(grads)}`);
  }
  const byName = new Map(groups.flatMap(({ store }) => store.tensors.map((tensor) => [tensor.name, tensor])));
  return Object.entries(grads).flatMap(([name, g]) => {
    const tensor = byName.get(name);
    if (!tensor) throw new TypeError(`stepRows: unknown gradient "${name}"`);
    return g === undefined ? [] : [readTensor(tensor, dtype, g)];
  });
}

function readTensor(tensor: Placed, dtype: Dtype, g: unknown): Touched {
  const { name, shape, length } = tensor;
  if (isReals(g, dtype)) {
    checkLength(`gradient "${name}"`, g, length);
    return { tensor, width: length, indices: [0], rows: g };
  }
  const { indices, rows } = (g ?? {}) as Partial<Rows>;
  if (typeof indices !== "object" || !isReals(rows, dtype)) {
    const expected = `a ${arrays[dtype].name} or { indices, rows } with one`;
    throw new TypeError(`stepRows: gradient "${name}" must be ${expected}, got ${describe(g)}`);
  }
  const [count = 1] = shape;
  const width = count === 0 ? 0 : length / count;
  checkLength(`rows of "${name}"`, rows, indices.length * width);
  for (const index of Array.from(indices)) {
    if (!(Number.isInteger(index) && index >= 0 && index < count)) {
      throw new RangeError(`stepRows: indices of "${name}" must be whole numbers in [0, ${count}), got ${index}`);
    }
  }
  return { tensor, width, ...addedUp(Array.from(indices), rows, width) };
}

function checkLength(what: string, x: Reals, length: number): void {
  if (x.length !== length) throw new RangeError(`stepRows: ${what} has length ${x.length}, expected ${length}`);
}

/** The rows with every index once, in the order of first appearance. */
function addedUp(indices: readonly number[], rows: Reals, width: number): { indices: number[]; rows: Reals } {
  const places = new Map<number, number>();
  const sums = rows.slice();
  for (const [i, index] of indices.entries()) {
    const place = places.get(index) ?? places.size;
    const first = !places.has(index);
    places.set(index, place);
    for (let k = 0; k < width; k++) {
      const g = rows[i * width + k];
      sums[place * width + k] = first ? g : sums[place * width + k] + g;
    }
  }
  return { indices: [...places.keys()], rows: sums.subarray(0, places.size * width) };
}

/** How many elements are gathered at once. */
function lengthOf(touched: readonly Touched[], dtype: Dtype): number {
  const most = blockLength(dtype);
  return Math.max(...touched.map(({ indices, width }) => Math.min(indices.length * width, Math.max(width, most))));
}

/** Steps rows in a part, to which they are copied and from which they are put back. */
function moveRows({ group, store, touched, part }: Work, stages: Stages, dtype: Dtype): void {
  const kernel = store.begin(part, group.steps);
  for (const one of touched) {
    const { indices, rows, width } = one;
    const batch = Math.max(1, Math.floor(part.tensors[0].length / width));
    for (let from = 0; from < indices.length; from += batch) {
      const some = indices.slice(from, from + batch);
      copyRows(part, one, some, dtype, (there, here) => there.set(here));
      part.tensors[0].grads.set(slice(rows, dtype, from * width, (from + some.length) * width));
      store.run(part, kernel, stages);
      copyRows(part, one, some, dtype, (there, here) => here.set(there));
    }
  }
}

/** Copies rows of the parameters and of their state between a tensor and a part. */
function copyRows(
  { tensors: [gathered] }: Part,
  { tensor, width }: Touched,
  indices: readonly number[],
  dtype: Dtype,
  copy: (there: Numbers, here: Numbers) => void,
): void {
  for (const [i, index] of indices.entries()) {
    const here = slice(tensor.params, dtype, index * width, (index + 1) * width);
    copy(gathered.params.subarray(i * width, (i + 1) * width), here);
    for (const [slot, x] of Object.entries(tensor.state)) {
      const there = gathered.state[slot].subarray(i * width, (i + 1) * width);
      copy(there, x.subarray(index * width, (index + 1) * width));
    }
  }
}
