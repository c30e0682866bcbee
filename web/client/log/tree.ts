/**
 * This file is where the public log's Merkle tree is computed with: RFC 6962 over SHA-256, in the
 * tiles of C2SP tlog-tiles. It is `grid/auditlog/merkle.py` and `tiles.py`, as far as a reader
 * needs them. Sizes are below 2^53.
 */

import { sha256 } from "@noble/hashes/sha2.js";

export type Hash = Uint8Array;
/** The root over the leaves from `index * 2^level` on, 2^level of them. */
export type Subtree = (level: number, index: number) => Promise<Hash>;

const HASH_BYTES = 32;
const HEIGHT = 8;
const WIDTH = 2 ** HEIGHT;
const EMPTY_ROOT = sha256(new Uint8Array());

/** A proof, or a log, that does not show what it should. */
export class Broken extends Error {}

export function same(one: Hash, other: Hash): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** SHA-256 of these bytes, one behind the other. */
export function hashOf(...parts: Uint8Array[]): Hash {
  const hash = sha256.create();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function leafHash(leaf: Uint8Array): Hash {
  return hashOf(Uint8Array.of(0), leaf);
}

function innerHash(left: Hash, right: Hash): Hash {
  return hashOf(Uint8Array.of(1), left, right);
}

function complete(hashes: Hash[]): Hash {
  let level = hashes;
  while (level.length > 1) {
    level = level.filter((_, at) => at % 2 === 0).map((left, at) => innerHash(left, level[2 * at + 1]!));
  }
  return level[0]!;
}

/** Throws unless the leaf of this hash is number `index` of `size` (RFC 9162, section 2.1.3.2). */
export function verifyInclusion(index: number, size: number, leaf: Hash, path: Hash[], root: Hash): void {
  if (!(index >= 0 && index < size)) throw new Broken(`there is no leaf ${index} in a tree of ${size}`);
  let [place, last, reached] = [index, size - 1, leaf];
  const up = () => ([place, last] = [Math.floor(place / 2), Math.floor(last / 2)]);
  for (const hash of path) {
    if (last === 0) throw new Broken("the inclusion proof is too long");
    if (place % 2 === 1 || place === last) {
      reached = innerHash(hash, reached);
      while (place % 2 === 0 && place > 0) up();
    } else {
      reached = innerHash(reached, hash);
    }
    up();
  }
  if (last !== 0) throw new Broken("the inclusion proof is too short");
  if (!same(reached, root)) throw new Broken(`leaf ${index} is not in the tree of this root`);
}

/** The root of the first `size` leaves. */
export async function rootOf(size: number, subtree: Subtree): Promise<Hash> {
  return size === 0 ? EMPTY_ROOT : range(0, size, subtree);
}

async function range(start: number, end: number, subtree: Subtree): Promise<Hash> {
  const size = end - start;
  let level = 0;
  while (2 ** level < size) level += 1;
  if (2 ** level === size) return subtree(level, start / size);
  const middle = start + 2 ** (level - 1);
  return innerHash(await range(start, middle, subtree), await range(middle, end, subtree));
}

/** The subtrees of a tree of `size` leaves, out of the tiles that `read` brings, each once. */
export function subtreesOf(size: number, read: (path: string) => Promise<Uint8Array>): Subtree {
  const tiles = new Map<string, Promise<Uint8Array>>();
  return async (level, index) => {
    const tileLevel = Math.floor(level / HEIGHT);
    const count = 2 ** (level % HEIGHT);
    const first = index * count;
    const number = Math.floor(first / WIDTH);
    const there = Math.floor(size / 2 ** (HEIGHT * tileLevel)) - number * WIDTH;
    const width = Math.min(WIDTH, there);
    const path = `${tileLevel}/${spelled(number)}${width < WIDTH ? `.p/${width}` : ""}`;
    if (!tiles.has(path)) tiles.set(path, read(path));
    const tile = await tiles.get(path)!;
    if (tile.length < width * HASH_BYTES) throw new Broken(`tile ${path} is damaged`);
    const hashes = Array.from({ length: count }, (_, at) => {
      const begin = ((first % WIDTH) + at) * HASH_BYTES;
      return tile.slice(begin, begin + HASH_BYTES);
    });
    return complete(hashes);
  };
}

function spelled(index: number): string {
  let text = String(index % 1000).padStart(3, "0");
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    text = `x${String(rest % 1000).padStart(3, "0")}/${text}`;
  }
  return text;
}
