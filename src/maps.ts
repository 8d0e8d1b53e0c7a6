import { ofBits } from "./half.js";
import type { SmallWork } from "./rule.js";
import type { TensorStep } from "./tensor-step.js";

// The maps of quantise.ts: those of bitsandbytes, bit by bit. The first has numbers of both signs, the second has not.

/** Elements of a map with the means between its neighbours, and of the codes that quantise starts from. */
const MAP = 512;
const STARTS = 8192;

/** The work buffers that have these for the first maps. */
export function tablesWork(count: number): (number | SmallWork)[] {
  return [count * MAP, { length: count * STARTS, type: "u8" }];
}

interface Tables {
  readonly maps: Float32Array;
  readonly starts: Uint8Array;
}

const made: Tables[] = [];

/** Fills these work buffers. */
export function fillTables({ workNumbers }: TensorStep, count: number): void {
  made[count] ??= makeTables(count);
  workNumbers[0].set(made[count].maps);
  workNumbers[1].set(made[count].starts);
}

function makeTables(count: number): Tables {
  const maps = new Float32Array(count * MAP);
  const starts = new Uint8Array(count * STARTS);
  for (const [i, signed] of [true, false].slice(0, count).entries()) {
    const map = makeMap(signed);
    const means = [...map.slice(1).map((x, k) => mean(map[k], x)), Infinity];
    maps.set([...map, ...means], i * MAP);
    starts.set(makeStarts(means), i * STARTS);
  }
  return { maps, starts };
}

/** 0, 1, and the middles of cells of one width in each of seven decades, in each twice as many as in the one below. */
function makeMap(signed: boolean): number[] {
  const map = [0, 1];
  let cells = signed ? 1 : 2;
  for (const scale of [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]) {
    for (let i = 0; i < cells; i++) {
      const x = Math.fround(Math.fround(scale) * mean(edge(i, cells), edge(i + 1, cells)));
      map.push(x, ...(signed ? [-x] : []));
    }
    cells *= 2;
  }
  return map.sort((a, b) => a - b);
}

/** Edge i of that many cells between 0.1 and 1, reckoned in float32 from the nearer end, as PyTorch does. */
function edge(i: number, cells: number): number {
  const from = Math.fround(0.1);
  const width = Math.fround(Math.fround(1 - from) / cells);
  return Math.fround(2 * i < cells ? from + width * i : 1 - width * (cells - i));
}

function mean(a: number, b: number): number {
  return Math.fround((a + b) / 2);
}

/**
 * How many means are less than the least number of which the upper half of the float32 bits is given: for the halves from
 * 2^-23 to 1, behind which those of the negative numbers stand. Between the numbers of one half there is one mean at most, and
 * none below the first.
 */
function makeStarts(means: readonly number[]): Uint8Array {
  const least = (i: number) =>
    i < STARTS / 2 ? ofBits((13312 + i) << 16) : ofBits(((46080 + i - STARTS / 2) << 16) | 0xffff);
  return Uint8Array.from({ length: STARTS }, (_, i) => means.findIndex((x) => !(x < least(i))));
}
