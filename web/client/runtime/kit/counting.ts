// This file is where the kit's helpers stand for programs that count points: bounds, arrays, parts.

const { Int32Array, Math, Number, RangeError } = globalThis;
const isSafe = Number.isSafeInteger;
const root = Math.sqrt;

/** A number of turns a loop may take, also from its decimal digits. */
export function times(digits: string | number): number {
  const value = Number(digits);
  if (!isSafe(value) || value < 0) throw new RangeError("not a number of turns");
  return value;
}

/** So many 32-bit whole numbers, all 0. */
export function integers(length: number): Int32Array {
  return new Int32Array(length);
}

/** The UTF-16 code unit at this place of a text; 0 behind its end. */
export function unit(text: string, at: number): number {
  return text.charCodeAt(at) | 0;
}

/** The square root, correctly rounded. */
export function sqrt(value: number): number {
  return root(value);
}
