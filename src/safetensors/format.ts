import { describe } from "../check.js";
import { Scanner } from "./scanner.js";
import { asciiJson, textOfBytes } from "./text.js";

// The safetensors format (github.com/huggingface/safetensors): the length of the header in 8 bytes, the header in JSON, and the
// tensors' bytes one after the other, all little-endian.

// by falling size and then as the reference implementation sorts them, so that every tensor is aligned
const arrays = {
  U64: BigUint64Array,
  I64: BigInt64Array,
  F64: Float64Array,
  F32: Float32Array,
  U32: Uint32Array,
  I32: Int32Array,
  BF16: Uint16Array,
  F16: Uint16Array,
  U16: Uint16Array,
  I16: Int16Array,
  F8_E4M3: Uint8Array,
  F8_E5M2: Uint8Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

const dtypes = Object.keys(arrays);

/** The element types of the format. */
export type TensorDtype = keyof typeof arrays;

/** The elements of a tensor: numbers of 16 and 8 bits that JavaScript does not have are their bits. */
export type TensorData = InstanceType<(typeof arrays)[TensorDtype]>;

export interface Tensor {
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A tensor as the header describes it: its bytes start and end there in the data. */
export interface Entry {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly length: number;
  readonly start: number;
  readonly end: number;
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes. */
  readonly entries: readonly Entry[];
}

/** Bytes on a buffer of their own. */
export type Bytes = ReturnType<typeof Uint8Array.of>;

/** The longest header that readers of the format take. */
export const MAX_HEADER = 100_000_000;

/** Bytes of the header's length. */
export const PREFIX = 8;

export function fail(why: string): never {
  throw new RangeError(`safetensors: ${why}`);
}

/** An array for the elements of a tensor. */
export function arrayFor(dtype: TensorDtype, length: number): TensorData {
  return new arrays[dtype](length);
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The header with its length, and the tensors in the order of their bytes. Data start at a multiple of 8. */
export function writeHeader(
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  metadata: Readonly<Record<string, string>>,
): { head: Bytes; sorted: TensorData[] } {
  const rank = ({ dtype }: Tensor) => dtypes.indexOf(dtype);
  const sorted = [...tensors].sort(([a, x], [b, y]) => rank(x) - rank(y) || (a < b ? -1 : 1));
  let end = 0;
  const entries = sorted.map(([name, { dtype, shape, data }]) => {
    const start = end;
    end += data.byteLength;
    return `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [start, end] })}`;
  });
  const text = `{${[`"__metadata__":${JSON.stringify(metadata)}`, ...entries].join()}}`;
  const json = asciiJson(text);
  const length = Math.ceil(json.length / 8) * 8;
  if (length > MAX_HEADER) fail(`the header must have at most ${MAX_HEADER} bytes, got ${length}`);
  const head = new Uint8Array(PREFIX + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  for (let i = 0; i < json.length; i++) head[PREFIX + i] = json.charCodeAt(i);
  return { head, sorted: sorted.map(([, { data }]) => data) };
}

/** The header's length, from the first 8 bytes. */
export function readLength(prefix: Uint8Array): number {
  if (prefix.length < PREFIX)
    fail(`a file starts with ${PREFIX} bytes for the length of its header, got ${prefix.length}`);
  const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER) fail(`the header must have at most ${MAX_HEADER} bytes, got a length of ${length}`);
  return Number(length);
}

/** Reads a header, and checks that its tensors fill the data without holes or overlaps. */
export function readHeader(bytes: Uint8Array): Header {
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  const scanner = new Scanner(decode(bytes), fail);
  scanner.object((name) => {
    if (name === "__metadata__") scanner.object((key) => metadata.set(key, scanner.string()));
    else entries.push(readEntry(name, scanner));
  });
  scanner.end();
  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.start !== end)
      fail(`tensor ${describe(entry.name)} must start at byte ${end} of the data, got ${entry.start}`);
    end = entry.end;
  }
  return { metadata, entries };
}

/** Bytes of all tensors. */
export function dataLength({ entries }: Header): number {
  return entries.at(-1)?.end ?? 0;
}

function decode(bytes: Uint8Array): string {
  try {
    return textOfBytes(bytes);
  } catch {
    return fail("the header must be UTF-8");
  }
}

function readEntry(name: string, scanner: Scanner): Entry {
  const who = `tensor ${describe(name)}`;
  let dtype = "";
  let shape: number[] | undefined;
  let offsets: number[] = [];
  scanner.object((key) => {
    if (key === "dtype") dtype = scanner.string();
    else if (key === "shape") shape = scanner.counts();
    else if (key === "data_offsets") offsets = scanner.counts();
    else fail(`${who} must have dtype, shape and data_offsets, got ${describe(key)}`);
  });
  if (!isDtype(dtype)) return fail(`${who} must have a dtype of ${dtypes.join(", ")}, got ${describe(dtype)}`);
  if (!shape) return fail(`${who} must have a shape, got none`);
  const [start, end] = offsets;
  if (offsets.length !== 2) fail(`${who} must have two data_offsets, got ${offsets.length}`);
  const length = shape.reduce((product, n) => product * n, 1);
  const size = length * arrays[dtype].BYTES_PER_ELEMENT;
  if (!Number.isSafeInteger(size) || end - start !== size) {
    fail(`${who} must have ${size} bytes for ${dtype} [${shape}], got those from ${start} to ${end}`);
  }
  return { name, dtype, shape, length, start, end };
}

function isDtype(name: string): name is TensorDtype {
  return Object.hasOwn(arrays, name);
}

/** Reads the header of a whole file; the tensors' bytes are what comes after it. */
export function openFile(who: string, bytes: unknown): { header: Header; data: Uint8Array } {
  const file = toBytes(bytes, `${who}: expected`);
  const end = PREFIX + readLength(file);
  if (end > file.length) fail(`the header must have ${end - PREFIX} bytes, got ${file.length - PREFIX}`);
  const header = readHeader(file.subarray(PREFIX, end));
  const data = file.subarray(end);
  if (dataLength(header) !== data.length) fail(`the tensors must have ${dataLength(header)} bytes, got ${data.length}`);
  return { header, data };
}

/** Bytes of this realm or another; `expected` begins the sentence if there are none. */
export function toBytes(value: unknown, expected: string): Uint8Array {
  const tag = Object.prototype.toString.call(value);
  // not a Buffer of Node's, whose slices share its memory
  if (tag === "[object Uint8Array]") return bytesOf(value as Uint8Array);
  if (tag === "[object ArrayBuffer]") return new Uint8Array(value as ArrayBuffer);
  throw new TypeError(`${expected} a Uint8Array or an ArrayBuffer, got ${describe(value)}`);
}

/** A tensor of a whole file, on the file's own bytes if they are aligned. */
export function readTensor({ dtype, shape, length, start, end }: Entry, data: Uint8Array): Tensor {
  const { BYTES_PER_ELEMENT: size } = arrays[dtype];
  const aligned = (data.byteOffset + start) % size === 0;
  const bytes = aligned ? data.subarray(start, end) : data.slice(start, end);
  return { dtype, shape, data: new arrays[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, length) };
}
