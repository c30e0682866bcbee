// This file is where the kit makes arrays, and what an answer is made of.

const { Array, BigInt, BigInt64Array, Float64Array, Int32Array, RangeError, String, Uint8Array } =
  globalThis;
const { apply } = globalThis.Reflect;
const { fromCharCode } = String;

type Values = BigInt64Array | Float64Array;
export type Selection =
  | { count: number; deltas: string }
  | { count: number; bitmap: string };

/** Rows that a chunk may have so that sums of 32-bit words stay below 2^53. */
const ROWS_MAX = 2 ** 21;
/** A chunk's rows are listed when at most one in so many is selected, else drawn as bits. */
const SPARSE = 16;
/** Base64's digits, and what fills up the last of them, as UTF-16 units. */
const DIGITS = Uint8Array.from(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
  (digit) => digit.charCodeAt(0),
);
const PADDING = 61;
/** Bytes that are spelled at a time: engines take some ten thousand arguments, not a million. */
const PIECE = 6144;

/** So many zero bytes. */
export function bytes(length: number): Uint8Array {
  return new Uint8Array(length);
}

/** So many doubles, all 0. */
export function floats(length: number): Float64Array {
  return new Float64Array(length);
}

/** 64-bit values as pairs of 32-bit words, the low one first. */
export function words(values: Values): Int32Array {
  if (values.length > ROWS_MAX) throw new RangeError("a chunk has too many rows");
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** So many 64-bit integers, all 0. */
export function longs(length: number): BigInt64Array {
  return new BigInt64Array(length);
}

/** So many texts, all empty. */
export function texts(length: number): string[] {
  return new Array<string>(length).fill("");
}

/** The dictionary with an empty text behind its last, which stands for NULL. */
export function strings(dictionary: readonly string[]): string[] {
  const out = new Array<string>(dictionary.length + 1).fill("");
  for (let i = 0; i < dictionary.length; i++) out[i] = dictionary[i] as string;
  return out;
}

/** An empty list for the output. */
export function list(): unknown[] {
  return [];
}

/** Puts a value at the end of the list. */
export function push(values: unknown[], value: unknown): void {
  values[values.length] = value;
}

/** Base64 with padding (RFC 4648, section 4) of the first `length` bytes. */
export function base64(source: Uint8Array, length: number): string {
  let out = "";
  for (let from = 0; from < length; from += PIECE) {
    out += piece64(source, from, from + PIECE < length ? from + PIECE : length);
  }
  return out;
}

/** The same of some bytes; their number is a multiple of 3, but for the last piece's. */
function piece64(source: Uint8Array, from: number, end: number): string {
  const units = new Uint8Array(((((end - from + 2) / 3) | 0) * 4));
  let used = 0;
  for (let at = from; at < end; at += 3) {
    const one = source[at] as number;
    const two = at + 1 < end ? (source[at + 1] as number) : 0;
    const three = at + 2 < end ? (source[at + 2] as number) : 0;
    units[used] = DIGITS[one >> 2] as number;
    units[used + 1] = DIGITS[((one & 3) << 4) | (two >> 4)] as number;
    units[used + 2] = at + 1 < end ? (DIGITS[((two & 15) << 2) | (three >> 6)] as number) : PADDING;
    units[used + 3] = at + 2 < end ? (DIGITS[three & 63] as number) : PADDING;
    used += 4;
  }
  return apply(fromCharCode, null, units);
}

/** The rows whose byte is 1: as gaps between them where they are few, else as a bitmap. */
export function selection(hits: Uint8Array): Selection {
  const rows = hits.length;
  let count = 0;
  for (let row = 0; row < rows; row++) count += hits[row] as number;
  if (count * SPARSE > rows) {
    const bitmap = new Uint8Array((rows + 7) >> 3);
    for (let row = 0; row < rows; row++) {
      const byte = row >> 3;
      bitmap[byte] = (bitmap[byte] as number) | ((hits[row] as number) << (row & 7));
    }
    return { count, bitmap: base64(bitmap, bitmap.length) };
  }
  const gaps = new Uint8Array(count * 5);
  let length = 0;
  let next = 0;
  for (let row = 0; row < rows; row++) {
    if (hits[row] === 0) continue;
    let gap = row - next;
    for (; gap > 127; gap >>>= 7) gaps[length++] = (gap & 127) | 128;
    gaps[length++] = gap;
    next = row + 1;
  }
  return { count, deltas: base64(gaps, length) };
}

/** high·2^32 + low. */
export function joined(low: number, high: number): bigint {
  return BigInt(high) * 0x100000000n + BigInt(low);
}

/**
 * The exact sum of doubles in units of 2^-1074, from sums of their significands' words by exponent.
 *
 * A finite double with exponent field e is (high·2^32 + low)·2^(max(e,1)−1) units, where low has 32
 * bits and high at most 21. Both sums are of at most 2^21 such whole numbers, so they are whole and
 * at most 2^53: no addition ever rounded.
 */
export function exact(lows: Float64Array, highs: Float64Array): bigint {
  let sum = 0n;
  for (let exponent = 0; exponent < 2047; exponent++) {
    const low = lows[exponent] as number;
    const high = highs[exponent] as number;
    if (low === 0 && high === 0) continue;
    sum += joined(low, high) << BigInt(exponent > 0 ? exponent - 1 : 0);
  }
  return sum;
}

/** A BigInt's decimal digits. */
export function decimal(value: bigint): string {
  return String(value);
}
