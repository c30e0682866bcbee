/**
 * This file is where signed notes, checkpoints and proofs are read and checked: C2SP signed-note,
 * tlog-checkpoint and tlog-proof. It is `grid/auditlog/notes.py` and `proofs.py`, for readers.
 */

import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { Broken, type Hash, hashOf, leafHash, same, verifyInclusion } from "./tree.ts";

hashes.sha512 = sha512;

const ED25519 = 1;
const FIRST_LINE = "c2sp.org/tlog-proof@v1";
const PROOF_LENGTH_MAX = 256 * 1024;
const KEYS_MAX = 8;

interface Key {
  name: string;
  id: Uint8Array;
  bytes: Uint8Array;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Hash;
}

export interface Proven {
  leaf: Uint8Array;
  checkpoint: Checkpoint;
  /** The signed checkpoint, whole. */
  note: string;
}

const encoder = new TextEncoder();

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  } catch {
    throw new Broken("something that should be Base64 is not");
  }
}

function numberOf(text: string): number {
  const found = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(found)) throw new Broken("something that should be a size is not");
  return found;
}

/** Keys out of verifier keys, one a line; those that are none are left out. */
function keysOf(vkeys: readonly string[]): Key[] {
  return vkeys.slice(0, KEYS_MAX).flatMap((text) => {
    const [name, , ...material] = text.split("+");
    const raw = bytesOf(material.join("+"));
    if (!name || raw.length !== 33 || raw[0] !== ED25519) return [];
    const id = hashOf(encoder.encode(`${name}\n`), raw).slice(0, 4);
    return [{ name, id, bytes: raw.slice(1) }];
  });
}

/** The checkpoint of a note, as it states it; nothing is checked. */
export function checkpointOf(note: string): Checkpoint {
  const [origin, size, root] = note.split("\n");
  const hash = bytesOf(root ?? "");
  if (!origin || hash.length !== 32) throw new Broken("a checkpoint has an origin, a size and a root");
  return { origin, size: numberOf(size ?? ""), root: hash };
}

/** Throws unless one of the keys signed the note for the log of its name. */
function verified(note: string, vkeys: readonly string[]): Checkpoint {
  const end = note.lastIndexOf("\n\n");
  if (end < 0) throw new Broken("a note without signatures");
  const text = note.slice(0, end + 1);
  const tree = checkpointOf(text);
  const keys = keysOf(vkeys).filter(({ name }) => name === tree.origin);
  const lines = note.slice(end + 2).split("\n").map((line) => /^— (\S+) (\S+)$/.exec(line));
  for (const line of lines) {
    const said = line && line[1] === tree.origin ? bytesOf(line[2]!) : null;
    const key = said && keys.find(({ id }) => same(id, said.slice(0, 4)));
    if (said && key && said.length === 68 && verify(said.slice(4), encoder.encode(text), key.bytes)) return tree;
  }
  throw new Broken("the checkpoint is not signed by a key of its log");
}

/** What a `.tlog-proof` with its leaf inside proves. Throws Broken when that is nothing. */
export function proven(text: string, vkeys: readonly string[]): Proven {
  const end = text.indexOf("\n\n");
  if (text.length > PROOF_LENGTH_MAX || end < 0) throw new Broken("this is no proof");
  const [first, extra, index, ...path] = text.slice(0, end).split("\n");
  if (first !== FIRST_LINE || !extra?.startsWith("extra ") || !index?.startsWith("index ")) {
    throw new Broken("this is no proof");
  }
  const note = text.slice(end + 2);
  const checkpoint = verified(note, vkeys);
  const leaf = bytesOf(extra.slice("extra ".length));
  const number = numberOf(index.slice("index ".length));
  verifyInclusion(number, checkpoint.size, leafHash(leaf), path.map(bytesOf), checkpoint.root);
  return { leaf, checkpoint, note };
}
