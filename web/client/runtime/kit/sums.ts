// This file is where the kit adds doubles, and their squares, without loss.
//
// Words of significands are added by exponent, as `exact` wants them; that is emptied into a whole
// number of units of 2^-1074 before a sum of words could be rounded. A square is the sum of two
// doubles where it neither overflows nor loses bits below the least double, else a BigInt.

import { exact } from "./arrays.ts";

const { BigInt, Float64Array, Math, Uint32Array } = globalThis;
const { abs } = Math;

/** Additions before the words are emptied: sums of 2^21 words of 32 bits are below 2^53. */
const ADDED_MAX = 2 ** 21;
const WORD = 4294967296;
/** Between these, and at 0, both doubles of a square are exact. */
const SQUARE_MIN = 2 ** -480;
const SQUARE_MAX = 2 ** 480;
/** Splits a double into halves of 26 bits (Dekker 1971): 2^27 + 1. */
const SPLITTER = 134217729;
/** Bits of the unit of a sum. */
const UNIT = 1074n;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

interface Sum {
  lows: Float64Array;
  highs: Float64Array;
  added: number;
  total: bigint;
}

interface Squares {
  sum: Sum;
  /** Squares beyond those bounds, in units of 2^-2148. */
  wide: bigint;
}

/** A sum of nothing. */
export function adder(): Sum {
  return { lows: new Float64Array(2048), highs: new Float64Array(2048), added: 0, total: 0n };
}

/** Adds a finite double. */
export function add(sum: Sum, value: number): void {
  double[0] = value;
  const low = words[0] as number;
  const high = words[1] as number;
  const power = (high >>> 20) & 2047;
  const top = power > 0 ? (high & 1048575) | 1048576 : high & 1048575;
  const { lows, highs } = sum;
  if (high >>> 31 === 0) {
    lows[power] = (lows[power] as number) + low;
    highs[power] = (highs[power] as number) + top;
  } else {
    lows[power] = (lows[power] as number) - low;
    highs[power] = (highs[power] as number) - top;
  }
  sum.added += 1;
  if (sum.added === ADDED_MAX) empty(sum);
}

function empty(sum: Sum): void {
  sum.total += exact(sum.lows, sum.highs);
  sum.lows.fill(0);
  sum.highs.fill(0);
  sum.added = 0;
}

/** The sum in units of 2^-1074. */
export function added(sum: Sum): bigint {
  if (sum.added > 0) empty(sum);
  return sum.total;
}

/** A sum of no squares. */
export function squarer(): Squares {
  return { sum: adder(), wide: 0n };
}

/** Adds the square of a finite double. */
export function addsquare(squares: Squares, value: number): void {
  const size = abs(value);
  if (size > SQUARE_MIN && size < SQUARE_MAX) {
    const found = value * value;
    const big = SPLITTER * value;
    const high = big - (big - value);
    const low = value - high;
    add(squares.sum, found);
    add(squares.sum, high * high - found + 2 * high * low + low * low);
  } else if (size > 0) {
    const units = whole(value);
    squares.wide += units * units;
  }
}

/** A finite double in units of 2^-1074. */
function whole(value: number): bigint {
  double[0] = value;
  const high = words[1] as number;
  const power = (high >>> 20) & 2047;
  const top = power > 0 ? (high & 1048575) | 1048576 : high & 1048575;
  return BigInt(top * WORD + (words[0] as number)) << BigInt(power > 0 ? power - 1 : 0);
}

/** The sum of squares in units of 2^-2148. */
export function squared(squares: Squares): bigint {
  return (added(squares.sum) << UNIT) + squares.wide;
}
