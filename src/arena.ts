import type { Backend, Memory } from "./backend.js";

/** A piece of memory that one part of an optimizer owns. */
export interface Region {
  readonly memory: Memory;
  readonly offset: number;
  readonly bytes: number;
  /** The slab it was cut from, if it shares its memory. */
  readonly slab?: Slab;
}

/** Memory that many small optimizers share. */
interface Slab {
  readonly memory: Memory;
  /** Everything from here on has never been used. */
  end: number;
  /** Bytes in use. */
  live: number;
  /** Offsets of regions given back, by size. */
  readonly free: Map<number, number[]>;
}

const SLAB = 1 << 20;
const SMALL = 1 << 16;
const ALIGN = 64;

const current = new WeakMap<Backend, Slab>();

/**
 * Zero-filled memory. Small regions share a slab, since each memory costs address space (a Node process ends at some 13,000);
 * only the current slab is held here, so that whatever is dropped without `dispose()` goes with the garbage.
 */
export function allocate(who: string, backend: Backend, size: number): Region {
  const bytes = Math.ceil(size / ALIGN) * ALIGN;
  const create = (wanted: number) => {
    try {
      return backend.createMemory(wanted);
    } catch (error) {
      throw new RangeError(`${who}: cannot have ${wanted} bytes of memory: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  if (bytes > SMALL) return { memory: create(bytes), offset: 0, bytes };
  let slab = current.get(backend);
  let offset = slab && cut(slab, bytes);
  if (!slab || offset === undefined) {
    slab = { memory: create(SLAB), end: 0, live: 0, free: new Map() };
    current.set(backend, slab);
    offset = cut(slab, bytes) as number;
  }
  return { memory: slab.memory, offset, bytes, slab };
}

/** Takes a region back. The slab with more room becomes the current one. */
export function release(backend: Backend, { slab, offset, bytes }: Region): void {
  if (!slab) return;
  slab.live -= bytes;
  const free = slab.free.get(bytes);
  if (free) free.push(offset);
  else slab.free.set(bytes, [offset]);
  const other = current.get(backend);
  if (!other || slab.live < other.live) current.set(backend, slab);
}

function cut(slab: Slab, bytes: number): number | undefined {
  if (slab.live === 0) {
    // whatever sizes it was cut into before, it is whole again
    slab.free.clear();
    new Uint8Array(slab.memory.buffer, 0, slab.end).fill(0);
    slab.end = 0;
  }
  const recycled = slab.free.get(bytes)?.pop();
  if (recycled === undefined && slab.end + bytes > SLAB) return undefined;
  const offset = recycled ?? slab.end;
  if (recycled === undefined) slab.end += bytes;
  else new Uint8Array(slab.memory.buffer, offset, bytes).fill(0);
  slab.live += bytes;
  return offset;
}
