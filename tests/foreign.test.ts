import fc from "fast-check";
import { describe, expect, test } from "vitest";
// the build, where the classes of the tables are
import * as gradstep from "../dist/index.js";
import * as withoutWasm from "../dist/js.js";
import { load, loadStream, save, saveStream } from "../dist/safetensors.js";
import "../dist/threads.js";
import { Module, type Shapes, sizeOf } from "./foreign.js";
import {
  arraysOf,
  backends,
  bitsEqual,
  detach,
  expectError,
  expectSame,
  gradients,
  make,
  named,
  numbers,
  type Subject,
} from "./helpers.js";
import { type AnyClass, dtypes, type Options, show } from "./tables.js";

const { Adam, AdamW, GrokfastEMA, LAMB, LBFGS, Lookahead, SGD, stepRows } = gradstep;

// whole lines and not, of both dtypes
const shapes: Shapes = { a: [1], b: [3], c: [31], none: [0], d: [32], e: [33], f: [8, 12], g: [5, 7], h: [1000] };
const { h: _, ...small } = shapes;

const stages: Options = { gradScale: 2, clipNorm: 0.7, clipValue: 0.3, weightDecay: 0.1, maximize: true, ema: 0.9 };
const sets: readonly Options[] = [{}, stages, { zeroGrad: true, accumulate: 2 }];

interface Twins {
  readonly module: Module;
  /** An optimizer on the module's memory, and the same on memory of its own. */
  readonly foreign: Subject;
  readonly plain: Subject;
}

const lengthsOf = (some: Shapes) =>
  Object.fromEntries(Object.entries(some).map(([name, shape]) => [name, sizeOf(shape)]));

/** Parameters that stand in a module's memory, with places for gradients right behind them. */
function place(module: Module, some: Shapes, dtype: "f32" | "f64"): Record<string, object> {
  module.place("gradient", dtype, lengthsOf(some)).place("parameter", dtype, lengthsOf(some));
  const inits = Object.entries(some).map(([name, shape]) => {
    const data = module.view("parameter", name);
    data.set(numbers(name, data.length, 0));
    return [name, { data, shape }] as const;
  });
  return Object.fromEntries(inits);
}

function twins(made: unknown, some: Shapes, options: Options, module = new Module()): Twins {
  const { dtype = "f32" } = options as { dtype?: "f32" | "f64" };
  const inits = place(module, some, dtype);
  const foreign = make(made, inits, { ...options, memory: module.memory, malloc: module.malloc, free: module.free });
  const plain = make(made, some, { ...options, dtype });
  for (const [name, p] of Object.entries(plain.params)) p.set(numbers(name, p.length, 0));
  return { module, foreign, plain };
}

/** Takes steps with both: with the gradients in `grads`, or handed over from where they stand in the module's memory. */
function train({ module, foreign, plain }: Twins, steps: number, between: (step: number) => void = () => {}): void {
  for (let i = 0; i < steps; i++) {
    const step = plain.steps + 1;
    const grads = gradients(plain, step);
    const names = Object.keys(grads);
    between(step);
    if (i % 3 === 1) {
      for (const name of names) module.view("gradient", name).set(grads[name]);
      foreign.step(module.views("gradient", names));
      plain.step(grads);
      for (const name of names) expect(bitsEqual(module.view("gradient", name), grads[name])).toBe(true);
      continue;
    }
    for (const opt of [foreign, plain]) {
      for (const name of names) opt.grads[name].set(grads[name]);
      opt.step();
    }
  }
}

/** Fails unless all that both show is the same, and the foreign one shows it where it stands. */
function expectTwins({ module, foreign, plain }: Twins): void {
  expectSame(foreign, plain);
  for (const record of [foreign.params, foreign.grads, ...Object.values(foreign.state)]) {
    for (const x of Object.values(record)) expect(x.buffer === module.memory.buffer).toBe(true);
  }
  for (const [name, p] of Object.entries(plain.params)) {
    expect(bitsEqual(module.view("parameter", name), p), name).toBe(true);
  }
}

