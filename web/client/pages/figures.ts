// This file is where an output's rows become the series of a picture; it touches no page.

import type { Kind, Series } from "./charts";

export type Cell = string | number | boolean | null;

export interface Column {
  readonly name: string;
  readonly type: string;
}

export interface Picture {
  readonly kind: Kind | "histogram";
  /** The column along the bottom; -1 for the rows' numbers. */
  readonly along: number;
  /** The column of the values. */
  readonly of: number;
}

/** Bars of a histogram: enough to see a shape, few enough to tell apart. */
export const BINS = 24;
/** More bars than these are no picture. */
const BARS_MAX = 60;

export function isNumber(column: Column): boolean {
  return /^(int64|double|decimal)/.test(column.type);
}

function isOrdered(column: Column): boolean {
  return isNumber(column) || column.type === "date" || column.type === "timestamp";
}

/** int64 and decimals are text in JSON; NaN and the infinities have no place in a picture. */
export function valueOf(cell: Cell): number | null {
  if (cell === null || typeof cell === "boolean") return null;
  const value = Number(cell);
  return Number.isFinite(value) ? value : null;
}

/** What a person would draw first; null where nothing is to be drawn. */
export function choose(columns: readonly Column[], rows: readonly (readonly Cell[])[]): Picture | null {
  const numbers = columns.flatMap((column, place) => (isNumber(column) ? [place] : []));
  const last = numbers[numbers.length - 1];
  if (last === undefined || rows.length < 2) return null;
  const key = columns.findIndex((column, place) => place !== last && !(isNumber(column) && column.type !== "int64"));
  const along = columns[key];
  if (along && key < last) {
    if (isOrdered(along) && ascends(rows, key)) return { kind: "line", along: key, of: last };
    if (rows.length <= BARS_MAX) return { kind: "bars", along: key, of: last };
  }
  return { kind: "histogram", along: -1, of: last };
}

function ascends(rows: readonly (readonly Cell[])[], place: number): boolean {
  const keys = rows.map((row) => row[place] ?? null);
  return keys.every((key, index) => {
    const before = keys[index - 1];
    if (index === 0) return key !== null;
    if (key === null || before === null || before === undefined) return false;
    const [one, two] = [valueOf(before), valueOf(key)];
    return one !== null && two !== null ? one < two : String(before) < String(key);
  });
}

/** The series of a picture. */
export function series(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  picture: Picture,
): Series {
  const name = columns[picture.of]?.name ?? "";
  const values = rows.map((row) => valueOf(row[picture.of] ?? null));
  if (picture.kind === "histogram") return histogram(name, values.filter((value) => value !== null));
  const labels = rows.map((row, index) => (picture.along < 0 ? String(index + 1) : String(row[picture.along] ?? "NULL")));
  return { name, labels, values };
}

function histogram(name: string, values: readonly number[]): Series {
  const least = values.reduce((one, two) => Math.min(one, two), Infinity);
  const most = values.reduce((one, two) => Math.max(one, two), -Infinity);
  if (!(most > least)) return { name: `rows by ${name}`, labels: values.length ? [short(least)] : [], values: values.length ? [values.length] : [] };
  const width = most / BINS - least / BINS;
  const counts = new Array<number>(BINS).fill(0);
  for (const value of values) {
    const bin = Math.min(BINS - 1, Math.floor((value - least) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { name: `rows by ${name}`, labels: counts.map((_, bin) => short(least + bin * width)), values: counts };
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
