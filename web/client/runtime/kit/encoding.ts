// This file is where text becomes UTF-8, also in engines that offer nothing for it.

const { Uint8Array } = globalThis;

/** Writes the text from offset `used` on, where three bytes a unit fit; the offset behind it. */
export function encoded(bytes: Uint8Array, used: number, value: string): number {
  for (let at = 0; at < value.length; at++) {
    let point = value.charCodeAt(at);
    if (point < 128) {
      bytes[used++] = point;
      continue;
    }
    if (point >= 0xd800 && point < 0xdc00 && at + 1 < value.length) {
      point = 0x10000 + ((point & 1023) << 10) + (value.charCodeAt(++at) & 1023);
      bytes[used++] = 240 | (point >> 18);
      bytes[used++] = 128 | ((point >> 12) & 63);
    } else if (point < 0x800) {
      bytes[used++] = 192 | (point >> 6);
      bytes[used++] = 128 | (point & 63);
      continue;
    } else bytes[used++] = 224 | (point >> 12);
    bytes[used++] = 128 | ((point >> 6) & 63);
    bytes[used++] = 128 | (point & 63);
  }
  return used;
}

/** The text's bytes. */
export function utf8bytes(value: string): Uint8Array {
  const bytes = new Uint8Array(value.length * 3);
  return bytes.slice(0, encoded(bytes, 0, value));
}
