/** This file is where a leaf's tables become its entries again; docs/log.md describes their form. */

import { fromBase64, hex } from "./bytes.ts";

export type Facts = Record<string, unknown>;
export interface Entry {
  kind: string;
  facts: Facts;
}

interface Table {
  kind?: string;
  count?: number;
  same: Facts;
  each: Record<string, Column>;
}

type Column =
  | unknown[]
  | { of: unknown[] | { bytes: number; hex: string }; pick: number[] }
  | { bytes: number; hex: string }
  | { at: number[]; some: Column }
  | (Table & { counts: number | number[] });

const ABSENT = Symbol("absent");
/** No honest leaf has as many facts; a forged one must not cost its reader more. */
const FACTS_MAX = 1_000_000;

export function entriesOf(leaf: string): Entry[] {
  const value = JSON.parse(leaf) as { leaf: number; tables: Table[]; order?: Column };
  if (value.leaf !== 1) throw new Error(`a leaf of version ${value.leaf}`);
  const reading = new Reading();
  const tables = value.tables.map((table) =>
    reading.rows(table, Number(table.count)).map((facts) => ({ kind: String(table.kind), facts })),
  );
  if (!value.order) return tables[0] ?? [];
  const total = tables.reduce((sum, rows) => sum + rows.length, 0);
  const next = tables.map(() => 0);
  return reading.values(value.order, total).map((at) => {
    const place = Number(at);
    const found = tables[place]?.[next[place]!++];
    if (!found) throw new Error("a leaf whose order names what is not there");
    return found;
  });
}

class Reading {
  #left = FACTS_MAX;

  rows(table: Table, count: number): Facts[] {
    const names = Object.keys(table.each);
    this.#left -= count * (1 + names.length + Object.keys(table.same).length);
    if (!(count >= 0) || this.#left < 0) throw new Error("a leaf of too many facts");
    const rows: Facts[] = Array.from({ length: count }, () => ({ ...table.same }));
    for (const name of names) {
      this.values(table.each[name]!, count).forEach((value, at) => {
        if (value !== ABSENT) rows[at]![name] = value;
      });
    }
    return rows;
  }

  values(column: Column, count: number): unknown[] {
    const found = this.#spelled(column, count);
    if (found.length !== count) throw new Error("a column of another length than its table");
    return found;
  }

  #spelled(column: Column, count: number): unknown[] {
    if (Array.isArray(column)) return column;
    if ("pick" in column) {
      const of = Array.isArray(column.of) ? column.of : fromColumn(column.of);
      return column.pick.map((at) => of[at]);
    }
    if ("hex" in column) return fromColumn(column);
    if ("some" in column) {
      const whole: unknown[] = Array.from({ length: count }, () => ABSENT);
      this.values(column.some, column.at.length).forEach((value, at) => (whole[column.at[at]!] = value));
      return whole;
    }
    const { counts } = column;
    const each = typeof counts === "number" ? Array.from({ length: count }, () => counts) : counts;
    const rows = this.rows(column, each.reduce((sum, one) => sum + one, 0));
    let at = 0;
    return each.map((length) => rows.slice(at, (at += length)));
  }
}

function fromColumn({ bytes, hex: text }: { bytes: number; hex: string }): string[] {
  const whole = hex(fromBase64(text));
  const found = [];
  for (let at = 0; at < whole.length; at += 2 * bytes) found.push(whole.slice(at, at + 2 * bytes));
  return found;
}
