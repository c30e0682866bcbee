// This file is where the kit adds up exactly: whole numbers and doubles, for one group or many.
//
// A double is a whole number of units of 2^-1074 (IEEE 754 binary64), its square one of 2^-2148.
// Sums are kept in limbs of 32 bits, as doubles: while each was added to at most 2^21 times, none
// has left ±2^53, and no addition ever rounded.

const { BigInt, Math, RangeError, String } = globalThis;
const { floor } = Math;

const ROWS_MAX = 2 ** 21;
const WORD = 2 ** 32;
const HALF = 2 ** 16;

/**
 * Called before each chunk with the rows that were added since sums were last brought down: brings
 * them down if this chunk's would be too many, and says how many there will be since then.
 */
function due(since: number, rows: number): boolean {
  if (rows > ROWS_MAX) throw new RangeError("a chunk has too many rows");
  return since + rows > ROWS_MAX;
}

/** Before a chunk whose sums begin at 0. */
export function fresh(since: number, rows: number): number {
  due(since, rows);
  return 0;
}

/** Carries what a limb has above 32 bits to the next, in each of `groups` numbers of `width`. */
export function carried(
  limbs: Float64Array, width: number, groups: number, since: number, rows: number,
): number {
  if (!due(since, rows)) return since + rows;
  for (let group = 0; group < groups; group++) {
    const end = (group + 1) * width - 1;
    for (let at = group * width; at < end; at++) {
      const over = floor((limbs[at] as number) / WORD);
      limbs[at] = (limbs[at] as number) - over * WORD;
      limbs[at + 1] = (limbs[at + 1] as number) + over;
    }
  }
  return rows;
}

/** Moves the sums of each group to its total, as multiples of 2^bits. */
export function poured(
  totals: bigint[], sums: Float64Array, bits: number, groups: number, since: number, rows: number,
): number {
  if (!due(since, rows)) return since + rows;
  for (let group = 0; group < groups; group++) {
    totals[group] = (totals[group] as bigint) + (BigInt(sums[group] as number) << BigInt(bits));
    sums[group] = 0;
  }
  return rows;
}

/** As `spellsum`, of the whole number in the limbs of one group. */
export function spelllimbs(
  limbs: Float64Array, width: number, group: number, odd: number,
): string {
  const first = group * width;
  let low = first;
  let high = first + width - 1;
  while (low < high && limbs[low] === 0) low += 1;
  while (high > low && limbs[high] === 0) high -= 1;
  let total = 0n;
  for (let at = high; at >= low; at--) total = (total << 32n) + BigInt(limbs[at] as number);
  return spelledsum(total, 8 * (low - first), odd);
}

/** The decimal digits of total + low + high · 2^32. */
export function spelltotal(total: bigint, low: number, high: number): string {
  if (total === 0n && high === 0) return String(low);
  return String(total + BigInt(low) + (BigInt(high) << 32n));
}

/** sum · 2^bits. */
export function raised(sum: number, bits: number): bigint {
  return BigInt(sum) << BigInt(bits);
}

/**
 * Adds the square of the double with these words, in units of 2^-2148, to the limbs from `from` on.
 *
 * Its significand of 53 bits is cut into four parts of 16 bits; each sum of their products is below
 * 2^53. The bits of the result are put where the exponent says, which touches five limbs.
 */
export function squared(limbs: Float64Array, from: number, low: number, high: number): void {
  const power = (high >>> 20) & 2047;
  const top = (power > 0 ? 1 << 20 : 0) | (high & 0xfffff);
  const one = low & 0xffff;
  const two = low >>> 16;
  const three = top & 0xffff;
  const four = top >>> 16;
  let part = one * one + 2 * one * two * HALF;
  let over = floor(part / WORD);
  const first = part - over * WORD;
  part = 2 * one * three + two * two + over + (2 * one * four + 2 * two * three) * HALF;
  over = floor(part / WORD);
  const second = part - over * WORD;
  part = 2 * two * four + three * three + over + 2 * three * four * HALF;
  over = floor(part / WORD);
  const third = part - over * WORD;
  const fourth = four * four + over;
  const place = 2 * (power > 0 ? power - 1 : 0);
  const turn = place & 31;
  const back = 31 - turn;
  let at = from + (place >>> 5);
  limbs[at] = (limbs[at] as number) + ((first << turn) >>> 0);
  at += 1;
  limbs[at] = (limbs[at] as number) + (((second << turn) | ((first >>> 1) >>> back)) >>> 0);
  at += 1;
  limbs[at] = (limbs[at] as number) + (((third << turn) | ((second >>> 1) >>> back)) >>> 0);
  at += 1;
  limbs[at] = (limbs[at] as number) + (((fourth << turn) | ((third >>> 1) >>> back)) >>> 0);
  at += 1;
  limbs[at] = (limbs[at] as number) + ((fourth >>> 1) >>> back);
}

/** 1 for NaN, 2 for infinity, 4 for its negative: of the double with these words. */
export function oddity(low: number, high: number): number {
  return ((high & 0xfffff) | low) !== 0 ? 1 : high >= 0 ? 2 : 4;
}

/**
 * A sum of doubles as text: its units in hex, zeros at the end counted behind a p, unless `odd`
 * says that NaN or infinities were among them.
 */
export function spellsum(units: bigint, odd: number): string {
  return spelledsum(units, 0, odd);
}

/** The same of units · 16^zeros. */
function spelledsum(units: bigint, zeros: number, odd: number): string {
  if ((odd & 1) !== 0 || (odd & 6) === 6) return "nan";
  if (odd !== 0) return odd === 2 ? "inf" : "-inf";
  const digits = units.toString(16);
  if (digits === "0") return digits;
  let end = digits.length;
  while (digits[end - 1] === "0") end -= 1;
  const behind = zeros + digits.length - end;
  return behind === 0 ? digits : `${digits.slice(0, end)}p${behind}`;
}
