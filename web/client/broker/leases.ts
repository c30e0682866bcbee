/** This file is where the page knows which results it holds, under which lease, and until when. */

import type { Lease, WorkAnswer } from "./api.ts";

export class Leases {
  readonly #held = new Map<string, string>();

  hold(resultId: string, lease: string): void {
    this.#held.set(resultId, lease);
  }

  /** The newest lease, or null when the server has taken it back. */
  of(resultId: string): string | null {
    return this.#held.get(resultId) ?? null;
  }

  drop(resultId: string): void {
    this.#held.delete(resultId);
  }

  all(): Lease[] {
    return Array.from(this.#held, ([result_id, lease]) => ({ result_id, lease }));
  }

  clear(): void {
    this.#held.clear();
  }

  /** Takes the server's word on renewals; gives the results it no longer wants from us. */
  renew(answer: WorkAnswer): string[] {
    const lost: string[] = [];
    for (const { result_id, lease } of answer.renewed) {
      if (!this.#held.has(result_id)) continue;
      if (lease !== undefined) this.#held.set(result_id, lease);
      else {
        this.#held.delete(result_id);
        lost.push(result_id);
      }
    }
    return lost;
  }
}
