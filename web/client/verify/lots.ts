/** This file is where a checkpoint draws work units: nobody could know the draw when they were made. */

import { sha256 } from "@noble/hashes/sha2.js";
import { hex, joined, utf8 } from "./bytes.ts";

/** The `count` work units of the lowest lots, SHA-256 of `root ‖ "JOB:PLACE"`, in order. */
export function drawn(root: Uint8Array, job: string, workUnits: number, count: number): number[] {
  const lots: { lot: string; place: number }[] = [];
  for (let place = 0; place < workUnits; place++) {
    const lot = hex(sha256(joined(root, utf8(`${job}:${place}`))));
    const worst = lots[lots.length - 1];
    if (lots.length === count && worst && lot >= worst.lot) continue;
    lots.push({ lot, place });
    lots.sort((one, other) => (one.lot < other.lot ? -1 : 1));
    lots.length = Math.min(lots.length, count);
  }
  return lots.map(({ place }) => place).sort((one, other) => one - other);
}
