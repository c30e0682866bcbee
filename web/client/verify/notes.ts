/** This file is where a checkpoint's signature is checked (C2SP signed-note, tlog-checkpoint). */

import { hashes, verify } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { type Bytes, equal, fromBase64, joined, sha256, utf8 } from "./bytes.ts";

hashes.sha512 = sha512;

const KEY_ID_BYTES = 4;
const ED25519 = 1;

export interface Tree {
  origin: string;
  size: number;
  root: Bytes;
  /** Names of the others that signed; nothing of them is checked. */
  witnesses: string[];
}

interface Key {
  name: string;
  id: Bytes;
  bytes: Bytes;
}

/** The tree of a checkpoint that one of these keys signed; throws when none did. */
export async function signedTree(note: string, vkeys: string[]): Promise<Tree> {
  const gap = note.lastIndexOf("\n\n");
  const text = note.slice(0, gap + 1);
  const lines = note.slice(gap + 2).split("\n").filter(Boolean).map(signature);
  const [origin, size, root] = text.split("\n");
  if (gap < 0 || !origin || !/^(0|[1-9][0-9]{0,15})$/.test(size ?? "") || !root) {
    throw new Error("that is no checkpoint");
  }
  const keys = await Promise.all(vkeys.map(keyOf));
  for (const key of keys.filter(({ name }) => name === origin)) {
    const line = lines.find(({ name, id }) => name === key.name && equal(id, key.id));
    if (!line) continue;
    if (!(await isSigned(line.signature, utf8(text), key.bytes))) throw new Error("the signature is wrong");
    const witnesses = lines.map(({ name }) => name).filter((name) => name !== origin);
    return { origin, size: Number(size), root: fromBase64(root), witnesses };
  }
  throw new Error("the log's key has not signed it");
}

function signature(line: string): { name: string; id: Bytes; signature: Bytes } {
  const [mark, name, said] = line.split(" ");
  if (mark !== "—" || !name || !said) throw new Error("a line that is no signature");
  const raw = fromBase64(said);
  return { name, id: raw.slice(0, KEY_ID_BYTES), signature: raw.slice(KEY_ID_BYTES) };
}

/** A name may hold no plus, Base64 may. */
async function keyOf(vkey: string): Promise<Key> {
  const [name, , ...rest] = vkey.split("+");
  const raw = fromBase64(rest.join("+"));
  if (!name || raw[0] !== ED25519) throw new Error("that is no key of a log");
  const whole = await sha256(joined(utf8(`${name}\n`), raw));
  return { name, id: whole.slice(0, KEY_ID_BYTES), bytes: raw.slice(1) };
}

/** By the browser itself where it has Ed25519 for this page. */
async function isSigned(said: Bytes, text: Bytes, key: Bytes): Promise<boolean> {
  try {
    const own = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return await crypto.subtle.verify({ name: "Ed25519" }, own, said, text);
  } catch {
    return verify(said, text, key);
  }
}
