// This file is where the kit's streams of random numbers stand: Threefry-2x32 of twenty rounds.
//
// A number follows from its counter and a key alone (Salmon, Moraes, Dror and Shaw 2011), so any of
// them is made anywhere without those before it. Only sums, rotations and exclusive ors of 32-bit
// words are involved. A stream's key is what its number gives under the key of the seed.

import { log } from "./exponential.ts";

const { Int32Array, Math } = globalThis;
const { floor, sqrt } = Math;

/** The parity of Skein's key schedule. */
const PARITY = 0x1bd11bda;
const WORD = 4294967296;
/** What uniform numbers and those for the normal distribution are multiples of. */
const FINE = 1 / 9007199254740992;
const EVEN = 1 / 4503599627370496;

/** The two words that the last counter gave. */
const words = new Int32Array(2);

/** What the counter gives under the key, in `words`. */
function threefry(key: number, other: number, counter: number, behind: number): void {
  const third = key ^ other ^ PARITY;
  let one = (counter + key) | 0;
  let two = (behind + other) | 0;
  one = (one + two) | 0;
  two = ((two << 13) | (two >>> 19)) ^ one;
  one = (one + two) | 0;
  two = ((two << 15) | (two >>> 17)) ^ one;
  one = (one + two) | 0;
  two = ((two << 26) | (two >>> 6)) ^ one;
  one = (one + two) | 0;
  two = ((two << 6) | (two >>> 26)) ^ one;
  one = (one + other) | 0;
  two = (two + third + 1) | 0;
  one = (one + two) | 0;
  two = ((two << 17) | (two >>> 15)) ^ one;
  one = (one + two) | 0;
  two = ((two << 29) | (two >>> 3)) ^ one;
  one = (one + two) | 0;
  two = ((two << 16) | (two >>> 16)) ^ one;
  one = (one + two) | 0;
  two = ((two << 24) | (two >>> 8)) ^ one;
  one = (one + third) | 0;
  two = (two + key + 2) | 0;
  one = (one + two) | 0;
  two = ((two << 13) | (two >>> 19)) ^ one;
  one = (one + two) | 0;
  two = ((two << 15) | (two >>> 17)) ^ one;
  one = (one + two) | 0;
  two = ((two << 26) | (two >>> 6)) ^ one;
  one = (one + two) | 0;
  two = ((two << 6) | (two >>> 26)) ^ one;
  one = (one + key) | 0;
  two = (two + other + 3) | 0;
  one = (one + two) | 0;
  two = ((two << 17) | (two >>> 15)) ^ one;
  one = (one + two) | 0;
  two = ((two << 29) | (two >>> 3)) ^ one;
  one = (one + two) | 0;
  two = ((two << 16) | (two >>> 16)) ^ one;
  one = (one + two) | 0;
  two = ((two << 24) | (two >>> 8)) ^ one;
  one = (one + other) | 0;
  two = (two + third + 4) | 0;
  one = (one + two) | 0;
  two = ((two << 13) | (two >>> 19)) ^ one;
  one = (one + two) | 0;
  two = ((two << 15) | (two >>> 17)) ^ one;
  one = (one + two) | 0;
  two = ((two << 26) | (two >>> 6)) ^ one;
  one = (one + two) | 0;
  two = ((two << 6) | (two >>> 26)) ^ one;
  one = (one + third) | 0;
  two = (two + key + 5) | 0;
  words[0] = one;
  words[1] = two;
}

/** Puts into `key` the stream of this number under a seed; both are whole numbers below 2^53. */
export function stream(key: Int32Array, seed: number, number: number): void {
  threefry(seed | 0, (seed / WORD) | 0, number | 0, (number / WORD) | 0);
  key.set(words);
}

/** A number of [0, 1), a multiple of 2^-53: the stream's at this step, for this of its draws. */
export function uniform(key: Int32Array, step: number, draw: number): number {
  threefry(key[0] as number, key[1] as number, step, draw);
  return (((words[0] as number) >>> 5) * 67108864 + ((words[1] as number) >>> 6)) * FINE;
}

/** A number of the standard normal distribution: its inverse at an odd multiple of 2^-53. */
export function normal(key: Int32Array, step: number, draw: number): number {
  threefry(key[0] as number, key[1] as number, step, draw);
  const high = (words[0] as number) >>> 6;
  return inverse((high * 67108864 + ((words[1] as number) >>> 6) + 0.5) * EVEN);
}

/** As many places below `count` as `into` has, each with the same probability but for count / 2^32. */
export function resample(key: Int32Array, into: Int32Array, count: number): void {
  for (let at = 0; at < into.length; at += 2) {
    threefry(key[0] as number, key[1] as number, at, 0);
    into[at] = (((words[0] as number) >>> 0) * count) / WORD;
    if (at + 1 < into.length) into[at + 1] = (((words[1] as number) >>> 0) * count) / WORD;
  }
}

/** Puts `chosen` of all places, any with the same probability, ahead of the others (Fisher, Yates). */
export function shuffle(key: Int32Array, order: Int32Array, chosen: number): void {
  for (let at = 0; at < order.length; at++) order[at] = at;
  for (let at = 0; at < chosen; at++) {
    threefry(key[0] as number, key[1] as number, at, 1);
    const left = order.length - at;
    const other = at + floor((((words[0] as number) >>> 0) * left) / WORD);
    const place = order[at] as number;
    order[at] = order[other] as number;
    order[other] = place;
  }
}

/** The first `count` values ascending. */
export function ascend(values: Float64Array, count: number): void {
  values.subarray(0, count).sort();
}

/** Where the normal distribution function is p (Wichura 1988, algorithm AS 241, PPND16). */
function inverse(p: number): number {
  const q = p - 0.5;
  if (q <= 0.425 && q >= -0.425) {
    const r = 0.180625 - q * q;
    return (
      (q *
        (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r +
          45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r +
          133.14166789178437745) * r + 3.387132872796366608)) /
      (((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r +
        21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r +
        42.313330701600911252) * r + 1)
    );
  }
  const tail = sqrt(-log(q < 0 ? p : 1 - p));
  const far = tail <= 5 ? near(tail - 1.6) : beyond(tail - 5);
  return q < 0 ? -far : far;
}

function near(r: number): number {
  return (
    (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) *
      r + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r +
      4.6303378461565452959) * r + 1.42343711074968357734) /
    (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r +
      0.0151986665636164571966) * r + 0.14810397642748007459) * r + 0.68976733498510000455) * r +
      1.6763848301838038494) * r + 2.05319162663775882187) * r + 1)
  );
}

function beyond(r: number): number {
  return (
    (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r +
      0.0012426609473880784386) * r + 0.026532189526576123093) * r + 0.29656057182850489123) * r +
      1.7848265399172913358) * r + 5.4637849111641143699) * r + 6.6579046435011037772) /
    (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r +
      1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r +
      0.13692988092273580531) * r + 0.59983220655588793769) * r + 1)
  );
}
