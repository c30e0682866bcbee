// This file is where the kit spells keys one after another into the block that a hash is made of.

const { Number, RangeError, String, Uint8Array } = globalThis;
const spell = String.fromCharCode;

/** Bytes of a block of MD5, SHA-1 and SHA-256, and of what their padding takes at least. */
const BLOCK_BYTES = 64;
const PADDING_BYTES = 9;

interface Keys {
  /** 16 words: the whole message, padded. */
  block: Int32Array;
  /** Each character of the key as its place in the alphabet, the first one first. */
  digits: Uint8Array;
  alphabet: Uint8Array;
  /** Where in the block the key begins. */
  start: number;
  /** Whether a word's first byte is its highest, as in SHA. */
  big: boolean;
}

function fromHex(digits: string): Uint8Array {
  const out = new Uint8Array(digits.length >> 1);
  for (let at = 0; at < out.length; at++) out[at] = Number(`0x${digits.slice(2 * at, 2 * at + 2)}`);
  return out;
}

function put(keys: Keys, at: number, byte: number): void {
  const shift = keys.big ? 24 - 8 * (at & 3) : 8 * (at & 3);
  const word = keys.block[at >> 2] as number;
  keys.block[at >> 2] = (word & ~(255 << shift)) | (byte << shift);
}

/**
 * The key of this number, between `before` and `after`, padded in `block` as the hashes want it
 * (RFC 1321, section 3; FIPS 180-4, section 5.1.1). Texts are bytes in hex. Keys count like numbers
 * whose digits are the alphabet, the last character fastest. `big` is 1 for SHA, 0 for MD5.
 */
export function keys(
  block: Int32Array,
  before: string,
  alphabet: string,
  after: string,
  length: number,
  first: number,
  big: number,
): Keys {
  const [head, codes, tail] = [fromHex(before), fromHex(alphabet), fromHex(after)];
  const size = head.length + length + tail.length;
  if (size > BLOCK_BYTES - PADDING_BYTES) throw new RangeError("the message is too long");
  const made: Keys = {
    block,
    digits: new Uint8Array(length),
    alphabet: codes,
    start: head.length,
    big: big !== 0,
  };
  block.fill(0);
  head.forEach((byte, at) => put(made, at, byte));
  tail.forEach((byte, at) => put(made, head.length + length + at, byte));
  put(made, size, 128);
  block[big ? 15 : 14] = size * 8;
  let left = first;
  for (let at = length - 1; at >= 0; at--) {
    const digit = left % codes.length;
    left = (left - digit) / codes.length;
    made.digits[at] = digit;
    put(made, head.length + at, codes[digit] as number);
  }
  return made;
}

/** Spells the next key into the block; behind the last one comes the first. */
export function next(made: Keys): void {
  const { digits, alphabet } = made;
  for (let at = digits.length - 1; at >= 0; at--) {
    const digit = (digits[at] as number) + 1;
    const wrapped = digit === alphabet.length;
    digits[at] = wrapped ? 0 : digit;
    put(made, made.start + at, alphabet[wrapped ? 0 : digit] as number);
    if (!wrapped) return;
  }
}

/** The key that stands in the block now. */
export function key(made: Keys): string {
  let out = "";
  made.digits.forEach((digit) => (out += spell(made.alphabet[digit] as number)));
  return out;
}
