import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { AdamW, Lion, optimizers, SGD } from "../src/index.js";
import { loadTorch, readTensors } from "../src/safetensors/index.js";
import { expectRefusal, fileOf, nothing, saveable } from "./checkpoints.js";
import { type Case, type Inputs, readGolden, unpack } from "./golden.js";
import { make, type Subject, snapshot, start } from "./helpers.js";
import type { AnyClass, Options, Reals } from "./tables.js";

// golden/torch-state: what PyTorch 2.13's optimizers had after 25 steps, by PyTorch's names and in files that the Python library
// wrote. An optimizer that took the same steps here must have what is loaded from there, and go on alike.

// written by golden/files.py
const folder = new URL("golden/torch-state/", import.meta.url);
const readFile = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));
const names = readdirSync(folder).flatMap((file) => /^(\w+)\.safetensors$/.exec(file)?.[1] ?? []);
const { sets } = readGolden<{ sets: Record<string, Inputs> }>("refs/inputs");

describe("a state of PyTorch's goes where ours stands after the same steps", () => {
  test.each(names)("%s", (name) => {
    const { metadata, tensors } = readTensors(readFile(name));
    const { cases } = readGolden<{ cases: Case[] }>(`libs/torch213_${name}`);
    const one = cases.find((each) => each.name === metadata.case) as Case;
    const made = optimizers[name.toLowerCase() as keyof typeof optimizers] as unknown as AnyClass;
    const { params0, grads } = sets[one.inputs as string];
    const create = (options: Options) => {
      const params = one.shapes.map((shape, i) => [["w", "b"][i], shape]);
      return make(made, Object.fromEntries(params), { dtype: "f64", ...options });
    };
    const ours = create(one.options);
    const tensor = (i: number) => one.tensors?.[i] ?? i;
    for (const [i, p] of Object.values(ours.params).entries()) p.set(unpack(params0[tensor(i)]));
    const step = (opt: typeof ours, t: number) => {
      for (const [i, g] of Object.values(opt.grads).entries()) g.set(unpack(grads[t][tensor(i)]));
      opt.step();
    };
    for (let t = 0; t < 25; t++) step(ours, t);
    // what the file says of options replaces what is given, but for flags and momentum, which decide about the state
    const flags = Object.entries(one.options).filter(([key, value]) => typeof value !== "number" || key === "momentum");
    const theirs = create({ lr: 0.75, ...Object.fromEntries(flags) });
    const steps = "state.w.step" in tensors ? {} : { steps: 25 };
    expect(loadTorch(theirs as never, readFile(name), steps)).toEqual({ missing: [], unexpected: [] });
    const compare = () => {
      expect(theirs.steps).toBe(ours.steps);
      expect({ ...theirs.groups[0] }).toEqual({ ...ours.groups[0] });
      for (const parameter of Object.keys(ours.params)) {
        expectClose(theirs.params[parameter], ours.params[parameter], one.tolerance);
        for (const [slot, x] of Object.entries(ours.state[parameter])) {
          expectClose(theirs.state[parameter][slot] as Reals, x as Reals, one.tolerance);
        }
      }
    };
    compare();
    for (let t = 0; t < 5; t++) for (const opt of [theirs, ours]) step(opt, t);
    compare();
  });
});

