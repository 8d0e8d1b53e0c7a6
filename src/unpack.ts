import type { Kind } from "./backend.js";
import { alphabet, rows } from "./generated/kernels.js";

/** The modules of kernels, in the order of a row's columns: what each was compiled for. */
const kinds: readonly Kind[] = ["f32", "f64", "f32-decay", "f64-decay", "f32-fused", "f64-fused"];

/**
 * A module, from the pieces in its column. Those of float64 stand in the words of float32, as their difference from those where both
 * are of one length. scripts/pack.mjs writes the rows.
 */
export function unpack(kind: Kind): Uint8Array<ArrayBuffer> {
  const column = kinds.indexOf(kind);
  // at once: this is in the way of a program's first step, and a call for each row takes longer
  if (column % 2 === 0) return bytesOf(rows.map((row) => row[column]).join(""));
  const pieces = rows.map((row) => {
    const [single, piece] = [bytesOf(row[column - 1]), bytesOf(row[column])];
    const differs = single.length === piece.length;
    return piece.map((byte, i) => exchanged(differs ? (byte + single[i]) % 256 : byte));
  });
  const module = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const piece of pieces) {
    module.set(piece, end);
    end += piece.length;
  }
  return module;
}

/** A character stands for the byte in its place in the alphabet; after "!" and " ", in its second and third part. */
function bytesOf(text = ""): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let place = text.charCodeAt(i) - 35;
    if (place < 0) place = text.charCodeAt(++i) + (place === -2 ? 57 : 149);
    bytes[length++] = alphabet[place];
  }
  return bytes.slice(0, length);
}

/** The operations f32x4.abs to f32x4.pmax are the bytes e0 to eb, and those of f64x2 ec to f7: gives the other's. */
function exchanged(byte: number): number {
  if (byte < 0xe0 || byte > 0xf7) return byte;
  return byte < 0xec ? byte + 12 : byte - 12;
}
