import { type SlowWord, slowWords } from "./kernels.js";
import type { Pass } from "./passes.js";
import { quantile } from "./statistics.js";

/** The least time of a step per element, and what it is: that of moving the bytes, of the divider, or the sum over several passes. */
export interface Floor {
  readonly ns: number;
  readonly bound: "bytes" | "divider" | "passes";
}

/** Nanoseconds per element of what probes measure: kinds of streams, and slow words. */
export type Times = ReadonlyMap<string, number>;

/** What has to be measured for a floor. */
export function needs(passes: readonly Pass[]): { streams: string[]; words: SlowWord[] } {
  return {
    streams: [...new Set(passes.map(({ streams }) => streams))].filter((streams) => streams !== ""),
    words: slowWords.filter((word) => passes.some(({ words }) => words[word] > 0)),
  };
}

/** The sum over the passes of what takes longer, the bytes or the slow words. */
export function floorOf(passes: readonly Pass[], times: Times): Floor {
  let ns = 0;
  let bound: Floor["bound"] = "bytes";
  for (const { streams, words, share } of passes) {
    const bytes = times.get(streams) ?? 0;
    const divider = slowWords.reduce((sum, word) => sum + words[word] * (times.get(word) ?? 0), 0);
    ns += share * Math.max(bytes, divider);
    if (divider > bytes) bound = "divider";
  }
  return { ns, bound: passes.length === 1 && passes[0].share === 1 ? bound : "passes" };
}

/** The first of some times over the other: from neighbouring turns, or from the best ones if that is less. */
export function ratioOf(times: readonly number[], floors: readonly number[]): number {
  const ratios = times.map((time, round) => time / floors[round]).sort((a, b) => a - b);
  // on a busy machine either can be hit by what else it does
  return Math.min(quantile(ratios, 0.5), Math.min(...times) / Math.min(...floors));
}
