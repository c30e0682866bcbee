/** This file is where the page holds results and answers, and talks with the server about them. */

import { type Api, type Identity, Refused, type WorkAnswer, type WorkRequest } from "./api.ts";
import { Crew, type Ended } from "./crew.ts";
import type { Bus } from "./events.ts";
import type { HostKey } from "./keys.ts";
import { reported } from "./finish.ts";
import { Held } from "./held.ts";
import type { Inputs } from "./inputs.ts";
import { Leases } from "./leases.ts";
import { ahead, type Pace } from "./pace.ts";
import { Reports } from "./reports.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Settings } from "./settings.ts";
import type { Shelf } from "./shelf.ts";

/** The server takes no more at a time. */
const WANT_MAX = 64;

/** When there is nothing else to say. */
const QUIET_S = 60;

export class Desk {
  readonly crew: Crew;
  readonly #leases = new Leases();
  readonly #reports: Reports;
  readonly #failed: (error: Error) => void;
  #hostId = "";
  #key: HostKey | null = null;
  #renewDue = 0;
  #askDue = 0;

  constructor(
    readonly api: Api,
    readonly inputs: Inputs,
    readonly bus: Bus,
    shelf: Shelf,
    makeSandbox: () => Sandbox,
    /** Called when there is something to tell the server. */
    readonly onNews: () => void,
    /** Something that is no program's fault kept a result from being computed. */
    onTrouble: (error: Error) => void,
  ) {
    this.#reports = new Reports(shelf);
    this.#failed = onTrouble;
    this.crew = new Crew(
      makeSandbox,
      (held) => bus.emit("work-unit-start", held.workUnit),
      (ended) => void this.#end(ended),
    );
  }

  /** Answers that no server has confirmed yet. */
  get kept(): number {
    return this.#reports.ids().length;
  }

  get idle(): boolean {
    return this.crew.computing.length + this.crew.stock.length === 0;
  }

