/** This file is where an assignment's program and inputs are brought from the server. */

import type { Api, Assignment } from "./api.ts";
import { patiently } from "./patience.ts";
import type { Computation } from "./sandbox.ts";

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
    return patiently(() => this.#api.bytes(url, signal), signal);
  }
}
