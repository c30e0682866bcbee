/**
 * This file is where a host gets a key of its own, and signs with it.
 *
 * The key is the browser's own where it has Ed25519 for us, and then nobody, this page included, can
 * read it; else (plain-http pages, older browsers) it is 32 bytes. It stays where storage is granted,
 * and lasts as long as the page where it is refused.
 */

import { getPublicKey, hashes, sign } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { base64 } from "./base64.ts";

hashes.sha512 = sha512;

const DATABASE = "grid.keys";
const STORE = "keys";
/** One browser profile is one host: a new key takes the place of the one before. */
const MINE = "host";
const SEED_BYTES = 32;

/** As it is kept: the browser's own key, or the seed of one. */
interface Kept {
  publicKey: string;
  secret: CryptoKey | Uint8Array<ArrayBuffer>;
}

export interface HostKey {
  /** Base64 of 32 bytes. */
  readonly publicKey: string;
  /** Base64 of 64 bytes; rejects when the browser will not. */
  sign(statement: Uint8Array<ArrayBuffer>): Promise<string>;
}

let here: Kept | null = null;

/** A new key, in the place of any other. */
export async function freshKey(): Promise<HostKey> {
  const own = await ofTheBrowser();
  here = own ?? ofASeed();
  if (!(await keep(here)) && own) {
    // Storage may be granted, and the browser's own keys not be among what it stores.
    const other = ofASeed();
    if (await keep(other)) here = other;
  }
  return hostKey(here);
}

/** The key that an earlier page or this one made; null when it is gone, and a new one is needed. */
export async function keptKey(publicKey: string): Promise<HostKey | null> {
  if (here?.publicKey !== publicKey) here = await found();
  return here?.publicKey === publicKey ? hostKey(here) : null;
}

/** Nothing can be signed with it any more, here or on a later visit. */
export async function forgetKey(): Promise<void> {
  here = null;
  await inStore("readwrite", (store) => store.delete(MINE)).catch(() => undefined);
}

function hostKey({ publicKey, secret }: Kept): HostKey {
  return {
    publicKey,
    async sign(statement) {
      const signature = secret instanceof Uint8Array
        ? new Uint8Array(sign(statement, secret))
        : new Uint8Array(await crypto.subtle.sign("Ed25519", secret, statement));
      return base64(signature.buffer);
    },
  };
}

async function ofTheBrowser(): Promise<Kept | null> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (!subtle) return null;
  try {
    const pair = (await subtle.generateKey("Ed25519", false, ["sign", "verify"])) as CryptoKeyPair;
    const publicKey = base64(await subtle.exportKey("raw", pair.publicKey));
    return { publicKey, secret: pair.privateKey };
  } catch {
    return null; // it does not know the curve
  }
}

function ofASeed(): Kept {
  const secret = crypto.getRandomValues(new Uint8Array(SEED_BYTES));
  return { publicKey: base64(new Uint8Array(getPublicKey(secret)).buffer), secret };
}

async function keep(key: Kept): Promise<boolean> {
  try {
    await inStore("readwrite", (store) => store.put(key, MINE));
    return (await found())?.publicKey === key.publicKey;
  } catch {
    return false;
  }
}

async function found(): Promise<Kept | null> {
  try {
    const kept = (await inStore("readonly", (store) => store.get(MINE))) as Kept | undefined;
    return typeof kept?.publicKey === "string" && kept.secret ? kept : null;
  } catch {
    return null;
  }
}

/** Rejects where storage is refused, whatever way the browser has of saying so. */
function inStore(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = opening.onblocked = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      try {
        const transaction = database.transaction(STORE, mode);
        const request = act(transaction.objectStore(STORE));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      } catch (error) {
        reject(error);
      } finally {
        database.close();
      }
    };
  });
}
