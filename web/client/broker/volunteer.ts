/** This file is where a page takes part: asks, computes and reports until it is stopped. */

import { Witness } from "../log/witness.ts";
import { type Api, type Identity, Refused, type WorkAnswer } from "./api.ts";
import { Backoff } from "./backoff.ts";
import { Bell } from "./bell.ts";
import { Desk } from "./desk.ts";
import type { Bus, PauseReason, State } from "./events.ts";
import { Inputs } from "./inputs.ts";
import { freshKey, type HostKey, keptKey } from "./keys.ts";
import { alone } from "./lock.ts";
import type { Memory } from "./memory.ts";
import { pace, type Pace } from "./pace.ts";
import { inWords } from "./reasons.ts";
import { Sandbox } from "./sandbox.ts";
import { SandboxOpen, Trial } from "./selftest.ts";
import type { Settings } from "./settings.ts";
import type { Shelf } from "./shelf.ts";
import type { Signals } from "./signals.ts";
import { type Standing, standingInWords } from "./standing.ts";
import { paused } from "./words.ts";

/** A ban or a verdict shows within so long. */
const STANDING_INTERVAL_MS = 15_000;
/** How often it is looked how the machine is, and told what was used. */
const LOOK_MS = 1_000;
/** What was begun may be finished when a pause comes, if it does not take longer. */
const GRACE_MS = 10_000;
/** A page out of view looks so often by itself; coming into view wakes it. */
const HIDDEN_S = 60;
/** How soon a browser with an open sandbox is asked again: not before its page is loaded anew. */
const NEVER_S = 1e6;

/** What the server knows of this browser before it computes anything. */
export interface Machine {
  /** Name and major version. */
  engine: string;
  capabilities: object;
}

export interface Parts {
  api: Api;
  memory: Memory;
  shelf: Shelf;
  bus: Bus;
  machine: Machine;
  /** As chosen now. */
  settings: () => Settings;
  signals: (onChange: () => void) => Signals;
  /** How this browser stands, in a line. */
  onStanding: (words: string) => void;
  /** Where the frame comes from; null for what the server said at enrolment. */
  sandboxOrigin: string | null;
}

export class Volunteer {
  readonly #desk: Desk;
  readonly #signals: Signals;
  readonly #trial: Trial;
  readonly #bell = new Bell();
  readonly #backoff = new Backoff();
  readonly #trouble = new Backoff();
  #troubledUntil = 0;
  #standingDue = 0;
  #asked = false;
  #pace: Pace = { workers: 0, duty: 0, pause: null };
  #grace: ReturnType<typeof setTimeout> | undefined;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #said = "";
  #session: AbortController | null = null;
  #running: Promise<void> = Promise.resolve();

  constructor(readonly parts: Parts) {
    const { api, memory, bus, shelf } = parts;
    const witness = new Witness((path) => api.log(path), memory);
    const inputs = new Inputs(api, (count) => memory.addBytes(count), witness);
    const makeSandbox = () => new Sandbox(parts.sandboxOrigin ?? memory.identity?.sandbox_origin ?? location.origin);
    this.#signals = parts.signals(() => this.adjust());
    this.#trial = new Trial(api, makeSandbox);
    const onNews = () => this.#bell.ring();
    this.#desk = new Desk(api, inputs, bus, shelf, makeSandbox, onNews, (error) => this.#hitTrouble(error));
    addEventListener("online", onNews);
  }

