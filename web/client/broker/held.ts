/** This file is where one result is held: its assignment, and its inputs on their way. */

import type { Assignment } from "./api.ts";
import type { JobNamed, Part, WorkUnit } from "./events.ts";
import type { Inputs } from "./inputs.ts";
import type { Computation } from "./sandbox.ts";

export class Held {
  readonly #unwanted = new AbortController();
  /** Settles while another work unit is computed. */
  readonly inputs: Promise<Computation>;

  constructor(readonly assignment: Assignment, inputs: Inputs) {
    this.inputs = inputs.fetch(assignment, this.signal);
    // Whoever computes it hears of the failure; until then it is nobody's.
    this.inputs.catch(() => undefined);
  }

  get id(): string {
    return this.assignment.result_id;
  }

  get job(): JobNamed {
    return this.assignment.job;
  }

  /** Aborts when nobody wants it from here any more. */
  get signal(): AbortSignal {
    return this.#unwanted.signal;
  }

  drop(): void {
    this.#unwanted.abort(new Error("it is wanted no more"));
  }

  /** What the page, and whoever embeds it, is told. */
  get workUnit(): WorkUnit {
    const { result_id, job, program, inputs } = this.assignment;
    return {
      id: result_id,
      job,
      part: part(this.assignment),
      program: { digest: program.digest, url: program.url },
      inputs: inputs.map(({ column, url }) => ({ column, url })),
    };
  }
}

function part({ points, inputs, job }: Assignment): Part | null {
  if (points) return { of: "points", first: points.first, count: points.count };
  const input = inputs[0];
  if (!input) return null;
  const chunkRows = job.dataset?.chunk_rows;
  const first = input.first_row ?? (chunkRows === undefined ? null : input.chunk * chunkRows);
  // A quiz has chunks of its own, numbered below 0.
  if (first === null || first < 0) return null;
  const rows = new Map(inputs.map((one) => [one.chunk, one.rows]));
  return { of: "rows", first, count: [...rows.values()].reduce((sum, one) => sum + one, 0) };
}
