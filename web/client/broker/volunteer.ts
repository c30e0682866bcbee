/** This file is where a page takes part: asks, computes and reports until it is stopped. */

import { type Api, type Identity, Refused } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { Desk } from "./desk.ts";
import { Leases } from "./leases.ts";
import { alone } from "./lock.ts";
import type { Memory } from "./memory.ts";
import { inWords } from "./reasons.ts";
import { Reports } from "./reports.ts";
import { sleep } from "./sleep.ts";
import { standingInWords } from "./standing.ts";
import type { View } from "./view.ts";

/** A ban or a verdict shows within so long. */
const STANDING_INTERVAL_MS = 15_000;

/** What the server knows of this browser before it computes anything. */
export interface Machine {
  /** Name and major version. */
  engine: string;
  capabilities: object;
}

export class Volunteer {
  readonly #reports = new Reports();
  readonly #leases = new Leases();
  readonly #desk: Desk;
  readonly #backoff = new Backoff();
  #standingDue = 0;
  #session: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(
    readonly api: Api,
    readonly memory: Memory,
    readonly view: View,
    readonly machine: Machine,
    /** Where the frame comes from; null for what the server said at enrolment. */
    sandboxOrigin: string | null,
  ) {
    this.#desk = new Desk(api, this.#leases, this.#reports, view, sandboxOrigin);
  }

  start(): void {
    if (this.#session) return;
    const session = new AbortController();
    this.#session = session;
    this.memory.takingPart = true;
    this.view.takingPart(true);
    this.view.say("Starting …");
    this.#running = this.#running.then(() => this.#takePart(session.signal));
  }

  /** At once: nothing computes when this returns. Remembered for the next visit. */
  stop(): void {
    this.memory.takingPart = false;
    this.view.takingPart(false);
    this.view.say("Stopped.");
    this.leave();
  }

  /** The page goes away: everything held is given back, and the choice to take part stays. */
  leave(): void {
    this.#session?.abort();
    this.#session = null;
    this.#desk.clear();
    this.#giveBack();
  }

  #giveBack(): void {
    const identity = this.memory.identity;
    const released = this.#leases.all().map((lease) => ({ ...lease, outcome: "released" as const }));
    this.#leases.clear();
    const reports = [...this.#reports.unsettled(), ...released];
    if (identity && reports.length > 0) this.api.farewell(identity.token, reports);
  }

  async #takePart(signal: AbortSignal): Promise<void> {
    const onWait = () => this.view.say("Another tab of this browser computes; this one takes over when it closes.");
    try {
      if (!signal.aborted) await alone(signal, onWait, () => this.#loop(signal));
    } catch (error) {
      if (!signal.aborted) this.view.say(`Stopped: ${(error as Error).message}`);
    }
  }

  async #loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const pause = await this.#round(signal);
        this.#backoff.reset();
        await sleep(pause, signal);
      } catch (error) {
        if (signal.aborted) break;
        const pause = this.#afterFailure(error);
        this.view.say(`${(error as Error).message}. Trying again in ${Math.ceil(pause)} s.`);
        await sleep(pause, signal);
      }
    }
    this.#giveBack();
  }

  /** One request, and what it assigned. Gives the seconds to wait before the next. */
  async #round(signal: AbortSignal): Promise<number> {
    const identity = await this.#identity();
    if (signal.aborted) return 0;
    const reports = this.#reports.unsettled();
    const holding = [...this.#leases.all(), ...reports].map((one) => one.result_id);
    const answer = await this.api.work(identity.token, { reports, renew: [], want: 1, slots: 1, holding, wait: true });
    this.view.addDone(this.#reports.settle(answer));
    for (const { result_id, lease } of answer.assignments) this.#leases.hold(result_id, lease);
    for (const assignment of answer.assignments) await this.#desk.perform(assignment, identity, signal);
    if (answer.assignments.length > 0) return 0;
    this.view.say(`Waiting for work: ${inWords(answer.why_no_work, answer.ban_reason)}.`);
    await this.#askStanding(identity.token);
    return answer.retry_after_s > 0 ? answer.retry_after_s : 1;
  }

  /** While there is no work, and not often: whoever computes has better to do. */
  async #askStanding(token: string): Promise<void> {
    if (Date.now() < this.#standingDue) return;
    this.#standingDue = Date.now() + STANDING_INTERVAL_MS;
    try {
      this.view.standing(standingInWords(await this.api.standing(token)));
    } catch {
      return; // it is asked again, and nothing depends on it
    }
  }

  async #identity(): Promise<Identity> {
    const known = this.memory.identity;
    if (known) return known;
    const { engine, capabilities } = this.machine;
    const identity = await this.api.enrol(engine, capabilities);
    this.memory.identity = identity;
    return identity;
  }

  #afterFailure(error: unknown): number {
    const refused = error instanceof Refused ? error : null;
    if (refused?.code === 401) this.memory.identity = null;
    if (refused && [400, 401, 413].includes(refused.code)) {
      this.#reports.clear();
      this.#leases.clear();
    }
    return this.#backoff.next(refused?.retryAfterS ?? null, Math.random());
  }
}