describe.each(named)("%s", (_, made: AnyClass) => {
  // the cube of a length is what a decomposition costs
  const some = "matrix" in made.rule ? small : shapes;

  test("gives the same bits on another module's memory, and changes nothing else in it", () => {
    for (const dtype of dtypes) {
      for (const backend of backends) {
        for (const set of (dtype === "f32") === (backend === "wasm") ? sets : [{}]) {
          const both = twins(made, some, { ...set, dtype, backend });
          const changed = both.module.watch();
          train(both, 4);
          expectTwins(both);
          expect(changed(), `${dtype} ${backend} ${show(set)}`).toBe(-1);
        }
      }
    }
  });

  test("goes on when that has grown, by itself or by malloc", () => {
    for (const backend of backends) {
      const both = twins(made, some, { backend, weightDecay: 0.1, clipNorm: 1 }, new Module(4, true));
      train(both, 5, (step) => step % 2 === 0 && both.module.memory.grow(1));
      both.module.memory.grow(1);
      expectTwins(both);
    }
  });
});

test("a byte that changes where nothing may is found", () => {
  const module = new Module().place("parameter", "f32", { w: 3, b: 1 });
  const changed = module.watch();
  module.view("parameter", "w").fill(1);
  expect(changed()).toBe(-1);
  const at = module.view("parameter", "w").byteOffset - 1;
  new Uint8Array(module.memory.buffer)[at] = 7;
  expect(changed()).toBe(at);
});

const options = ({ memory, malloc, free }: Module): Options => ({ memory, malloc, free });

describe("parameters", () => {
  test("of several blocks are stepped where they are, whatever the stages", () => {
    for (const made of [SGD, Adam, LAMB]) {
      for (const length of [32768, 32769, 40000]) {
        for (const set of sets) {
          const both = twins(made, { w: [length], b: [5] }, set, new Module(40));
          train(both, 3);
          expectTwins(both);
        }
      }
    }
  });

  test("are not copied: what malloc is asked for is gradients, state, and what a block takes", () => {
    const [length, block] = [1 << 20, 2 ** 17];
    const module = new Module(640);
    const w = module.place("parameter", "f32", { w: length }).view("parameter", "w");
    const bytes = [Adam, LAMB].map((made) => make(made, { w }, options(module)).bytes);
    // LAMB has a buffer for a prepared gradient, and one for the way to go
    expect(bytes.map((some, i) => Math.floor((some - 4 * length * [3, 5][i]) / block))).toEqual([2, 0]);
    expect(module.given.map(([, some]) => some)).toEqual(bytes);
  });

  test("can be arrays of that memory, arrays elsewhere and shapes, all in one", () => {
    for (const backend of backends) {
      for (const made of [AdamW, LAMB]) {
        const module = new Module(4, true);
        const [there, elsewhere] = [place(module, shapes, "f32"), new Float32Array(41)];
        const foreign = make(made, { ...there, elsewhere, length: 37 }, { backend, ...options(module) });
        const plain = make(made, { ...shapes, elsewhere: 41, length: 37 }, { backend });
        for (const opt of [foreign, plain]) {
          for (const [name, p] of Object.entries(opt.params)) p.set(numbers(name, p.length, 0));
        }
        for (let step = 1; step <= 4; step++) {
          const grads = gradients(plain, step);
          if (step === 3) module.memory.grow(1);
          for (const opt of [foreign, plain]) opt.step(grads);
        }
        expectSame(foreign, plain);
        expect(foreign.params.elsewhere).toBe(elsewhere);
        expect(foreign.params.length.buffer).toBe(module.memory.buffer);
      }
    }
  });

  test("are shown as they were handed over until memory grows, and then as views on it as it is", () => {
    const module = new Module();
    const { w } = module.place("parameter", "f32", { w: 33 }).views("parameter", ["w"]);
    const opt = new Adam({ w }, options(module) as object);
    expect(opt.params.w).toBe(w);
    const { grads } = opt;
    module.memory.grow(1);
    expect(w.length).toBe(0);
    expect([opt.params.w, opt.grads.w, opt.state.w.m].map(({ length }) => length)).toEqual([33, 33, 33]);
    expectError(() => opt.step(grads), TypeError, 'step: array "w" is detached');
    expect(opt.grads).toBe(opt.grads);
  });

  test("of any lengths, wherever they stand and whenever memory grows, become what they would elsewhere", () => {
    const length = fc.integer({ min: 0, max: 140 });
    const numbers = fc.record({
      lengths: fc.array(length, { minLength: 1, maxLength: 5 }),
      grown: fc.array(fc.boolean(), { minLength: 3, maxLength: 6 }),
      made: fc.constantFrom<unknown>(SGD, Adam, LAMB),
      set: fc.constantFrom(...sets),
      dtype: fc.constantFrom(...dtypes),
      backend: fc.constantFrom(...backends),
      grows: fc.boolean(),
      frozen: fc.boolean(),
    });
    const check = fc.property(numbers, ({ lengths, grown, made, set, dtype, backend, grows, frozen }) => {
      const some = Object.fromEntries(lengths.map((length, i) => [`p${i}`, [length]]));
      const both = twins(made, some, { ...set, dtype, backend }, new Module(2, grows));
      const changed = both.module.watch();
      if (frozen) for (const opt of [both.foreign, both.plain]) opt.freeze("p0");
      train(both, grown.length, (step) => grown[step - 1] && both.module.memory.grow(1));
      expectTwins(both);
      expect(changed()).toBe(-1);
    });
    fc.assert(check, { numRuns: 60, seed: 1 });
  });
});

