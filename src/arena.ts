import type { Backend, Memory } from "./backend.js";

/** A piece of memory that one part of an optimizer owns. */
export interface Region {
  readonly memory: Memory;
  readonly offset: number;
  readonly bytes: number;
  /** The slab it was cut from, if it shares its memory. */
  readonly slab?: Slab;
  /** What another module's malloc returned, if it stands in the memory of that. */
  readonly pointer?: number;
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
const OPEN = 8;

// The slabs that may have room: those that something was cut from or given back to, until they are found too full. A slab
// that is not here is held by its optimizers alone, so that whatever is dropped without dispose() goes with the garbage.
const open: Readonly<Record<Backend["name"], Slab[]>> = { wasm: [], js: [] };

/** Zero-filled memory. Small regions share a slab: each memory costs address space, and a Node process ends at some 13,000. */
export function allocate(who: string, backend: Backend, size: number): Region {
  const bytes = Math.ceil(size / ALIGN) * ALIGN;
  const { foreign } = backend;
  if (foreign) return attempt(who, bytes, () => foreign.allocate(bytes));
  if (bytes > SMALL) return { memory: createMemory(who, backend, bytes), offset: 0, bytes };
  const slabs = open[backend.name];
  for (;;) {
    if (slabs.length === 0) {
      // what belongs to many no threads share
      slabs.push({
        memory: createMemory(who, backend.alone ?? backend, SLAB),
        free: [{ start: 0, end: SLAB }],
        live: 0,
      });
    }
    const slab = slabs[slabs.length - 1];
    const offset = take(slab, bytes);
    if (offset !== undefined) return { memory: slab.memory, offset, bytes, slab };
    slabs.pop();
  }
}

/** Takes a region back. */
export function release(backend: Backend, region: Region): void {
  if (backend.foreign) {
    backend.foreign.release(region);
    return;
  }
  const { slab, offset, bytes } = region;
  if (!slab) return;
  give(slab, offset, bytes);
  const slabs = open[backend.name];
  if (slabs.includes(slab)) return;
  slabs.unshift(slab);
  if (slabs.length <= OPEN) return;
  const fullest = slabs.reduce((a, b) => (b.live > a.live ? b : a));
  slabs.splice(slabs.indexOf(fullest), 1);
}

function give(slab: Slab, offset: number, bytes: number): void {
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

/** Cuts zero-filled bytes from the first extent that has them. */
function take(slab: Slab, bytes: number): number | undefined {
  // a caller may have transferred an ordinary buffer away
  if (slab.live + bytes > SLAB || slab.memory.buffer.byteLength === 0) return undefined;
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

/** Memory, or one sentence about what could not be had. */
export function createMemory(who: string, backend: Backend, bytes: number): Memory {
  return attempt(who, bytes, () => backend.createMemory(bytes));
}

function attempt<T>(who: string, bytes: number, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new RangeError(`${who}: cannot have ${bytes} bytes of memory: ${(error as Error).message}`, { cause: error });
  }
}
