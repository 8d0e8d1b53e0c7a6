import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { runOnAllCores } from "./core.js";
import type { Experiment, Measured } from "./experiment.js";

const script = fileURLToPath(new URL("../scripts/threads.mjs", import.meta.url));

/** How much faster two threads step than one, in processes of their own that have all cores; no rows where there is one core. */
export function threadExperiments(): readonly Experiment[] {
  const cores = cpus().length;
  if (cores < 2) return [];
  const limits = { 15: 0.95, 18: 1.9, 20: 1.9, 25: 1.8 };
  return Object.entries(limits).flatMap(([power, limit]) => {
    let printed: string | undefined;
    return ["sgd", "adam"].map((rule): Experiment => {
      return {
        name: `${rule} f32, n = ${2 ** Number(power)}: one thread over two`,
        unit: "times",
        relation: "at least",
        limit,
        measure() {
          printed ??= runOnAllCores([script, "2", power]);
          return read(printed, rule);
        },
      };
    });
  });
}

/** The last columns of the rule's row: the ratio of the best steps, and of the median ones. */
export function read(printed: string, rule: string): Measured {
  const row = printed.split("\n").find((line) => line.startsWith(`| ${rule} |`)) ?? "";
  const [best, median] = row.split("|").slice(-3, -1).map(Number.parseFloat);
  return { best, median };
}