describe("what goes on working when memory grows", () => {
  const grow = ({ module }: Twins) => module.memory.grow(1);
  const fresh = (set: Options = {}, made: unknown = AdamW) => twins(made, small, set, new Module(4, true));

  test("groups, freezing and moving", () => {
    const both = fresh({}, SGD);
    const { module, foreign, plain } = both;
    for (const opt of [foreign, plain]) opt.freeze(["c", "f"]);
    train(both, 2);
    for (const opt of [foreign, plain]) {
      opt.addGroup({ params: [], lr: 0.5 });
      opt.move(["a", "c", "e"], 1);
    }
    grow(both);
    train(both, 2);
    const more = new Module().place("parameter", "f32", { late: 50 });
    const late = more.view("parameter", "late");
    expect(module.has(late)).toBe(false);
    foreign.addGroup({ params: { late } });
    plain.addGroup({ params: { late: 50 } });
    plain.params.late.set(late);
    for (const opt of [foreign, plain]) opt.unfreeze("c");
    for (const opt of [foreign, plain]) opt.step(gradients(plain, 9));
    expectSame(foreign, plain);
  });

  test("averages that are shown, and gradients that are cleared", () => {
    const both = fresh({ ema: 0.5 });
    train(both, 2);
    for (const opt of [both.foreign, both.plain]) opt.swap();
    grow(both);
    expectTwins(both);
    for (const opt of [both.foreign, both.plain]) opt.restore();
    grow(both);
    for (const opt of [both.foreign, both.plain]) opt.zeroGrad();
    expectTwins(both);
  });

  test("state dicts and safetensors, from one memory to the other", () => {
    const [saved, loaded] = [fresh(), fresh()];
    train(saved, 3);
    for (const one of [saved, loaded]) grow(one);
    loaded.foreign.loadStateDict(saved.plain.stateDict());
    load(loaded.plain as never, save(saved.foreign as never));
    for (const one of [saved, loaded]) train(one, 2);
    expectTwins(saved);
    expectTwins(loaded);
    expectSame(saved.foreign, loaded.foreign);
  });

  test("streams of checkpoints, but for what is written or read in place meanwhile", async () => {
    const both = fresh();
    train(both, 2);
    const bytes = save(both.plain as never);
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += 500) {
        yield bytes.slice(at, at + 500);
        grow(both);
      }
    };
    train(both, 1);
    await loadStream(both.foreign as never, pieces());
    load(both.plain as never, bytes);
    expectTwins(both);
    await expect(loadStream(both.foreign as never, pieces(), { inPlace: true })).rejects.toThrow(/partly loaded/);
    load(both.foreign as never, bytes);
    expectTwins(both);
    const reader = (saveStream(both.foreign as never) as ReadableStream<Uint8Array>).getReader();
    const all = async () => {
      while (!(await reader.read()).done) grow(both);
    };
    await expect(all()).rejects.toThrow("transferred away");
  });

  test("steps of rows, and methods of a rule", () => {
    const rows = fresh();
    for (let i = 0; i < 3; i++) {
      const f = { indices: [7, 2, 7], rows: Float32Array.from(numbers("rows", 36, i)) };
      for (const opt of [rows.foreign, rows.plain]) stepRows(opt as never, { f } as never);
      grow(rows);
    }
    expectTwins(rows);
    const hessian = fresh({ lr: 0.1 }, gradstep.Sophia);
    for (let i = 0; i < 3; i++) {
      const grads = gradients(hessian.plain, 5 + i);
      for (const opt of [hessian.foreign, hessian.plain]) opt.updateHessian(grads);
      grow(hessian);
      train(hessian, 2);
    }
    expectTwins(hessian);
  });

  test("no step, the schedules of which let it grow: that is an error, and the next step is as ever", () => {
    for (const [name, value] of Object.entries({ lr: 0.1, gradScale: 2 })) {
      const module = new Module();
      let grows = false;
      const schedule = () => {
        if (grows) module.memory.grow(1);
        return value;
      };
      const both = twins(AdamW, small, { [name]: schedule }, module);
      train(both, 2);
      grows = true;
      expectError(() => both.foreign.step(), Error, "step: memory has grown in a schedule");
      grows = false;
      train(both, 2);
      expectTwins(both);
    }
  });

  test("wrappers, which remember in the same memory", () => {
    for (const backend of backends) {
      const both = fresh({ backend });
      const before = both.module.given.length;
      const wrap = (opt: Subject) => make(Lookahead, make(GrokfastEMA, opt), { k: 2 });
      const wrapped = { ...both, foreign: wrap(both.foreign), plain: wrap(both.plain) };
      expect(both.module.given.length).toBeGreaterThan(before);
      train(wrapped, 5, (step) => step > 2 && grow(both));
      expectTwins(wrapped);
    }
  });

  test("LBFGS, whose closure may let it grow", () => {
    for (const backend of backends) {
      for (const length of [7, 32]) {
        const both = twins(
          LBFGS,
          { x: [length], y: [3] },
          { backend, lineSearch: "strong_wolfe" },
          new Module(4, true),
        );
        const step = (opt: Subject, before: () => unknown) => {
          const closure = () => {
            let loss = 0;
            for (const name of ["x", "y"]) {
              // read before memory grows, and written after it
              const x = opt.params[name] as Float32Array;
              const g = x.map((value, i) => 4 * (value - i) ** 3);
              loss += x.reduce((sum, value, i) => sum + (value - i) ** 4, 0);
              before();
              opt.grads[name].set(g);
            }
            return loss;
          };
          return opt.step(closure as never) as unknown as number;
        };
        for (let i = 0; i < 4; i++) {
          expect(step(both.foreign, () => grow(both))).toBe(step(both.plain, () => {}));
        }
        expectTwins(both);
        const boom = () => {
          grow(both);
          throw new Error("closure: boom");
        };
        expectError(() => both.foreign.step(boom as never), Error, "closure: boom");
        expectError(() => both.plain.step(boom as never), Error, "closure: boom");
        expectTwins(both);
      }
    }
  });
});

