/** This file is where it is checked that a leaf is in a tree (RFC 9162, section 2.1.3.2). */

import { type Bytes, equal, joined, sha256 } from "./bytes.ts";

export const leafHash = (leaf: Uint8Array): Promise<Bytes> => sha256(joined(new Uint8Array([0]), leaf));

const innerHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> =>
  sha256(joined(new Uint8Array([1]), left, right));

/** Whether the leaf of this hash is number `index` of `size`. */
export async function isIncluded(
  index: number,
  size: number,
  leaf: Uint8Array,
  proof: Uint8Array[],
  root: Uint8Array,
): Promise<boolean> {
  if (!(index >= 0 && index < size)) return false;
  let place = BigInt(index);
  let last = BigInt(size - 1);
  let reached: Uint8Array = leaf;
  for (const hash of proof) {
    if (last === 0n) return false;
    if (place & 1n || place === last) {
      reached = await innerHash(hash, reached);
      while (!(place & 1n) && place) {
        place >>= 1n;
        last >>= 1n;
      }
    } else {
      reached = await innerHash(reached, hash);
    }
    place >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(reached, root);
}
