/** This file is where bytes get their SHA-256, also where the browser offers none (plain-http pages). */

import { sha256 } from "@noble/hashes/sha2.js";

/** 64 lower-case hex digits. */
export async function digest(bytes: ArrayBuffer): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  const hash = subtle
    ? new Uint8Array(await subtle.digest("SHA-256", bytes))
    : sha256(new Uint8Array(bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
