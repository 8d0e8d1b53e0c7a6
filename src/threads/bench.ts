import type { Backend, Kernel, Kernels, Ref } from "../backend.js";
import type { Block, Laid, Range, Streams } from "../blocks.js";
import { blockLength, CHUNK, SIZE } from "../layout.js";
import type { KernelSet, Part } from "../part.js";
import type { Dtype } from "../rule.js";
import type { Source } from "../store.js";
import type { Counter } from "./counter.js";
import {
  CHUNKS,
  COUNT,
  type Desk,
  deskBytes,
  ENTRIES,
  FINISHED,
  FIXED,
  FORM,
  free,
  JOB,
  MERGES,
  openDesk,
  PER,
  SCRATCH,
  SCRATCH_P,
  THREADS,
  TOTAL,
  WAITING,
  writeTape,
} from "./desk.js";
import { type Modules, SCRATCH_BYTES, type SharedMemory } from "./memory.js";
import type { Pool, Posted } from "./pool.js";

/** A stretch of elements, and what a kernel takes for its length. */
export interface Stretch {
  readonly from: number;
  readonly length: number;
  readonly n: number;
}

/** Stretches, and the last ones of ranges that something stands behind: a kernel would change it meanwhile. */
export interface Cut {
  readonly stretches: readonly Stretch[];
  readonly lasts: readonly { readonly stretch: Stretch; readonly behind: Range["behind"] }[];
}

/** A desk whose entries are the stretches of a part. */
export interface Table {
  readonly posted: Posted;
  readonly entries: number;
  readonly per: number;
  /** The bytes of an element, if a kernel may go on from one entry to the next; else 0. */
  readonly merges: number;
}

/** What threads work with on the ranges of a part. */
export interface Bench {
  readonly elements: number;
  readonly cut: Cut;
  readonly steps: Table;
  /** The part with kernels that write to the tape. */
  readonly recorded: Part;
  readonly tape: number[];
  readonly tensors: readonly Laid[];
  /** Made when gradients are first measured. */
  squares: Table | undefined;
  /** Made when numbers first pass through the calling thread. */
  counter: Counter | undefined;
}

export function makeBench(part: Part, backend: Backend, modules: Modules, pool: Pool): Bench {
  const { ranges, dtype } = part;
  const elements = ranges.reduce((sum, { blocks }) => sum + blocks.reduce((all, { length }) => all + length, 0), 0);
  const cut = cutPart(part, backend, stretchOf(elements, part));
  const tape: number[] = [];
  return {
    elements,
    cut,
    steps: makeTable(part, cut.stretches, SIZE[dtype], modules, pool),
    recorded: recorder(part, modules, tape),
    tape,
    tensors: part.tensors.filter(({ frozen }) => !frozen),
    squares: undefined,
    counter: undefined,
  };
}

/** Cuts the ranges of a part. */
function cutPart({ ranges, dtype }: Part, backend: Backend, most: number): Cut {
  const stretches: Stretch[] = [];
  const lasts: Cut["lasts"][number][] = [];
  for (const { blocks, behind } of ranges) {
    const from = blocks[0].from;
    const last = blocks[blocks.length - 1];
    const cut = cutStretch(from, last.from + last.length, most, (length) => backend.count(dtype, length));
    if (behind.length > 0) lasts.push({ stretch: cut.pop() as Stretch, behind });
    stretches.push(...cut);
  }
  return { stretches, lasts };
}

/**
 * The elements of an entry: a block, or less where there are few, so that threads end at the same time. A chunk costs 0.1 µs, so a
 * kernel of few streams, which is soon done, takes more elements.
 */
function stretchOf(elements: number, { dtype, streams: { state } }: Part): number {
  const block = blockLength(dtype);
  const least = block / 2 ** Math.min(2, state.length);
  return Math.min(block, Math.max(least, Math.ceil(elements / 64 / 1024) * 1024));
}

function cutStretch(from: number, to: number, most: number, count: (length: number) => number): Stretch[] {
  const stretches: Stretch[] = [];
  for (let start = from; start < to; start += most) {
    const length = Math.min(most, to - start);
    stretches.push({ from: start, length, n: count(length) });
  }
  return stretches;
}

/** The table for sums of squares: an entry is a chunk of the reduction. */
export function measureTable(bench: Bench, part: Part, modules: Modules, pool: Pool): Table {
  const entries = bench.tensors.flatMap(({ start, length }) => cutStretch(start, start + length, CHUNK, (n) => n));
  return makeTable(part, entries, 0, modules, pool);
}

function makeTable(part: Part, stretches: readonly Stretch[], merges: number, modules: Modules, pool: Pool): Table {
  const entries = stretches.length;
  const posted = postDesk(part.streams.memory as SharedMemory, part.dtype, entries, modules, pool);
  for (const [i, { from, n }] of stretches.entries()) posted.desk.entries.set([from, n], 2 * i);
  const per = Math.max(1, Math.ceil(entries / CHUNKS));
  return { posted, entries, per, merges };
}

