import { Bench } from "tinybench";

/** Steps in one timed call: a short step is repeated so that the clock's own cost does not count. */
export function batchFor(n: number): number {
  return Math.max(1, Math.floor(16384 / n));
}

/** Runs `step` for about `milliseconds` after a short warm-up; the median time of a step in nanoseconds. */
export function timeSteps(step: () => void, batch: number, milliseconds: number): number {
  const bench = new Bench({
    time: milliseconds,
    iterations: 3,
    warmupTime: milliseconds / 10,
    warmupIterations: 1,
    throws: true,
  });
  const call = () => {
    for (let i = 0; i < batch; i++) step();
  };
  const [task] = bench.add("step", call, { async: false }).runSync();
  if (task.result.state !== "completed") throw new Error(`measurement ended as ${task.result.state}`);
  return (task.result.latency.p50 * 1e6) / batch;
}
