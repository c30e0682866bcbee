/** This file is where UTF-8 is read and written for an engine that brings no TextDecoder of its own. */

// The build puts these in the place of the globals of the same names. Bytes that are no UTF-8 are
// always an error, and a byte order mark is always data: nothing here asks for anything else.

const { fromCharCode } = String;
const { apply } = Reflect;

/** Arguments of one call: engines take several ten thousands. */
const PIECE = 4096;

export class TextDecoder {
  decode(bytes: Uint8Array): string {
    let text = "";
    let units: number[] = [];
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at++]!;
      if (first < 0x80) units.push(first);
      else {
        const more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
        const point = longer(bytes, at, first, more);
        at += more;
        if (point < 0x10000) units.push(point);
        else units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
      }
      if (units.length >= PIECE) {
        text += apply(fromCharCode, null, units);
        units = [];
      }
    }
    return text + (apply(fromCharCode, null, units) as string);
  }
}

/** The least second byte after a first one, and the greatest (Unicode 16, table 3-7). */
function bounds(first: number): [number, number] {
  return [first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80, first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf];
}

function longer(bytes: Uint8Array, at: number, first: number, more: number): number {
  const [least, greatest] = bounds(first);
  const second = bytes[at] ?? 0;
  let point = ((first & (0x3f >> more)) << 6) | (second & 0x3f);
  let right = first >= 0xc2 && first <= 0xf4 && second >= least && second <= greatest;
  for (let i = 1; i < more; i++) {
    const next = bytes[at + i] ?? 0;
    right &&= (next & 0xc0) === 0x80;
    point = (point << 6) | (next & 0x3f);
  }
  if (!right) throw new TypeError("the bytes are no UTF-8");
  return point;
}

export class TextEncoder {
  /** A lone surrogate becomes U+FFFD, as everywhere. */
  encode(text: string): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(3 * text.length);
    let size = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let point = unit;
      if ((unit & 0xf800) === 0xd800) {
        const low = text.charCodeAt(i + 1);
        const pair = unit < 0xdc00 && (low & 0xfc00) === 0xdc00;
        point = pair ? ((unit - 0xd7c0) << 10) + (low & 0x3ff) : 0xfffd;
        if (pair) i += 1;
      }
      if (point < 0x80) bytes[size++] = point;
      else if (point < 0x800) {
        bytes[size++] = 0xc0 | (point >> 6);
        bytes[size++] = 0x80 | (point & 0x3f);
      } else {
        if (point < 0x10000) bytes[size++] = 0xe0 | (point >> 12);
        else {
          bytes[size++] = 0xf0 | (point >> 18);
          bytes[size++] = 0x80 | ((point >> 12) & 0x3f);
        }
        bytes[size++] = 0x80 | ((point >> 6) & 0x3f);
        bytes[size++] = 0x80 | (point & 0x3f);
      }
    }
    return bytes.slice(0, size);
  }
}
