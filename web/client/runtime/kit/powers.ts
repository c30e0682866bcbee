// This file is where powers of two and of ten stand, which engines would round each in its own way.

const { Float64Array, Number } = globalThis;

/** 2^-1074, 2^-1073, … 2^1023: made by doubling, since engines differ in what they make of powers. */
const POWERS = new Float64Array(2098);
POWERS[0] = Number.MIN_VALUE;
for (let at = 1; at < POWERS.length; at++) POWERS[at] = (POWERS[at - 1] as number) * 2;
/** 1, 10, … 10^22: the powers of ten that are doubles. */
const TENS = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
];

/** 2^power for −1074 to 1023; infinite above. */
export function power2(power: number): number {
  return power > 1023 ? Infinity : (POWERS[power + 1074] as number);
}

/** 10^power for 0 to 22. */
export function power10(power: number): number {
  return TENS[power] as number;
}
