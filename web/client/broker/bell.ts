/** This file is where somebody sleeps until it is called. */

import { sleep } from "./sleep.ts";

export class Bell {
  #call = new AbortController();

  /** Whoever sleeps wakes up; whoever goes to sleep next does at once. */
  ring(): void {
    this.#call.abort();
  }

  /** So many seconds, or until it rings, or until `signal` aborts; never rejects. */
  async sleep(seconds: number, signal: AbortSignal): Promise<void> {
    await sleep(seconds, AbortSignal.any([signal, this.#call.signal]));
    if (this.#call.signal.aborted) this.#call = new AbortController();
  }
}
