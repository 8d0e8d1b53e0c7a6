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
  /** What is free, by rising offset, never two side by side. */
  readonly free: Extent[];
  /** Bytes in use. */
  live: number;
}

interface Extent {
  start: number;
  end: number;
}

const SLAB = 1 << 20;
const SMALL = 1 << 16;
const ALIGN = 64;

// the slab in use; the others are found again if they have room, and otherwise go with the garbage
const current = new WeakMap<Backend, Slab>();
const others = new WeakMap<Backend, WeakRef<Slab>[]>();

/** Zero-filled memory. Small regions share a slab: each memory costs address space, and a Node process ends at some 13,000. */
export function allocate(who: string, backend: Backend, size: number): Region {
  const bytes = Math.ceil(size / ALIGN) * ALIGN;
  if (bytes > SMALL) return { memory: createMemory(who, backend, bytes), offset: 0, bytes };
  for (const slab of slabs(backend)) {
    const offset = take(slab, bytes);
    if (offset === undefined) continue;
    current.set(backend, slab);
    return { memory: slab.memory, offset, bytes, slab };
  }
  const slab: Slab = { memory: createMemory(who, backend, SLAB), free: [{ start: 0, end: SLAB }], live: 0 };
  others.set(backend, [...(others.get(backend) ?? []).filter((ref) => ref.deref()), new WeakRef(slab)]);
  current.set(backend, slab);
  return { memory: slab.memory, offset: take(slab, bytes) as number, bytes, slab };
}

/** Takes a region back. */
export function release({ slab, offset, bytes }: Region): void {
  if (!slab) return;
  slab.live -= bytes;
  const { free } = slab;
  let i = free.length;
  while (i > 0 && free[i - 1].start > offset) i--;
  const before = free[i - 1];
  const after = free[i];
  const end = offset + bytes;
  if (before?.end === offset && after?.start === end) {
    before.end = after.end;
    free.splice(i, 1);
  } else if (before?.end === offset) before.end = end;
  else if (after?.start === end) after.start = offset;
  else free.splice(i, 0, { start: offset, end });
}

function* slabs(backend: Backend): Generator<Slab> {
  const first = current.get(backend);
  if (first) yield first;
  for (const ref of others.get(backend) ?? []) {
    const slab = ref.deref();
    if (slab && slab !== first) yield slab;
  }
}

/** Cuts zero-filled bytes from the first extent that has them. */
function take(slab: Slab, bytes: number): number | undefined {
  if (slab.live + bytes > SLAB) return undefined;
  const i = slab.free.findIndex(({ start, end }) => end - start >= bytes);
  if (i < 0) return undefined;
  const extent = slab.free[i];
  const { start } = extent;
  extent.start += bytes;
  if (extent.start === extent.end) slab.free.splice(i, 1);
  slab.live += bytes;
  new Uint8Array(slab.memory.buffer, start, bytes).fill(0);
  return start;
}

function createMemory(who: string, backend: Backend, bytes: number): Memory {
  try {
    return backend.createMemory(bytes);
  } catch (error) {
    throw new RangeError(`${who}: cannot have ${bytes} bytes of memory: ${(error as Error).message}`, { cause: error });
  }
}
