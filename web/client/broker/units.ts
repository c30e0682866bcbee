/** This file is where a part of a job becomes words. */

import type { Part } from "./events.ts";

/** People count from 1: "rows 12,001–24,000". */
export function partInWords({ of, first, count }: Part): string {
  const [from, until] = [first + 1, first + count].map((one) => one.toLocaleString("en"));
  const [one, many] = of === "rows" ? ["row", "rows"] : ["point", "points"];
  return count === 1 ? `${one} ${from}` : `${many} ${from}–${until}`;
}
