// Texts and bytes, without TextEncoder and TextDecoder, which jsdom lacks.

/** JSON in which every character is ASCII, and so a byte. */
export function asciiJson(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A text's UTF-8. */
export function* bytesOfText(text: string): Generator<number> {
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    const more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    yield more === 0 ? code : ((0xff00 >> (more + 1)) & 0xff) | (code >> (6 * more));
    for (let k = more - 1; k >= 0; k--) yield 0x80 | ((code >> (6 * k)) & 0x3f);
  }
}

/** The text that some UTF-8 is; throws if it is none. */
export function textOfBytes(bytes: Uint8Array): string {
  let escaped = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    escaped += String.fromCharCode(...bytes.subarray(at, at + 8192)).replace(
      /[%\x80-\xff]/g,
      (byte) => `%${byte.charCodeAt(0).toString(16)}`,
    );
  }
  return decodeURIComponent(escaped);
}
