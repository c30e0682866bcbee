// This file is where the helpers stand that a generated program may call: `kit.name(…)`.
//
// Nothing here knows the network, the page or the clock. Globals are taken when the module loads,
// because the lockdown removes some of them before a program runs. All loops over rows are in the
// program itself, but for packing a selection, whose types never vary. Arrow is little-endian, and
// so are the engines' typed arrays on every platform that has them.

import { integers, sqrt, times, unit } from "./counting.ts";
import { key, keys, next } from "./keys.ts";
import { permutation, permute } from "./permutations.ts";
import { alea } from "./random.ts";

const { BigInt, Float64Array, Int32Array, Number, RangeError, String, TypeError, Uint8Array } =
  globalThis;
const asInt = BigInt.asIntN;
const isSafe = Number.isSafeInteger;

type Values = BigInt64Array | Float64Array;
export type Selection =
  | { count: number; deltas: string }
  | { count: number; bitmap: string };
type Pattern = readonly string[];

/** Rows that a chunk may have so that sums of 32-bit words stay below 2^53. */
const ROWS_MAX = 2 ** 21;
/** A chunk's rows are listed when at most one in so many is selected, else drawn as bits. */
const SPARSE = 16;
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX = "0123456789abcdef";

/** A whole number within ±2^53, from its decimal digits. */
function integer(digits: string): number {
  const value = Number(digits);
  if (!isSafe(value) && value !== 2 ** 53 && value !== -(2 ** 53)) {
    throw new RangeError("not a whole number within 2^53");
  }
  return value;
}

/** A whole number of any size, from its decimal digits. */
function big(digits: string): bigint {
  return BigInt(digits);
}

/** The double whose bits are these 16 hex digits, most significant first. */
function double(bits: string): number {
  const word = new BigInt64Array(1);
  word[0] = asInt(64, BigInt("0x" + bits));
  return new Float64Array(word.buffer)[0] as number;
}

/** A double's bits as 16 hex digits; engines differ in the bits of NaN, so it has fixed ones. */
function bits(value: number): string {
  if (value !== value) return "7ff8000000000000";
  const bytes = new Uint8Array(new Float64Array([value]).buffer);
  let out = "";
  for (let at = 7; at >= 0; at--) {
    const byte = bytes[at] as number;
    out += (HEX[byte >> 4] as string) + (HEX[byte & 15] as string);
  }
  return out;
}

/** The text itself. */
function text(value: string): string {
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
}

/** A whole Number as a BigInt. */
function widen(value: number): bigint {
  return BigInt(value);
}

/** The double nearest to a BigInt. */
function narrow(value: bigint): number {
  return Number(value);
}

/** So many zero bytes. */
function bytes(length: number): Uint8Array {
  return new Uint8Array(length);
}

/** So many doubles, all 0. */
function floats(length: number): Float64Array {
  return new Float64Array(length);
}

