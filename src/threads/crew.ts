import type { Backend, Crew, Memory, Ref, Spread } from "../backend.js";
import { BLOCK_BYTES, CHUNK } from "../layout.js";
import type { Part } from "../part.js";
import type { Reals } from "../real.js";
import type { Dtype } from "../rule.js";
import type { StateDict } from "../state-dict.js";
import type { Source } from "../store.js";
import {
  type Bench,
  type Cut,
  type Cutting,
  layCall,
  layJob,
  namesIn,
  postDesk,
  squaresTape,
  type Table,
} from "./bench.js";
import { Carrier, squaresOf } from "./carrier.js";
import { layPassing, pass, runHere } from "./counter.js";
import { begun } from "./desk.js";
import { Desks } from "./desks.js";
import { Loss } from "./loss.js";
import { type Modules, SharedMemory } from "./memory.js";
import type { Pool, Posted } from "./pool.js";
import { spreadKernels } from "./spread.js";
import { runChunks, runOwn } from "./work.js";

/** From how many numbers on threads share the work. */
export const least = {
  /**
   * Of all streams. Measured on two cores, Node 24: there two threads are 1.8 times as fast as one with Adam (64 K elements) and 1.7
   * times with SGD (128 K), and what a job costs beside the kernels, 1.3 µs, is at most a tenth of the step if no worker comes.
   */
  step: 262144,
  measure: 262144,
  /** Bytes of a memory, for it to be shared: those of so many numbers and a block of scratch. What one thread steps is not. */
  memory: (1 << 20) + BLOCK_BYTES,
};

interface Job {
  readonly bench: Bench;
  readonly part: Part;
  readonly tape: readonly number[];
  readonly source: Source;
  /** Whether numbers that workers cannot read pass through the calling thread. */
  readonly passes: boolean;
  readonly scalars: Reals;
  readonly stageScalars: Reals;
}

/** The threads of one optimizer. */
export class Threads implements Crew {
  readonly #asked: number;
  readonly #backend: Backend;
  readonly #modules: Modules;
  readonly #pool: Pool;
  readonly #desks: Desks;
  readonly #loss = new Loss();
  #waiting: Job[] | undefined;
  #underWay = false;

  constructor(asked: number, backend: Backend, modules: Modules, pool: Pool) {
    this.#asked = asked;
    this.#backend = backend;
    this.#modules = modules;
    this.#pool = pool;
    this.#desks = new Desks(backend, modules, pool);
  }

  get threads(): number {
    return this.#pool.broken ? 1 : this.#asked;
  }

  on(memory: Memory): Crew | undefined {
    return memory instanceof SharedMemory ? this : undefined;
  }

  each(part: Part, source: Source, own: boolean, walk: (part: Part) => void): boolean {
    const bench = this.#desks.bench(part);
    if (bench.elements * (2 + part.streams.state.length) < least.step || this.threads === 1) return false;
    bench.tape.length = 0;
    walk(bench.recorded);
    const { tape } = bench;
    const passes = own || source === "given";
    if (!this.#waiting) {
      this.#run({ bench, part, tape, source, passes });
      return true;
    }
    const { scalars, stageScalars } = part;
    // parts of two groups can have one place for them
    const saved = { scalars: scalars.slice(), stageScalars: stageScalars.slice() };
    this.#waiting.push({ bench, part, tape: [...tape], source, passes, ...saved });
    // what the calling thread copies it copies now
    if (passes) this.#runWaiting();
    return true;
  }

