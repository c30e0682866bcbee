// This file is where doubles are added and multiplied without loss: a number is the sum of two.
//
// The second one, what rounding left of the first, is in `rest` until the next of these functions is
// called (Dekker 1971; Knuth's TwoSum).

import { power2 } from "./powers.ts";

/** Splits a double into halves of 26 bits: 2^27 + 1. */
const SPLITTER = 134217729;

/** What the last function that says so left behind its answer: the sum of both is meant. */
export let rest = 0;

/** one + two; the rounding error in `rest`. */
export function sum(one: number, two: number): number {
  const found = one + two;
  const part = found - one;
  rest = one - (found - part) + (two - part);
  return found;
}

/** The same for a second one that is smaller. */
export function settled(one: number, two: number): number {
  const found = one + two;
  rest = one - found + two;
  return found;
}

/** one · two; the rounding error in `rest`. Neither may be above 2^996. */
export function product(one: number, two: number): number {
  const found = one * two;
  const big = SPLITTER * one;
  const high = big - (big - one);
  const low = one - high;
  const large = SPLITTER * two;
  const top = large - (large - two);
  const bottom = two - top;
  rest = high * top - found + high * bottom + low * top + low * bottom;
  return found;
}

/** (one + onelow) · (two + twolow), the second double in `rest`. */
export function times(one: number, onelow: number, two: number, twolow: number): number {
  const found = product(one, two);
  const low = rest + (one * twolow + onelow * two);
  return settled(found, low);
}

/** table[0] + x·(table[1] + x·(…)). */
export function series(table: readonly number[], x: number): number {
  let found = table[table.length - 1] as number;
  for (let at = table.length - 2; at >= 0; at--) found = found * x + (table[at] as number);
  return found;
}

/** value · 2^power, rounded once. */
export function scaled(value: number, power: number): number {
  if (power > 1023) return value * power2(1023) * power2(power - 1023);
  if (power < -1021) return value * power2(power + 100) * power2(-100);
  return value * power2(power);
}

/** (one + onelow) / (two + twolow), rounded; the second double in `rest`. */
export function quotient(one: number, onelow: number, two: number, twolow: number): number {
  const found = one / two;
  const back = product(found, two);
  const tail = (one - back - rest + onelow - found * twolow) / two;
  return settled(found, tail);
}
