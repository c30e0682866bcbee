// This file is where the kit writes values as text and reads them from text.

import { day as dayOf, months, monthslater } from "./moments.ts";
import { ratio } from "./numbers.ts";
import { power10 } from "./powers.ts";

const { BigInt, Math, Number, String } = globalThis;
const { floor } = Math;

/** Powers of ten up to here are doubles, and products with whole numbers below 2^53 round once. */
const EXACT_POWER_MAX = 22;
const EXACT_DIGITS_MAX = 15;
/** More digits of an exponent than any number that is not 0 or beyond every type needs. */
const EXPONENT_MAX = 9_999_999;
/** Digits that may matter: a double lies between 1e-343 and 1e309, an integer has 38. */
const POWER_MAX = 600;
/** Beyond every whole number that a type can hold. */
const NOTHING = 10n ** 39n;
const BLANKS = " \t\n\v\f\r";

/** A whole Number's decimal digits. */
export function digits(value: number): string {
  return String(value);
}

/** A decimal with so many digits behind the point; `bare` is 1 for no 0 ahead of it. */
export function spellscaled(whole: string, scale: number, bare: number): string {
  const sign = whole.startsWith("-") ? "-" : "";
  const padded = whole.slice(sign.length).padStart(scale + 1 - bare, "0");
  const ahead = padded.length - scale;
  return `${sign}${padded.slice(0, ahead)}.${padded.slice(ahead)}`;
}

export function spellflag(flag: number): string {
  return flag === 1 ? "true" : "false";
}

/** The fewest digits that are read as this double; an exponent below 1e-4 and from 1e16 on. */
export function spelldouble(value: number): string {
  if (value !== value) return "nan";
  if (value === Infinity || value === -Infinity) return value > 0 ? "inf" : "-inf";
  const sign = value < 0 || (value === 0 && 1 / value < 0) ? "-" : "";
  const shown = String(value < 0 ? -value : value);
  const mark = shown.indexOf("e");
  const mantissa = mark < 0 ? shown : shown.slice(0, mark);
  const point = mantissa.indexOf(".");
  const all = mantissa.replace(".", "");
  let lead = 0;
  while (lead < all.length - 1 && all[lead] === "0") lead += 1;
  let end = all.length;
  while (end > lead + 1 && all[end - 1] === "0") end -= 1;
  const found = all.slice(lead, end);
  // The value is 0.found · 10^place.
  const place =
    (point < 0 ? mantissa.length : point) - lead + (mark < 0 ? 0 : Number(shown.slice(mark + 1)));
  return sign + (found === "0" ? "0.0" : laidOut(found, place));
}

/** 0.found · 10^place as text. */
function laidOut(found: string, place: number): string {
  if (place > 16 || place < -3) {
    const power = place - 1;
    const exponent = String(power < 0 ? -power : power).padStart(2, "0");
    const rest = found.length > 1 ? `.${found.slice(1)}` : "";
    return `${found[0] as string}${rest}e${power < 0 ? "-" : "+"}${exponent}`;
  }
  if (place <= 0) return `0.${"0".repeat(-place)}${found}`;
  if (found.length <= place) return `${found}${"0".repeat(place - found.length)}.0`;
  return `${found.slice(0, place)}.${found.slice(place)}`;
}

function padded(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

/** YYYY-MM-DD. */
export function spelldate(date: number): string {
  const month = months(date);
  return `${padded(floor(month / 12), 4)}-${padded((month % 12) + 1, 2)}-${padded(dayOf(date), 2)}`;
}

/** YYYY-MM-DD HH:MM:SS, and the fraction without zeros at its end. */
export function spellmoment(date: number, clock: number): string {
  const seconds = floor(clock / 1_000_000);
  const rest = clock - seconds * 1_000_000;
  const time = [floor(seconds / 3600), floor(seconds / 60) % 60, seconds % 60];
  let fraction = padded(rest, 6);
  while (fraction.endsWith("0")) fraction = fraction.slice(0, -1);
  const shown = time.map((part) => padded(part, 2)).join(":");
  return `${spelldate(date)} ${shown}${fraction === "" ? "" : `.${fraction}`}`;
}

function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57;
}

/** The offset behind the digits that begin at `at`. */
function behindDigits(subject: string, at: number): number {
  while (isDigit(subject.charCodeAt(at))) at += 1;
  return at;
}

/** The text without blanks at its ends. */
function bare(subject: string): string {
  let from = 0;
  let to = subject.length;
  while (from < to && BLANKS.includes(subject[from] as string)) from += 1;
  while (to > from && BLANKS.includes(subject[to - 1] as string)) to -= 1;
  return subject.slice(from, to);
}

interface Spelled {
  negative: boolean;
  /** Digits without leading zeros; "" for 0. */
  digits: string;
  /** The number is ±digits · 10^power. */
  power: number;
}

/** What a number's text says; null for any other text. */
function parsed(subject: string): Spelled | null {
  const text = bare(subject);
  const signed = text.startsWith("-") || text.startsWith("+");
  const from = signed ? 1 : 0;
  const whole = behindDigits(text, from);
  const point = text[whole] === ".";
  const end = point ? behindDigits(text, whole + 1) : whole;
  const fraction = point ? text.slice(whole + 1, end) : "";
  if (whole === from && fraction === "") return null;
  let exponent = 0;
  if (end < text.length) {
    if (text[end] !== "e" && text[end] !== "E") return null;
    const minus = text[end + 1] === "-";
    const first = minus || text[end + 1] === "+" ? end + 2 : end + 1;
    if (first === text.length || behindDigits(text, first) !== text.length) return null;
    const size = Number(text.slice(first));
    exponent = (minus ? -1 : 1) * (size > EXPONENT_MAX ? EXPONENT_MAX : size);
  }
  const all = text.slice(from, whole) + fraction;
  let lead = 0;
  while (all[lead] === "0") lead += 1;
  return {
    negative: text.startsWith("-"),
    digits: all.slice(lead),
    power: exponent - fraction.length,
  };
}

