// Workers are killed at random moments: a step ends on the bits of one that was not disturbed, or throws, and says what was cut.
import workerThreads, { type Worker } from "node:worker_threads";
import { afterAll, expect, test, vi } from "vitest";
import { source } from "../../src/generated/worker.js";
import { AdamW, LAMB, SGD } from "../../src/index.js";
import { openPool } from "../../src/threads/backend.js";
import { least } from "../../src/threads/crew.js";
import { startWorkers, useWorker } from "../../src/threads/index.js";
import { type Pool, waits } from "../../src/threads/pool.js";
import { arraysOf, bitsEqual, make, type Subject } from "../helpers.js";
import { random } from "../tables.js";

const pool = openPool() as Pool;
const usual = { ...least, ...waits };

// Each worker dies in one of its first kernel calls, most of them in the middle of it: it ends, has an error, or hangs for good.
const mortal = `
  const { threadId } = process.getBuiltinModule("node:worker_threads");
  const random = (k) => { const x = Math.sin(threadId * 12.9898 + k * 78.233) * 43758.5453; return x - Math.floor(x); };
  let left = Math.floor(random(1) ** 2 * 200);
  const Instance = WebAssembly.Instance;
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new Instance(module, imports);
    const kernels = Object.entries(exports).map(([name, kernel]) => [name, typeof kernel !== "function" ? kernel : (n, ...refs) => {
      if (left-- > 0) return kernel(n, ...refs);
      kernel(Math.floor((random(2) * n) / 128) * 128, ...refs);
      const how = random(3);
      if (how < 0.6) process.exit();
      if (how < 0.8) throw new Error("killed");
      for (;;);
    }]);
    return { exports: Object.fromEntries(kernels) };
  };
`;

// or it is ended from outside, which cuts a kernel off between two of its rounds
const workers: Worker[] = [];
class Caught extends workerThreads.Worker {
  constructor(...args: ConstructorParameters<typeof workerThreads.Worker>) {
    super(...args);
    workers.push(this);
    this.on("exit", () => workers.splice(workers.indexOf(this), 1));
  }
}
const builtin = vi.spyOn(process as never, "getBuiltinModule") as unknown as { mockReturnValue(value: object): void };
builtin.mockReturnValue({ ...workerThreads, Worker: Caught });

const sizes = { a: 30_000, b: [200, 100], c: 7, d: 25_000 };
const steps = 4;
const cut = /^step: a worker ended in the middle of ("[abcd]"(, )?)+, load a state dict to go on$/;

const sets = [
  { lr: 0.1, weightDecay: 0.1, zeroGrad: false },
  { lr: 0.1, clipNorm: 1, zeroGrad: true, ema: 0.9 },
];
const classes = [SGD, AdamW, LAMB];

function fill(opt: Subject, step: number): void {
  for (const x of Object.values(step === 0 ? opt.params : opt.grads)) x.set(draw(step).subarray(0, x.length));
}

function draw(step: number): Float32Array {
  const next = random(step);
  return Float32Array.from({ length: 30_000 }, () => next() - 0.5);
}

/** Gradients to hand over. */
function gradients(opt: Subject, step: number): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(opt.grads).map(([name, { length }]) => [name, draw(step).slice(0, length)]));
}

/** What an undisturbed run shows after each step. */
const undisturbed = classes.map((made) =>
  sets.map((set) => {
    const opt = make(made, sizes, set);
    fill(opt, 0);
    return [0, 1, 2, 3, 4].map((step) => {
      if (step > 0) fill(opt, step);
      if (step > 0) opt.step();
      return { arrays: arraysOf(opt), dict: opt.stateDict() };
    });
  }),
);

afterAll(() => {
  Object.assign(least, usual);
  Object.assign(waits, usual);
});

test("1,000 runs with workers that die", { timeout: 1_500_000 }, async () => {
  Object.assign(least, { step: 1, measure: 1, memory: 1 });
  // a worker that is only slow may be taken for dead
  Object.assign(waits, { least: 60, times: 0, worker: 2 });
  useWorker(`data:text/javascript,${encodeURIComponent(mortal + source)}`);
  const counts = { undisturbed: 0, cut: 0, healed: 0 };
  for (let run = 0; run < 1000; run++) {
    const next = random(run);
    const which = [Math.floor(3 * next()), Math.floor(2 * next())];
    const right = undisturbed[which[0]][which[1]];
    const threads = 2 + Math.floor(3 * next());
    const own = next() < 0.3 ? { a: new Float32Array(30_000), d: new Float32Array(25_001).subarray(1) } : {};
    const handed = next() < 0.3;
    const opt = make(classes[which[0]], { ...sizes, ...own }, { ...sets[which[1]], threads });
    fill(opt, 0);
    if (next() < 0.8) await startWorkers(threads - 1);
    let error: Error | undefined;
    for (let step = 1; step <= steps; step++) {
      fill(opt, step);
      const kill = next() < 0.2 ? killSoon(next) : undefined;
      error = await attempt(opt, next() < 0.3, handed ? gradients(opt, step) : undefined);
      await kill;
      if (error) break;
      // those that are handed over are not cleared
      if (handed) for (const x of Object.values(opt.grads)) x.fill(0);
      if (handed && !sets[which[1]].zeroGrad) fill(opt, step);
      expectBits(opt, right[step].arrays, `run ${run}, step ${step}`);
    }
    if (!error) counts.undisturbed++;
    else {
      counts.cut++;
      expect(error.message).toMatch(cut);
      expect(() => opt.step()).toThrow(error.message);
      expect(() => opt.stateDict()).toThrow("in the middle");
      await loadWhenOver(opt, right[0].dict);
      for (let step = 1; step <= steps; step++) {
        fill(opt, step);
        const again = await attempt(opt, false);
        if (again) {
          expect(again.message).toMatch(cut);
          break;
        }
        expectBits(opt, right[step].arrays, `run ${run} after a load, step ${step}`);
        if (step === steps) counts.healed++;
      }
    }
    opt.dispose();
  }
  console.log(counts, { helped: pool.helped });
  expect(counts.undisturbed).toBeGreaterThan(100);
  expect(counts.cut).toBeGreaterThan(20);
  expect(counts.healed).toBeGreaterThan(10);
  expect(pool.helped).toBeGreaterThan(1000);
});

async function attempt(opt: Subject, async: boolean, grads?: unknown): Promise<Error | undefined> {
  try {
    if (async) await opt.stepAsync(grads);
    else opt.step(grads);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Ends a worker from outside, now or soon. */
async function killSoon(next: () => number): Promise<void> {
  const [which, when] = [next(), next()];
  if (when < 0.5) for (let i = 1e5 * when; i > 0; i--) Math.sqrt(i);
  else await new Promise((resolve) => setImmediate(resolve));
  await workers[Math.floor(which * workers.length)]?.terminate();
}

/** Loads a state dict, once the worker that was cut off is known to have ended. */
async function loadWhenOver(opt: Subject, dict: unknown): Promise<void> {
  for (;;) {
    try {
      opt.loadStateDict(dict);
      return;
    } catch (error) {
      expect((error as Error).message).toMatch(/^loadStateDict: the worker that was cut off has not ended yet/);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

function expectBits(opt: Subject, right: ReturnType<typeof arraysOf>, when: string): void {
  const arrays = arraysOf(opt);
  expect(
    Object.keys(right).filter((name) => !bitsEqual(arrays[name], right[name])),
    when,
  ).toEqual([]);
}
