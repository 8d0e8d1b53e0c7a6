// Threads give the bits of one thread, whatever happens to them.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import * as gradstep from "../src/index.js";
import { load, save } from "../src/safetensors/index.js";
import { openPool } from "../src/threads/backend.js";
import { least } from "../src/threads/crew.js";
import { startWorkers } from "../src/threads/index.js";
import { shareMemory } from "../src/threads/memory.js";
import { Pool, waits } from "../src/threads/pool.js";
import { unpack } from "../src/unpack.js";
import { arraysOf, bitsEqual, expectError, expectSame, make, type Subject, start, train } from "./helpers.js";
import { type Library, live } from "./lives.js";
import { type AnyClass, dtypes, full, inTurn, type Options, type Reals, random, show } from "./tables.js";

const { Adam, AdamW, LAMB, LBFGS, optimizers, SGD } = gradstep;

const usual = { ...least, ...waits };
const pool = openPool() as Pool;

/** Every optimizer that steps with gradients. */
const named = (Object.values(optimizers) as unknown as AnyClass[])
  .filter(({ rule }) => !("minimize" in rule) && !rule.once)
  .map((made) => [made.rule.name, made] as const);

// tensors whose ends lie before, at and behind those of blocks and of chunks of a reduction
const shapes = { a: 4096, b: [3, 41], c: 1, none: 0, d: 8193, e: [2733, 3] };

const sets: readonly Options[] = [
  {},
  { weightDecay: 0.1, clipNorm: 0.01, zeroGrad: true },
  { gradScale: 3, clipNorm: 0.5, clipValue: 0.001, zeroGrad: true, ema: 0.9 },
  { accumulate: 2, weightDecay: 0.1, nonFinite: "skip", clipNorm: Infinity },
  { weightDecay: 0.1, maximize: true },
];

beforeAll(async () => {
  expect(await startWorkers(3)).toBe(3);
});

beforeEach(() => {
  Object.assign(least, { step: 1, measure: 1, memory: 1 });
  // workers that do not sleep between two steps come in time for small ones
  Object.assign(waits, { worker: 2 });
});

afterEach(() => {
  Object.assign(least, { step: usual.step, measure: usual.measure, memory: usual.memory });
  Object.assign(waits, { worker: usual.worker, least: usual.least, times: usual.times });
});

const next = random(4);
const drawn = Float64Array.from({ length: 60_000 }, () => next() - 0.5);

/** Parameters for a rule of elements or of whole tensors; of the caller's arrays, some do not start on a whole word. */
function sizesFor(whole: boolean, dtype: (typeof dtypes)[number], own: boolean): object {
  const array = (length: number, from = 0) => {
    return (dtype === "f32" ? new Float32Array(from + length) : new Float64Array(from + length)).subarray(from);
  };
  if (whole) return { a: [30, 300], b: own ? array(25_001, 1) : 25_001, c: own ? array(7, 1) : 7 };
  if (!own) return shapes;
  return { ...shapes, a: array(4096), none: array(0), d: array(8193, 1), e: array(8199, 3), f: array(30_001, 2) };
}

/** The same steps for all, on the same numbers, in `opt.grads` or handed over. */
async function run(opts: readonly Subject[], steps: number, how = "step", handed = false): Promise<void> {
  const fill = (x: Reals, from: number) => x.set(drawn.subarray(from, from + x.length));
  for (const opt of opts) for (const p of Object.values(opt.params)) fill(p, 0);
  for (let step = 1; step <= steps; step++) {
    for (const opt of opts) {
      const each = ([name, g]: [string, Reals]) => [name, handed ? g.slice() : g] as const;
      const grads = Object.fromEntries(Object.entries(opt.grads).map(each));
      for (const [i, g] of Object.values(grads).entries()) fill(g, 100 * step + i);
      opt.updateHessian?.(handed ? grads : undefined);
      await opt[how](handed ? grads : undefined);
    }
  }
}

