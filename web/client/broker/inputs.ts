/** This file is where an assignment's program and inputs are brought from the server. */

import { type Api, type Assignment, Refused } from "./api.ts";
import { Backoff } from "./backoff.ts";
import type { Computation } from "./sandbox.ts";
import { sleep } from "./sleep.ts";

/** Longer than a server's restart; what is given back goes to somebody else, who may not be there. */
const PATIENCE_S = 120;

export class Inputs {
  readonly #api: Api;
  #program: { digest: string; bytes: ArrayBuffer } | null = null;

  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * All bytes of one computation; the frame checks their digests. While the server is away it is
   * asked again, for two minutes. Rejects when any is missing.
   */
  async fetch(assignment: Assignment, signal: AbortSignal): Promise<Computation> {
    const { program, inputs, columns, params, limits } = assignment;
    const [bytes, ...parts] = await Promise.all([
      this.#programBytes(program, signal),
      ...inputs.map(async ({ digest, url }) => ({ digest, bytes: await this.#bytes(url, signal) })),
    ]);
    const step = Math.max(columns.length, 1);
    const firstOfEach = inputs.filter((_, at) => at % step === 0);
    return {
      program: { digest: program.digest, bytes },
      inputs: parts,
      columns: columns.map(({ physical, nullable }) => ({ physical, nullable })),
      rows: firstOfEach.map(({ rows }) => rows),
      points: assignment.points ?? null,
      firsts: firstOfEach.map(({ first_row }) => first_row ?? 0),
      params: JSON.stringify(params),
      outputBytesMax: limits.output_bytes_max,
      timeLimitS: limits.time_limit_s,
    };
  }

  async #programBytes(program: Assignment["program"], signal: AbortSignal): Promise<ArrayBuffer> {
    if (this.#program?.digest !== program.digest) {
      const bytes = await this.#bytes(program.url, signal);
      this.#program = { digest: program.digest, bytes };
    }
    return this.#program.bytes;
  }

  async #bytes(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
    const backoff = new Backoff();
    for (let waitedS = 0; ; ) {
      try {
        return await this.#api.bytes(url, signal);
      } catch (error) {
        const refused = error instanceof Refused ? error : null;
        const pause = backoff.next(refused?.retryAfterS ?? null, Math.random());
        waitedS += pause;
        const forGood = refused !== null && refused.code < 500 && refused.code !== 429;
        if (forGood || signal.aborted || waitedS > PATIENCE_S) throw error;
        await sleep(pause, signal);
      }
    }
  }
}
