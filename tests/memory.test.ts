import { execFile } from "node:child_process";
import { promisify } from "node:util";
import v8 from "node:v8";
import vm from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Adam, SGD } from "../src/index.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  gradients,
  make,
  named,
  type Subject,
  snapshot,
  start,
  train,
  watchMemories,
} from "./helpers.js";
import { differs, dtypes, type Numbers, type Reals, random } from "./tables.js";

// the memory of one part, where a test makes it smaller than 4 GiB, and the parts of the last group
const room = vi.hoisted((): { limit?: number; parts: number } => ({ parts: 0 }));
vi.mock("../src/part.js", async (original) => {
  const part = await original<typeof import("../src/part.js")>();
  const allocateParts: typeof part.allocateParts = (rule, settings, backend, dtype, tensors) => {
    const parts = part.allocateParts(rule, settings, backend, dtype, tensors, room.limit);
    room.parts = parts.length;
    return parts;
  };
  return { ...part, allocateParts };
});
afterEach(() => {
  room.limit = undefined;
});

const timeout = 60_000;

v8.setFlagsFromString("--expose-gc");
const collect: () => void = vm.runInNewContext("gc");

/** Lets go of what is not referenced; a WeakRef holds its target until the next turn. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}

describe.each(backends)("many optimizers on %s", (backend) => {
  // the full numbers are in slow/memory.test.ts
  const [many, times] = [1000, 5000];

  test(`${many} live at once, all step right, and their views stay valid`, { timeout }, () => {
    const live = Array.from({ length: many }, () => new SGD({ w: 2, b: 1 }, { lr: 0.5, backend }));
    const views = live.map(({ params }) => params.w);
    for (const [i, { grads }] of live.entries()) {
      grads.w[1] = i;
      grads.b[0] = -i;
    }
    for (const opt of live) opt.step().step();
    const right = live.filter(
      ({ params: { w, b } }, i) => w === views[i] && w[0] === 0 && w[1] === -i && b[0] === i && w.buffer.byteLength > 0,
    );
    expect(right).toHaveLength(many);
    for (const opt of live) opt.dispose();
  });

  test(`${times} made and disposed in one go: no growth of heap, external memory and number of memories`, {
    timeout,
  }, () => {
    const cycle = (count: number) => {
      for (let i = 0; i < count; i++) new SGD({ w: i % 100 }, { momentum: 0.9, backend }).dispose();
    };
    cycle(3000);
    const memories = watchMemories(backend);
    collect();
    const before = process.memoryUsage();
    cycle(times);
    collect();
    const after = process.memoryUsage();
    memories.stop();
    expect(memories.made).toBe(0);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(1e6);
    expect(after.external - before.external).toBeLessThan(1e5);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1e5);
  });

  test("sizes that come and go beside one that stays need no more than a few memories", () => {
    const stays = start(make(Adam, { w: 10 }, { backend }));
    const before = snapshot(stays);
    const memories = watchMemories(backend);
    for (let i = 0; i < 1000; i++) {
      const [a, b] = [make(Adam, { w: (i * 87) % 3000 }, { backend }), make(SGD, { w: i % 500 }, { backend })];
      a.dispose();
      b.dispose();
    }
    memories.stop();
    expect(memories.made).toBeLessThan(4);
    expectUnchanged(stays, before);
  });

  test("a population that comes and goes needs no more memories than twice what it holds", async () => {
    await settle();
    const next = random(3);
    const create = () => make(Adam, { w: Math.floor(next() * 2000) }, { backend });
    const memories = watchMemories(backend);
    const live = Array.from({ length: 300 }, create);
    for (let i = 0; i < 2500; i++) {
      const k = Math.floor(next() * live.length);
      live[k].dispose();
      live[k] = create();
    }
    memories.stop();
    const held = live.reduce((sum, opt) => sum + (opt.bytes as number), 0);
    expect(held).toBeGreaterThan(3 * 2 ** 20);
    expect(memories.made).toBeLessThanOrEqual(2 * Math.ceil(held / 2 ** 20));
    for (const opt of live) opt.dispose();
  });

  test("a large one gives its memory back when disposed, even while it is referenced", async () => {
    const memories = watchMemories(backend);
    const disposed = new Adam({ w: 100_000 }, { backend });
    disposed.step().dispose();
    memories.stop();
    expect(memories.made).toBe(1);
    await settle();
    expect(memories.live).toBe(0);
    expect(disposed.bytes).toBe(0);
  });

  test("those dropped without dispose go with the garbage, also small ones", async () => {
    const memories = watchMemories(backend);
    for (let i = 0; i < 20; i++) new Adam({ w: 100_000 }, { backend }).step();
    for (let i = 0; i < 2000; i++) new Adam({ w: 500 }, { backend });
    memories.stop();
    expect(memories.made).toBeGreaterThan(30);
    await settle();
    expect(memories.live).toBeLessThan(3);
  });

  test("those dropped in one synchronous loop go with the garbage before it ends", { timeout }, () => {
    collect();
    const before = process.memoryUsage().external;
    let most = 0;
    for (let i = 0; i < 6000; i++) {
      new Adam({ w: 3000 }, { backend });
      if (i % 100 === 0) most = Math.max(most, process.memoryUsage().external - before);
    }
    // all together they are 360 MB
    expect(most).toBeLessThan(200e6);
  });

  test("views outlive the optimizer they came from, if it is only dropped", async () => {
    const view = () => start(make(Adam, { w: 5 }, { backend })).params.w;
    const w = view();
    const copy = w.slice();
    await settle();
    for (let i = 0; i < 100; i++) train(make(Adam, { w: 5 }, { backend }), 1);
    expect(bitsEqual(w, copy)).toBe(true);
  });
});

// in a process of its own, beside the other tests
async function measureHeap(): Promise<Record<string, number>> {
  const flags = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64", "--import", "tsx"];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, "tests/allocations.ts"]);
  return JSON.parse(stdout);
}
const measured = measureHeap();

/** The bytes between the tensors of an optimizer of one part, and up to the end of the last vector. */
function padding(opt: Subject): Uint8Array[] {
  const own = new Set(Object.values(opt.params).filter((p) => !isOwned(opt, p)));
  const views = [
    ...Object.values(opt.params),
    ...Object.values(opt.grads),
    ...Object.values(opt.state).flatMap(Object.values),
  ]
    .filter((view: Numbers) => view.length > 0 && !own.has(view as Reals))
    .sort((a, b) => a.byteOffset - b.byteOffset);
  return views.map((view, i) => {
    const end = view.byteOffset + view.byteLength;
    const next = views[i + 1]?.byteOffset ?? Math.ceil(end / 16) * 16;
    return new Uint8Array(view.buffer, end, next - end);
  });
}

