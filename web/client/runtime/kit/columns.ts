// This file is where the kit gathers computed columns and spells them compactly, in one way only.
//
// A column is gathered value by value and spelled once: `grid/codegen/columnar.py` says how. What it
// holds is bounded, so that no expression can fill the memory with text.

import { base64 } from "./arrays.ts";
import { encoded } from "./encoding.ts";

const {
  BigInt, BigInt64Array, Float64Array, Int16Array, Int32Array, Int8Array, RangeError, Uint32Array, Uint8Array,
} = globalThis;
const asInt = BigInt.asIntN;

/** No output of a work unit may be larger. */
const BYTES_MAX = 8388608;
const NAN_HIGH = 0x7ff80000;

interface Spelled {
  kind: string;
  valid: string;
  values: string;
}

/** What was gathered; the flags are 1 where there is a value. */
interface Column<T> {
  flags: number[];
  values: T[];
}

interface Texts {
  flags: number[];
  sizes: number[];
  bytes: Uint8Array;
  used: number;
}

/** An empty column of numbers, flags, BigInts or doubles. */
export function column(): Column<number | bigint> {
  return { flags: [], values: [] };
}

/** An empty column of texts. */
export function textcolumn(): Texts {
  return { flags: [], sizes: [], bytes: new Uint8Array(1024), used: 0 };
}

/** Puts a value, or NULL where the flag is 0, at the end of the column. */
export function put(to: Column<number | bigint>, value: number | bigint | boolean, flag: number | boolean): void {
  const at = to.flags.length;
  if (at * 8 > BYTES_MAX) throw new RangeError("a column of the output is too large");
  to.flags[at] = flag ? 1 : 0;
  to.values[at] = typeof value === "boolean" ? (value ? 1 : 0) : value;
}

/** The same for a text. */
export function puttext(to: Texts, value: string, flag: number | boolean): void {
  const before = to.used;
  if (flag) encode(to, value);
  const at = to.flags.length;
  to.flags[at] = flag ? 1 : 0;
  to.sizes[at] = to.used - before;
}

/** Appends the text in UTF-8. */
function encode(to: Texts, value: string): void {
  const most = to.used + value.length * 3;
  if (most > to.bytes.length) {
    if (to.used > BYTES_MAX) throw new RangeError("a column of the output is too large");
    const grown = new Uint8Array(most * 2);
    grown.set(to.bytes.subarray(0, to.used));
    to.bytes = grown;
  }
  to.used = encoded(to.bytes, to.used, value);
}

/** A column of whole numbers, in the fewest of 1, 2, 4, 8 or 16 bytes that hold each of them. */
export function wholes(from: Column<number | bigint>): Spelled {
  return { kind: "whole", valid: validity(from.flags), values: packed(from.flags, from.values) };
}

/** A column of doubles, with one zero and one NaN. */
export function doubles(from: Column<number | bigint>): Spelled {
  const { flags, values } = from;
  const out = new Float64Array(values.length);
  const words = new Uint32Array(out.buffer);
  for (let at = 0; at < values.length; at++) {
    const value = flags[at] ? (values[at] as number) : 0;
    if (value === value) out[at] = value + 0;
    else {
      words[2 * at] = 0;
      words[2 * at + 1] = NAN_HIGH;
    }
  }
  return { kind: "double", valid: validity(flags), values: spell(out) };
}

/** A column of booleans, a bit for each. */
export function flags(from: Column<number | bigint>): Spelled {
  const truths = from.values.map((value, at) => (from.flags[at] ? (value as number) : 0));
  return { kind: "flag", valid: validity(from.flags), values: bitmap(truths) };
}

/** A column of texts: their UTF-8 behind one another, and how many bytes each has. */
export function utf8(from: Texts): Spelled & { sizes: string } {
  const values = base64(from.bytes, from.used);
  return { kind: "text", valid: validity(from.flags), sizes: packed(from.flags, from.sizes), values };
}

function validity(flags: number[]): string {
  return flags.includes(0) ? bitmap(flags) : "";
}

function bitmap(truths: number[]): string {
  const out = new Uint8Array((truths.length + 7) >> 3);
  for (let at = 0; at < truths.length; at++) {
    out[at >> 3] = (out[at >> 3] as number) | ((truths[at] as number) << (at & 7));
  }
  return spell(out);
}

function packed(flags: number[], values: (number | bigint)[]): string {
  let low = 0n;
  let high = 0n;
  for (let at = 0; at < values.length; at++) {
    if (!flags[at]) continue;
    const value = values[at] as number | bigint;
    if (value < low) low = BigInt(value);
    else if (value > high) high = BigInt(value);
  }
  const most = low < -1n - high ? -1n - low : high;
  const small = most <= 0x7fffffffn;
  const length = values.length;
  if (!small) return spell(wide(flags, values, asInt(64, low) === low && asInt(64, high) === high));
  const out = most <= 127n ? new Int8Array(length) : most <= 32767n ? new Int16Array(length) : new Int32Array(length);
  for (let at = 0; at < length; at++) if (flags[at]) out[at] = Number(values[at]);
  return spell(out);
}

/** 64 bits each, or 128 as two words, the low one first. */
function wide(flags: number[], values: (number | bigint)[], one: boolean): BigInt64Array {
  const step = one ? 1 : 2;
  const out = new BigInt64Array(values.length * step);
  for (let at = 0; at < values.length; at++) {
    if (!flags[at]) continue;
    const value = values[at] as number | bigint;
    const whole = BigInt(value);
    out[at * step] = asInt(64, whole);
    if (!one) out[at * step + 1] = whole >> 64n;
  }
  return out;
}

function spell(values: ArrayBufferView): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return base64(bytes, bytes.length);
}