  spread(memory: Memory, dtype: Dtype, longest: number, sizes: ReadonlyMap<Ref, number>): Spread | undefined {
    if (!(memory instanceof SharedMemory)) return undefined;
    const kernels = memory.kernels(dtype, this.#modules);
    const carrier = new Carrier(memory, this.#backend, dtype);
    return spreadKernels(kernels, dtype, longest, sizes, carrier, {
      pays: (numbers) => numbers >= least.step && this.threads > 1,
      post: (entries) => this.#desks.note(postDesk(memory, dtype, entries, this.#modules, this.#pool), memory),
      call: (posted, cutting, tape, tensor) => this.#call(posted, cutting, tape, tensor),
    });
  }

  measure(part: Part, source: Source): boolean {
    // a sum of gradients may be among them
    this.#runWaiting();
    if (source === "given") {
      for (const tensor of part.tensors) {
        tensor.squares = tensor.frozen ? 0 : squaresOf(tensor.given as Reals, this.#backend, part.dtype);
      }
      return true;
    }
    const bench = this.#desks.bench(part);
    if (bench.elements < least.measure || this.threads === 1) return false;
    const table = this.#desks.squares(bench, part);
    const { desk } = table.posted;
    this.#lay(table, squaresTape(part, source, this.#modules));
    if (!this.#pool.run(table.posted)) {
      this.#repeat(table.posted);
      bench.squares = undefined;
    }
    let at = 0;
    for (const tensor of part.tensors) {
      tensor.squares = 0;
      if (!tensor.frozen) for (let left = tensor.length; left > 0; left -= CHUNK) tensor.squares += desk.results[at++];
    }
    return true;
  }

  checkIdle(who: string): void {
    if (this.#underWay) throw new Error(`${who}: a step is under way, await stepAsync() first`);
  }

  check(who: string): void {
    this.checkIdle(who);
    this.#loss.check(who);
  }

  loaded<T>({ params = {} }: StateDict, result: T): T {
    this.#loss.replace(params);
    return result;
  }

  async stepAsync<T>(step: () => T): Promise<T> {
    const jobs: Job[] = [];
    this.#waiting = jobs;
    let result: T;
    try {
      result = step();
    } finally {
      this.#waiting = undefined;
    }
    this.#underWay = true;
    try {
      for (const job of jobs) await this.#runAsync(restored(job));
    } finally {
      this.#underWay = false;
    }
    return result;
  }

  dispose(): void {
    this.#desks.dispose();
  }

  #runWaiting(): void {
    for (const job of this.#waiting?.splice(0) ?? []) this.#run(restored(job));
  }

  #run({ bench, part, tape, source, passes }: Omit<Job, "scalars" | "stageScalars">): void {
    if (passes) {
      this.#pass(bench, part, tape, source);
      return;
    }
    this.#lay(bench.steps, tape);
    if (!this.#pool.run(bench.steps.posted)) this.#losePart(bench.steps.posted, part);
    runLasts(bench);
  }

  async #runAsync({ bench, part, tape }: Job): Promise<void> {
    this.#lay(bench.steps, tape);
    if (!(await this.#pool.runAsync(bench.steps.posted))) this.#losePart(bench.steps.posted, part);
    runLasts(bench);
  }

  #pass(bench: Bench, part: Part, tape: readonly number[], source: Source): void {
    const counter = this.#desks.counter(bench, part);
    this.#pool.hire(this.#asked - 1);
    layPassing(counter, tape, this.#asked);
    if (!pass(counter, part, source, this.#pool)) this.#losePart(counter.posted, part);
    for (const last of counter.lasts) runLast(last, () => runHere(counter, last.stretch, part, source));
  }

  #call(posted: Posted, cutting: Cutting, tape: readonly number[], tensor: string | undefined): boolean {
    this.#pool.hire(this.#asked - 1);
    layCall(posted, cutting, tape, this.#asked);
    if (this.#pool.run(posted)) return true;
    if (tensor === undefined) this.#repeat(posted);
    else this.#lose(posted, () => [tensor]);
    return false;
  }

  #lay(table: Table, tape: readonly number[]): void {
    this.#pool.hire(this.#asked - 1);
    layJob(table, tape, this.#asked);
  }

  /** Does again what nothing was changed by; whoever still works on it writes to a desk that is given up. */
  #repeat({ id, desk }: Posted): void {
    for (const { chunk, thread } of begun(desk)) {
      this.#pool.fire(thread);
      runChunks(desk, chunk, chunk + 1, 0);
    }
    this.#pool.forget(id);
  }

  #losePart(posted: Posted, part: Part): void {
    this.#desks.drop(part);
    this.#lose(posted, (chunks) => namesIn(posted.desk, chunks, part));
  }

  /** Gives up a desk that a worker did not come back from; throws if it was in the middle of a chunk. */
  #lose({ id, desk }: Posted, namesOf: (chunks: readonly number[]) => string[]): void {
    const lost = begun(desk);
    this.#pool.forget(id);
    if (lost.length === 0) return;
    const names = namesOf(lost.map(({ chunk }) => chunk));
    this.#loss.note(names, Promise.all(lost.map(({ thread }) => this.#pool.fire(thread))));
  }
}

/** Puts the scalars of a job back where its kernels take them from. */
function restored(job: Job): Job {
  job.part.scalars.set(job.scalars);
  job.part.stageScalars.set(job.stageScalars);
  return job;
}

/** The stretches that are not for workers. */
function runLasts({ steps, cut }: Bench): void {
  for (const last of cut.lasts) runLast(last, () => runOwn(steps.posted.desk, last.stretch));
}

/** Runs a stretch, and puts back what stands behind it. */
function runLast({ behind }: Pick<Cut["lasts"][number], "behind">, run: () => void): void {
  for (const { numbers, kept } of behind) kept.set(numbers);
  run();
  for (const { numbers, kept } of behind) numbers.set(kept);
}
