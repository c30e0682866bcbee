// This file is where the kit matches LIKE patterns, in steps linear in the text.
//
// A pattern is the pieces between its % signs. The first and the last stand at the text's ends; each
// piece between is found where it first fits behind the one before (no later place could help). A
// piece without _ is found by its failure function (Knuth, Morris and Pratt 1977), one with _ by
// shifting bits (Baeza-Yates and Gonnet 1992), 31 places of it a word.

const { Int32Array, Map } = globalThis;

/** Native search is fastest, and takes at most so many steps a unit. */
const NATIVE_MAX = 8;
const WORD_BITS = 31;
const WORD = 0x7fffffff;
const ANY_POINT = 95;

interface Piece {
  readonly text: string;
  /** For each place, how many units before it are also the piece's first; null for native search. */
  readonly failure: Int32Array | null;
  /** With _: a bit for each place that a code point fits, by code point; -1 is all others. */
  readonly masks: ReadonlyMap<number, Int32Array> | null;
  /** Code points, when there are masks. */
  readonly points: number;
}

export type Pattern = readonly Piece[];

/** A LIKE pattern as the pieces between its % signs. */
export function pattern(spelled: string): Pattern {
  return spelled.split("%").map((text) => {
    const wild = text.includes("_");
    const masks = wild ? masksOf(text) : null;
    const failure = !wild && text.length > NATIVE_MAX ? failureOf(text) : null;
    return { text, failure, masks, points: masks === null ? 0 : [...text].length };
  });
}

function failureOf(text: string): Int32Array {
  const found = new Int32Array(text.length);
  let length = 0;
  for (let at = 1; at < text.length; at++) {
    while (length > 0 && text.charCodeAt(at) !== text.charCodeAt(length)) {
      length = found[length - 1] as number;
    }
    if (text.charCodeAt(at) === text.charCodeAt(length)) length += 1;
    found[at] = length;
  }
  return found;
}

function masksOf(text: string): Map<number, Int32Array> {
  const points = [...text].map((point) => point.codePointAt(0) as number);
  const words = Math.ceil(points.length / WORD_BITS);
  const masks = new Map<number, Int32Array>([[-1, new Int32Array(words)]]);
  for (const point of points) {
    if (point !== ANY_POINT) masks.set(point, new Int32Array(words));
  }
  masks.forEach((mask, point) => {
    points.forEach((wanted, place) => {
      if (wanted !== ANY_POINT && wanted !== point) return;
      const word = Math.floor(place / WORD_BITS);
      mask[word] = (mask[word] as number) | (1 << (place % WORD_BITS));
    });
  });
  return masks;
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
function seek(piece: Piece, subject: string, at: number): number {
  if (piece.masks !== null) return seekBits(piece, subject, at);
  if (piece.failure !== null) return seekText(piece.text, piece.failure, subject, at);
  const found = subject.indexOf(piece.text, at);
  return found < 0 ? -1 : found + piece.text.length;
}

function seekText(text: string, failure: Int32Array, subject: string, at: number): number {
  let length = 0;
  for (let place = at; place < subject.length; place++) {
    const unit = subject.charCodeAt(place);
    while (length > 0 && text.charCodeAt(length) !== unit) length = failure[length - 1] as number;
    if (text.charCodeAt(length) === unit) length += 1;
    if (length === text.length) return place + 1;
  }
  return -1;
}

function seekBits(piece: Piece, subject: string, at: number): number {
  const masks = piece.masks as ReadonlyMap<number, Int32Array>;
  const others = masks.get(-1) as Int32Array;
  const state = new Int32Array(others.length);
  const last = piece.points - 1;
  for (let place = at; place < subject.length; ) {
    const point = subject.codePointAt(place) as number;
    place += point > 0xffff ? 2 : 1;
    const mask = masks.get(point) ?? others;
    let carry = 1;
    for (let word = 0; word < state.length; word++) {
      const before = state[word] as number;
      state[word] = ((before << 1) | carry) & WORD & (mask[word] as number);
      carry = (before >> (WORD_BITS - 1)) & 1;
    }
    if (((state[state.length - 1] as number) >> (last % WORD_BITS)) & 1) return place;
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

/** 1 if the subject is LIKE the pattern, else 0. */
export function matches(pieces: Pattern, subject: string): number {
  const last = pieces.length - 1;
  const first = pieces[0] as Piece;
  let at = fit(first.text, subject, 0);
  if (at < 0) return 0;
  if (last === 0) return at === subject.length ? 1 : 0;
  for (let number = 1; number < last; number++) {
    const piece = pieces[number] as Piece;
    if (piece.text === "") continue;
    at = seek(piece, subject, at);
    if (at < 0) return 0;
  }
  const ending = (pieces[last] as Piece).text;
  const from = tail(ending, subject);
  return from >= at && fit(ending, subject, from) === subject.length ? 1 : 0;
}