function isOwned(opt: Subject, p: Reals): boolean {
  return Object.values(opt.grads).some((g) => g.buffer === p.buffer);
}

describe.each(backends)("padding on %s", (backend) => {
  test.each(named)("%s: whatever stands there changes nothing", (_, made) => {
    for (const dtype of dtypes) {
      const array = (n: number) => (dtype === "f32" ? new Float32Array(n) : new Float64Array(n));
      // the cube of a length is what a decomposition costs
      const lengths = { a: 5, none: 0, b: 3, c: 1, d: "matrix" in made.rule ? 18 : 100, e: 9 };
      const owned = () => make(made, lengths, { dtype, weightDecay: 0.1, backend });
      const users = () => make(made, Object.values(lengths).map(array), { weightDecay: 0.1, backend });
      for (const create of [owned, users]) {
        const [clean, dirty] = [start(create()), start(create())];
        let filled = 0;
        for (let step = 1; step <= 3; step++) {
          for (const bytes of padding(dirty)) {
            bytes.fill(0xff);
            filled += bytes.length;
          }
          // through grads and through step(grads)
          if (step === 2) for (const opt of [clean, dirty]) opt.step(gradients(opt, step));
          else for (const opt of [clean, dirty]) train(opt, 1);
        }
        expect(filled).toBeGreaterThan(30);
        expectSame(dirty, clean);
        expect(Object.values(dirty.params).some((p) => p.some(Number.isNaN))).toBe(false);
      }
    }
  });

  test("whatever stands between the streams of a large one changes nothing either", () => {
    const [clean, dirty] = [0, 1].map(() => start(make(Adam, { a: 16_383, b: 5000 }, { backend })));
    for (const bytes of padding(dirty)) bytes.fill(0xff);
    for (const opt of [clean, dirty]) train(opt, 2);
    expectSame(dirty, clean);
  });

  test("memory that was used before is zero-filled, its padding too", () => {
    const stays = make(Adam, { w: 3 }, { backend });
    for (const dtype of dtypes) {
      for (const length of [1, 3, 10, 100, 1000]) {
        const fresh = train(start(make(Adam, [length, 3], { dtype, backend: "js" })), 2);
        for (let round = 0; round < 3; round++) {
          const opt = make(Adam, [length, 3], { dtype, backend });
          const tensors = Object.values(arraysOf(opt));
          const rest = padding(opt);
          expect([...tensors, ...rest].every((x: Numbers) => x.every((value) => value === 0))).toBe(true);
          expectSame(train(start(opt), 2), fresh);
          for (const p of [opt.params, opt.grads, ...Object.values(opt.state)].flatMap(Object.values))
            p.fill(Number.NaN);
          for (const bytes of rest) bytes.fill(0xff);
          opt.dispose();
        }
      }
    }
    expect([...stays.params.w]).toEqual([0, 0, 0]);
  });
});

