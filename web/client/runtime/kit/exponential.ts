// This file is where the kit computes exp, log, log10 and powers, to the same bit in every engine.
//
// Only + − * / and comparisons of doubles are used, and the bits of a double. exp: x = k·ln 2 + r with
// |r| ≤ ln 2 / 2, and e^r by its Taylor series. log: x = 2^k·m with m from √½ to √2, and s = (m − 1) /
// (m + 1), of which 2·artanh s is a series; all in two doubles. A power is exp of y times that log.

import { product, rest, scaled, series, settled, sum, times } from "./doubles.ts";

const { Float64Array, Infinity, Math, NaN, Uint32Array } = globalThis;
const { abs, floor } = Math;

/** The first 32 bits of ln 2 behind the point, and what is left. */
const LN2_HIGH = 0.6931471806019545;
const LN2_LOW = -4.2009150726810846e-11;
const LN2_INVERSE = 1.4426950408889634;
/** Above the first, e^x is infinite; below the second, it is 0. */
const EXP_MAX = 709.782712893384;
const EXP_MIN = -745.1332191019412;
/** 1 / ln 10, 2/3 and 2/5, each in two doubles. */
const LN10_INVERSE = [0.4342944819032518, 1.098319650216765e-17] as const;
const THIRDS = [0.6666666666666666, 3.700743415417188e-17] as const;
const FIFTHS = [0.4, -2.2204460492503132e-17] as const;
/** 1/2!, 1/3!, … 1/14! */
const EXP = [
  0.5, 0.16666666666666666, 0.041666666666666664, 0.008333333333333333, 0.001388888888888889,
  0.0001984126984126984, 2.48015873015873e-05, 2.7557319223985893e-06, 2.755731922398589e-07,
  2.505210838544172e-08, 2.08767569878681e-09, 1.6059043836821613e-10, 1.1470745597729725e-11,
] as const;
/** 2/7, 2/9, … 2/25 */
const LOG = [
  0.2857142857142857, 0.2222222222222222, 0.18181818181818182, 0.15384615384615385,
  0.13333333333333333, 0.11764705882352941, 0.10526315789473684, 0.09523809523809523,
  0.08695652173913043, 0.08,
] as const;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** e^(x + low), for a low that is small beside x, between the bounds above. */
function power(x: number, low: number): number {
  const count = floor(x * LN2_INVERSE + 0.5);
  const first = x - count * LN2_HIGH;
  const part = count * LN2_LOW;
  const r = first - part;
  const behind = first - r - part + low;
  const curve = r * r * series(EXP, r);
  return scaled(1 + (r + (curve + (behind + behind * (r + curve)))), count);
}

export function exp(x: number): number {
  if (x !== x) return NaN;
  if (x > EXP_MAX) return Infinity;
  return x < EXP_MIN ? 0 : power(x, 0);
}

/** The natural logarithm of a positive, finite number; the second double in `rest`. */
function logarithm(x: number): number {
  let count = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984;
    count = -54;
  }
  double[0] = x;
  const high = words[1] as number;
  count += (high >>> 20) - 1023;
  words[1] = (high & 0xfffff) | 0x3ff00000;
  let m = double[0] as number;
  if (m > 1.4142135623730951) {
    m *= 0.5;
    count += 1;
  }
  // s = (m − 1) / (m + 1) in two doubles.
  const above = m - 1;
  const below = sum(1, m);
  const belowlow = rest;
  const s = above / below;
  const back = product(s, below);
  const slow = (above - back - rest - s * belowlow) / below;
  const z = times(s, slow, s, slow);
  const zlow = rest;
  // 2/3 + z·(2/5 + z·(…)), then times z, in two doubles.
  const fifth = sum(FIFTHS[0], z * series(LOG, z));
  const inner = times(z, zlow, fifth, rest + FIFTHS[1]);
  const innerlow = rest;
  const third = sum(THIRDS[0], inner);
  const outer = times(z, zlow, third, rest + (innerlow + THIRDS[1]));
  const outerlow = rest;
  const two = sum(2, outer);
  const found = times(s, slow, two, rest + outerlow);
  const foundlow = rest;
  const whole = sum(count * LN2_HIGH, found);
  const tail = rest + (foundlow + count * LN2_LOW);
  return settled(whole, tail);
}

export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  return x === Infinity ? Infinity : logarithm(x);
}

export function logten(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return Infinity;
  const found = logarithm(x);
  return times(found, rest, LN10_INVERSE[0], LN10_INVERSE[1]);
}

/** 0 for a number with a fraction, 1 for an odd one, 2 for an even one. */
function parity(y: number): number {
  if (floor(y) !== y) return 0;
  return abs(y) < 9007199254740992 && y % 2 !== 0 ? 1 : 2;
}

/** x^y for the operands of which C's standard says what comes out; NaN for all others. */
function special(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (x !== x || y !== y) return NaN;
  const size = abs(x);
  if (y === Infinity || y === -Infinity) {
    if (size === 1) return 1;
    return size > 1 === y > 0 ? Infinity : 0;
  }
  const odd = parity(y) === 1;
  if (size === 0) {
    const found = y < 0 ? Infinity : 0;
    return odd && 1 / x < 0 ? -found : found;
  }
  if (size === Infinity) {
    const found = y < 0 ? 0 : Infinity;
    return odd && x < 0 ? -found : found;
  }
  return NaN;
}

/** The kit's name for pow: x^y. */
export function topower(x: number, y: number): number {
  const size = abs(x);
  const ordinary = size > 0 && size < Infinity && abs(y) < Infinity && y !== 0 && x !== 1;
  if (!ordinary) return special(x, y);
  const kind = x < 0 ? parity(y) : 2;
  if (kind === 0) return NaN;
  const found = magnitude(size, y);
  return kind === 1 ? -found : found;
}

function magnitude(x: number, y: number): number {
  const first = logarithm(x);
  const low = rest;
  const rough = y * first;
  if (rough > 710) return Infinity;
  if (rough < -746) return 0;
  if (abs(y) > 1e20) return first === 0 ? 1 : exp(rough);
  const exponent = product(y, first);
  const tail = rest + y * low;
  const whole = exponent + tail;
  const behind = exponent - whole + tail;
  if (whole > EXP_MAX) return Infinity;
  return whole < EXP_MIN ? 0 : power(whole, behind);
}