describe("memory", () => {
  test("goes back to free when the optimizer is disposed of, or cannot be made", () => {
    const module = new Module();
    const opt = make(Adam, [{ params: { w: 3 } }, { params: { b: new Float32Array(2) } }], options(module));
    expect(opt.bytes).toBe(module.given.reduce((sum, [, bytes]) => sum + bytes, 0));
    opt.dispose();
    opt.dispose();
    expect(module.freed).toEqual(module.given);
    let calls = 0;
    const malloc = (bytes: number) => (++calls > 1 ? 0 : module.malloc(bytes));
    const params = { a: 3, b: new Float32Array(2) };
    expectError(
      () => make(Adam, params, { ...options(module), malloc }),
      RangeError,
      "Adam: cannot have",
      "malloc must return",
    );
    expect(module.freed).toEqual(module.given);
    const inner = (momentum: number) => make(SGD, { w: 3 }, { ...options(module), malloc, momentum });
    for (const [momentum, pullbackMomentum, mallocs] of [
      [0, "reset", 2],
      [0.9, "pullback", 2],
    ] as const) {
      calls = 1 - mallocs;
      const sgd = inner(momentum);
      expectError(() => make(Lookahead, sgd, { pullbackMomentum }), RangeError, "Lookahead: ");
      sgd.dispose();
      expect(module.freed.sort()).toEqual(module.given.sort());
    }
  });

  test("may stay with the module: free can be left out", () => {
    const { memory, malloc, freed } = new Module();
    const opt = new Adam({ w: 3 }, { memory, malloc });
    opt.dispose();
    expect(freed).toEqual([]);
    expectError(() => opt.step(), Error, "Adam: used after dispose()");
  });

  test("may lie in the upper half of all pointers, which a module returns as negative numbers", () => {
    const memory = new WebAssembly.Memory({ initial: 32769 });
    const opt = new SGD({ w: 3 }, { memory, malloc: () => -(2 ** 31), lr: 1 });
    expect(opt.grads.w.byteOffset).toBeGreaterThanOrEqual(2 ** 31);
    opt.step({ w: Float32Array.of(1, 2, 3) });
    expect([...opt.params.w]).toEqual([-1, -2, -3]);
  });

  test("has one thread", () => {
    const module = new Module(128);
    expect(new Adam({ w: 1 << 18 }, { ...options(module), threads: 2 }).threads).toBe(1);
  });
});