  start(): void {
    this.#asked = false;
    if (this.#session) return this.adjust();
    const session = new AbortController();
    this.#session = session;
    this.parts.memory.takingPart = true;
    this.#say("starting", "Starting …");
    this.#running = this.#running.then(() => this.#takePart(session.signal));
  }

  /** At once: nothing computes when this returns. Remembered for the next visit. */
  stop(): void {
    this.parts.memory.takingPart = false;
    this.leave();
    this.#say("off", "Stopped.");
  }

  /** Nothing computes when this returns, until `start` is called again. */
  pause(): void {
    this.#asked = true;
    this.#desk.releaseAll();
    this.adjust();
  }

  /** The page goes away: everything held is given back, and the choice to take part stays. */
  leave(): void {
    this.#session?.abort();
    this.#session = null;
    this.#desk.farewell(this.parts.memory.identity?.token);
  }

  /** Settings, machine or page have changed. */
  adjust(): void {
    if (!this.#ticker) return this.#bell.ring();
    const before = this.#pace;
    this.#pace = this.#paceNow();
    this.#desk.crew.set(this.#pace.workers, this.#pace.duty);
    if (this.#pace.pause && !before.pause) {
      this.#desk.releaseStock();
      this.#grace = setTimeout(() => this.#desk.releaseAll(), GRACE_MS);
    }
    if (!this.#pace.pause) clearTimeout(this.#grace);
    if (this.#pace.pause !== before.pause || this.#pace.workers !== before.workers) this.#bell.ring();
  }

  #paceNow(): Pace {
    if (this.#asked) return { workers: 0, duty: 0, pause: "asked" };
    const { settings, memory } = this.parts;
    return pace(settings(), { ...this.#signals.now(), bytesToday: memory.bytesToday });
  }

  async #takePart(signal: AbortSignal): Promise<void> {
    const onWait = () =>
      this.#say("elsewhere", "Another tab of this browser computes; this one takes over when it closes.");
    try {
      while (!signal.aborted) {
        await this.#inView(signal);
        await alone(signal, onWait, () => this.#shift(signal));
      }
    } catch (error) {
      if (!signal.aborted) this.#say("refused", `Stopped: ${(error as Error).message}`);
    }
  }

  /** A page that may not compute where it is takes no place from another tab. */
  async #inView(signal: AbortSignal): Promise<void> {
    this.#signals.begin();
    while (!signal.aborted && this.#paceNow().pause === "hidden") {
      this.#say("paused", paused("hidden"), "hidden");
      await this.#bell.sleep(HIDDEN_S, signal);
    }
  }

  /** Until the session ends, or the page is out of view and another tab may have its turn. */
  async #shift(signal: AbortSignal): Promise<void> {
    this.#signals.begin();
    this.#watch();
    try {
      while (!signal.aborted) {
        const pause = await this.#round(signal).catch((error: unknown) => this.#afterFailure(error, signal));
        if (this.#pace.pause === "hidden" && this.#desk.idle && this.#desk.kept === 0) return;
        await this.#bell.sleep(pause, signal);
      }
    } finally {
      clearInterval(this.#ticker);
      clearTimeout(this.#grace);
      this.#ticker = undefined;
      this.#signals.end();
      // An answer on its way may have brought something after all was given back.
      if (!this.#desk.idle) this.#desk.farewell(this.parts.memory.identity?.token);
    }
  }

  /** Looks each second how the machine is, and tells what is used. */
  #watch(): void {
    let [computedMs, at] = [this.#desk.crew.computedMs, performance.now()];
    this.#ticker = setInterval(() => {
      const [computed, now] = [this.#desk.crew.computedMs, performance.now()];
      const cpu = Math.max(0, computed - computedMs) / Math.max(now - at, 1);
      [computedMs, at] = [computed, now];
      const dataMb = this.parts.memory.bytesToday / 1e6;
      this.parts.bus.emit("usage", { cpu, cores: this.#pace.workers, dataMb, kept: this.#desk.kept });
      this.adjust();
    }, LOOK_MS);
    this.#pace = { workers: 0, duty: 0, pause: null };
    this.adjust();
  }

  /** What there is to say to the server, and what it assigned. Gives the seconds until the next. */
  async #round(signal: AbortSignal): Promise<number> {
    const { settings } = this.parts;
    const { identity, key } = await this.#identity();
    await this.#desk.open(identity, key);
    if (!this.#pace.pause) await this.#trial.passed(identity.token, signal);
    if (signal.aborted) return 0;
    const troubled = Date.now() < this.#troubledUntil;
    const now = troubled ? { ...this.#pace, workers: 0 } : this.#pace;
    const answer = await this.#desk.exchange(identity, now, settings(), signal);
    this.#backoff.reset();
    if (answer && !signal.aborted && !troubled) await this.#tell(answer, identity.token);
    if (this.#pace.pause) this.#say("paused", paused(this.#pace.pause), this.#pace.pause);
    const pause = this.#desk.pause(now);
    return troubled ? Math.min(pause, (this.#troubledUntil - Date.now()) / 1000) : pause;
  }

  async #tell(answer: WorkAnswer, token: string): Promise<void> {
    if (this.#pace.pause) return;
    if (!this.#desk.idle) return this.#say("computing", "Computing.");
    const refused = answer.why_no_work === "banned" || answer.why_no_work === "over_quota";
    const words = `Waiting for work: ${inWords(answer.why_no_work, answer.ban_reason)}.`;
    if (answer.why_no_work !== undefined) this.#say(refused ? "refused" : "waiting", words);
    await this.#askStanding(token);
  }

  /** While there is no work, and not often: whoever computes has better to do. */
  async #askStanding(token: string): Promise<void> {
    if (Date.now() < this.#standingDue) return;
    this.#standingDue = Date.now() + STANDING_INTERVAL_MS;
    // It is asked again, and nothing depends on it.
    const standing: Standing | null = await this.parts.api.standing(token).catch(() => null);
    if (standing) this.parts.onStanding(standingInWords(standing));
  }

  /** A host whose key is gone could report nothing: then it enrols anew. */
  async #identity(): Promise<{ identity: Identity; key: HostKey | null }> {
    const { api, memory, machine } = this.parts;
    const known = memory.identity;
    const key = known?.public_key ? await keptKey(known.public_key) : null;
    if (known && (key || !known.public_key)) return { identity: known, key };
    const fresh = await freshKey();
    const identity = await api.enrol(machine.engine, machine.capabilities, fresh.publicKey);
    memory.identity = identity;
    return { identity, key: fresh };
  }

  #afterFailure(error: unknown, signal: AbortSignal): number {
    if (signal.aborted) return 0;
    const said = (error as Error).message;
    if (error instanceof SandboxOpen) {
      this.#say("refused", said);
      return NEVER_S;
    }
    const refused = error instanceof Refused ? error : null;
    if (refused?.code === 401) this.parts.memory.identity = null;
    if (refused && [400, 401, 413].includes(refused.code)) this.#desk.forget();
    const pause = this.#backoff.next(refused?.retryAfterS ?? null, Math.random());
    this.#say(refused ? "waiting" : "offline", `${said}. Trying again in ${Math.ceil(pause)} s.`);
    return pause;
  }

  /** No program's fault: nothing is asked for during a pause that doubles. */
  #hitTrouble(error: Error): void {
    const pause = this.#trouble.next(null, Math.random());
    this.#troubledUntil = Date.now() + pause * 1000;
    this.#say("waiting", `${error.message}. Trying again in ${Math.ceil(pause)} s.`);
  }

  #say(state: State, words: string, why?: PauseReason): void {
    if (`${state} ${words}` === this.#said) return;
    this.#said = `${state} ${words}`;
    this.parts.bus.emit("state", { state, words, ...(why ? { why } : {}) });
  }
}
