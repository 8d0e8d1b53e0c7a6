import type { LoadResult, StateDict } from "../state-dict.js";
import { Checkpoint, dtypeOf, writeCheckpoint } from "./checkpoint.js";
import {
  checkArguments,
  compareExtras,
  contentsOf,
  type LoadOptions,
  loadOptions,
  restore,
  type Saveable,
  type SaveOptions,
  saveOptions,
} from "./extras.js";
import {
  arrayFor,
  bytesOf,
  type Entry,
  PREFIX,
  readHeader,
  readLength,
  readTensor,
  type TensorData,
} from "./format.js";
import { type ByteSource, checkSource, piecesOf, Source } from "./source.js";
import { takeApart } from "./tree.js";

/** A `ReadableStream` of bytes, where the types of a browser or of Node are known. */
export type ByteStream = typeof globalThis extends { ReadableStream: { prototype: infer S } }
  ? S
  : AsyncIterable<Uint8Array>;

export interface LoadStreamOptions extends LoadOptions {
  /**
   * Whether bytes are written into the optimizer's own arrays as they come, instead of into others until all are there. It takes no
   * further memory; but if the stream breaks off, the optimizer is partly loaded. Default false.
   */
  readonly inPlace?: boolean;
}

/** Bytes of a piece of a stream. */
const PIECE = 2 ** 18;

/**
 * What `save` gives, piece by piece, without a copy of the state. The optimizer must not change until the stream has been read: after
 * a step, the stream breaks off with an error.
 */
export function saveStream(opt: Saveable, options: SaveOptions = {}): ByteStream {
  checkArguments("saveStream", opt, options, saveOptions);
  const { head, sorted } = writeCheckpoint("saveStream", contentsOf(opt, options));
  let left = sorted.reduce((sum, { byteLength }) => sum + byteLength, head.length);
  const pieces = piecesIn([head, ...sorted]);
  const check = watch("saveStream", opt);
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        check();
        const { done, value } = pieces.next();
        if (!done) {
          controller.enqueue(value);
          left -= value.length;
        } else if (left === 0) controller.close();
        else throw new Error("saveStream: an array was transferred away while it was being saved");
      },
    },
    { highWaterMark: 0 },
  );
  return stream as unknown as ByteStream;
}

function* piecesIn(arrays: readonly TensorData[]): Generator<Uint8Array, undefined> {
  for (const data of arrays) {
    // copies, because the reader may keep them
    for (let at = 0; at < data.byteLength; at += PIECE) yield bytesOf(data).slice(at, at + PIECE);
  }
}

/** Throws if the optimizer has taken a step since, or has been disposed of. */
function watch(who: string, opt: Saveable): () => void {
  const { steps } = opt;
  return () => {
    // reading them throws after dispose()
    opt.params;
    if (opt.steps === steps) return;
    throw new Error(`${who}: the optimizer must not step meanwhile, got from step ${steps} to ${opt.steps}`);
  };
}

/**
 * Takes over what `save` or `saveStream` wrote, as `load` does. A file that does not fit is refused before its tensors are read. After
 * an error nothing has changed, but for `inPlace`.
 */
export async function loadStream(
  opt: Saveable,
  stream: ByteSource,
  options: LoadStreamOptions = {},
): Promise<LoadResult> {
  checkArguments("loadStream", opt, options, { ...loadOptions, inPlace: false });
  checkSource(stream);
  const { inPlace = false, ...rest } = options;
  // what cannot be checked before is not written to
  const directly = inPlace && opt.plan !== undefined;
  const pieces = piecesOf(stream);
  const source = new Source(pieces);
  try {
    const length = readLength(await source.bytes(PREFIX));
    const checkpoint = new Checkpoint(readHeader(await source.bytes(length)));
    const arrays = arraysFor(checkpoint, opt, directly);
    check(opt, checkpoint, arrays, rest);
    const finish = async () => {
      await fill(source, checkpoint, arrays, directly ? watch("loadStream", opt) : () => {});
      const contents = checkpoint.contents((entry) => arrays.get(entry));
      return restore("loadStream", opt, contents, rest);
    };
    return await (directly ? finish().catch(leavePartly) : finish());
  } finally {
    // what is wrong has been said by now
    await pieces.return(undefined).catch(() => {});
  }
}

function leavePartly(cause: unknown): never {
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new Error(`loadStream: the optimizer is partly loaded, so it must be loaded again before it steps: ${why}`, {
    cause,
  });
}

/**
 * Where tensors go: into the optimizer's own arrays, or into others of their size. Empty ones stand for what it does not have, and
 * none for what it has with another length.
 */
function arraysFor(checkpoint: Checkpoint, opt: Saveable, directly: boolean): Map<Entry, TensorData> {
  const { arrays } = takeApart("loadStream", contentsOf(opt, {}));
  const byPath = new Map(arrays.map(([path, data]) => [JSON.stringify(path), data]));
  const places = new Map<Entry, TensorData>();
  for (const entry of checkpoint.entries) {
    const { dtype, length } = entry;
    const own = byPath.get(JSON.stringify(checkpoint.pathOf(entry)));
    if (!own) places.set(entry, arrayFor(dtype, 0));
    else if (own.length === length)
      places.set(entry, directly && dtypeOf(own) === dtype ? own : arrayFor(dtype, length));
  }
  return places;
}

/** Throws if the file does not fit the optimizer, as far as its header says. */
function check(
  opt: Saveable,
  checkpoint: Checkpoint,
  arrays: ReadonlyMap<Entry, TensorData>,
  { extras, ...options }: LoadOptions,
): void {
  const contents = checkpoint.contents((entry) => arrays.get(entry));
  const misfits = checkpoint.entries.filter((entry) => !arrays.has(entry)).map(({ name }) => `"${name}"`);
  const compared = misfits.length > 0 ? { ...options, strict: false } : options;
  compareExtras("loadStream", contents, { ...compared, extras });
  // says more of what is wrong
  opt.plan?.(contents.state as StateDict, compared);
  if (misfits.length > 0) throw new RangeError(`loadStream: ${misfits.join(", ")} must be as long as in the optimizer`);
}

/** Reads the tensors; those of extras are taken as they are. */
async function fill(
  source: Source,
  checkpoint: Checkpoint,
  arrays: Map<Entry, TensorData>,
  watched: () => void,
): Promise<void> {
  for (const entry of checkpoint.entries) {
    const { length, start, end } = entry;
    const [place] = checkpoint.pathOf(entry);
    if (place === "extras") {
      const bytes = await source.bytes(end - start);
      arrays.set(entry, readTensor({ ...entry, start: 0, end: end - start }, bytes).data);
      continue;
    }
    const data = arrays.get(entry) as TensorData;
    await source.each(end - start, (some, at) => {
      watched();
      if (data.length === length) bytesOf(data).set(some, at);
    });
  }
  await source.end();
}