describe("is refused", () => {
  const { memory, malloc } = new Module();
  const shared = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const room = "bytes of memory: malloc must return where";
  const table: readonly (readonly [what: string, given: Options, kind: ErrorConstructor, parts: readonly string[]])[] =
    [
      ["what is no memory", { memory: 3, malloc }, TypeError, ["memory must be a module's memory", "got 3"]],
      ["null", { memory: null, malloc }, TypeError, ["got null"]],
      ["a buffer", { memory: memory.buffer, malloc }, TypeError, ["got ArrayBuffer"]],
      [
        "memory that is shared",
        { memory: shared, malloc },
        TypeError,
        ["neither shared nor", "got WebAssembly.Memory"],
      ],
      ["what only has a buffer", { memory: { buffer: memory.buffer }, malloc }, TypeError, ["got Object"]],
      ["memory alone", { memory }, TypeError, ["malloc must be a function, got undefined"]],
      ["malloc alone", { malloc }, TypeError, ["memory must be a module's memory", "got undefined"]],
      ["free alone", { free: () => {} }, TypeError, ["memory must be a module's memory", "got undefined"]],
      ["a malloc that is no function", { memory, malloc: 8 }, TypeError, ["malloc must be a function, got 8"]],
      ["a free that is no function", { memory, malloc, free: 8 }, TypeError, ["free must be a function, got 8"]],
      [
        "a malloc that throws",
        { memory, malloc: () => expect.fail("full") },
        RangeError,
        ["cannot have", "bytes of memory: full"],
      ],
      ["a malloc that returns nothing", { memory, malloc: () => {} }, RangeError, [room, "got undefined"]],
      ["a malloc of 64 bits", { memory, malloc: () => 64n }, RangeError, [room, "got 64"]],
      ["no room", { memory, malloc: () => 0 }, RangeError, [room, "got 0"]],
      ["a pointer that is not whole", { memory, malloc: () => 64.5 }, RangeError, [room, "got 64.5"]],
      ["a pointer at the end", { memory, malloc: () => memory.buffer.byteLength - 64 }, RangeError, [room]],
      ["a pointer behind it", { memory, malloc: () => -8 }, RangeError, [room, "got -8"]],
      ["NaN", { memory, malloc: () => NaN }, RangeError, [room, "got NaN"]],
    ];

  test("any, by gradstep/js", () => {
    expectError(
      () => make(withoutWasm.Adam, { w: 3 }, { memory, malloc }),
      TypeError,
      "gradstep/js has no option memory",
    );
  });

  test.each(table)("%s", (_, given, kind, parts) => {
    expectError(() => make(Adam, { w: 3 }, given), kind, "Adam: ", ...parts);
  });

  test("an array that memory has left behind, of another dtype, or that another one overlaps", () => {
    const module = new Module().place("parameter", "f32", { w: 8 });
    const w = module.view("parameter", "w");
    const given = options(module);
    const wide = new Float64Array(4);
    expectError(() => make(Adam, { w, wide }, given), TypeError, 'Adam: parameter "wide" is a Float64Array');
    expectError(() => make(Adam, { w, over: w.subarray(3) }, given), RangeError, "must not share memory");
    expectError(() => make(Adam, { w: detach(new Float32Array(2)) }, given), TypeError, 'Adam: array "w" is detached');
    const opt = make(Adam, { w }, given);
    const before = arraysOf(opt);
    const g = module.view("parameter", "w").slice(0, 3);
    expectError(() => opt.step({ w: g }), RangeError, 'step: gradient "w" has length 3, expected 8');
    expectError(() => opt.step({ w: wide }), TypeError, 'step: gradient "w" must be a Float32Array');
    module.memory.grow(1);
    expectError(() => opt.addGroup({ params: { v: w } }), TypeError, 'Adam: array "v" is detached');
    expectError(() => opt.addGroup({ params: { v: opt.params.w.subarray(1) } }), RangeError, "must not share memory");
    expect(arraysOf(opt)).toEqual(before);
  });
});
