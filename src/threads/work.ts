// How a thread works on a job that lies on a desk.
import {
  APART,
  type Call,
  COUNT,
  type Desk,
  DONE,
  ENTRIES,
  FINISHED,
  FORM,
  FREE,
  JOB,
  MERGES,
  OWN,
  PER,
  SCRATCH,
  SEATED,
  statesOf,
  TAPE,
  THREADS,
  TOTAL,
  WAITING,
} from "./desk.js";

/** Claims chunks and does them, until none is free; returns how many there were. */
export function work(desk: Desk, thread: number): number {
  const { control } = desk;
  const count = Atomics.load(control, COUNT);
  const threads = Math.max(1, Atomics.load(control, THREADS));
  let done = 0;
  // each thread has a share to begin with, so that it walks on through memory, and helps with those of others
  for (let i = 0; i < threads; i++) {
    const share = (thread + i) % threads;
    done += workOn(desk, thread, Math.floor((share * count) / threads), Math.floor(((share + 1) * count) / threads));
  }
  return finish(desk, done);
}

/** Does one chunk, if one is free; returns how many there were. */
export function workOnce(desk: Desk, thread: number): number {
  const free = statesOf(desk).indexOf(FREE);
  return free < 0 ? 0 : finish(desk, workOn(desk, thread, free, free + 1));
}

/** Does what is free between two chunks: half of it at once, because long walks are the fastest, then half of the rest. */
function workOn(desk: Desk, thread: number, start: number, stop: number): number {
  let done = 0;
  for (let chunk = start; chunk < stop; ) {
    const most = chunk + Math.ceil((stop - chunk) / 2);
    let end = chunk;
    while (end < most && claim(desk, end, thread)) end++;
    if (end > chunk) runChunks(desk, chunk, end, thread);
    for (let i = chunk; i < end; i++) Atomics.store(desk.states, i * APART, DONE);
    done += end - chunk;
    chunk = Math.max(end, chunk + 1);
  }
  return done;
}

/** Counts chunks as finished. */
export function finish({ control }: Desk, done: number): number {
  const finished = done > 0 ? Atomics.add(control, FINISHED, done) + done : 0;
  if (finished === Atomics.load(control, TOTAL) && Atomics.load(control, WAITING) === 1) {
    Atomics.notify(control, FINISHED);
  }
  return done;
}

function claim({ states }: Desk, chunk: number, thread: number): boolean {
  if (Atomics.load(states, chunk * APART) !== FREE) return false;
  return Atomics.compareExchange(states, chunk * APART, FREE, thread + 1) === FREE;
}

/** Does chunks that the thread has claimed: only now the job is sure to be the one that is read. */
export function runChunks(desk: Desk, start: number, stop: number, thread: number): void {
  const { control, entries } = desk;
  readTape(desk);
  sit(desk, thread - 1);
  const size = control[MERGES];
  const last = Math.min(control[ENTRIES], stop * control[PER]);
  for (let entry = start * control[PER]; entry < last; ) {
    const from = entries[2 * entry];
    const first = entry;
    let n = entries[2 * entry++ + 1];
    while (size > 0 && entry < last && entries[2 * entry] === from + n / size) n += entries[2 * entry++ + 1];
    if (control[SEATED] === 1) sit(desk, first);
    runCalls(desk, from, n, first);
  }
}

/** Does a stretch of a desk on the calling thread, in its own scratch. */
export function runOwn(desk: Desk, { from, n }: { readonly from: number; readonly n: number }): void {
  readTape(desk);
  sit(desk, OWN);
  runCalls(desk, from, n, 0);
}

/** Has the calls of a job work in the scratch of a seat. */
function sit(desk: Desk, seat: number): void {
  if (desk.seat === seat) return;
  desk.seat = seat;
  for (const { bases, scratch } of desk.calls) {
    for (const { at, kind, own } of scratch) {
      bases[at] = seat === OWN ? own : desk.scratch + (2 * seat + SCRATCH - kind) * desk.scratchBytes;
    }
  }
}

function runCalls({ results, calls }: Desk, from: number, n: number, entry: number): void {
  for (let i = 0; i < calls.length; i++) {
    const result = run(calls[i], n, from);
    if (result !== undefined) results[entry] = result;
  }
}

/** Reads the job that lies on a desk, unless it is known. */
function readTape(desk: Desk): void {
  const { control, addresses, loops } = desk;
  if (desk.job === control[JOB]) return;
  const calls: Call[] = [];
  for (let at = 0; at < control[TAPE]; ) {
    const code = addresses[at++];
    const bases: number[] = [];
    const sizes: number[] = [];
    const scratch: Call["scratch"][number][] = [];
    for (let left = addresses[at++]; left > 0; left--) {
      const own = addresses[at++];
      const size = addresses[at++] | 0;
      if (size < 0) scratch.push({ at: bases.length, kind: size, own });
      bases.push(own);
      sizes.push(Math.max(size, 0));
    }
    calls.push({ loop: loops[Math.floor(code / FORM)][code % FORM], bases, sizes, scratch });
  }
  desk.calls = calls;
  desk.seat = OWN;
  desk.job = control[JOB];
}

function run({ loop, bases: b, sizes: s }: Call, n: number, from: number): number | undefined {
  // a spread call costs ten times as much
  switch (b.length) {
    case 1:
      return loop(n, b[0] + from * s[0]);
    case 2:
      return loop(n, b[0] + from * s[0], b[1] + from * s[1]);
    case 3:
      return loop(n, b[0] + from * s[0], b[1] + from * s[1], b[2] + from * s[2]);
    case 4:
      return loop(n, b[0] + from * s[0], b[1] + from * s[1], b[2] + from * s[2], b[3] + from * s[3]);
    case 5:
      return loop(
        n,
        b[0] + from * s[0],
        b[1] + from * s[1],
        b[2] + from * s[2],
        b[3] + from * s[3],
        b[4] + from * s[4],
      );
    default:
      return loop(n, ...b.map((base, i) => base + from * s[i]));
  }
}
