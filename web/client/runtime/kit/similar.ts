// This file is where the kit says how near two texts are: edit distance, and Jaro-Winkler.
//
// Both go by the bytes of UTF-8, as DuckDB does. Texts of at most 32 bytes are one word of bits: the
// edit distance advances a whole column of its table with each byte of the other text (Myers 1999),
// and a match of Jaro's is the lowest bit that is free. Memory is linear in the texts, always.

import { product, rest, sum } from "./doubles.ts";

const { Int32Array, Map, Uint8Array } = globalThis;

/** The longest text that is compared: the edit distance takes the product of two lengths. */
const BYTES_MAX = 1024;
/** Bits of a word. */
const WORD = 32;
/** Bytes that are kept of texts, since each is compared with many; then it begins anew. */
const KEPT_BYTES = 2 ** 21;
/** More than any length: a text's place and length are one number. */
const PLACES = 2048;

/** A text's bytes: where they begin in `kept`, and how many; BYTES_MAX + 1 for all that are longer. */
interface Bytes {
  text: string;
  start: number;
  length: number;
}

const left: Bytes = { text: "", start: 0, length: 0 };
const right: Bytes = { text: "", start: 0, length: 0 };
const known = new Map<string, number>();
let kept = new Uint8Array(0);
let filled = 0;
/** Where in the left text each byte stands, as bits, when it has at most 32 of them. */
const standing = new Int32Array(256);
/** The left text that `standing` is about. */
let stood = "";
const column = new Int32Array(BYTES_MAX + 1);
const taken = new Uint8Array(BYTES_MAX);
const matched = new Uint8Array(BYTES_MAX);

/** Makes room for one more text; those that are kept are forgotten when there is none. */
function room(): void {
  if (kept.length === 0) kept = new Uint8Array(KEPT_BYTES);
  if (filled + BYTES_MAX + 4 <= KEPT_BYTES) return;
  known.clear();
  filled = 0;
  find(left, left.text);
}

function find(into: Bytes, text: string): void {
  let place = known.get(text);
  if (place === undefined) {
    room();
    const length = encode(text);
    place = filled * PLACES + length;
    known.set(text, place);
    filled += length;
  }
  into.text = text;
  into.length = place % PLACES;
  into.start = (place - into.length) / PLACES;
}

/** Puts the text's bytes behind those that are kept; how many they are. */
function encode(text: string): number {
  let end = filled;
  for (let at = 0; at < text.length; at++) {
    if (end - filled > BYTES_MAX) break;
    let point = text.charCodeAt(at);
    if (point < 0x80) {
      kept[end++] = point;
      continue;
    }
    if (point >= 0xd800 && point < 0xdc00) {
      at += 1;
      point = 0x10000 + ((point & 0x3ff) << 10) + (text.charCodeAt(at) & 0x3ff);
      kept[end++] = 0xf0 | (point >> 18);
      kept[end++] = 0x80 | ((point >> 12) & 63);
    } else if (point < 0x800) {
      kept[end++] = 0xc0 | (point >> 6);
      kept[end++] = 0x80 | (point & 63);
      continue;
    } else kept[end++] = 0xe0 | (point >> 12);
    kept[end++] = 0x80 | ((point >> 6) & 63);
    kept[end++] = 0x80 | (point & 63);
  }
  return end - filled > BYTES_MAX ? BYTES_MAX + 1 : end - filled;
}

/** Finds both texts' bytes; whether they are short enough to be compared. */
function comparable(one: string, other: string): boolean {
  if (one !== left.text || kept.length === 0) find(left, one);
  find(right, other);
  return left.length <= BYTES_MAX && right.length <= BYTES_MAX;
}

/** `standing` for the left text, of at most 32 bytes. */
function stand(): void {
  if (stood === left.text) return;
  standing.fill(0);
  for (let at = 0; at < left.length; at++) {
    const byte = kept[left.start + at] as number;
    standing[byte] = (standing[byte] as number) | (1 << at);
  }
  stood = left.text;
}

/**
 * How many bytes must be put in, left out or changed to make one text the other (Levenshtein); −1
 * where one of them is too long.
 */
export function levenshtein(one: string, other: string): number {
  if (!comparable(one, other)) return -1;
  if (left.length === 0) return right.length;
  if (right.length === 0) return left.length;
  return left.length <= WORD ? byBits() : byColumn();
}

/** Vertical differences of a column are bits of two words, +1 and −1. */
function byBits(): number {
  stand();
  const top = 1 << (left.length - 1);
  const { start, length } = right;
  let plus = -1;
  let minus = 0;
  let found = left.length;
  for (let at = start; at < start + length; at++) {
    const equal = standing[kept[at] as number] as number;
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
  const { start, length } = left;
  for (let at = 0; at <= length; at++) column[at] = at;
  for (let across = 0; across < right.length; across++) {
    const byte = kept[right.start + across] as number;
    let corner = across;
    let above = across + 1;
    column[0] = above;
    for (let at = 0; at < length; at++) {
      const beside = column[at + 1] as number;
      let least = kept[start + at] === byte ? corner : corner + 1;
      if (above + 1 < least) least = above + 1;
      if (beside + 1 < least) least = beside + 1;
      corner = beside;
      above = least;
      column[at + 1] = least;
    }
  }
  return column[length] as number;
}

/**
 * How alike two texts are, from 0 to 1: Jaro's share of matches, and Winkler's for equal starts; −1
 * where one of them is too long.
 */
export function winkler(one: string, other: string): number {
  if (!comparable(one, other)) return -1;
  if (left.length === 0 || right.length === 0) return 0;
  const found = left.length <= WORD && right.length <= WORD ? shortJaro() : longJaro();
  if (found <= 0.7) return found;
  let start = 0;
  const most = left.length < right.length ? left.length : right.length;
  while (start < 4 && start < most && kept[left.start + start] === kept[right.start + start]) {
    start += 1;
  }
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
    const equal = standing[kept[right.start + at] as number] as number;
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
    if (((standing[kept[right.start + at] as number] as number) & lowest) === 0) moved += 1;
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
      if (taken[here] !== 0 || kept[left.start + here] !== kept[right.start + at]) continue;
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
    if (kept[left.start + here] !== kept[right.start + at]) moved += 1;
    here += 1;
  }
  return jaro(matches, moved);
}