function expectClose(a: Reals, b: Reals, tolerance = 1e-12): void {
  expect(a.length).toBe(b.length);
  const worst = Math.max(...a.map((x, i) => Math.abs(x - b[i]) / Math.max(Math.abs(b[i]), 1e-3)));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe("a file of PyTorch's", () => {
  const group = {
    lr: 0.5,
    momentum: 0.5,
    dampening: 0,
    weight_decay: 0,
    nesterov: false,
    maximize: false,
    foreach: null,
  };
  const write = (tensors: Record<string, number[]>, params: unknown[], more = {}) => {
    const named = Object.entries(tensors);
    const sizes = named.map(([, x]) => 4 * x.length);
    const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, n) => sum + n, 0));
    const entries = named.map(([name, { length }], i) => {
      return [name, { dtype: "F32", shape: [length], data_offsets: [starts[i], starts[i] + sizes[i]] }];
    });
    const metadata = { optimizer: "SGD", param_groups: JSON.stringify([{ ...group, params }]), ...more };
    const data = new Uint8Array(new Float32Array(named.flatMap(([, x]) => x)).buffer);
    const file = fileOf({ __metadata__: metadata, ...Object.fromEntries(entries) }, data.length);
    file.set(data, file.length - data.length);
    return file;
  };
  const load = (opt: Subject, file: Uint8Array, options = {}) => loadTorch(saveable(opt), file, options);
  const sgd = (params: unknown = { "layer.0.w": 2, b: 1 }, options = {}) =>
    make(SGD, params, { momentum: 0.9, ...options });
  const buffers = { "state.layer.0.w.momentum_buffer": [1, 2], "state.b.momentum_buffer": [3] };

  test("without parameters leaves them as they are; options are taken over, or kept", () => {
    const opt = start(sgd());
    const { "params.b": b } = snapshot(opt).arrays;
    expect(load(opt, write(buffers, ["layer.0.w", "b"]))).toEqual(nothing);
    expect([...opt.state["layer.0.w"].buf]).toEqual([1, 2]);
    expect([opt.lr, opt.momentum, opt.steps]).toEqual([0.5, 0.5, 1]);
    expect(opt.params.b).toEqual(b);
    const kept = sgd({ "layer.0.w": 2, b: 1 }, { lr: 0.25 });
    load(kept, write(buffers, ["layer.0.w", "b"]), { keepHyperparameters: true, steps: 7 });
    expect([kept.lr, kept.momentum, kept.steps]).toEqual([0.25, 0.9, 7]);
  });

  test("with numbers for names, as in PyTorch's own state dicts, goes by the order of the parameters", () => {
    for (const params of [{ "layer.0.w": 2, b: 1 }, [2, 1]]) {
      const opt = sgd(params);
      expect(load(opt, write({ "state.0.momentum_buffer": [1, 2], "state.1.momentum_buffer": [3] }, [0, 1]))).toEqual(
        nothing,
      );
      expect(Object.values(opt.state).map(({ buf }) => [...buf])).toEqual([[1, 2], [3]]);
    }
  });

  test("of float32 is widened with convert", () => {
    const opt = sgd({ "layer.0.w": 2, b: 1 }, { dtype: "f64" });
    load(opt, write(buffers, ["layer.0.w", "b"]), { convert: true });
    expect([...opt.state["layer.0.w"].buf]).toEqual([1, 2]);
  });

  const good = () => write(buffers, ["layer.0.w", "b"]);
  const step = (steps: number[]) => {
    const each = ["w", "b"].map((name, i) => [`state.${name}.step`, [steps[i]]]);
    return { ...Object.fromEntries(each), "state.w.momentum_buffer": [1], "state.b.momentum_buffer": [1] };
  };
  test.each<[string, () => Subject, () => Uint8Array, ErrorConstructor, ...string[]]>([
    ["of another optimizer", () => make(AdamW, { w: 1 }), good, RangeError, '"optimizer" must be adamw, got SGD'],
    [
      "for an optimizer that PyTorch lacks",
      () => make(Lion, { w: 1 }),
      good,
      RangeError,
      "one of adadelta",
      "got lion",
    ],
    [
      "without param_groups",
      () => sgd(),
      () => write(buffers, [], { param_groups: "" }),
      RangeError,
      '"param_groups" must be',
    ],
    [
      "with groups that are none",
      () => sgd(),
      () => write(buffers, [], { param_groups: "[1]" }),
      RangeError,
      '"param_groups" must',
    ],
    ["with a tensor missing", () => sgd({ "layer.0.w": 2, b: 1, c: 1 }), good, RangeError, 'missing "c"'],
    ["with a tensor unexpected", () => sgd({ b: 1 }), good, RangeError, 'unexpected "layer.0.w"'],
    [
      "with state in no group",
      () => make(SGD, [{ params: { "layer.0.w": 2 } }, { params: { b: 1 } }], { momentum: 0.5 }),
      () => write(buffers, ["b"]),
      RangeError,
      '"layer.0.w"',
      "0 of 1 groups",
    ],
    ["of another length", () => sgd({ "layer.0.w": 3, b: 1 }), good, RangeError, "has length 2, expected 3"],
    ["of another convention", () => sgd(undefined, { convention: "keras" }), good, RangeError, 'convention is "torch"'],
    [
      "with other tensors",
      () => sgd(),
      () => write({ "w.m": [1] }, []),
      RangeError,
      'tensor "w.m" must be called param.NAME',
    ],
    ["of another dtype", () => sgd(undefined, { dtype: "f64" }), good, TypeError, "convert: true"],
    [
      "with different steps",
      () => sgd({ w: 1, b: 1 }),
      () => write(step([3, 4]), ["w", "b"]),
      RangeError,
      "same step, got 3 and 4",
    ],
    ["with half a step", () => sgd({ w: 1, b: 1 }), () => write(step([0.5, 0.5]), ["w", "b"]), TypeError, "steps"],
    [
      "with steps by element",
      () => sgd({ w: 1 }),
      () => write({ "state.w.step": [1, 1] }, ["w"]),
      RangeError,
      "must be one number",
    ],
  ])("%s is refused, and nothing changes", async (_, create, file, kind, ...parts) => {
    const opt = start(create());
    await expectRefusal(opt, () => load(opt, file()), kind, ...parts);
  });

  test("of bfloat16 is refused, with what to do", async () => {
    const text = Buffer.from(good()).toString("latin1").replaceAll('"F32","shape":[2]', '"F16","shape":[4]');
    await expectRefusal(
      sgd(),
      () => load(sgd(), Buffer.from(text, "latin1")),
      RangeError,
      "F32 or F64, got F16: convert",
    );
  });
});
