// This file is where the kit compares texts and computes with them: code points, ASCII case.

const { TypeError } = globalThis;

/** Whether this is one of Unicode's space separators (category Zs), which trim takes away. */
function isSpace(unit: number): boolean {
  if (unit < 0x1680) return unit === 0x20 || unit === 0xa0;
  if (unit >= 0x2000 && unit <= 0x200a) return true;
  return unit === 0x1680 || unit === 0x202f || unit === 0x205f || unit === 0x3000;
}

/** The text itself. */
export function text(value: string): string {
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
}

/** A code unit's rank by code point: surrogates stand for the highest ones. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Negative, 0 or positive: text by code points, which is the order of UTF-8 bytes. */
export function compare(left: string, right: string): number {
  if (left === right) return 0;
  const shared = left.length < right.length ? left.length : right.length;
  for (let at = 0; at < shared; at++) {
    const one = left.charCodeAt(at);
    const other = right.charCodeAt(at);
    if (one !== other) return rank(one) - rank(other);
  }
  return left.length - right.length;
}

/** A–Z as a–z, and nothing else. */
export function lower(subject: string): string {
  return recased(subject, 65, 32);
}

/** a–z as A–Z, and nothing else. */
export function upper(subject: string): string {
  return recased(subject, 97, -32);
}

/** The text with the 26 letters from `first` moved by `step`. */
function recased(subject: string, first: number, step: number): string {
  let out = "";
  let from = 0;
  for (let at = 0; at < subject.length; at++) {
    const unit = subject.charCodeAt(at);
    if (unit < first || unit > first + 25) continue;
    out += subject.slice(from, at) + String.fromCharCode(unit + step);
    from = at + 1;
  }
  return from === 0 ? subject : out + subject.slice(from);
}

/** Units of the code point that begins at `at`: 1 or 2. */
function step(subject: string, at: number): number {
  const unit = subject.charCodeAt(at);
  return unit >= 0xd800 && unit < 0xdc00 ? 2 : 1;
}

/** Units of the code point that ends before `at`. */
function back(subject: string, at: number): number {
  const unit = subject.charCodeAt(at - 1);
  return unit >= 0xdc00 && unit < 0xe000 ? 2 : 1;
}

/** The offset of the first code point that is none of `chars`. */
function start(subject: string, chars: string): number {
  let at = 0;
  while (at < subject.length) {
    const width = step(subject, at);
    if (!holds(chars, subject.slice(at, at + width))) break;
    at += width;
  }
  return at;
}

/** The offset behind the last code point that is none of `chars`, at least `from`. */
function finish(subject: string, chars: string, from: number): number {
  let at = subject.length;
  while (at > from) {
    const width = back(subject, at);
    if (!holds(chars, subject.slice(at - width, at))) break;
    at -= width;
  }
  return at;
}

/** Whether the code point is among the chars; half a pair never is. */
function holds(chars: string, point: string): boolean {
  for (let at = 0; at < chars.length; at += step(chars, at)) {
    if (chars.slice(at, at + step(chars, at)) === point) return true;
  }
  return false;
}

export function strip(subject: string, chars: string): string {
  const from = start(subject, chars);
  return subject.slice(from, finish(subject, chars, from));
}

export function lstrip(subject: string, chars: string): string {
  return subject.slice(start(subject, chars));
}

export function rstrip(subject: string, chars: string): string {
  return subject.slice(0, finish(subject, chars, 0));
}

export function trim(subject: string): string {
  return rtrim(ltrim(subject));
}

export function ltrim(subject: string): string {
  let at = 0;
  while (at < subject.length && isSpace(subject.charCodeAt(at))) at += 1;
  return subject.slice(at);
}

export function rtrim(subject: string): string {
  let at = subject.length;
  while (at > 0 && isSpace(subject.charCodeAt(at - 1))) at -= 1;
  return subject.slice(0, at);
}

/** How many code points the text has. */
export function points(subject: string): number {
  let count = 0;
  for (let at = 0; at < subject.length; at += step(subject, at)) count += 1;
  return count;
}

/** UTF-16 units that `replace` of the same operands would make. */
export function grown(subject: string, old: string, fresh: string): number {
  if (old === "") return subject.length;
  let count = 0;
  for (let at = subject.indexOf(old); at >= 0; at = subject.indexOf(old, at + old.length)) count += 1;
  return subject.length + count * (fresh.length - old.length);
}

/** Every `old` as `fresh`, from the left. */
export function replace(subject: string, old: string, fresh: string): string {
  if (old === "") return subject;
  let out = "";
  let from = 0;
  for (let at = subject.indexOf(old); at >= 0; at = subject.indexOf(old, from)) {
    out += subject.slice(from, at) + fresh;
    from = at + old.length;
  }
  return from === 0 ? subject : out + subject.slice(from);
}

/** The offset of the code point with this place, from 0; the text's end when it has fewer. */
function offset(subject: string, place: number): number {
  let at = 0;
  for (let count = 0; count < place && at < subject.length; count++) at += step(subject, at);
  return at;
}

/** substr(subject, from): code points from 1, or from the end when negative. */
export function behind(subject: string, from: number): string {
  const first = from > 0 ? from - 1 : from < 0 ? points(subject) + from : -1;
  return subject.slice(offset(subject, first));
}

/** substr(subject, from, length); a negative length goes backwards. */
export function between(subject: string, from: number, length: number): string {
  let first = from > 0 ? from - 1 : from < 0 ? points(subject) + from : -1;
  if (from < 0 && length < 0 && first < 0) first = 0;
  const end = first + length;
  const low = first < end ? first : end;
  const high = first < end ? end : first;
  return subject.slice(offset(subject, low), offset(subject, high));
}

/** Where the part first stands, in code points from 1; 0 where it does not. */
export function position(subject: string, part: string): number {
  const at = subject.indexOf(part);
  return at < 0 ? 0 : points(subject.slice(0, at)) + 1;
}

export function starts(subject: string, part: string): boolean {
  return subject.startsWith(part);
}

export function ends(subject: string, part: string): boolean {
  return subject.endsWith(part);
}

/** The piece with this number between separators, from 1, or from the end when negative. */
export function piece(subject: string, separator: string, number: number): string {
  if (number === 0) return "";
  let count = separator === "" ? points(subject) : 1;
  if (number < 0 && separator !== "") {
    for (let at = subject.indexOf(separator); at >= 0; ) {
      count += 1;
      at = subject.indexOf(separator, at + separator.length);
    }
  }
  const place = number > 0 ? number - 1 : count + number;
  if (place < 0) return "";
  if (separator === "") {
    const at = offset(subject, place);
    return at < subject.length ? subject.slice(at, at + step(subject, at)) : "";
  }
  let from = 0;
  for (let passed = 0; passed < place; passed++) {
    const at = subject.indexOf(separator, from);
    if (at < 0) return "";
    from = at + separator.length;
  }
  const end = subject.indexOf(separator, from);
  return end < 0 ? subject.slice(from) : subject.slice(from, end);
}
