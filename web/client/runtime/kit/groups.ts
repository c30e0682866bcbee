// This file is where the kit tells the groups of an aggregation apart, and weighs their states.

const { Array, Float64Array, Int32Array, Map, Math, String } = globalThis;
const { clz32, imul } = Math;

/** Values by the number of their first coming, from 1; one past the most for all that come later. */
interface Names {
  most: number;
  known: Map<bigint | number | string, number>;
}

/** The same for whole Numbers: open addressing, at most half full. */
interface Seats {
  most: number;
  count: number;
  shift: number;
  mask: number;
  values: Float64Array;
  numbers: Int32Array;
}

/** 2^32 divided by the golden ratio: multiples of it spread evenly (Knuth, volume 3, section 6.4). */
const GOLDEN = 0x9e3779b1;
const BELOW = 2 ** -32;

/** So many doubles, all of them `value`. */
export function filled(length: number, value: number): Float64Array {
  return new Float64Array(length).fill(value);
}

/** So many BigInts, all of them `value`. */
export function bigs(length: number, value: bigint): bigint[] {
  return new Array<bigint>(length).fill(value);
}

/** Room for at most so many different values. */
export function names(most: number): Names {
  return { most, known: new Map() };
}

/** The value's number, from 1; one past the most where there is no room for it. */
export function named(names: Names, value: bigint | number | string): number {
  const { known, most } = names;
  const found = known.get(value);
  if (found !== undefined) return found;
  if (known.size >= most) return most + 1;
  known.set(value, known.size + 1);
  return known.size;
}

/** Room for at most so many different whole Numbers. */
export function seats(most: number): Seats {
  const bits = 33 - clz32(most);
  const length = 2 ** bits;
  return {
    most,
    count: 0,
    shift: 32 - bits,
    mask: length - 1,
    values: new Float64Array(length),
    numbers: new Int32Array(length),
  };
}

/** As `named`, of whole Numbers. */
export function seated(seats: Seats, value: number): number {
  const { values, numbers, mask } = seats;
  const high = (value * BELOW) | 0;
  let at = imul((value | 0) ^ imul(high, 31), GOLDEN) >>> seats.shift;
  for (;;) {
    const number = numbers[at] as number;
    if (number === 0) break;
    if (values[at] === value) return number;
    at = (at + 1) & mask;
  }
  if (seats.count >= seats.most) return seats.most + 1;
  seats.count += 1;
  values[at] = value;
  numbers[at] = seats.count;
  return seats.count;
}

/** How many bytes of JSON the items take at most, each with a comma. */
export function weight(items: readonly unknown[]): number {
  let total = 0;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    if (typeof item === "string") total += 3 + bytesOf(item);
    else if (typeof item === "number") total += 1 + String(item).length;
    else if (typeof item === "object" && item !== null) total += 3 + weight(item as unknown[]);
    else total += 6;
  }
  return total;
}

/** UTF-8 bytes of a text in JSON; six for whatever may need an escape. */
function bytesOf(text: string): number {
  let total = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 32 || unit === 34 || unit === 92) total += 6;
    else if (unit < 0x80) total += 1;
    else if (unit < 0x800 || (unit >= 0xd800 && unit < 0xe000)) total += 2;
    else total += 3;
  }
  return total;
}
