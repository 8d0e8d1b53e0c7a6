import { rotate } from "./run.js";
import { summarize } from "./statistics.js";
import type { Line } from "./targets.js";

/** From the best turns, and from all. */
export interface Measured {
  best: number;
  median: number;
}

/** A figure that has a measurement of its own, apart from the table of rules. */
export interface Experiment extends Line {
  measure(): Measured | Promise<Measured>;
}

/** Something that is timed in turns. */
export interface Subject {
  turn(milliseconds: number): number;
  close?(): void;
}

type Make = () => Subject | Promise<Subject>;

/** How many times as long one takes as the other. */
export function ratio(line: Omit<Line, "unit">, subject: Make, beside: Make): Experiment {
  return {
    ...line,
    unit: "times",
    async measure() {
      const subjects = [await subject(), await beside()];
      // kernels that are new to the engine run slowly until it has compiled them well, beside
      for (const each of subjects) each.turn(300);
      const [times, others] = await rotate(subjects, 10, 7);
      for (const each of subjects) each.close?.();
      return {
        best: Math.min(...times) / Math.min(...others),
        median: summarize(times.map((time, round) => time / others[round])).median,
      };
    },
  };
}

/** How long something takes, from so many times. */
export function duration(line: Line, count: number, time: () => number): Experiment {
  return {
    ...line,
    measure() {
      const { min, median } = summarize(Array.from({ length: count }, time));
      return { best: min, median };
    },
  };
}
