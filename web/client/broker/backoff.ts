/** This file is where it is decided how long to wait after something failed. */

const FIRST_S = 1;
/** A server that is back is found again within five minutes. */
const MOST_S = 300;

export class Backoff {
  #failures = 0;

  /**
   * Seconds to wait after one more failure: doubling, with a random half so that thousands of pages
   * do not return at once; never less than the server asked for. `toss` is a number in [0, 1).
   */
  next(retryAfterS: number | null, toss: number): number {
    const full = Math.min(MOST_S, FIRST_S * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 20);
    return Math.max(full * (0.5 + toss / 2), Math.min(retryAfterS ?? 0, MOST_S));
  }

  reset(): void {
    this.#failures = 0;
  }
}
