// Writes the kernel modules as text that gzip makes small: it finds what repeats within 32 KB, so the same function of all modules
// stands side by side, and that of float64 in the words of float32, as its difference from that if both are of one length.
// src/unpack.ts reads it.

/** Rows of the modules' pieces, and the bytes that their characters stand for. */
export function pack(modules) {
  const cut = modules.map(pieces);
  const names = [...cut[0].keys()];
  // the compiler makes one function of two kernels that are the same
  for (const each of cut) {
    const found = [...each.keys()];
    if (`${found}` !== `${names.filter((name) => each.has(name))}`)
      throw new Error(`another order in a module: ${found}`);
  }
  const rows = names.map((name) => {
    const last = cut.findLastIndex((each) => each.has(name));
    return cut.slice(0, last + 1).map((each) => each.get(name) ?? Buffer.alloc(0));
  });
  const differing = rows.map((row) => row.map((piece, k) => (k % 2 === 0 ? piece : difference(piece, row[k - 1]))));
  const alphabet = frequent(Buffer.concat(differing.flat()));
  return { alphabet, rows: differing.map((row) => row.map((piece) => textOf(piece, alphabet))) };
}

/** A module cut before each function, by their names, or numbers of what is not exported; what stands before the first is "". */
function pieces(module) {
  let at = 8;
  const integer = () => {
    const byte = module[at++];
    return byte < 128 ? byte : byte - 128 + 128 * integer();
  };
  const sections = {};
  while (at < module.length) {
    const id = module[at++];
    const length = integer();
    sections[id] = at;
    at += length;
  }
  const names = {};
  at = sections[7];
  for (let left = integer(); left > 0; left--) {
    const length = integer();
    const name = module.toString("utf8", at, at + length);
    at += length;
    const isFunction = module[at++] === 0;
    const index = integer();
    if (isFunction) names[index] = name;
  }
  const starts = [["", 0]];
  at = sections[10];
  for (let i = 0, count = integer(); i < count; i++) {
    starts.push([names[i] ?? i, at]);
    const length = integer();
    at += length;
  }
  return new Map(starts.map(([name, start], i) => [name, module.subarray(start, starts[i + 1]?.[1])]));
}

function difference(piece, from) {
  const translated = piece.map(exchanged);
  return piece.length === from.length ? translated.map((byte, i) => byte - from[i]) : translated;
}

/** The operations f32x4.abs to f32x4.pmax are the bytes e0 to eb, and those of f64x2 ec to f7: gives the other's. */
function exchanged(byte) {
  if (byte < 0xe0 || byte > 0xf7) return byte;
  return byte < 0xec ? byte + 12 : byte - 12;
}

/** Bytes in the order of their frequency, 92 a page, for the characters from "#" to "~"; the backslash's place has a 0. */
function frequent(bytes) {
  const counts = new Array(256).fill(0);
  for (const byte of bytes) counts[byte]++;
  const order = [...counts.keys()].sort((a, b) => counts[b] - counts[a]);
  return [0, 91, 182].flatMap((from) => [...order.slice(from, from + 57), 0, ...order.slice(from + 57, from + 91)]);
}

/** A character for each byte of the first page; those of the next stand after "!", those of the last after " ". */
function textOf(piece, alphabet) {
  const places = new Map(alphabet.map((byte, i) => [byte, i]).filter(([, i]) => i % 92 !== 57));
  const characters = Array.from(piece, (byte) => {
    const i = places.get(byte);
    return ["", "!", " "][Math.floor(i / 92)] + String.fromCharCode(35 + (i % 92));
  });
  return characters.join("");
}
