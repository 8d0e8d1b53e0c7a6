import {
  begun,
  CALLS,
  COUNT,
  countDone,
  DESK,
  type Desk,
  FINISHED,
  MAIL,
  type Plan,
  SLEEPERS,
  SLOT_WORDS,
  TOTAL,
  WAITING,
} from "./desk.js";
import { type Hand, spawn } from "./spawn.js";
import { work, workOnce } from "./work.js";
import type { Letter } from "./worker.js";

/** Most workers. */
const SLOTS = 64;

/** Most workers here: in a worker of Firefox 153, the constructor of a second one may never return. */
function mostWorkers(): number {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } };
  return "WorkerGlobalScope" in globalThis && navigator?.userAgent?.includes("Firefox/") ? 1 : SLOTS;
}

/** A desk as the pool knows it. */
export interface Posted {
  readonly id: number;
  readonly desk: Desk;
  readonly plan: Plan;
}

interface Slot {
  readonly hand: Hand;
  /** The desks it was told of. */
  readonly known: Set<number>;
  fired: boolean;
}

/** How long threads wait, in milliseconds. */
export const waits = {
  /** A worker for the next job, before it sleeps. */
  worker: 0.2,
  /** The calling thread for the last chunks, before it sleeps; they take less than that in most steps. */
  caller: 0.05,
  /** Whoever starts workers ahead, until they are there. */
  start: 10_000,
  /** The calling thread for a chunk that a worker holds, at least: on a machine with more to do than cores it may take long. */
  least: 10_000,
  /** The same, in multiples of what its own chunks took. */
  times: 50,
};

const SLICE = 20;

/** How often a worker may end before it was there, until it is clear that there will be none. */
const ATTEMPTS = 3;

/** The workers of this thread, shared by all its optimizers. */
export class Pool {
  url: string | undefined;
  /** How many chunks workers have done. */
  helped = 0;
  readonly most = mostWorkers();
  readonly #words = new Int32Array(new SharedArrayBuffer(4 * (MAIL + SLOT_WORDS * SLOTS)));
  readonly #slots: (Slot | undefined)[] = [];
  #failures = 0;
  #posted = 0;

  /** Whether workers cannot be had. */
  get broken(): boolean {
    return this.#failures >= ATTEMPTS;
  }

  /** How many workers are there. */
  get ready(): number {
    return this.#slots.filter((slot, i) => slot && !slot.fired && this.#isReady(i)).length;
  }

