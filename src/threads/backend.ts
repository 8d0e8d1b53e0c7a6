import type { Backend, Kind } from "../backend.js";
import { describe } from "../check.js";
import type { Dtype } from "../rule.js";
import { least, Threads } from "./crew.js";
import { fits, Modules, SharedMemory } from "./memory.js";
import { Pool } from "./pool.js";

/** What "auto" takes at most: large steps wait for memory, which more threads do not make faster. */
const MOST = 8;

let opened: Pool | undefined;
let compiled: Modules | undefined;

/** The workers, if this runtime can share memory with them. */
export function openPool(): Pool | undefined {
  if (!canShare()) return undefined;
  opened ??= new Pool();
  return opened;
}

/** A backend whose large memories are shared by that many threads; the plain one where that cannot be. */
export function openThreads(who: string, plain: Backend, dtype: Dtype, asked: unknown): Backend {
  const wanted = checkThreads(who, asked);
  const pool = wanted > 1 ? openPool() : undefined;
  if (!pool || !plain.bytes || pool.broken) return plain;
  try {
    compiled ??= new Modules(plain.bytes);
    compiled.of(dtype);
  } catch {
    // a runtime that takes only modules it has compiled itself
    return plain;
  }
  const modules = compiled;
  const threads = Math.min(wanted, 1 + pool.most);
  const kernels = (memory: SharedMemory, kind: Kind) => memory.kernels(kind, modules);
  const backend: Backend = {
    ...plain,
    alone: plain,
    createMemory(bytes) {
      const shared = bytes >= least.memory && fits(bytes, threads - 1);
      return shared ? new SharedMemory(bytes, threads - 1) : plain.createMemory(bytes);
    },
    kernels(memory, dtype, twins) {
      return memory instanceof SharedMemory ? kernels(memory, dtype) : plain.kernels(memory, dtype, twins);
    },
    kernelsAs(form, memory, dtype) {
      return memory instanceof SharedMemory
        ? kernels(memory, `${dtype}-${form}`)
        : plain.kernelsAs(form, memory, dtype);
    },
  };
  return Object.assign(backend, { crew: new Threads(threads, plain, modules, pool) });
}

function checkThreads(who: string, threads: unknown): number {
  if (threads === "auto") return Math.min(MOST, cores());
  if (typeof threads !== "number") {
    throw new TypeError(`${who}: threads must be a number or "auto", got ${describe(threads)}`);
  }
  if (!(Number.isInteger(threads) && threads >= 1)) {
    throw new RangeError(`${who}: threads must be a whole number >= 1, got ${threads}`);
  }
  return threads;
}

/** Whether memory can be shared with workers. A page that is not isolated may have the memory, but cannot hand it over. */
function canShare(): boolean {
  try {
    structuredClone(new SharedArrayBuffer(4));
    return true;
  } catch {
    return false;
  }
}

function cores(): number {
  const { navigator, process } = globalThis as {
    navigator?: { hardwareConcurrency?: number };
    process?: { getBuiltinModule?(name: string): { availableParallelism(): number } };
  };
  return navigator?.hardwareConcurrency ?? process?.getBuiltinModule?.("node:os").availableParallelism() ?? 1;
}
