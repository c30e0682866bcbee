/** This file is where the points of a work unit become an input like a chunk, made of their numbers. */

import type { Column } from "./decode.ts";

/** The points `first` to `first + count − 1`. */
export interface PointRange {
  first: number;
  count: number;
  physical: "int32" | "int64";
}

/** More numbers than this are never laid out in memory: whoever counts so far counts by itself. */
const LAID_OUT_MAX = 2 ** 21;

/** A chunk with the one column of the points' numbers, which are laid out when they are asked for. */
export function counted({ first, count, physical }: PointRange): {
  rows: number;
  first: number;
  columns: Column[];
} {
  let kept: Int32Array | BigInt64Array | null = null;
  const column: Column = {
    get values() {
      return (kept ??= layOut(first, count, physical));
    },
    validity: null,
    dictionary: null,
  };
  return { rows: count, first, columns: [column] };
}

function layOut(first: number, count: number, physical: string): Int32Array | BigInt64Array {
  if (count > LAID_OUT_MAX) throw new RangeError("too many points to lay them out");
  if (physical === "int32") {
    const values = new Int32Array(count);
    for (let i = 0; i < count; i++) values[i] = first + i;
    return values;
  }
  const values = new BigInt64Array(count);
  for (let i = 0; i < count; i++) values[i] = BigInt(first + i);
  return values;
}