  /** Starts the workers that are missing, up to that many. */
  hire(workers: number): void {
    for (let i = 0; i < Math.min(workers, this.most) && !this.broken; i++) if (!this.#slots[i]) this.#start(i);
  }

  /** Starts workers; resolves once they are there, or have had their time, to how many are. */
  async start(workers: number): Promise<number> {
    this.hire(workers);
    const end = performance.now() + waits.start;
    while (this.ready < Math.min(workers, this.most) && !this.broken && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      this.hire(workers);
    }
    return this.ready;
  }

  number(): number {
    return ++this.#posted;
  }

  /** Has workers and the calling thread work on the job that lies on a desk; whether all of it was done. */
  run(posted: Posted): boolean {
    this.call(posted);
    const start = performance.now();
    const own = work(posted.desk, 0);
    return this.wait(posted.desk, own, performance.now() - start);
  }

  /** Waits until workers have done their chunks, after the calling thread did some in so many milliseconds; whether they did. */
  wait(desk: Desk, own: number, milliseconds: number): boolean {
    this.helped += desk.control[TOTAL] - own;
    return this.#wait(desk, Math.max(waits.least, (waits.times * milliseconds) / Math.max(1, own)));
  }

  /** The same, with the calling thread free meanwhile, unless there are no workers or none of them comes. */
  async runAsync(posted: Posted): Promise<boolean> {
    const { desk } = posted;
    const { control } = desk;
    const count = control[COUNT];
    Atomics.store(control, WAITING, 1);
    let waited = 0;
    let before = -1;
    while (Atomics.load(control, FINISHED) !== count && waited < waits.least && !this.#isLost(desk)) {
      const done = countDone(desk);
      if (done !== before) waited = 0;
      // nobody comes, or workers are busy with another optimizer
      else if ((this.ready > 0 ? workOnce(desk, 0) : work(desk, 0)) > 0) waited = 0;
      before = done;
      if (waited === 0) this.call(posted);
      waited += await moment(control, Atomics.load(control, FINISHED));
    }
    return Atomics.load(control, FINISHED) === count;
  }

  /** Tells the workers of a desk and calls them to it. */
  call(posted: Posted): void {
    for (let i = 0; i < this.#slots.length; i++) {
      const slot = this.#slots[i];
      if (!slot || slot.fired || slot.known.has(posted.id)) continue;
      slot.known.add(posted.id);
      this.#send(i, slot, { id: posted.id, plan: posted.plan });
    }
    Atomics.store(this.#words, DESK, posted.id);
    this.wake();
  }

  /** Has workers let go of a desk. */
  forget(id: number): void {
    for (const [i, slot] of this.#slots.entries()) if (slot?.known.delete(id)) this.#send(i, slot, { gone: id });
    this.wake();
  }

  /** Ends the worker of a thread, to start another one once it has ended; tells when. */
  fire(thread: number): Promise<void> {
    const slot = this.#slots[thread - 1];
    if (!slot) return Promise.resolve();
    slot.fired = true;
    Atomics.store(this.#words, this.#own(thread - 1) + 1, 1);
    this.wake();
    slot.hand.end();
    return slot.hand.ended;
  }

  #start(i: number): void {
    const own = this.#own(i);
    for (let word = 0; word < SLOT_WORDS; word++) Atomics.store(this.#words, own + word, 0);
    try {
      const hand = spawn(this.url);
      const slot: Slot = { hand, known: new Set(), fired: false };
      this.#slots[i] = slot;
      this.#send(i, slot, { pool: this.#words, slot: i, spin: waits.worker });
      hand.ended.then(() => {
        if (this.#isReady(i)) this.#failures = 0;
        else this.#failures++;
        this.#slots[i] = undefined;
      });
    } catch {
      this.#failures = ATTEMPTS;
    }
  }

  #send(i: number, { hand }: Slot, letter: Letter): void {
    hand.post(letter);
    Atomics.add(this.#words, this.#own(i), 1);
  }

  /** Calls the workers again. */
  wake(): void {
    Atomics.add(this.#words, CALLS, 1);
    if (Atomics.load(this.#words, SLEEPERS) > 0) Atomics.notify(this.#words, CALLS);
  }

  /** Whether a worker that holds a chunk is known to have ended. */
  #isLost(desk: Desk): boolean {
    return begun(desk).some(({ thread }) => thread > 0 && !this.#slots[thread - 1]);
  }

  #isReady(i: number): boolean {
    return Atomics.load(this.#words, this.#own(i) + 2) === 1;
  }

  #own(i: number): number {
    return MAIL + SLOT_WORDS * i;
  }

  /** Waits until the chunks that workers hold are done. A machine that was asleep meanwhile does not count as waiting. */
  #wait({ control }: Desk, patience: number): boolean {
    const count = control[TOTAL];
    const spinning = performance.now() + waits.caller;
    do {
      for (let i = 0; i < 50; i++) if (Atomics.load(control, FINISHED) === count) return true;
    } while (performance.now() < spinning);
    Atomics.store(control, WAITING, 1);
    let waited = 0;
    let before = -1;
    while (waited < patience) {
      const finished = Atomics.load(control, FINISHED);
      if (finished === count) return true;
      if (finished !== before) waited = 0;
      before = finished;
      waited += pause(control, finished);
    }
    return Atomics.load(control, FINISHED) === count;
  }
}

/** Lets a moment pass, or less if the last chunk is finished; the milliseconds. */
function pause(control: Int32Array, finished: number): number {
  const start = performance.now();
  if (canBlock) Atomics.wait(control, FINISHED, finished, SLICE);
  else while (performance.now() < start + 1 && Atomics.load(control, FINISHED) === finished);
  return Math.min(SLICE, performance.now() - start);
}

/** Waits for the last chunk, but not for long; the milliseconds. */
async function moment(control: Int32Array, finished: number): Promise<number> {
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, waitAsync ? SLICE : 1);
    const { value } = waitAsync?.(control, FINISHED, finished, SLICE) ?? { value: undefined };
    // its promise alone does not keep a program running
    if (value instanceof Promise)
      value.then(() => {
        clearTimeout(timer);
        resolve();
      });
  });
  return Math.min(SLICE, performance.now() - start);
}

type WaitAsync = (words: Int32Array, at: number, value: number, timeout: number) => { readonly value: unknown };

const { waitAsync } = Atomics as unknown as { readonly waitAsync?: WaitAsync };

/** Whether this thread may sleep: the main thread of a page may not. */
const canBlock = /* @__PURE__ */ tryBlocking();

function tryBlocking(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}
