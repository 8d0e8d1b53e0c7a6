import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Adafactor, Adam, AdamW, GrokfastEMA, LBFGS, Lookahead, SGD } from "../src/index.js";
import { load, loadStream, type Saveable, save, saveStream } from "../src/safetensors/index.js";
import {
  backends,
  bitsEqual,
  expectError,
  expectSame,
  expectUnchanged,
  make,
  named,
  type Subject,
  separate,
  snapshot,
  start,
  train,
} from "./helpers.js";
import { dtypes, type Options, optionSets } from "./tables.js";

// What a file must be is checked with a reader of the test's own; the library in Python wrote the files in golden.

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The header of a file, as JSON has it. */
function headerOf(file: Uint8Array): { metadata: Record<string, string>; entries: Record<string, Entry>; start: number } {
  const bytes = Buffer.from(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...entries } = JSON.parse(bytes.toString("utf8", 8, start));
  return { metadata, entries, start };
}

/** A file with that header, and so many bytes of data. */
function fileOf(header: unknown, length = 0): Uint8Array {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const file = Buffer.alloc(8 + text.length + length);
  file.writeBigUInt64LE(BigInt(text.length));
  text.copy(file, 8);
  return file;
}

const saveable = (opt: Subject) => opt as unknown as Saveable;
const saved = (opt: Subject, options = {}) => save(saveable(opt), options);
const restored = (opt: Subject, file: unknown, options: unknown = {}) =>
  load(saveable(opt), file as Uint8Array, options as never);

/** Pieces of a file, of so many bytes. */
function* cut(file: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.slice(at, at + size);
}

async function joined(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const nothing = { missing: [], unexpected: [] };

describe("a run that goes on from a file, on the other backend, is as one that never stopped", () => {
  const params = () => ({ w: [3, 3], none: 0, s: [] });

  for (const [name, made] of named) {
    const slots = (set: Options) => JSON.stringify(made.rule.state({ ...made.defaults, ...set } as never, [3, 3], "w"));
    const single = optionSets(made).filter((set) => Object.keys(set).length <= 1);
    const sets = single.filter((set, i) => single.findIndex((other) => slots(other) === slots(set)) === i);
    for (const dtype of dtypes) {
      test(`${name} in ${dtype}, with each option that decides about state`, () => {
        for (const options of sets) for (const backend of backends) resume(made, { ...options, dtype }, backend);
      });
    }
  }

  function resume(made: unknown, options: Options, backend: "wasm" | "js"): void {
    const create = (where: string) => start(make(made, params(), { lr: 0.125, ...options, backend: where }));
    const whole = train(create(backend), 2);
    const file = saved(whole);
    const resumed = create(backend === "wasm" ? "js" : "wasm");
    expect(restored(resumed, file)).toEqual(nothing);
    expect(saved(resumed)).toEqual(file);
    expectSame(train(resumed, 2), train(whole, 2));
  }
});
