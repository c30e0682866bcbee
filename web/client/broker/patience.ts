/** This file is where a server that is away for a moment is asked again. */

import { Broken } from "../log/tree.ts";
import { Refused } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { sleep } from "./sleep.ts";

/** Longer than a server's restart; what is given back goes to somebody else, who may not be there. */
const PATIENCE_S = 120;

/** What `ask` gives, in the end. Rejects when that is refused for good, or after two minutes. */
export async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const backoff = new Backoff();
  for (let waitedS = 0; ; ) {
    try {
      return await ask();
    } catch (error) {
      const refused = error instanceof Refused ? error : null;
      const pause = backoff.next(refused?.retryAfterS ?? null, Math.random());
      waitedS += pause;
      const refusal = refused !== null && refused.code < 500 && refused.code !== 429;
      const forGood = refusal || error instanceof Broken;
      if (forGood || signal.aborted || waitedS > PATIENCE_S) throw error;
      await sleep(pause, signal);
    }
  }
}
