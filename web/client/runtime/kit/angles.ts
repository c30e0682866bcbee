// This file is where the kit computes sin, cos, tan and atan2, to the same bit in every engine.
//
// Only + − * / and comparisons of doubles are used, BigInts, and the bits of a double. The nearest
// multiple of π/2 is taken away from an angle, in three parts or, where that is not enough, from 1200
// bits of 2/π (Payne and Hanek 1983); the rest goes into Taylor series. From a tangent the nearest
// eighth is taken away by the addition theorem, and the rest goes into the series of the arc tangent.

import { product, quotient, rest, series, settled, sum } from "./doubles.ts";
import { power2 } from "./powers.ts";

const { BigInt, Float64Array, Infinity, Math, NaN, Number, Uint32Array } = globalThis;
const { abs, floor } = Math;

/** π/2 and π in two doubles. */
const HALF_PI = [1.5707963267948966, 6.123233995736766e-17] as const;
const PI = [3.141592653589793, 1.2246467991473532e-16] as const;
/** π/2 in parts of 32, 33 and 53 bits, and 2/π. */
const HALF_PI_PARTS = [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21] as const;
const TURNS = 0.6366197723675814;
/** Up to here a multiple of π/2 times its first two parts is exact; where less is left than the
 * second says, the third is too short. */
const MEDIUM_MAX = 1647099;
const NEAR_ZERO = 9.313225746154785e-10;
/** Quotients below do not change the angles to which they are added. */
const QUOTIENT_MIN = 8.673617379884035e-19;
/** 2/π · 2^1200 and π/2 · 2^200. */
const TURN_BITS = BigInt(
  "0x" +
  "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea" +
  "09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b" +
  "1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f7" +
  "8a5292ea6bfb5fb11f8d5d0856033046fc7b",
);
const HALF_PI_BITS = BigInt(
  "0x" +
  "1921fb54442d18469898cc51701b839a252049c1114cf98e804",
);
/** −1/3!, 1/5!, … 1/17! */
const SIN = [
  -0.16666666666666666, 0.008333333333333333, -0.0001984126984126984, 2.7557319223985893e-06,
  -2.505210838544172e-08, 1.6059043836821613e-10, -7.647163731819816e-13, 2.8114572543455206e-15,
] as const;
/** 1/4!, −1/6!, … 1/18! with its sign */
const COS = [
  0.041666666666666664, -0.001388888888888889, 2.48015873015873e-05, -2.755731922398589e-07,
  2.08767569878681e-09, -1.1470745597729725e-11, 4.779477332387385e-14, -1.5619206968586225e-16,
] as const;
/** −1/3, 1/5, … 1/17 */
const ATAN = [
  -0.3333333333333333, 0.2, -0.14285714285714285, 0.1111111111111111, -0.09090909090909091,
  0.07692307692307693, -0.06666666666666667, 0.058823529411764705,
] as const;
/** The angles whose tangents are 0/8, 1/8, … 8/8, in two doubles. */
const ANGLES = [
  [0, 0],
  [0.12435499454676144, -3.1253241424539383e-18],
  [0.24497866312686414, 1.0698755618734451e-17],
  [0.35877067027057225, -2.4623815582638635e-17],
  [0.4636476090008061, 2.2698777452961687e-17],
  [0.5585993153435624, -5.4556305485916264e-18],
  [0.6435011087932844, 1.5834785051444286e-17],
  [0.7188299996216245, -2.1478388444456983e-17],
  [0.7853981633974483, 3.061616997868383e-17],
] as const;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** Which quarter of a turn is nearest; x without it is `near` + `nearlow`. */
let quarter = 0;
let near = 0;
let nearlow = 0;

function reduce(x: number): void {
  const size = abs(x);
  if (size <= 0.7853981633974483) {
    quarter = 0;
    near = x;
    nearlow = 0;
    return;
  }
  if (size < MEDIUM_MAX) {
    const count = floor(x * TURNS + 0.5);
    const first = x - count * HALF_PI_PARTS[0];
    const second = sum(first, -(count * HALF_PI_PARTS[1]));
    const third = count * HALF_PI_PARTS[2];
    near = second - third;
    nearlow = second - near - third + rest;
    quarter = count & 3;
    if (abs(near) > NEAR_ZERO) return;
  }
  reduceFar(x);
}

