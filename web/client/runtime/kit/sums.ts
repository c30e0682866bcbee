// This file is where the kit adds doubles, and products of two, without loss.
//
// Words of significands are added by exponent, as `exact` wants them; that is emptied into a whole
// number of units of 2^-1074 before a sum of words could be rounded. A product is the sum of two
// doubles where it neither overflows nor loses bits below the least double, else a BigInt.

import { exact } from "./arrays.ts";

const { BigInt, Float64Array, Math, Uint32Array } = globalThis;
const { abs } = Math;

/** Additions before the words are emptied: sums of 2^21 words of 32 bits are below 2^53. */
const ADDED_MAX = 2 ** 21;
const WORD = 4294967296;
/** Where both factors are between these, both doubles of a product are exact. */
const FACTOR_MIN = 2 ** -480;
const FACTOR_MAX = 2 ** 480;
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

interface Products {
  sum: Sum;
  /** Products of factors beyond those bounds, in units of 2^-2148. */
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

/** A sum of no products. */
export function products(): Products {
  return { sum: adder(), wide: 0n };
}

/** Adds the product of two finite doubles. */
export function addproduct(sum: Products, one: number, other: number): void {
  const size = abs(one);
  const height = abs(other);
  if (size > FACTOR_MIN && size < FACTOR_MAX && height > FACTOR_MIN && height < FACTOR_MAX) {
    const found = one * other;
    const big = SPLITTER * one;
    const high = big - (big - one);
    const low = one - high;
    const large = SPLITTER * other;
    const top = large - (large - other);
    const bottom = other - top;
    add(sum.sum, found);
    add(sum.sum, high * top - found + high * bottom + low * top + low * bottom);
  } else if (size > 0 && height > 0) {
    sum.wide += whole(one) * whole(other);
  }
}

/** A finite double in units of 2^-1074. */
function whole(value: number): bigint {
  double[0] = value;
  const high = words[1] as number;
  const power = (high >>> 20) & 2047;
  const top = power > 0 ? (high & 1048575) | 1048576 : high & 1048575;
  const size = BigInt(top * WORD + (words[0] as number)) << BigInt(power > 0 ? power - 1 : 0);
  return value < 0 ? -size : size;
}

/** The sum of products in units of 2^-2148. */
export function multiplied(sum: Products): bigint {
  return (added(sum.sum) << UNIT) + sum.wide;
}