  /** Finds what earlier visits left behind, once for each host; `key` signs what is reported. */
  async open({ host_id }: Identity, key: HostKey | null): Promise<void> {
    this.#key = key;
    if (this.#hostId === host_id) return;
    this.#hostId = host_id;
    await this.#reports.recall(host_id);
  }

  /**
   * One request, when there is something to say; null when there is not. Gives the server's answer
   * with what it assigned taken in.
   */
  async exchange(identity: Identity, pace: Pace, chosen: Settings, signal: AbortSignal): Promise<WorkAnswer | null> {
    await this.#putOutputs(identity, signal);
    const now = Date.now();
    const slots = Math.min(pace.workers * (1 + ahead(this.crew.usualMs)), WANT_MAX);
    const held = this.crew.computing.length + this.crew.stock.length;
    const want = now >= this.#askDue ? Math.max(0, slots - held) : 0;
    const reports = this.#reports.next();
    const renew = now >= this.#renewDue ? this.#leases.all() : [];
    if (want === 0 && reports.length === 0 && renew.length === 0) return null;
    const holding = [...new Set([...this.#leases.all().map((one) => one.result_id), ...this.#reports.ids()])];
    const request = { reports, renew, want, slots, holding, wait: want > 0 && held === 0, ...wishes(chosen) };
    const answer = await this.api.work(identity.token, request);
    this.#renewDue = renew.length > 0 || held === 0 ? Date.now() + identity.heartbeat_s * 1000 : this.#renewDue;
    this.#askDue = answer.assignments.length < want ? Date.now() + (answer.retry_after_s || 1) * 1000 : 0;
    this.#heard(answer);
    return answer;
  }

  /** Seconds until there is something to say, if nothing happens. */
  pause(pace: Pace): number {
    const slots = Math.min(pace.workers * (1 + ahead(this.crew.usualMs)), WANT_MAX);
    const wanting = slots > this.crew.computing.length + this.crew.stock.length;
    const dues = [Date.now() + QUIET_S * 1000];
    if (this.#reports.unsettled().length > 0) dues.push(0);
    if (wanting) dues.push(this.#askDue);
    if (!this.idle) dues.push(this.#renewDue);
    return Math.max(0, Math.min(...dues) - Date.now()) / 1000;
  }

  #heard(answer: WorkAnswer): void {
    const jobs = new Map(this.#reports.waiting.map((one) => [one.report.result_id, one]));
    for (const id of this.#reports.settle(answer)) {
      const { job, report } = jobs.get(id)!;
      this.bus.emit("work-unit-done", { id, job, elapsedMs: report.elapsed_ms ?? 0 });
    }
    for (const id of this.#leases.renew(answer)) {
      const lost = this.crew.drop(id);
      if (lost) this.bus.emit("work-unit-released", { id, job: lost.job });
    }
    for (const assignment of answer.assignments) {
      this.#leases.hold(assignment.result_id, assignment.lease);
      this.crew.add(new Held(assignment, this.inputs));
    }
  }

  async #end({ held, answer }: Ended): Promise<void> {
    const lease = this.#leases.of(held.id);
    if (lease === null) return;
    const { report, body } = await reported(held, answer, lease, this.#key);
    // The server may have taken it back meanwhile. It is held on until the report takes its place.
    if (this.#leases.of(held.id) === null || held.signal.aborted) return;
    this.#leases.drop(held.id);
    const { id, job } = held;
    this.#reports.add({ hostId: this.#hostId, job, report, body });
    if (answer instanceof Error) {
      this.bus.emit("work-unit-released", { id, job });
      this.#failed(answer);
    } else if ("message" in answer) this.bus.emit("work-unit-failed", { id, job, message: answer.message });
    this.onNews();
  }

  async #putOutputs({ token }: Identity, signal: AbortSignal): Promise<void> {
    for (const one of this.#reports.toPut()) {
      try {
        await this.api.putOutput(token, one.report, one.report.output_digest!, one.body, signal);
        this.#reports.wasPut(one);
      } catch (error) {
        const refused = error instanceof Refused && error.code < 500 && ![401, 429].includes(error.code);
        if (!refused) throw error;
        this.#reports.giveUp(one);
      }
    }
  }

  /** Gives back what has not been begun. */
  releaseStock(): void {
    for (const held of [...this.crew.stock]) this.#release(held);
    this.onNews();
  }

  /** Stops everything at once: nothing computes when this returns. */
  releaseAll(): void {
    for (const held of this.crew.clear()) this.#release(held);
    this.onNews();
  }

  #release(held: Held): void {
    this.crew.drop(held.id);
    const lease = this.#leases.of(held.id);
    this.#leases.drop(held.id);
    const { id, job } = held;
    this.bus.emit("work-unit-released", { id, job });
    if (lease === null) return;
    const report = { result_id: id, lease, outcome: "released" as const };
    this.#reports.add({ hostId: this.#hostId, job, report, body: null });
  }

  /** As the page goes away: what is held goes back, and answers are sent once more. */
  farewell(token: string | undefined): void {
    this.releaseAll();
    const reports = this.#reports.unsettled();
    reports.sort((one, other) => Number(other.outcome === "released") - Number(one.outcome === "released"));
    if (token !== undefined && reports.length > 0) this.api.farewell(token, reports);
    this.#reports.forgetReleased();
  }

  /** The server knows this host no longer, or will not hear it. */
  forget(): void {
    for (const held of this.crew.clear()) this.bus.emit("work-unit-released", { id: held.id, job: held.job });
    this.#leases.clear();
    this.#reports.clear();
    this.#hostId = "";
  }
}

function wishes({ owners, refuseOwners, topics, refuseTopics }: Settings): Partial<WorkRequest> {
  return {
    ...(owners.length > 0 ? { owners } : {}),
    ...(refuseOwners.length > 0 ? { refuse_owners: refuseOwners } : {}),
    ...(topics.length > 0 ? { topics } : {}),
    ...(refuseTopics.length > 0 ? { refuse_topics: refuseTopics } : {}),
  };
}
