// This file is where the kit keeps the best few of many values, each with its places.

interface Ranking {
  /** How many are kept. */
  size: number;
  /** Whether the greatest are the best. */
  most: boolean;
  /** The best first; of equal ones the least places first. */
  scores: (number | bigint)[];
  places: number[][];
}

/** None yet, of so many to keep; `most` is 1 where the greatest are the best. */
export function ranking(size: number, most: number): Ranking {
  return { size, most: most !== 0, scores: [], places: [] };
}

/** Whether a value with its places stands before the entry at `at`. */
function before(held: Ranking, value: number | bigint, places: number[], at: number): boolean {
  const other = held.scores[at] as number | bigint;
  if (value !== other) return held.most ? value > other : value < other;
  const theirs = held.places[at] as number[];
  for (let n = 0; n < places.length; n++) {
    const step = (places[n] as number) - (theirs[n] as number);
    if (step !== 0) return step < 0;
  }
  return false;
}

/** Keeps the value if it is among the best; 1 when as many as asked for are kept, else 0. */
export function enter(held: Ranking, value: number | bigint, places: number[]): number {
  let low = 0;
  let high = held.scores.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(held, value, places, middle)) high = middle;
    else low = middle + 1;
  }
  if (low < held.size) {
    held.scores.splice(low, 0, value);
    held.places.splice(low, 0, places);
    if (held.scores.length > held.size) {
      held.scores.length = held.size;
      held.places.length = held.size;
    }
  }
  return held.scores.length === held.size ? 1 : 0;
}

/** The last value that is kept; there is one. */
export function worst(held: Ranking): number | bigint {
  return held.scores[held.scores.length - 1] as number | bigint;
}

/** The values that are kept, the best first. */
export function scores(held: Ranking): (number | bigint)[] {
  return held.scores;
}

/** Their places. */
export function places(held: Ranking): number[][] {
  return held.places;
}

/** How many of the ascending edges are not above the value; a NaN is above all. */
export function bin(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < (edges[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