/** A desk for jobs on a memory. */
export function postDesk(memory: SharedMemory, dtype: Dtype, capacity: number, modules: Modules, pool: Pool): Posted {
  const plan = {
    buffer: new SharedArrayBuffer(deskBytes(capacity)),
    capacity,
    memory: memory.memory,
    modules: modules.of(dtype),
    scratch: memory.scratch,
    scratchBytes: SCRATCH_BYTES,
  };
  return { id: pool.number(), desk: openDesk(plan), plan };
}

/** Lays a job on a desk. The chunks come free last: whoever claims one sees all the rest. */
export function layJob(
  { posted: { desk }, entries, per, merges }: Table,
  tape: readonly number[],
  threads: number,
): void {
  const { control } = desk;
  const count = Math.ceil(entries / per);
  writeTape(desk, tape);
  control[JOB]++;
  control[PER] = per;
  control[ENTRIES] = entries;
  control[TOTAL] = count;
  // several kernels go over each block while it is in the cache
  control[MERGES] = tape.length === 2 + 2 * tape[1] ? merges : 0;
  Atomics.store(control, FINISHED, 0);
  Atomics.store(control, WAITING, 0);
  Atomics.store(control, THREADS, threads);
  Atomics.store(control, COUNT, count);
  free(desk, count);
}

/** How a call is cut up: into pieces of `step` of `count` elements or rows, whose lengths a kernel takes in a unit. */
export interface Cutting {
  readonly count: number;
  readonly step: number;
  readonly unit: number;
  readonly merges: number;
}

/** What a call is cut into at most, unless it is a reduction. */
export const PIECES = 64;

/** Lays a call on a desk. */
export function layCall(
  posted: Posted,
  { count, step, unit, merges }: Cutting,
  tape: readonly number[],
  threads: number,
): void {
  const { entries: words } = posted.desk;
  const entries = Math.ceil(count / step);
  for (let i = 0; i < entries; i++) {
    words[2 * i] = i * step;
    words[2 * i + 1] = Math.min(step, count - i * step) * unit;
  }
  layJob({ posted, entries, per: Math.max(1, Math.ceil(entries / CHUNKS)), merges }, tape, threads);
}

/** The names of the parameters that have elements in chunks of a desk. */
export function namesIn({ control, entries }: Desk, chunks: readonly number[], part: Part): string[] {
  const { tensors, dtype } = part;
  const per = control[PER];
  const cut = chunks.flatMap((chunk) => Array.from({ length: per }, (_, i) => chunk * per + i));
  const inside = cut.filter((entry) => entry < control[ENTRIES]);
  const stretches = inside.map((entry) => {
    const from = entries[2 * entry];
    return [from, from + entries[2 * entry + 1] / SIZE[dtype]];
  });
  return tensors
    .filter(({ start, length }) => stretches.some(([from, to]) => from < start + length && start < to))
    .map(({ name }) => name);
}

/** The tape of a sum of squares. */
export function squaresTape({ streams: { g, state }, dtype }: Part, source: Source, modules: Modules): number[] {
  const at = source === "grads" ? g : (state.find(({ name }) => name === "gradSum")?.start as number);
  return [exportsOf(modules.get(dtype)).indexOf("dot"), 2, at, SIZE[dtype], at, SIZE[dtype]];
}

/** A part of one block, at element 0, whose kernels write what they are called with to a tape. */
function recorder(part: Part, modules: Modules, tape: number[]): Part {
  const { streams, dtype, plain } = part;
  const { p, g, state, own } = streams;
  const sizes = new Map<Ref, number>([
    [p, own ? SCRATCH_P : SIZE[dtype]],
    [g, SIZE[dtype]],
    ...state.map(({ start, type }) => [start, SIZE[type]] as const),
    [part.scratch, SCRATCH],
  ]);
  const record = (code: number): Kernel => {
    return (_n, ...refs) => {
      tape.push(code, refs.length);
      for (const ref of refs) tape.push(ref as number, sizes.get(ref) ?? FIXED);
    };
  };
  const recorders = (module: WebAssembly.Module, from: number): Kernels =>
    Object.fromEntries(exportsOf(module).map((name, i) => [name, record(from + i)]));
  const set = (kernels: Kernels): KernelSet => ({ kernels, name: plain.name, kernel: kernels[plain.name] });
  const [kernels, decay, fused] = modules.of(dtype).map((module, i) => recorders(module, i * FORM));
  const forms = { decay: set(decay), fused: set(fused) };
  const block = blockAtStart(streams);
  return {
    ...part,
    crew: undefined,
    scratchP: undefined,
    sole: undefined,
    ranges: [{ whole: block, blocks: [block], behind: [] }],
    plain: set(kernels),
    as: (form) => forms[form],
    stages: kernels,
  };
}

function blockAtStart({ p, g, state }: Streams): Block {
  const slot = (wanted: string) => state.find(({ name }) => name === wanted)?.start ?? 0;
  const rules = state.filter(({ name }) => name !== "ema" && name !== "gradSum").map(({ start }) => start);
  return {
    from: 0,
    length: 0,
    n: 0,
    p,
    g,
    state: rules,
    ema: slot("ema"),
    gradSum: slot("gradSum"),
    shares: undefined,
  };
}

function exportsOf(module: WebAssembly.Module): string[] {
  return WebAssembly.Module.exports(module).map(({ name }) => name);
}
