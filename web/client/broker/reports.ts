/** This file is where finished answers wait until the server has said something about each of them. */

import type { Report, WorkAnswer } from "./api.ts";
import type { JobNamed } from "./events.ts";
import type { Shelf } from "./shelf.ts";

/** A report, whose it is, and the output that must be put before it. */
export interface Finished {
  hostId: string;
  job: JobNamed;
  report: Report;
  /** Of an output too large for its report. */
  body: ArrayBuffer | null;
}

/** Reports in one request: so many large outputs fit into the smallest body that servers take. */
const AT_ONCE_MAX = 16;

export class Reports {
  readonly #waiting = new Map<string, Finished>();

  constructor(readonly shelf: Shelf) {}

  /** What earlier visits of this host left unsettled; others' can no longer be reported. */
  async recall(hostId: string): Promise<void> {
    for (const one of await this.shelf.all()) {
      if (one.hostId === hostId) this.#keep(one);
      else void this.shelf.drop(one.report.result_id);
    }
  }

  /** The first answer for a result stands; a second one is never sent. */
  add(one: Finished): void {
    if (this.#keep(one) && one.report.outcome !== "released") void this.shelf.put(one);
  }

  #keep(one: Finished): boolean {
    const fresh = !this.#waiting.has(one.report.result_id);
    if (fresh) this.#waiting.set(one.report.result_id, one);
    return fresh;
  }

  get waiting(): Finished[] {
    return [...this.#waiting.values()];
  }

  /** Outputs to put before their reports may go. */
  toPut(): (Finished & { body: ArrayBuffer })[] {
    return this.waiting.filter((one): one is Finished & { body: ArrayBuffer } => one.body !== null);
  }

  /** Its output lies on the server. */
  wasPut(one: Finished): void {
    one.body = null;
    void this.shelf.put(one);
  }

  /** The server will not have its output. */
  giveUp(one: Finished): void {
    const { result_id, lease } = one.report;
    this.#waiting.set(result_id, { ...one, report: { result_id, lease, outcome: "released" }, body: null });
    void this.shelf.drop(result_id);
  }

  /** What to send, again and again, until it is settled. */
  unsettled(): Report[] {
    return this.waiting.filter(({ body }) => body === null).map(({ report }) => report);
  }

  /** As many as go into one request. */
  next(): Report[] {
    return this.unsettled().slice(0, AT_ONCE_MAX);
  }

  /** Everything that has no word of the server yet. */
  ids(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Drops what the server accepted or refused by name; gives the answers that it accepted. */
  settle(answer: WorkAnswer): string[] {
    const accepted = [];
    for (const { result_id, accepted: yes } of answer.reports) {
      const outcome = this.#waiting.get(result_id)?.report.outcome;
      if (!this.#waiting.delete(result_id)) continue;
      if (outcome !== "released") void this.shelf.drop(result_id);
      if (yes && outcome === "success") accepted.push(result_id);
    }
    return accepted;
  }

  /** What was given back on leaving is said once: the deadline says it again. */
  forgetReleased(): void {
    for (const { report } of this.waiting) {
      if (report.outcome === "released") this.#waiting.delete(report.result_id);
    }
  }

  /** Forgets everything: the server knows this host no longer, or will not hear it. */
  clear(): void {
    this.#waiting.clear();
    void this.shelf.clear();
  }
}
