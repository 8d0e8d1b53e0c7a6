// What the tests of checkpoints share: a reader and a writer of the test's own, and loads that must be refused.
import { crc32 } from "node:zlib";
import { load, loadStream, type Saveable, save } from "../src/safetensors/index.js";
import { expectError, expectUnchanged, type Subject, snapshot } from "./helpers.js";

export interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** The header of a file, as JSON has it. */
export function headerOf(file: Uint8Array): {
  metadata: Record<string, string>;
  entries: Record<string, Entry>;
  start: number;
} {
  const bytes = Buffer.from(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const { __metadata__: metadata, ...entries } = JSON.parse(bytes.toString("utf8", 8, start));
  return { metadata, entries, start };
}

/** A file with that header, and so many bytes of data. */
export function fileOf(header: unknown, length = 0): Uint8Array {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const file = Buffer.alloc(8 + text.length + length);
  file.writeBigUInt64LE(BigInt(text.length));
  text.copy(file, 8);
  return file;
}

export const saveable = (opt: Subject) => opt as unknown as Saveable;
export const saved = (opt: Subject, options = {}) => save(saveable(opt), options);
export const restored = (opt: Subject, file: unknown, options: unknown = {}) =>
  load(saveable(opt), file as Uint8Array, options as never);

/** Pieces of a file, of so many bytes. */
export function* cut(file: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.slice(at, at + size);
}

export const nothing = { missing: [], unexpected: [] };

/** Something that can be saved beside an optimizer. It refuses a state with `refused` in it. */
export function keeper(dict: Record<string, unknown>) {
  let kept = dict;
  return {
    stateDict: () => kept,
    loadStateDict(saved: Record<string, unknown>) {
      if ("refused" in saved) throw new RangeError("keeper: refused");
      kept = saved;
    },
  };
}

export const streamed = (opt: Subject, file: Uint8Array, options: unknown = {}) =>
  loadStream(saveable(opt), cut(file, 64), options as never);

export const streamedInPlace = (opt: Subject, file: Uint8Array, options: object = {}) =>
  streamed(opt, file, options && { ...options, inPlace: true });

/** Fails unless that is refused in one sentence, and leaves the optimizer as it was. */
export async function expectRefusal(
  opt: Subject,
  act: () => unknown,
  kind: ErrorConstructor,
  ...parts: string[]
): Promise<void> {
  const before = snapshot(opt);
  let thrown: unknown;
  try {
    await act();
  } catch (error) {
    thrown = error;
  }
  const rethrow = () => {
    if (thrown) throw thrown;
  };
  expectError(rethrow, kind, ...parts);
  expectUnchanged(opt, before);
}

/** A file whose metadata have that text, with its checksum. */
export function forged(text: string, tensors: object = {}, length = 0): Uint8Array {
  const checksum = crc32(text).toString(16).padStart(8, "0");
  return fileOf({ __metadata__: { gradstep: text, checksum }, ...tensors }, length);
}
