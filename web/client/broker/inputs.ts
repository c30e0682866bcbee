/** This file is where an assignment's program and inputs are brought from the server. */

import type { Witness } from "../log/witness.ts";
import type { Api, Assignment } from "./api.ts";
import { patiently } from "./patience.ts";
import type { Computation } from "./sandbox.ts";

/** Programs of so many jobs are kept: work units of several may come in turn. */
const PROGRAMS_KEPT = 4;

export class Inputs {
  readonly #programs = new Map<string, Promise<ArrayBuffer>>();

  constructor(
    readonly api: Api,
    /** Hears of every byte that was fetched. */
    readonly onBytes: (count: number) => void,
    readonly witness: Witness,
  ) {}

  /**
   * All bytes of one computation; the frame checks their digests. While the server is away it is
   * asked again, for two minutes. Rejects when any is missing.
   */
  async fetch(assignment: Assignment, signal: AbortSignal): Promise<Computation> {
    const { program, inputs, columns, params, limits, job } = assignment;
    await patiently(() => this.witness.check(program, job.id), signal);
    const [bytes, ...parts] = await Promise.all([
      this.#program(program),
      ...inputs.map(async ({ digest, url }) => ({ digest, bytes: await this.#bytes(url, signal) })),
    ]);
    signal.throwIfAborted();
    const step = Math.max(columns.length, 1);
    const firstOfEach = inputs.filter((_, at) => at % step === 0);
    return {
      program: { digest: program.digest, bytes },
      inputs: parts,
      columns: columns.map(({ physical, nullable }) => ({ physical, nullable })),
      rows: firstOfEach.map(({ rows }) => rows),
      points: assignment.points ?? null,
      firsts: assignment.points ? firstOfEach.map(({ first_row }) => first_row ?? 0) : firstOfEach.map(() => 0),
      params: JSON.stringify(params),
      outputBytesMax: limits.output_bytes_max,
      timeLimitS: limits.time_limit_s,
    };
  }

  /** Fetched once for all work units that want it now or soon, whoever of them is dropped. */
  #program({ digest, url }: Assignment["program"]): Promise<ArrayBuffer> {
    const kept = this.#programs.get(digest);
    const bytes = kept ?? this.#bytes(url, new AbortController().signal);
    this.#programs.delete(digest);
    this.#programs.set(digest, bytes);
    if (!kept) bytes.catch(() => this.#programs.delete(digest));
    const [oldest] = this.#programs.keys();
    if (this.#programs.size > PROGRAMS_KEPT) this.#programs.delete(oldest!);
    return bytes;
  }

  async #bytes(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
    const bytes = await patiently(() => this.api.bytes(url, signal), signal);
    this.onBytes(bytes.byteLength);
    return bytes;
  }
}
