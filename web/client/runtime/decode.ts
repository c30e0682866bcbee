/** This file is where the Arrow bytes of one column of one chunk become what a program reads. */

import { tableFromIPC, Type } from "@uwdata/flechette";

export type Physical =
  | "int8" | "int16" | "int32" | "int53" | "int64" | "int128"
  | "double" | "boolean" | "utf8" | "dict8" | "dict16";

export interface ColumnSpec {
  physical: Physical;
  nullable: boolean;
}

type Values = Int8Array | Int16Array | Int32Array | BigInt64Array | Float64Array;

export interface Column {
  values: Values | Uint8Array | string[];
  /** Arrow bitmap, least significant bit first, 1 = valid; null when the column is not nullable. */
  validity: Uint8Array | null;
  dictionary: string[] | null;
}

interface Batch {
  length: number;
  nullCount: number;
  validity?: Uint8Array;
  values: Values | Uint8Array;
  offsets?: Int32Array;
  dictionary?: { data: readonly Batch[] };
}

const ARRAYS: Partial<Record<Physical, abstract new (...args: never[]) => Values>> = {
  int8: Int8Array, int16: Int16Array, int32: Int32Array, int53: BigInt64Array,
  int64: BigInt64Array, double: Float64Array, dict8: Int8Array, dict16: Int16Array,
};

// A byte order mark at the start of a value is data.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The column of `rows` rows in `blob`, as views over it where its memory allows: a typed array, 0/1
 * per row for boolean, strings for utf8 ("" for NULL), codes and a dictionary for dict8 and dict16,
 * low and high half of each value for int128.
 * Throws Error for bytes that are not one record batch of that type and length.
 */
export function decode(blob: Uint8Array, spec: ColumnSpec, rows: number): Column {
  const column = tableFromIPC(blob, { useBigInt: true }).getChildAt(0);
  const batch = column?.data[0] as unknown as Batch | undefined;
  if (!batch || column.data.length !== 1 || batch.length !== rows) {
    throw new Error(`an input is not one batch of ${rows} rows`);
  }
  const validity = spec.nullable ? bitmap(batch, rows) : null;
  if (!spec.nullable && batch.nullCount > 0) throw new Error("an input holds unexpected NULLs");
  const typeId = column.type.typeId;
  if (spec.physical === "boolean" && typeId === Type.Bool) {
    return { values: spread(batch.values as Uint8Array, rows), validity, dictionary: null };
  }
  if (spec.physical === "utf8" && typeId === Type.Utf8) {
    return { values: strings(batch, validity), validity, dictionary: null };
  }
  if (spec.physical === "int128" && typeId === Type.Decimal) {
    const halves = batch.values as Uint8Array;
    if (halves.byteLength < 16 * rows) throw new Error("an input is too short");
    return {
      values: new BigInt64Array(halves.buffer, halves.byteOffset, 2 * rows),
      validity,
      dictionary: null,
    };
  }
  const expected = ARRAYS[spec.physical];
  const coded = spec.physical === "dict8" || spec.physical === "dict16";
  if (!expected || !(batch.values instanceof expected) || coded !== Boolean(batch.dictionary)) {
    throw new Error(`an input is not of type ${spec.physical}`);
  }
  const words = batch.dictionary?.data[0];
  const dictionary = coded ? (words ? strings(words, null) : []) : null;
  return { values: batch.values.subarray(0, rows), validity, dictionary };
}

function bitmap(batch: Batch, rows: number): Uint8Array {
  const bytes = (rows + 7) >> 3;
  return batch.nullCount > 0 && batch.validity
    ? batch.validity.subarray(0, bytes)
    : new Uint8Array(bytes).fill(255);
}

function spread(bits: Uint8Array, rows: number): Uint8Array {
  const out = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) out[i] = (bits[i >> 3]! >> (i & 7)) & 1;
  return out;
}

function strings(batch: Batch, validity: Uint8Array | null): string[] {
  const offsets = batch.offsets!;
  const bytes = batch.values as Uint8Array;
  const out = new Array<string>(batch.length);
  const start = offsets[0] ?? 0;
  const whole = decoder.decode(bytes.subarray(start, offsets[batch.length] ?? 0));
  const ascii = whole.length === (offsets[batch.length] ?? 0) - start;
  for (let i = 0; i < batch.length; i++) {
    const from = offsets[i]!;
    const to = offsets[i + 1]!;
    if (validity && !((validity[i >> 3]! >> (i & 7)) & 1)) out[i] = "";
    else out[i] = ascii ? whole.slice(from - start, to - start) : decoder.decode(bytes.subarray(from, to));
  }
  return out;
}