/** 64-bit values as pairs of 32-bit words, the low one first. */
function words(values: Values): Int32Array {
  if (values.length > ROWS_MAX) throw new RangeError("a chunk has too many rows");
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** The dictionary with at least one entry, for columns that are NULL throughout. */
function strings(dictionary: readonly string[]): readonly string[] {
  return dictionary.length > 0 ? dictionary : [""];
}

/** A code unit's rank by code point: surrogates stand for the highest ones. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Negative, 0 or positive: text by code points, which is the order of UTF-8 bytes. */
function compare(left: string, right: string): number {
  if (left === right) return 0;
  const shared = left.length < right.length ? left.length : right.length;
  for (let at = 0; at < shared; at++) {
    const one = left.charCodeAt(at);
    const other = right.charCodeAt(at);
    if (one !== other) return rank(one) - rank(other);
  }
  return left.length - right.length;
}

/** A LIKE pattern as the pieces between its % signs. */
function pattern(spelled: string): Pattern {
  return spelled.split("%");
}

/** The offset behind `piece` if it fits at `at`, else −1; _ fits any one code point. */
function fit(piece: string, subject: string, at: number): number {
  for (let place = 0; place < piece.length; place++) {
    if (at >= subject.length) return -1;
    const unit = subject.charCodeAt(at);
    if (piece.charCodeAt(place) === 95) {
      at += unit >= 0xd800 && unit < 0xdc00 ? 2 : 1;
    } else if (piece.charCodeAt(place) === unit) {
      at += 1;
    } else {
      return -1;
    }
  }
  return at;
}

/** The least offset behind `piece` at or after `at`, or −1. */
function seek(piece: string, subject: string, at: number): number {
  if (piece.indexOf("_") < 0) {
    const found = subject.indexOf(piece, at);
    return found < 0 ? -1 : found + piece.length;
  }
  for (let from = at; from <= subject.length; from++) {
    const unit = subject.charCodeAt(from);
    if (unit >= 0xdc00 && unit < 0xe000) continue;
    const end = fit(piece, subject, from);
    if (end >= 0) return end;
  }
  return -1;
}

/** The offset at which `piece` must begin to end with the subject, or −1. */
function tail(piece: string, subject: string): number {
  let at = subject.length;
  for (let place = piece.length - 1; place >= 0; place--) {
    const unit = subject.charCodeAt(at - 1);
    const pair = unit >= 0xdc00 && unit < 0xe000 && piece.charCodeAt(place) === 95;
    at -= pair ? 2 : 1;
    if (at < 0) return -1;
  }
  return at;
}

/** 1 if the subject is LIKE the pattern, else 0; at most their lengths' product of steps. */
function matches(pieces: Pattern, subject: string): number {
  const last = pieces.length - 1;
  const first = pieces[0] as string;
  let at = fit(first, subject, 0);
  if (at < 0) return 0;
  if (last === 0) return at === subject.length ? 1 : 0;
  for (let number = 1; number < last; number++) {
    at = seek(pieces[number] as string, subject, at);
    if (at < 0) return 0;
  }
  const ending = pieces[last] as string;
  const from = tail(ending, subject);
  return from >= at && fit(ending, subject, from) === subject.length ? 1 : 0;
}

/** An empty list for the output. */
function list(): unknown[] {
  return [];
}

/** Puts a value at the end of the list. */
function push(values: unknown[], value: unknown): void {
  values[values.length] = value;
}

/** Base64 with padding (RFC 4648, section 4) of the first `length` bytes. */
function base64(source: Uint8Array, length: number): string {
  let out = "";
  for (let at = 0; at < length; at += 3) {
    const one = source[at] as number;
    const two = at + 1 < length ? (source[at + 1] as number) : 0;
    const three = at + 2 < length ? (source[at + 2] as number) : 0;
    out += (DIGITS[one >> 2] as string) + (DIGITS[((one & 3) << 4) | (two >> 4)] as string);
    out += at + 1 < length ? (DIGITS[((two & 15) << 2) | (three >> 6)] as string) : "=";
    out += at + 2 < length ? (DIGITS[three & 63] as string) : "=";
  }
  return out;
}

/** The rows whose byte is 1: as gaps between them where they are few, else as a bitmap. */
function selection(hits: Uint8Array): Selection {
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
function joined(low: number, high: number): bigint {
  return BigInt(high) * 0x100000000n + BigInt(low);
}

/**
 * The exact sum of doubles in units of 2^-1074, from sums of their significands' words by exponent.
 *
 * A finite double with exponent field e is (high·2^32 + low)·2^(max(e,1)−1) units, where low has 32
 * bits and high at most 21. Both sums are of at most 2^21 such whole numbers, so they are whole and
 * at most 2^53: no addition ever rounded.
 */
function exact(lows: Float64Array, highs: Float64Array): bigint {
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
function decimal(value: bigint): string {
  return String(value);
}

/** Everything that a program may call. */
export const kit = Object.freeze({
  integer,
  big,
  double,
  text,
  pattern,
  widen,
  narrow,
  bytes,
  floats,
  words,
  strings,
  compare,
  matches,
  list,
  push,
  selection,
  exact,
  joined,
  decimal,
  bits,
  base64,
  times,
  integers,
  unit,
  sqrt,
  keys,
  next,
  key,
  alea,
  permutation,
  permute,
});
