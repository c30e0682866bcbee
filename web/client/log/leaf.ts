/**
 * This file is where entries of one kind are read out of a leaf of the log, as docs/log.md describes
 * leaves. Only facts that are plain values are.
 */

import { Broken } from "./tree.ts";

type Facts = Record<string, unknown>;
interface Table {
  kind: string;
  count: number;
  same: Facts;
  each: Record<string, unknown>;
}
interface Column {
  bytes?: number;
  hex?: string;
  of?: unknown[] | Column;
  pick?: number[];
  at?: number[];
  some?: unknown;
}

/** No honest leaf has more. */
const ENTRIES_MAX = 4096;

/** The given facts of each entry of this kind. Throws Broken for bytes that are no leaf. */
export function entriesOf(leaf: Uint8Array, kind: string, names: readonly string[]): Facts[] {
  try {
    const { leaf: version, tables } = JSON.parse(new TextDecoder().decode(leaf)) as { leaf: number; tables: Table[] };
    if (version !== 1) throw new Broken(`a leaf of version ${version}`);
    return tables.filter((one) => one.kind === kind).flatMap((one) => rowsOf(one, names));
  } catch (error) {
    throw error instanceof Broken ? error : new Broken("these bytes are no leaf of the log");
  }
}

function rowsOf({ count, same, each }: Table, names: readonly string[]): Facts[] {
  if (!(Number.isInteger(count) && count >= 0 && count <= ENTRIES_MAX)) throw new Broken("a leaf of too many entries");
  const rows: Facts[] = Array.from({ length: count }, () => ({}));
  for (const name of names) {
    const values = Object.hasOwn(each, name) ? valuesOf(each[name] as unknown[] | Column, count) : null;
    rows.forEach((row, at) => {
      row[name] = values ? values[at] : Object.hasOwn(same, name) ? same[name] : undefined;
    });
  }
  return rows;
}

function valuesOf(column: unknown[] | Column, count: number): unknown[] {
  if (Array.isArray(column)) return column;
  if (column.pick) {
    const known = Array.isArray(column.of) ? column.of : fromHex(column.of!);
    return column.pick.map((at) => known[at]);
  }
  if (column.hex !== undefined) return fromHex(column);
  if (column.at) {
    const found: unknown[] = Array.from({ length: count });
    const some = valuesOf(column.some as unknown[] | Column, column.at.length);
    column.at.forEach((place, at) => (found[place] = some[at]));
    return found;
  }
  return [];
}

function fromHex({ bytes, hex }: Column): string[] {
  const digits = Array.from(atob(hex!), (one) => one.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  const size = 2 * bytes!;
  return Array.from({ length: digits.length / size }, (_, at) => digits.slice(at * size, (at + 1) * size));
}