/** The same from 1200 bits of 2/π. */
function reduceFar(x: number): void {
  double[0] = x;
  const high = words[1] as number;
  const exponent = ((high >>> 20) & 2047) - 1075;
  const bits = BigInt((high & 0xfffff) | 0x100000) * 0x100000000n + BigInt(words[0] as number);
  const turns = (bits * TURN_BITS) >> BigInt(1000 - exponent);
  const count = (turns + (1n << 199n)) >> 200n;
  const product = (turns - (count << 200n)) * HALF_PI_BITS;
  const first = Number(product);
  const sign = x < 0 ? -1 : 1;
  near = sign * first * power2(-400);
  nearlow = sign * Number(product - BigInt(first)) * power2(-400);
  quarter = (sign * Number(count & 3n)) & 3;
}

/** sin(x + low) − x. */
function sineLess(x: number, low: number): number {
  const z = x * x;
  return x * z * series(SIN, z) + low * (1 - 0.5 * z);
}

/** cos(x + low) in two doubles. */
function cosine(x: number, low: number): number {
  const z = x * x;
  const half = 0.5 * z;
  const first = 1 - half;
  const second = 1 - first - half + (z * z * series(COS, z) - x * low);
  return settled(first, second);
}

export function sin(x: number): number {
  if (!(abs(x) < Infinity)) return NaN;
  if (x === 0) return x;
  reduce(x);
  const found = quarter & 1 ? cosine(near, nearlow) : near + sineLess(near, nearlow);
  return quarter & 2 ? -found : found;
}

export function cos(x: number): number {
  if (!(abs(x) < Infinity)) return NaN;
  reduce(x);
  const found = quarter & 1 ? near + sineLess(near, nearlow) : cosine(near, nearlow);
  return quarter === 1 || quarter === 2 ? -found : found;
}

export function tan(x: number): number {
  if (!(abs(x) < Infinity)) return NaN;
  if (x === 0) return x;
  reduce(x);
  const less = sineLess(near, nearlow);
  const sine = near + less;
  const sinelow = near - sine + less;
  const cosined = cosine(near, nearlow);
  const cosinelow = rest;
  if (quarter & 1) return -quotient(cosined, cosinelow, sine, sinelow);
  return quotient(sine, sinelow, cosined, cosinelow);
}

/** The angle whose tangent is (z + low), for z from 0 to 1; the second double in `rest`. */
function angle(z: number, low: number): number {
  const eighth = floor(z * 8 + 0.5);
  const start = ANGLES[eighth] as readonly [number, number];
  const c = eighth / 8;
  const scaledz = product(z, c);
  const scaledlow = rest + low * c;
  const below = 1 + scaledz;
  const belowlow = 1 - below + scaledz + scaledlow;
  const t = quotient(z - c, low, below, belowlow);
  const tlow = rest;
  const square = t * t;
  const tail = start[1] + (tlow + t * square * series(ATAN, square));
  const whole = start[0] + t;
  const behind = start[0] - whole + t + tail;
  return settled(whole, behind);
}

/** The angle of the point (x, y), from −π to π; the kit's name for atan2. */
export function atan(y: number, x: number): number {
  if (x !== x || y !== y) return NaN;
  const found = upper(abs(y), x);
  return y < 0 || (y === 0 && 1 / y < 0) ? -found : found;
}

/** The same for a y that is not negative. */
function upper(y: number, x: number): number {
  const left = x < 0 || (x === 0 && 1 / x < 0);
  if (y === 0) return left ? PI[0] : 0;
  const size = abs(x);
  if (y === Infinity && size === Infinity) return left ? 2.356194490192345 : 0.7853981633974483;
  const steep = y > size;
  let one = steep ? size : y;
  let two = steep ? y : size;
  const rough = two === Infinity ? 0 : one / two;
  if (rough < QUOTIENT_MIN) return steep ? HALF_PI[0] : left ? PI[0] : rough;
  const shift = two > 1e150 ? 600 : two < 1e-150 ? -600 : 0;
  one *= power2(-shift);
  two *= power2(-shift);
  const z = quotient(one, 0, two, 0);
  let found = angle(z, rest);
  let low = rest;
  if (steep) {
    const turned = HALF_PI[0] - found;
    low = HALF_PI[0] - turned - found + (HALF_PI[1] - low);
    found = turned;
  }
  if (!left) return found + low;
  const turned = PI[0] - found;
  return turned + (PI[0] - turned - found + (PI[1] - low));
}