describe.each(named)("%s", (_, made) => {
  test("one to four threads write the same bits, whatever the stages and wherever the numbers are", async () => {
    const number = named.findIndex(([, one]) => one === made);
    for (const [i, set] of inTurn([...sets.entries()], number, 3)) {
      const dtype = dtypes[i % 2];
      const [own, handed] = [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ][(i + number) % 4];
      // decompositions of large matrices take long
      const more = "maxPrecondDim" in made.defaults ? { maxPrecondDim: 50 } : {};
      const opts = (full ? [1, 2, 3, 4] : [1, 2 + ((i + number) % 3)]).map((threads) => {
        return make(made, sizesFor("passes" in made.rule, dtype, own), { ...set, ...more, dtype, threads });
      });
      await run(opts, full ? 4 : 3, "step", handed);
      const [alone, ...shared] = opts.map(arraysOf);
      for (const [i, arrays] of shared.entries()) {
        for (const name of Object.keys(alone)) {
          const which = `${show(set)} ${dtype} threads ${opts[i + 1].threads} own ${own} handed ${handed} ${name}`;
          expect(bitsEqual(alone[name], arrays[name]), which).toBe(true);
        }
      }
      expect(opts.map(({ gradNorm }) => gradNorm)).toEqual(opts.map(() => opts[0].gradNorm));
      for (const opt of opts) opt.dispose();
    }
  });
});

test("whatever an optimizer lives through, it is the same on any number of threads", { timeout: 600_000 }, async () => {
  const memories = ["own", "caller"] as const;
  const ways = memories.flatMap((memory) => [1, 2, 3].map((threads) => ({ options: { threads }, memory })));
  const library = { ...gradstep, load, save } as unknown as Library;
  const done = await live(library, ways, full ? 1000 : 20);
  expect(done.get("step")).toBeGreaterThan(20);
});

