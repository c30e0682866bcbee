// This file is where the kit reads literals and computes with numbers.

import { power2 } from "./powers.ts";

const { BigInt, BigInt64Array, Float64Array, Int32Array, Math, Number, RangeError } = globalThis;
const { abs: magnitude, ceil: up, floor: down, sqrt, trunc: cut } = Math;
const asInt = BigInt.asIntN;
const isSafe = Number.isSafeInteger;

const HEX = "0123456789abcdef";
/** Doubles from here on have no fraction. */
const WHOLE_FROM = 2 ** 52;
const LARGEST = 2 ** 53;

/** A whole number within ±2^53, from its decimal digits. */
export function integer(digits: string): number {
  const value = Number(digits);
  if (!isSafe(value) && value !== 2 ** 53 && value !== -(2 ** 53)) {
    throw new RangeError("not a whole number within 2^53");
  }
  return value;
}

/** A whole number of any size, from its decimal digits. */
export function big(digits: string): bigint {
  return BigInt(digits);
}

/** The double whose bits are these 16 hex digits, most significant first. */
export function double(bits: string): number {
  const word = new BigInt64Array(1);
  word[0] = asInt(64, BigInt("0x" + bits));
  return new Float64Array(word.buffer)[0] as number;
}

/** A double's bits as 16 hex digits; engines differ in the bits of NaN, so it has fixed ones. */
export function bits(value: number): string {
  if (value !== value) return "7ff8000000000000";
  const bytes = new Uint8Array(new Float64Array([value]).buffer);
  let out = "";
  for (let at = 7; at >= 0; at--) {
    const byte = bytes[at] as number;
    out += (HEX[byte >> 4] as string) + (HEX[byte & 15] as string);
  }
  return out;
}

/** A whole Number as a BigInt. */
export function widen(value: number): bigint {
  return BigInt(value);
}

/** The double nearest to a BigInt. */
export function narrow(value: bigint): number {
  return Number(value);
}

/** The values of a column of 64 bits as Numbers, where all are within ±2^53. */
export function numbers(values: BigInt64Array): Float64Array {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  const out = new Float64Array(values.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = (words[2 * i + 1] as number) * 0x100000000 + ((words[2 * i] as number) >>> 0);
  }
  return out;
}

/** A whole number of 128 bits from its two halves. */
export function long(low: bigint, high: bigint): bigint {
  return (high << 64n) + BigInt.asUintN(64, low);
}

/** A BigInt as a Number, ±2^53 for all beyond. */
export function near(value: bigint): number {
  const found = Number(value);
  return found > LARGEST ? LARGEST : found < -LARGEST ? -LARGEST : found;
}

/** Bits of a positive BigInt. */
function width(value: bigint): number {
  const digits = value.toString(16);
  const lead = HEX.indexOf(digits[0] as string);
  return 4 * digits.length - (lead > 7 ? 0 : lead > 3 ? 1 : lead > 1 ? 2 : 3);
}

/** The double nearest to one / other, ties to even; `other` is positive. */
export function ratio(one: bigint, other: bigint): number {
  if (one === 0n) return 0;
  const size = one < 0n ? -one : one;
  // 55 bits of the quotient or more, the last of them set when anything is left: it rounds right.
  const shift = 55 - (width(size) - width(other));
  const top = shift > 0 ? size << BigInt(shift) : size;
  const below = shift < 0 ? other << BigInt(-shift) : other;
  const quotient = top / below;
  const sticky = quotient * below === top ? quotient : quotient | 1n;
  const found = scale(sticky, -shift);
  return one < 0n ? -found : found;
}

/** value · 2^power, rounded once. */
function scale(value: bigint, power: number): number {
  // The least double is 2^-1074: what lies below it is rounded here, as a whole number of them.
  const below = -1074 - power;
  if (below > 0 && width(value) + power < -1021) {
    const unit = 1n << BigInt(below);
    const rest = value % unit;
    let whole = value / unit;
    const twice = rest * 2n;
    if (twice > unit || (twice === unit && whole % 2n === 1n)) whole += 1n;
    return Number(whole) * power2(-1074);
  }
  const rounded = Number(value);
  return power < -1000 ? rounded * power2(-1000) * power2(power + 1000) : rounded * power2(power);
}

/** The number without its sign. */
export function abs(value: number): number {
  return magnitude(value);
}

export function trunc(value: number): number {
  return cut(value);
}

export function floor(value: number): number {
  return down(value);
}

export function ceil(value: number): number {
  return up(value);
}

/** The square root, rounded to nearest. */
export function root(value: number): number {
  return sqrt(value);
}

/** To the whole number, halves away from zero. */
export function half(value: number): number {
  const whole = cut(value);
  const rest = magnitude(value - whole);
  if (!(rest >= 0.5)) return whole;
  return value < 0 ? whole - 1 : whole + 1;
}

/** To the whole number, halves to even. */
export function even(value: number): number {
  if (!(magnitude(value) < WHOLE_FROM)) return value;
  const below = down(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** round(value, digits) with power = 10^|digits|: `ahead` is 1 for digits ahead of the point. */
export function rounded(value: number, power: number, ahead: number): number {
  return shifted(value, power, ahead, half);
}

/** trunc(value, digits), as above. */
export function cutoff(value: number, power: number, ahead: number): number {
  return shifted(value, power, ahead, cut);
}

function shifted(
  value: number,
  power: number,
  ahead: number,
  whole: (value: number) => number,
): number {
  if (!(magnitude(value) < Infinity)) return value;
  const found = ahead === 1 ? whole(value / power) * power : whole(value * power) / power;
  return magnitude(found) < Infinity ? found : value;
}

/** A double without fraction as a BigInt; 0 for what is none within ±10^38. */
export function whole(value: number): bigint {
  return magnitude(value) <= 1e38 ? BigInt(value) : 0n;
}
