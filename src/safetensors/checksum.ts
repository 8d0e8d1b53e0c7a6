import { bytesOfText } from "./text.js";

/** The CRC-32 of a text's UTF-8, as in zlib, in eight hexadecimal digits. */
export function checksum(text: string): string {
  let crc = -1;
  for (const byte of bytesOfText(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (~crc >>> 0).toString(16).padStart(8, "0");
}
