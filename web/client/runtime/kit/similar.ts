// This file is where the kit says how near two texts are: edit distance, and Jaro-Winkler.
//
// Both go by the bytes of UTF-8, as DuckDB does. Texts of at most 32 bytes are one word of bits: the
// edit distance advances a whole column of its table with each byte of the other text (Myers 1999),
// and a match of Jaro's is the lowest bit that is free. Memory is linear in the texts, always.

import { product, rest, sum } from "./doubles.ts";

const { Int32Array, Uint8Array } = globalThis;

/** The longest text that is compared: the edit distance takes the product of two lengths. */
const BYTES_MAX = 1024;
/** Bits of a word. */
const WORD = 32;

/** A text with its bytes, kept because one text is compared with many. */
interface Bytes {
  text: string;
  /** Its length in bytes; BYTES_MAX + 1 for all that are longer. */
  length: number;
  bytes: Uint8Array;
}

const left: Bytes = { text: "", length: 0, bytes: new Uint8Array(BYTES_MAX + 4) };
const right: Bytes = { text: "", length: 0, bytes: new Uint8Array(BYTES_MAX + 4) };
/** Where in the left text each byte stands, as bits, when it has at most 32 of them. */
const standing = new Int32Array(256);
/** The left text that `standing` is about. */
let stood = "";
const column = new Int32Array(BYTES_MAX + 1);
const taken = new Uint8Array(BYTES_MAX);
const matched = new Uint8Array(BYTES_MAX);

function load(into: Bytes, text: string): Bytes {
  if (text === into.text) return into;
  const { bytes } = into;
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (length > BYTES_MAX) break;
    let point = text.charCodeAt(at);
    if (point < 0x80) {
      bytes[length++] = point;
      continue;
    }
    if (point >= 0xd800 && point < 0xdc00) {
      at += 1;
      point = 0x10000 + ((point & 0x3ff) << 10) + (text.charCodeAt(at) & 0x3ff);
      bytes[length++] = 0xf0 | (point >> 18);
      bytes[length++] = 0x80 | ((point >> 12) & 63);
    } else if (point < 0x800) {
      bytes[length++] = 0xc0 | (point >> 6);
      bytes[length++] = 0x80 | (point & 63);
      continue;
    } else bytes[length++] = 0xe0 | (point >> 12);
    bytes[length++] = 0x80 | ((point >> 6) & 63);
    bytes[length++] = 0x80 | (point & 63);
  }
  into.text = text;
  into.length = length > BYTES_MAX ? BYTES_MAX + 1 : length;
  return into;
}

/** `standing` for the left text, of at most 32 bytes. */
function stand(): void {
  if (stood === left.text) return;
  standing.fill(0);
  for (let at = 0; at < left.length; at++) {
    const byte = left.bytes[at] as number;
    standing[byte] = (standing[byte] as number) | (1 << at);
  }
  stood = left.text;
}

/** Whether both texts are short enough to be compared. */
export function comparable(one: string, other: string): boolean {
  return load(left, one).length <= BYTES_MAX && load(right, other).length <= BYTES_MAX;
}

/** How many bytes must be put in, left out or changed to make one text the other (Levenshtein). */
export function levenshtein(one: string, other: string): number {
  if (one === other) return 0;
  load(left, one);
  load(right, other);
  if (left.length === 0) return right.length;
  if (right.length === 0) return left.length;
  return left.length <= WORD ? byBits() : byColumn();
}

/** Vertical differences of a column are bits of two words, +1 and −1. */
function byBits(): number {
  stand();
  const top = 1 << (left.length - 1);
  const { bytes } = right;
  let plus = -1;
  let minus = 0;
  let found = left.length;
  for (let at = 0; at < right.length; at++) {
    const equal = standing[bytes[at] as number] as number;
    const diagonal = ((((equal & plus) + plus) | 0) ^ plus) | equal | minus;
    let up = minus | ~(diagonal | plus);
    let down = plus & diagonal;
    if (up & top) found += 1;
    if (down & top) found -= 1;
    up = (up << 1) | 1;
    down <<= 1;
    plus = down | ~(diagonal | up);
    minus = up & diagonal;
  }
  return found;
}

