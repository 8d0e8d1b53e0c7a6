import type { Backend } from "../backend.js";
import type { Part } from "../part.js";
import { type Bench, makeBench, measureTable, type Table } from "./bench.js";
import { type Counter, makeCounter } from "./counter.js";
import type { Modules } from "./memory.js";
import type { Pool, Posted } from "./pool.js";

/** The desks of one optimizer. Each is made when it is first needed, and goes with what it is for. */
export class Desks {
  readonly #backend: Backend;
  readonly #modules: Modules;
  readonly #pool: Pool;
  // by ranges: a part that is arranged anew, or is no more, lets go of its bench, and of what workers hold of it
  readonly #benches = new WeakMap<Part["ranges"], Bench>();
  readonly #ids = new Set<number>();

  constructor(backend: Backend, modules: Modules, pool: Pool) {
    this.#backend = backend;
    this.#modules = modules;
    this.#pool = pool;
  }

  /** What threads work with on a part. */
  bench(part: Part): Bench {
    const { ranges } = part;
    let bench = this.#benches.get(ranges);
    if (!bench) {
      bench = makeBench(part, this.#backend, this.#modules, this.#pool);
      this.#benches.set(ranges, bench);
      this.note(bench.steps.posted, ranges);
    }
    return bench;
  }

  squares(bench: Bench, part: Part): Table {
    if (!bench.squares) {
      bench.squares = measureTable(bench, part, this.#modules, this.#pool);
      this.note(bench.squares.posted, part.ranges);
    }
    return bench.squares;
  }

  counter(bench: Bench, part: Part): Counter {
    if (!bench.counter) {
      bench.counter = makeCounter(part, bench.cut, this.#backend, this.#modules, this.#pool);
      this.note(bench.counter.posted, part.ranges);
    }
    return bench.counter;
  }

  /** Takes note of a desk, which goes with its owner. */
  note(posted: Posted, owner: object): Posted {
    const { id } = posted;
    this.#ids.add(id);
    gone.register(owner, () => {
      this.#ids.delete(id);
      this.#pool.forget(id);
    });
    return posted;
  }

  /** Lets go of what a part has, so that it is made anew. */
  drop({ ranges }: Part): void {
    this.#benches.delete(ranges);
  }

  dispose(): void {
    for (const id of this.#ids) this.#pool.forget(id);
  }
}

const gone = /* @__PURE__ */ new FinalizationRegistry<() => void>((forget) => forget());