describe.each(backends)("views on %s", (backend) => {
  /** An optimizer, and what its parameters should be. */
  interface Kept {
    readonly opt: Subject;
    readonly views: Reals[];
    readonly expected: Reals[];
  }
  type Model = { readonly live: Kept[] };

  const shown = (opt: Subject) => [...Object.values(opt.params), ...Object.values(opt.grads)];

  function keep(opt: Subject): Kept {
    for (const p of Object.values(opt.params))
      if (p.every((x) => x === 0)) p.fill(Math.round(1000 * Math.sin(p.length)));
    return { opt, views: shown(opt), expected: Object.values(opt.params).map((p) => p.slice()) };
  }

  function checkAll({ live }: Model): void {
    for (const { opt, views, expected } of live) {
      expect(shown(opt).every((view, i) => view === views[i] && view.buffer.byteLength >= view.byteLength)).toBe(true);
      expect(Object.values(opt.params).findIndex((p, i) => differs(p, expected[i]) !== -1)).toBe(-1);
    }
  }

  abstract class Command implements fc.Command<Model, null> {
    readonly words: readonly number[];
    constructor(...words: number[]) {
      this.words = words;
    }
    check(_: Readonly<Model>): boolean {
      return true;
    }
    run(model: Model): void {
      this.act(model, model.live[this.words[0] % model.live.length]);
      checkAll(model);
    }
    toString(): string {
      return `${this.constructor.name}(${this.words})`;
    }
    abstract act(model: Model, some: Kept): void;
  }
  abstract class OnSome extends Command {
    override check({ live }: Readonly<Model>): boolean {
      return live.length > 0;
    }
  }
  class Create extends Command {
    act({ live }: Model): void {
      const [a, b, kind] = this.words;
      const dtype = dtypes[kind % 2];
      const own = dtype === "f32" ? new Float32Array(b) : new Float64Array(b);
      live.push(keep(make(SGD, [a, kind < 2 ? b : own], { lr: 0.5, momentum: kind % 3, dtype, backend })));
    }
  }
  class Dispose extends OnSome {
    act({ live }: Model, some: Kept): void {
      some.opt.dispose();
      live.splice(live.indexOf(some), 1);
    }
  }
  class AddGroup extends OnSome {
    act({ live }: Model, some: Kept): void {
      const before = some.views;
      some.opt.addGroup({ params: [this.words[1]] });
      const { params, grads } = some.opt;
      const names = Object.keys(params).slice(0, -1);
      expect([...names.map((name) => params[name]), ...names.map((name) => grads[name])]).toEqual(before);
      live.splice(live.indexOf(some), 1, keep(some.opt));
    }
  }
  class Step extends OnSome {
    act({ live }: Model, some: Kept): void {
      const g = (this.words[1] % 16) - 8;
      const before = Object.values(some.opt.params).map((p) => p.slice());
      const { opt } = some;
      if (opt.momentum !== 0) return;
      for (const view of Object.values(opt.grads)) view.fill(g);
      opt.step();
      for (const [k, p] of before.entries()) some.expected[k].set(p.map((x) => x - 0.5 * g));
      expect(live).toContain(some);
    }
  }

  test("are never moved or written by other optimizers, whatever comes and goes", { timeout }, () => {
    const index = fc.nat(1000);
    const length = fc.oneof(
      { weight: 8, arbitrary: fc.nat(70) },
      { weight: 2, arbitrary: fc.integer({ min: 1000, max: 6000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 15_000, max: 20_000 }) },
    );
    const commands = fc.commands(
      [
        fc.tuple(length, length, fc.nat(3)).map((words) => new Create(...words)),
        fc.tuple(length, length, fc.nat(3)).map((words) => new Create(...words)),
        index.map((some) => new Dispose(some)),
        fc.tuple(index, length).map((words) => new AddGroup(...words)),
        fc.tuple(index, index).map((words) => new Step(...words)),
        fc.tuple(index, index).map((words) => new Step(...words)),
      ],
      { maxCommands: 30, size: "max" },
    );
    let ran = 0;
    fc.assert(
      fc.property(commands, (steps) => {
        const model: Model = { live: [] };
        fc.modelRun(() => ({ model, real: null }), steps);
        ran += model.live.length;
        for (const { opt } of model.live) opt.dispose();
      }),
      { numRuns: 15, seed: 20 },
    );
    expect(ran).toBeGreaterThan(30);
  });
});

