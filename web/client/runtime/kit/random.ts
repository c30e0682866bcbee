// This file is where the kit's random numbers stand: Johannes Baagøe's Alea 0.9, by its description.
//
// The generator is a multiply-with-carry of lag 3 over fractions of 32 bits. Its seed is any text,
// which a multiplicative hash of doubles, Mash 0.9, spreads over the state. Only products and sums
// of doubles are involved, so every engine draws the same numbers.

const { Float64Array } = globalThis;

/** 2^32, the number of fractions that a draw may be. */
const FRACTIONS = 4294967296;
/** Where the hash begins, and what it multiplies by: Mash 0.9's own constants. */
const MASH_START = 0xefc8249d;
const MASH_FACTOR = 0.02519603282416938;

/** The hash after this text, from what it was before: its state is a whole double below 2^32. */
function absorb(state: number, text: string): number {
  for (let at = 0; at < text.length; at++) {
    state += text.charCodeAt(at);
    const spread = MASH_FACTOR * state;
    const whole = spread >>> 0;
    const product = (spread - whole) * whole;
    const low = product >>> 0;
    state = low + (product - low) * FRACTIONS;
  }
  return state;
}

/** The state of a generator with this seed: three fractions and the carry. */
export function alea(seed: string): Float64Array {
  const state = new Float64Array(4);
  let mash = MASH_START;
  for (let at = 0; at < 3; at++) {
    mash = absorb(mash, " ");
    state[at] = (mash >>> 0) / FRACTIONS;
  }
  for (let at = 0; at < 3; at++) {
    mash = absorb(mash, seed);
    const fraction = (state[at] as number) - (mash >>> 0) / FRACTIONS;
    state[at] = fraction < 0 ? fraction + 1 : fraction;
  }
  state[3] = 1;
  return state;
}
