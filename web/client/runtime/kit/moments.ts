// This file is where the kit knows the calendar: days since 1970-01-01 and the parts of a date.
//
// Years begin in March here, so that a leap day is the last of its year; 400 of them have 146,097
// days. A timestamp is a day and the microseconds since its midnight.

const { BigInt, Math, Number } = globalThis;
const { floor } = Math;

const DAY = 86_400_000_000;
const ERA_DAYS = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const ZERO = 719_468;

/** The day that a timestamp lies in. */
export function today(moment: number): number {
  const day = floor(moment / DAY);
  const rest = moment - day * DAY;
  return rest < 0 ? day - 1 : rest >= DAY ? day + 1 : day;
}

/** The same of a BigInt. */
export function bigday(moment: bigint): number {
  const size = BigInt(DAY);
  const rest = moment % size;
  return Number((moment - rest) / size) - (rest < 0n ? 1 : 0);
}

/** The day of the year that begins in March, from 0. */
function inMarchYear(day: number): number {
  const inEra = day + ZERO - floor((day + ZERO) / ERA_DAYS) * ERA_DAYS;
  return inEra - firstDay(yearOfEra(inEra));
}

/** Which of an era's 400 years a day is in. */
function yearOfEra(inEra: number): number {
  return floor((inEra - floor(inEra / 1460) + floor(inEra / 36524) - floor(inEra / 146096)) / 365);
}

/** The first day of an era's year. */
function firstDay(year: number): number {
  return 365 * year + floor(year / 4) - floor(year / 100);
}

/** Months since year 0 of the month that the day is in. */
export function months(day: number): number {
  const era = floor((day + ZERO) / ERA_DAYS);
  const inEra = day + ZERO - era * ERA_DAYS;
  const marchYear = era * 400 + yearOfEra(inEra);
  return marchYear * 12 + floor((5 * inMarchYear(day) + 2) / 153) + 2;
}

/** The first day of a month that is given as above. */
function monthStart(month: number): number {
  const marchYear = floor((month - 2) / 12);
  const era = floor(marchYear / 400);
  const days = floor((153 * (month - 2 - marchYear * 12) + 2) / 5);
  return era * ERA_DAYS + firstDay(marchYear - era * 400) + days - ZERO;
}

export function year(day: number): number {
  return floor(months(day) / 12);
}

export function month(day: number): number {
  return (months(day) % 12) + 1;
}

export function quarter(day: number): number {
  return floor((months(day) % 12) / 3) + 1;
}

export function decade(day: number): number {
  return floor(year(day) / 10);
}

export function century(day: number): number {
  return floor((year(day) - 1) / 100) + 1;
}

/** The day of the month, from 1. */
export function day(day: number): number {
  return day - monthStart(months(day)) + 1;
}

/** The day of the year, from 1. */
export function doy(day: number): number {
  return day - startyear(day) + 1;
}

/** Monday is 1, Sunday 7. */
export function isodow(day: number): number {
  const since = day + 3;
  return since - floor(since / 7) * 7 + 1;
}

/** Sunday is 0, Saturday 6. */
export function dow(day: number): number {
  return isodow(day) % 7;
}

/** The year of the week's Thursday (ISO 8601). */
export function isoyear(day: number): number {
  return year(startweek(day) + 3);
}

/** The number of the week in that year, from 1. */
export function week(day: number): number {
  const thursday = startweek(day) + 3;
  return floor((thursday - startyear(thursday)) / 7) + 1;
}

export function startyear(day: number): number {
  return monthStart(floor(months(day) / 12) * 12);
}

export function startquarter(day: number): number {
  return monthStart(floor(months(day) / 3) * 3);
}

export function startmonth(day: number): number {
  return monthStart(months(day));
}

export function startweek(day: number): number {
  return day - isodow(day) + 1;
}

export function startdecade(day: number): number {
  return monthStart(floor(months(day) / 120) * 120);
}

/** Centuries begin with a year that ends in 01. */
export function startcentury(day: number): number {
  return monthStart(floor((year(day) - 1) / 100) * 1200 + 12);
}

export function startisoyear(day: number): number {
  return startweek(day) - (week(day) - 1) * 7;
}

/** The same day so many months later, or the last of that month. */
export function monthslater(from: number, count: number): number {
  const target = months(from) + count;
  const later = monthStart(target) + day(from) - 1;
  const last = monthStart(target + 1) - 1;
  return later < last ? later : last;
}