describe.each(backends)("a group over the limit of a memory on %s", (backend) => {
  const lengths = [1000, 3, 0, 900, 1, 1000, 100, ...Array<number>(27).fill(1000)];
  const limit = 660_000;

  const rules = [
    ["without state", SGD, {}],
    ["with one slot", SGD, { momentum: 0.9 }],
    ["with three", Adam, { amsgrad: true }],
  ] as const;
  test.each(rules)("%s: spreads over several, with the same bits", (_, made, more) => {
    for (const dtype of dtypes) {
      const array = (n: number) => (dtype === "f32" ? new Float32Array(n) : new Float64Array(n));
      const params = () => lengths.map((n, i) => (i % 3 === 2 ? array(n) : n));
      const options = { dtype, weightDecay: 0.1, backend, ...more };
      const whole = start(make(made, params(), options));
      room.limit = limit;
      const spread = start(make(made, params(), options));
      // the user's arrays are in one more
      expect(room.parts).toBeGreaterThan(2);
      expect(Object.keys(spread.params)).toEqual(Object.keys(whole.params));
      for (const opt of [whole, spread]) train(opt, 2).step(gradients(opt, 3));
      expectSame(spread, whole);
      const loaded = make(made, params(), options);
      loaded.loadStateDict(whole.stateDict());
      for (const opt of [whole, loaded]) train(opt, 1);
      expectSame(loaded, whole);
      room.limit = undefined;
    }
  });

  test("a tensor that is over it alone is refused by name, and nothing is left behind", () => {
    room.limit = limit;
    const memories = watchMemories(backend);
    const opt = train(make(Adam, { small: 3 }, { backend }), 1);
    const before = snapshot(opt);
    for (let i = 0; i < 200; i++) {
      expect(() => make(Adam, [1000, 100_000], { backend })).toThrow(RangeError);
      expect(() => opt.addGroup({ params: { a: 1000, b: 100_000 } })).toThrow(RangeError);
    }
    memories.stop();
    expectError(() => make(Adam, { a: 10, big: 100_000 }, { backend }), RangeError, 'Adam: parameter "big"', "100000");
    expect(memories.made).toBeLessThan(2);
    expectUnchanged(opt, before);
  });
});

describe.each(backends)("memory that cannot be had on %s", (backend) => {
  const own = new Float32Array(200_000).fill(1);
  const params = { some: 1000, own, also: 5 };

  test("is a RangeError that says how much it was, and nothing is left behind", () => {
    const opt = train(make(Adam, { w: 3 }, { backend }), 1);
    const before = snapshot(opt);
    const memories = watchMemories(backend, 1 << 20);
    try {
      const sentences = [
        expectError(() => make(Adam, params, { backend }), RangeError, "Adam: ", "memory"),
        expectError(() => opt.addGroup({ params }), RangeError, "Adam: ", "memory"),
      ];
      for (const sentence of sentences) expect(sentence).toMatch(/\d/);
      for (let i = 0; i < 200; i++) {
        expect(() => make(Adam, params, { backend })).toThrow(RangeError);
        expect(() => make(Adam, [{ params: [1000] }, { params: [200_000] }], { backend })).toThrow(RangeError);
      }
      expect(memories.made).toBeLessThan(2);
      expectUnchanged(opt, before);
      expect(own.every((x) => x === 1)).toBe(true);
    } finally {
      memories.stop();
    }
    expect(make(Adam, params, { backend }).step().steps).toBe(1);
  });
});

test("a step takes no heap, whatever it works on", { timeout }, async () => {
  const { leaky, ...bytes } = await measured;
  // the smallest object takes 16 bytes, and the measure finds it
  expect(leaky).toBeGreaterThan(15);
  expect(Object.keys(bytes)).toHaveLength(18);
  const some = () => Object.keys(bytes).filter((name) => bytes[name] >= 1);
  // what an engine inlines depends on when its compiler comes round, so what is found must be found again
  for (let attempt = 0; attempt < 2 && some().length > 0; attempt++) {
    const again = await measureHeap();
    for (const name of some()) bytes[name] = Math.min(bytes[name], again[name]);
  }
  expect(Object.fromEntries(some().map((name) => [name, bytes[name]]))).toEqual({});
});

// last, because without it nothing that comes later could be made
test.each(backends)("a buffer that the user transferred away is not handed out again on %s", (backend) => {
  const lost = make(SGD, { w: 2 }, { backend });
  structuredClone(lost.params.w, { transfer: [lost.params.w.buffer as ArrayBuffer] });
  for (let i = 0; i < 3; i++) {
    const opt = make(SGD, { w: 2 }, { lr: 1, backend });
    opt.grads.w.fill(1);
    expect([...opt.step().params.w]).toEqual([-1, -1]);
  }
  lost.dispose();
  expect(make(SGD, { w: 2 }, { backend }).step().params.w).toHaveLength(2);
});