/** The table, one column at a time (Wagner and Fischer 1974). */
function byColumn(): number {
  const { bytes, length } = left;
  for (let at = 0; at <= length; at++) column[at] = at;
  for (let across = 0; across < right.length; across++) {
    const byte = right.bytes[across] as number;
    let corner = across;
    let above = across + 1;
    column[0] = above;
    for (let at = 0; at < length; at++) {
      const beside = column[at + 1] as number;
      let least = bytes[at] === byte ? corner : corner + 1;
      if (above + 1 < least) least = above + 1;
      if (beside + 1 < least) least = beside + 1;
      corner = beside;
      above = least;
      column[at + 1] = least;
    }
  }
  return column[length] as number;
}

/** How alike two texts are, from 0 to 1: Jaro's share of matches, and Winkler's for equal starts. */
export function winkler(one: string, other: string): number {
  load(left, one);
  load(right, other);
  if (left.length === 0 || right.length === 0) return 0;
  const found = left.length <= WORD && right.length <= WORD ? shortJaro() : longJaro();
  if (found <= 0.7) return found;
  let start = 0;
  const most = left.length < right.length ? left.length : right.length;
  while (start < 4 && start < most && left.bytes[start] === right.bytes[start]) start += 1;
  // found + share · (1 − found), rounded once.
  const high = product(start * 0.1, 1 - found);
  const low = rest;
  const total = sum(found, high);
  return total + (rest + low);
}

/** How far apart equal bytes may stand to match. */
function reach(): number {
  const most = left.length > right.length ? left.length : right.length;
  return most < 4 ? 0 : (most >> 1) - 1;
}

function jaro(matches: number, moved: number): number {
  if (matches === 0) return 0;
  const share = matches / left.length + matches / right.length;
  return (share + (matches - (moved >> 1)) / matches) / 3;
}

function shortJaro(): number {
  stand();
  const far = reach();
  let flagged = 0;
  let theirs = 0;
  let matches = 0;
  for (let at = 0; at < right.length; at++) {
    const equal = standing[right.bytes[at] as number] as number;
    if (equal === 0) continue;
    const from = at > far ? at - far : 0;
    if (from > 31) break;
    const to = at + far + 1;
    const near = (to > 31 ? -1 : (1 << to) - 1) & (-1 << from);
    const free = equal & near & ~flagged;
    if (free === 0) continue;
    flagged |= free & -free;
    theirs |= 1 << at;
    matches += 1;
  }
  let moved = 0;
  let pending = flagged;
  for (let at = 0; theirs !== 0; at++, theirs >>>= 1) {
    if ((theirs & 1) === 0) continue;
    const lowest = pending & -pending;
    pending ^= lowest;
    if (((standing[right.bytes[at] as number] as number) & lowest) === 0) moved += 1;
  }
  return jaro(matches, moved);
}

function longJaro(): number {
  const far = reach();
  taken.fill(0, 0, left.length);
  matched.fill(0, 0, right.length);
  let matches = 0;
  for (let at = 0; at < right.length; at++) {
    const end = at + far + 1 < left.length ? at + far + 1 : left.length;
    for (let here = at > far ? at - far : 0; here < end; here++) {
      if (taken[here] !== 0 || left.bytes[here] !== right.bytes[at]) continue;
      taken[here] = 1;
      matched[at] = 1;
      matches += 1;
      break;
    }
  }
  let moved = 0;
  let here = 0;
  for (let at = 0; at < right.length; at++) {
    if (matched[at] === 0) continue;
    while (taken[here] === 0) here += 1;
    if (left.bytes[here] !== right.bytes[at]) moved += 1;
    here += 1;
  }
  return jaro(matches, moved);
}
