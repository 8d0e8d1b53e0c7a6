import type { Backend } from "../backend.js";
import type { Handed } from "../blocks.js";
import { blockLength, slice, viewOf } from "../layout.js";
import type { Part } from "../part.js";
import type { Reals } from "../real.js";
import { gradientOf } from "../step.js";
import type { Source } from "../store.js";
import { type Cut, postDesk, type Stretch } from "./bench.js";
import { Carrier } from "./carrier.js";
import {
  APART,
  COUNT,
  DONE,
  ENTRIES,
  FINISHED,
  FREE,
  JOB,
  MERGES,
  PER,
  SEATED,
  THREADS,
  TOTAL,
  WAITING,
  writeTape,
} from "./desk.js";
import { type Modules, SCRATCH_BYTES, type SharedMemory } from "./memory.js";
import type { Pool, Posted } from "./pool.js";
import { finish, runOwn, work } from "./work.js";

// Gradients that were handed over, and the caller's own parameters, are in memory that workers cannot read. The calling thread
// brings them to seats, a stretch to each, while workers are busy with what came before; if no seat is empty, it does a stretch
// itself. So a step needs no more memory than the seats, and what is copied is still in the cache.

/** Where a stretch's numbers are while a thread works on them. */
interface Seat {
  readonly g: Reals;
  readonly p: Reals | undefined;
}

/** The share of a tensor that lies in a stretch, and its place there. */
interface Piece extends Handed {
  readonly at: number;
  /** That part of the caller's own array. */
  readonly own: Reals | undefined;
}

interface Filled extends Stretch {
  readonly pieces: readonly Piece[];
}

/** Where the calling thread hands stretches to workers, and takes them back. */
export interface Counter {
  readonly posted: Posted;
  readonly stretches: readonly Filled[];
  readonly lasts: readonly { readonly stretch: Filled; readonly behind: Cut["lasts"][number]["behind"] }[];
  readonly seats: readonly Seat[];
  /** That of the calling thread. */
  readonly own: Seat;
  readonly carrier: Carrier;
}

export function makeCounter(part: Part, cut: Cut, backend: Backend, modules: Modules, pool: Pool): Counter {
  const { streams, dtype, scratchG, scratchP } = part;
  const memory = streams.memory as SharedMemory;
  const block = blockLength(dtype);
  const { stretches, lasts } = cut;
  const view = (i: number) => viewOf(memory, dtype, memory.scratch + i * SCRATCH_BYTES, block);
  const fill = (stretch: Stretch): Filled => ({ ...stretch, pieces: piecesOf(stretch, part) });
  return {
    posted: postDesk(memory, dtype, memory.seats, modules, pool),
    stretches: stretches.map(fill),
    lasts: lasts.map(({ stretch, behind }) => ({ stretch: fill(stretch), behind })),
    seats: Array.from({ length: memory.seats }, (_, i) => ({ g: view(2 * i), p: scratchP && view(2 * i + 1) })),
    own: { g: scratchG, p: scratchP },
    carrier: new Carrier(memory, backend, dtype),
  };
}

function piecesOf({ from, length }: Stretch, { tensors, dtype }: Part): Piece[] {
  return tensors.flatMap((tensor): Piece[] => {
    const start = Math.max(0, from - tensor.start);
    const end = Math.min(tensor.length, from + length - tensor.start);
    if (start >= end) return [];
    const own = tensor.own && slice(tensor.own, dtype, start, end);
    return [{ tensor, start, end, at: tensor.start + start - from, own, source: undefined, given: undefined }];
  });
}

/** Lays a job on a counter's desk, with all seats empty. */
export function layPassing({ posted: { desk }, stretches, seats }: Counter, tape: readonly number[], threads: number) {
  const { control, states } = desk;
  writeTape(desk, tape);
  control[JOB]++;
  control[PER] = 1;
  control[ENTRIES] = seats.length;
  control[TOTAL] = stretches.length;
  control[MERGES] = 0;
  control[SEATED] = 1;
  for (let seat = 0; seat < seats.length; seat++) Atomics.store(states, seat * APART, DONE);
  Atomics.store(control, FINISHED, 0);
  Atomics.store(control, WAITING, 0);
  Atomics.store(control, THREADS, threads);
  Atomics.store(control, COUNT, seats.length);
}

/** Runs the job that lies on a counter's desk; whether all of it was done. */
export function pass(counter: Counter, part: Part, source: Source, pool: Pool): boolean {
  const { posted, stretches, seats } = counter;
  const { desk } = posted;
  const { states } = desk;
  const seated: (Filled | undefined)[] = seats.map(() => undefined);
  const start = performance.now();
  let done = 0;
  pool.call(posted);
  for (const stretch of stretches) {
    const seat = emptySeat(states, seats.length);
    if (seat < 0) {
      runHere(counter, stretch, part, source);
      done += finish(desk, 1);
      continue;
    }
    takeBack(counter, seated, seat);
    copyIn(counter, stretch, seats[seat], part, source);
    desk.entries[2 * seat] = stretch.from;
    desk.entries[2 * seat + 1] = stretch.n;
    seated[seat] = stretch;
    Atomics.store(states, seat * APART, FREE);
    pool.wake();
  }
  done += work(desk, 0);
  const all = pool.wait(desk, done, performance.now() - start);
  // all but what a worker was in the middle of
  for (let seat = 0; seat < seats.length; seat++) if (isEmpty(states, seat)) takeBack(counter, seated, seat);
  return all;
}

/** Does a stretch on the calling thread. */
export function runHere(counter: Counter, stretch: Filled, part: Part, source: Source): void {
  const { posted, own } = counter;
  copyIn(counter, stretch, own, part, source);
  runOwn(posted.desk, stretch);
  copyOut(counter, stretch, own);
}

function emptySeat(states: Int32Array, seats: number): number {
  for (let seat = 0; seat < seats; seat++) if (isEmpty(states, seat)) return seat;
  return -1;
}

function isEmpty(states: Int32Array, seat: number): boolean {
  return Atomics.load(states, seat * APART) === DONE;
}

function takeBack(counter: Counter, seated: (Filled | undefined)[], seat: number): void {
  const stretch = seated[seat];
  if (stretch) copyOut(counter, stretch, counter.seats[seat]);
  seated[seat] = undefined;
}

function copyIn({ carrier }: Counter, { pieces }: Filled, { g, p }: Seat, { dtype }: Part, source: Source): void {
  for (const piece of pieces) {
    const { own, at } = piece;
    if (own && p) carrier.bring(p, at, own);
    if (source === "given") carrier.bring(g, at, gradientOf(piece, dtype));
  }
}

function copyOut({ carrier }: Counter, { pieces }: Filled, { p }: Seat): void {
  for (const { own, at } of pieces) if (own && p) carrier.fetch(own, p, at);
}
