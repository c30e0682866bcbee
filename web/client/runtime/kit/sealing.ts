// This file is where the kit encrypts a value so that copies agree: ChaCha20-Poly1305 (RFC 8439).
//
// The nonce is made from all that is encrypted, and where, by a key of its own: another message never
// has the same one but by chance of 2^-96. `jobtypes/encryptRows/README.md` has the whole recipe.

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64 } from "./arrays.ts";
import { utf8bytes } from "./encoding.ts";

const { Math, Number, TypeError, Uint8Array } = globalThis;
const { floor } = Math;

const KEY_DIGITS = 64;
const NONCE_BYTES = 12;
const HEX = "0123456789abcdef";

interface Sealer {
  cipher: Uint8Array;
  nonce: Uint8Array;
  column: Uint8Array;
}

/** What encrypts a column's values under a key of 64 hex digits. */
export function sealer(key: string, column: string): Sealer {
  const secret = new Uint8Array(KEY_DIGITS / 2);
  if (typeof key !== "string" || key.length !== KEY_DIGITS) throw new TypeError("not a key");
  for (let at = 0; at < KEY_DIGITS; at++) {
    const digit = HEX.indexOf(key.charAt(at));
    if (digit < 0) throw new TypeError("not a key");
    secret[at >> 1] = ((secret[at >> 1] as number) << 4) | digit;
  }
  const sub = (purpose: string) => hkdf(sha256, secret, undefined, utf8bytes(`grid encryptRows 1 ${purpose}`), 32);
  return { cipher: sub("cipher"), nonce: sub("nonce"), column: utf8bytes(column) };
}

/** Base64 of nonce, ciphertext and tag of a text, or of NULL where the flag is 0. */
export function seal(by: Sealer, row: number, value: string, flag: number | boolean): string {
  const text = flag ? utf8bytes(value) : new Uint8Array(0);
  const plain = new Uint8Array(1 + text.length);
  plain[0] = flag ? 1 : 0;
  plain.set(text, 1);
  const place = new Uint8Array(8 + by.column.length);
  integer(place, 0, floor(row / 0x100000000));
  integer(place, 4, row % 0x100000000);
  place.set(by.column, 8);
  const whole = new Uint8Array(4 + place.length + plain.length);
  integer(whole, 0, place.length);
  whole.set(place, 4);
  whole.set(plain, 4 + place.length);
  const nonce = hmac(sha256, by.nonce, whole).subarray(0, NONCE_BYTES);
  const sealed = chacha20poly1305(by.cipher, nonce, place).encrypt(plain);
  const out = new Uint8Array(NONCE_BYTES + sealed.length);
  out.set(nonce);
  out.set(sealed, NONCE_BYTES);
  return base64(out, out.length);
}

/** 32 bits, the highest first. */
function integer(into: Uint8Array, at: number, value: number): void {
  for (let byte = 0; byte < 4; byte++) into[at + byte] = (Number(value) >>> (24 - 8 * byte)) & 255;
}
