// Prints how much faster two threads step than one, for a kernel bound by memory and one bound by arithmetic: best and median times
// of single steps, taken by turns.
//   node scripts/threads.mjs [threads] [powers of two] [grads|given|own]
// The gradients stand in opt.grads or are handed over; with own, the parameters are the caller's too.
import { availableParallelism } from "node:os";
import { Adam, SGD } from "../dist/index.js";
import { startWorkers } from "../dist/threads.js";

const threads = Number(process.argv[2] ?? 2);
const sizes = (process.argv[3] ?? "15,16,17,18,20,22,25").split(",").map((power) => 2 ** Number(power));

const how = process.argv[4] ?? "grads";

console.log(`Node ${process.version}, ${availableParallelism()} cores, ${await startWorkers(threads - 1)} workers`);
console.log("| | elements | 1 thread, ns | threads, ns | best | median |\n|---|---|---|---|---|---|");
for (const Made of [SGD, Adam]) for (const n of sizes) measure(Made, n);

function measure(Made, n) {
  const opts = [1, threads].map((threads) => new Made({ w: how === "own" ? new Float32Array(n) : n }, { threads }));
  const w = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
  for (const { grads } of opts) grads.w.set(w);
  const handed = how === "grads" ? undefined : { w };
  const times = opts.map(() => []);
  for (let round = 0; round < 40; round++) {
    for (const [i, opt] of opts.entries()) {
      // the first steps of a turn find the other optimizer's numbers in the cache
      for (let k = 0, end = performance.now() + 10; k < 4 || performance.now() < end; k++) {
        const start = performance.now();
        opt.step(handed);
        if (k > 0) times[i].push(performance.now() - start);
      }
    }
  }
  const at = (share) => times.map((all) => (all.sort((a, b) => a - b)[Math.floor(share * all.length)] * 1e6) / n);
  const [best, median] = [at(0.02), at(0.5)];
  const ratio = ([one, several]) => (one / several).toFixed(2);
  const row = [Made.optimizer, n.toLocaleString("en"), ...best.map((x) => x.toFixed(3)), ratio(best), ratio(median)];
  console.log(`| ${row.join(" | ")} |`);
  for (const opt of opts) opt.dispose();
}
