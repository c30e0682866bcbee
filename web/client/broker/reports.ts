/** This file is where finished answers wait until the server has said something about each of them. */

import type { Report, WorkAnswer } from "./api.ts";

export class Reports {
  readonly #waiting = new Map<string, Report>();

  /** The first answer for a result stands; a second one is never sent. */
  add(report: Report): void {
    if (!this.#waiting.has(report.result_id)) this.#waiting.set(report.result_id, report);
  }

  /** What to send, again and again, until it is settled. */
  unsettled(): Report[] {
    return [...this.#waiting.values()];
  }

  /** Drops what the server accepted or refused by name; gives how many answers it accepted. */
  settle(answer: WorkAnswer): number {
    let accepted = 0;
    for (const { result_id, accepted: yes } of answer.reports) {
      const report = this.#waiting.get(result_id);
      if (this.#waiting.delete(result_id) && yes && report?.outcome === "success") accepted += 1;
    }
    return accepted;
  }

  /** Forgets everything: the server knows this host no longer, or will not hear it. */
  clear(): void {
    this.#waiting.clear();
  }
}