describe("a step", () => {
  const large = { w: 300_000, b: 70_000 };

  test("is shared by workers", async () => {
    const before = pool.helped;
    const [alone, shared] = [1, 2].map((threads) => make(Adam, large, { threads }));
    for (let tries = 0; tries < 100 && pool.helped === before; tries++) await run([alone, shared], 2);
    expect(pool.helped).toBeGreaterThan(before);
    expectSame(alone, shared);
  });

  test("of frozen and thawed parameters, and of those that were moved, writes the same bits", async () => {
    const sizes = { a: 4, b: 9001, c: 5, d: 20_000, e: 3, f: 8192, g: 1 };
    const opts = [1, 2, 3].map((threads) =>
      make(AdamW, [{ params: sizes }, { params: { z: 9999 }, lr: 0.1 }], { threads }),
    );
    const all = async (act: (opt: Subject) => void) => {
      for (const opt of opts) act(opt);
      await run(opts, 3);
      expectSame(opts[0], opts[1]);
      expectSame(opts[0], opts[2]);
    };
    await all((opt) => opt.freeze(["a", "c", "e"]));
    await all((opt) => opt.freeze(["b", "g"]));
    await all((opt) => opt.unfreeze(["a", "b", "c"]));
    await all((opt) => opt.move(["b", "f"], 1));
    await all((opt) => opt.addGroup({ params: { y: 5 } }));
    await all((opt) => opt.freeze("d"));
  });

  test("with gradients handed over, or over the caller's arrays, writes the same bits", () => {
    const [alone, shared] = [1, 2].map((threads) => {
      const opt = start(make(AdamW, { own: new Float32Array(50_000), w: 50_000 }, { threads, clipNorm: 0.1 }));
      const grads = { own: new Float32Array(50_000).fill(0.1), w: new Float32Array(50_000).fill(-0.3) };
      return opt.step(grads).step().step(grads);
    });
    expectSame(alone, shared);
  });

  test("that evaluates the loss itself writes the same bits", () => {
    const [alone, shared] = [1, 3].map((threads) => {
      const opt = start(make(LBFGS, { w: 20_000, own: new Float32Array(9001).subarray(1) }, { threads, maxIter: 5 }));
      const loss = () => {
        let sum = 0;
        for (const [name, p] of Object.entries(opt.params)) {
          for (let i = 0; i < p.length; i++) {
            opt.grads[name][i] = (i % 7) * p[i] ** 3;
            sum += (i % 7) * p[i] ** 4;
          }
        }
        return sum / 4;
      };
      for (let i = 0; i < 3; i++) opt.step(loss);
      return opt;
    });
    expectSame(alone, shared);
  });

  test("goes on after a state dict was loaded, or the group was saved", () => {
    const [alone, shared] = [1, 2].map((threads) => train(start(make(Adam, large, { threads })), 2));
    const copy = make(Adam, large, { threads: 2 });
    copy.loadStateDict(shared.stateDict());
    for (const view of Object.values(shared.stateDict().params ?? {})) expect(view.buffer).toBeInstanceOf(ArrayBuffer);
    for (const opt of [alone, shared, copy]) train(opt, 1);
    expectSame(alone, shared);
    expectSame(alone, copy);
  });

  test("of small optimizers stays on the calling thread, in memory that is not shared", () => {
    Object.assign(least, { step: usual.step, measure: usual.measure, memory: usual.memory });
    const before = pool.helped;
    const small = make(Adam, { w: 1000 }, { threads: 2 });
    for (let i = 0; i < 100; i++) small.step();
    expect(pool.helped).toBe(before);
    expect(small.params.w.buffer).toBeInstanceOf(ArrayBuffer);
    expect(make(Adam, { w: 1e6 }, { threads: 2 }).params.w.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  test("before any worker is there runs on the calling thread alone", () => {
    const idle = vi.spyOn(Pool.prototype, "call").mockImplementation(() => {});
    const before = pool.helped;
    const [alone, shared] = [1, 3].map((threads) => train(start(make(Adam, large, { threads, clipNorm: 1 })), 2));
    idle.mockRestore();
    expect(pool.helped).toBe(before);
    expectSame(alone, shared);
  });
});

describe("stepAsync", () => {
  test("writes the bits of step, with several groups, sums of gradients and averages", async () => {
    for (const set of sets) {
      const groups = [{ params: { a: 20_000, b: 5 } }, { params: { c: 30_000 }, lr: 0.1 }];
      const [alone, one, shared] = [1, 1, 3].map((threads) => make(AdamW, groups, { ...set, threads }));
      await run([alone], 4);
      await run([one, shared], 4, "stepAsync");
      expectSame(alone, one);
      expectSame(alone, shared);
      expect(shared.steps).toBe(alone.steps);
    }
  });

  test("leaves the kernels to workers, and keeps other steps of the optimizer waiting", async () => {
    const opt = make(Adam, { w: 2 ** 21 }, { threads: 2 });
    const other = start(make(Adam, { w: 50_000 }, { threads: 2 }));
    const step = opt.stepAsync();
    const acts = [
      () => opt.step(),
      () => opt.stateDict(),
      () => opt.loadStateDict({}),
      () => opt.freeze("w"),
      () => opt.unfreeze("w"),
      () => opt.move("w", 0),
      () => opt.swap(),
      () => opt.restore(),
      () => opt.zeroGrad(),
      () => opt.addGroup({ params: [1] }),
    ];
    for (const act of acts) expectError(act, Error, "a step is under way");
    await expect(opt.stepAsync()).rejects.toThrow("under way");
    train(other, 3);
    expect(await step).toBe(opt);
    expect(opt.step().steps).toBe(2);
    expectSame(other, train(start(make(Adam, { w: 50_000 })), 3));
  });

  test("rejects what step throws, and nothing has changed", async () => {
    const opt = make(Adam, { w: 50_000 }, { threads: 2 });
    await expect(opt.stepAsync({ w: 3 })).rejects.toThrow(TypeError);
    expect(opt.steps).toBe(0);
    opt.step();
  });
});

describe("the option threads", () => {
  test("is a whole number, or auto; opt.threads shows what it came to", () => {
    expect(make(SGD, [1]).threads).toBe(1);
    expect(make(SGD, [1], { threads: 1 }).threads).toBe(1);
    expect(make(SGD, [1], { threads: 3 }).threads).toBe(3);
    expect(make(LAMB, [1], { threads: 3 }).threads).toBe(3);
    expect(make(SGD, [1], { threads: "auto" }).threads).toBeGreaterThanOrEqual(1);
    expect(make(SGD, [1], { threads: 2, backend: "js" }).threads).toBe(1);
    for (const threads of ["two", null, true])
      expectError(() => make(SGD, [1], { threads }), TypeError, "threads must be");
    for (const threads of [0, -1, 1.5, NaN])
      expectError(() => make(SGD, [1], { threads }), RangeError, "threads must be");
  });

  test("comes to 1 where memory cannot be shared, though it can be made", () => {
    vi.stubGlobal("structuredClone", () => {
      throw new Error("not isolated");
    });
    const opt = make(Adam, { w: 300_000 }, { threads: 2 });
    vi.unstubAllGlobals();
    expect(opt.threads).toBe(1);
    expect(opt.params.w.buffer).toBeInstanceOf(ArrayBuffer);
    opt.step();
  });

  test("says what to import if nobody did", async () => {
    vi.resetModules();
    const { SGD: Bare } = await import("../src/index.js");
    expectError(() => make(Bare, [1], { threads: 2 }), Error, 'import "gradstep/threads"');
    expect(make(Bare, [1], { threads: 2, backend: "js" }).threads).toBe(1);
  });
});

describe("workers", () => {
  const large = { w: 200_000, b: 5 };

  /** A pool of its own: modules that nobody else has. */
  async function fresh() {
    vi.resetModules();
    const main = await import("../src/index.js");
    const threads = await import("../src/threads/index.js");
    const inside = await import("../src/threads/backend.js");
    return { ...main, ...threads, pool: inside.openPool() as Pool };
  }

  test.each([
    ["never start", "setInterval(() => {}, 1e9)"],
    ["end at once", "process.exit()"],
    ["have an error", "throw new Error('no')"],
    ["are no program", "this is none"],
  ])("that %s keep nobody waiting", async (_, code) => {
    const { Adam: Fresh, useWorker, pool } = await fresh();
    useWorker(`data:text/javascript,${encodeURIComponent(code)}`);
    const [alone, shared] = [1, 2].map((threads) => start(make(Fresh, large, { threads })));
    const begin = performance.now();
    for (let i = 0; i < 20; i++) {
      for (const opt of [alone, shared]) train(opt, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    (await train(alone, 1)) && (await shared.stepAsync());
    expect(performance.now() - begin).toBeLessThan(5000);
    expect(pool.ready).toBe(0);
  });

  test("that cannot be had, again and again, are given up: opt.threads says 1", async () => {
    const { Adam: Fresh, useWorker, pool } = await fresh();
    useWorker("data:text/javascript,process.exit()");
    const opt = make(Fresh, large, { threads: 2 });
    for (let i = 0; i < 200 && !pool.broken; i++) {
      opt.step();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(opt.threads).toBe(1);
    opt.step();
    expect(make(Fresh, large, { threads: 2 }).params.w.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test("can be run from the file of the package", async () => {
    const { Adam: Fresh, SGD: Other, useWorker, startWorkers, pool } = await fresh();
    useWorker(new URL("../dist/threads/worker.js", import.meta.url));
    expect(await startWorkers(1)).toBe(1);
    const shared = start(make(Fresh, large, { threads: 2 }));
    for (let tries = 0; tries < 100 && pool.helped === 0; tries++) await train(shared, 1).stepAsync();
    expect(pool.helped).toBeGreaterThan(0);
    expect(make(Other, large, { threads: 2 }).threads).toBe(2);
  });

  test("do not keep a program running", { timeout: 60_000 }, async () => {
    const dist = (name: string) => JSON.stringify(new URL(`../dist/${name}`, import.meta.url).href);
    const program = `
      import { Adam } from ${dist("index.js")};
      import { startWorkers } from ${dist("threads.js")};
      const opt = new Adam({ w: 500_000 }, { threads: 3 });
      opt.step();
      await startWorkers(2);
      opt.step();
      await opt.stepAsync();
      console.log(opt.steps, opt.threads);
    `;
    const folder = mkdtempSync(join(tmpdir(), "gradstep-"));
    const file = join(folder, "program.mjs");
    writeFileSync(file, program);
    // Deno and Bun too
    const { stdout } = await promisify(execFile)(process.execPath, [file]);
    rmSync(folder, { recursive: true });
    expect(stdout).toBe("3 3\n");
  });
});

test("a module that imports anything but an unshared memory is not made to share it", () => {
  const module = unpack("f32");
  expect(WebAssembly.validate(shareMemory(module))).toBe(true);
  expect(() => shareMemory(shareMemory(module))).toThrow("something else");
  expect(() => shareMemory(module.subarray(0, 8))).toThrow("no memory");
});
