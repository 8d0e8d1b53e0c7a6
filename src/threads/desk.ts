// What the calling thread and the workers share: how a job lies in shared memory.
//
// A desk is where the jobs of one part are laid out. A job is a tape of kernel calls that every entry of a table is put through;
// an entry is a stretch of the part's elements. Some entries make a chunk, which one thread claims.
//
//   | header | tape | a state per chunk | entries: from, n | a result per entry |
//
// What threads write often lies in cache lines of its own: one that two threads write to costs each as much as a small chunk.

/** Words of the header. */
export const JOB = 0;
export const COUNT = 1;
export const PER = 2;
export const ENTRIES = 3;
export const TAPE = 4;
export const FINISHED = 5;
export const WAITING = 6;
export const THREADS = 7;
/** The bytes of an element if one kernel call can go over several entries, which walks fastest; else 0. */
export const MERGES = 8;
/** How many chunks are finished when the job is: as many as there are, unless they are laid out again and again. */
export const TOTAL = 9;
/** Whether each entry has a scratch of its own, with numbers in it. */
export const SEATED = 10;
const HEADER = 16;

/** Words from one chunk's state to the next. */
export const APART = 16;

/** Most chunks of a job: what threads wait for at its end is the rest of one. */
export const CHUNKS = 512;

/** Words for a tape; a call takes two and two for each buffer. */
const TAPE_WORDS = 1008;

/** What a chunk's state is; a chunk that is begun has the number of its thread plus 1. */
export const FREE = 0;
export const DONE = -1;

/** A step for each element: none, for what is the same for all; or that of scratch, of gradients or of parameters. */
export const FIXED = 0;
export const SCRATCH = -1;
export const SCRATCH_P = -2;

/** The seat of the calling thread, whose scratch is where the tape says. */
export const OWN = -1;

/** What is added to the code of a kernel for each form before its own. */
export const FORM = 4096;

/** Words of the pool. */
export const CALLS = 0;
export const DESK = 1;
export const SLEEPERS = 2;
export const MAIL = 8;
/** Words of the pool for each worker: letters sent, whether it is fired, and whether it is there. */
export const SLOT_WORDS = 3;

type Loop = (n: number, ...refs: number[]) => number | undefined;

/** A kernel call of a job: its buffers at element 0, and the bytes by which they advance with each element. */
export interface Call {
  readonly loop: Loop;
  readonly bases: number[];
  readonly sizes: readonly number[];
  /** Which of the buffers are scratch, of which kind, and where the calling thread has it. */
  readonly scratch: readonly { readonly at: number; readonly kind: number; readonly own: number }[];
}

/** What a thread needs of a desk. */
export interface Desk {
  readonly control: Int32Array;
  readonly addresses: Uint32Array;
  readonly states: Int32Array;
  readonly entries: Int32Array;
  readonly results: Float64Array;
  /** The exports of the kernels in each form, in their order. */
  readonly loops: readonly (readonly Loop[])[];
  /** Where seats of scratch start, each one of gradients and one of parameters, and the bytes of one. */
  readonly scratch: number;
  readonly scratchBytes: number;
  /** The job whose tape was read last, and the seat whose scratch its calls have. */
  job: number;
  seat: number;
  calls: readonly Call[];
}

/** What a desk is made of: shared memory, and how many entries it can have. */
export interface Plan {
  readonly buffer: SharedArrayBuffer;
  readonly capacity: number;
  readonly memory: WebAssembly.Memory;
  readonly modules: readonly WebAssembly.Module[];
  readonly scratch: number;
  readonly scratchBytes: number;
}

/** Bytes of a desk for that many entries. */
export function deskBytes(capacity: number): number {
  return 4 * (HEADER + TAPE_WORDS + CHUNKS * APART + 2 * capacity) + 8 * capacity;
}

export function openDesk({ buffer, capacity, memory, modules, scratch, scratchBytes }: Plan): Desk {
  const states = 4 * (HEADER + TAPE_WORDS);
  const entries = states + 4 * CHUNKS * APART;
  return {
    control: new Int32Array(buffer, 0, HEADER),
    addresses: new Uint32Array(buffer, 4 * HEADER, TAPE_WORDS),
    states: new Int32Array(buffer, states, CHUNKS * APART),
    entries: new Int32Array(buffer, entries, 2 * capacity),
    results: new Float64Array(buffer, entries + 8 * capacity, capacity),
    loops: modules.map((module) => {
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      return Object.values(exports) as unknown as Loop[];
    }),
    scratch,
    scratchBytes,
    job: 0,
    seat: OWN,
    calls: [],
  };
}

/** Lays chunks out for threads to claim. */
export function free({ states }: Desk, chunks: number): void {
  for (let chunk = 0; chunk < chunks; chunk++) Atomics.store(states, chunk * APART, FREE);
}

/** The state of each chunk of a job. */
export function statesOf({ control, states }: Desk): number[] {
  return Array.from({ length: control[COUNT] }, (_, chunk) => Atomics.load(states, chunk * APART));
}

/** How many chunks are done. */
export function countDone(desk: Desk): number {
  return statesOf(desk).filter((state) => state === DONE).length;
}

/** The chunks that somebody has begun, and who. */
export function begun(desk: Desk): { readonly chunk: number; readonly thread: number }[] {
  const all = statesOf(desk).map((state, chunk) => ({ chunk, thread: state - 1 }));
  return all.filter(({ thread }) => thread >= 0);
}

/** Writes a tape: codes of kernels, each with its buffers and their steps. */
export function writeTape({ addresses, control }: Desk, tape: readonly number[]): void {
  if (tape.length > TAPE_WORDS) throw new RangeError(`a job has ${tape.length} words, expected at most ${TAPE_WORDS}`);
  addresses.set(tape);
  control[TAPE] = tape.length;
}