/** The number times 10^scale, halves away from zero; beyond every type where there is none. */
export function readscaled(subject: string, scale: number): bigint {
  const found = parsed(subject);
  if (found === null) return NOTHING;
  const power = found.power + scale;
  if (found.digits === "" || found.digits.length + power < 0) return 0n;
  if (found.digits.length + power > POWER_MAX) return NOTHING;
  const value = BigInt(found.digits);
  const unit = 10n ** BigInt(power < 0 ? -power : power);
  const whole = power < 0 ? (2n * value + unit) / (2n * unit) : value * unit;
  return found.negative ? -whole : whole;
}

/** The word for a double that is no number, in lower case; "" for any other text. */
function word(subject: string): string {
  const text = bare(subject);
  if (text.length > 9) return "";
  let low = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    low += unit >= 65 && unit <= 90 ? String.fromCharCode(unit + 32) : (text[at] as string);
  }
  const name = low.startsWith("-") || low.startsWith("+") ? low.slice(1) : low;
  return name === "nan" || name === "inf" || name === "infinity" ? low : "";
}

export function isdouble(subject: string): boolean {
  return parsed(subject) !== null || word(subject) !== "";
}

/** The double nearest to what the text spells; 0 where it spells none. */
export function readdouble(subject: string): number {
  const found = parsed(subject);
  if (found === null) {
    const name = word(subject);
    if (name === "") return 0;
    if (name.endsWith("nan")) return NaN;
    return name.startsWith("-") ? -Infinity : Infinity;
  }
  const size = magnitude(found);
  return found.negative ? -size : size;
}

function magnitude({ digits: all, power }: Spelled): number {
  if (all === "" || all.length + power < -400) return 0;
  if (all.length + power > 400) return Infinity;
  const scale = power < 0 ? -power : power;
  if (all.length <= EXACT_DIGITS_MAX && scale <= EXACT_POWER_MAX) {
    return power < 0 ? Number(all) / power10(scale) : Number(all) * power10(scale);
  }
  const unit = 10n ** BigInt(scale);
  return power < 0 ? ratio(BigInt(all), unit) : ratio(BigInt(all) * unit, 1n);
}

/** 1 or 0 for a word that means true or false, −1 for any other text. */
export function readflag(subject: string): number {
  if (subject.length > 5) return -1;
  let low = "";
  for (let at = 0; at < subject.length; at++) {
    const unit = subject.charCodeAt(at);
    low += unit >= 65 && unit <= 90 ? String.fromCharCode(unit + 32) : (subject[at] as string);
  }
  if (low === "true" || low === "t" || low === "yes" || low === "y" || low === "1") return 1;
  return low === "false" || low === "f" || low === "no" || low === "n" || low === "0" ? 0 : -1;
}

interface Moment {
  day: number;
  clock: number;
}

/** The one or two digits at `at`, behind `mark`; −1 where they are not. */
function pair(text: string, at: number, mark: string): number {
  if (text[at] !== mark || !isDigit(text.charCodeAt(at + 1))) return -1;
  const end = isDigit(text.charCodeAt(at + 2)) ? at + 3 : at + 2;
  return Number(text.slice(at + 1, end));
}

/** YYYY-MM-DD[ HH:MM[:SS[.ffffff]]], T for the blank and a Z behind the time; null otherwise. */
function moment(subject: string): Moment | null {
  const text = bare(subject);
  if (behindDigits(text, 0) < 4) return null;
  const year = Number(text.slice(0, 4));
  const month = pair(text, 4, "-");
  let at = behindDigits(text, 5);
  const date = pair(text, at, "-");
  at = date < 0 ? at : at + (isDigit(text.charCodeAt(at + 2)) ? 3 : 2);
  if (year < 1 || month < 1 || month > 12 || date < 1 || date > 31) return null;
  const first = monthslater(-719_162, (year - 1) * 12 + month - 1);
  const day = first + date - 1;
  if (dayOf(day) !== date) return null;
  if (at === text.length) return { day, clock: 0 };
  const hour = text[at] === "T" ? pair(text, at, "T") : pair(text, at, " ");
  const minuteAt = behindDigits(text, at + 1);
  const minute = pair(text, minuteAt, ":");
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return null;
  at = minuteAt + (isDigit(text.charCodeAt(minuteAt + 2)) ? 3 : 2);
  if (text[at] !== ":") return closed(text, at, { day, clock: (hour * 60 + minute) * 60_000_000 });
  const second = pair(text, at, ":");
  if (second < 0 || second > 59) return null;
  at += isDigit(text.charCodeAt(at + 2)) ? 3 : 2;
  let clock = ((hour * 60 + minute) * 60 + second) * 1_000_000;
  if (text[at] === ".") {
    const end = behindDigits(text, at + 1);
    if (end === at + 1) return null;
    clock += Number(text.slice(at + 1, end).slice(0, 6).padEnd(6, "0"));
    at = end;
  }
  return closed(text, at, { day, clock });
}

/** The moment, if nothing but a Z follows. */
function closed(text: string, at: number, found: Moment): Moment | null {
  return at === text.length || (text[at] === "Z" && at + 1 === text.length) ? found : null;
}

/** The day of a date or timestamp; NaN for any other text. */
export function readday(subject: string): number {
  const found = moment(subject);
  return found === null ? NaN : found.day;
}

/** The microseconds since its midnight. */
export function readclock(subject: string): number {
  const found = moment(subject);
  return found === null ? 0 : found.clock;
}
