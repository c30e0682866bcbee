/** This file is where the Web Workers are: each computes one held result, then rests its share. */

import { Held } from "./held.ts";
import { restMs } from "./pace.ts";
import { type Answer, Sandbox } from "./sandbox.ts";

export interface Ended {
  held: Held;
  /** What came of it; an Error when the program is not to blame, and then it is given back. */
  answer: Answer | Error;
}

interface Desk {
  sandbox: Sandbox;
  held: Held | null;
  /** When it began to compute; not as long as inputs are on their way. */
  began: number;
  /** When it last ended, and after how long: it rests as long as that asks for. */
  ended: number;
  tookMs: number;
}

/** How much the last work unit counts in what one usually takes. */
const LATEST = 0.3;

export class Crew {
  readonly #desks: Desk[] = [];
  readonly #stock: Held[] = [];
  #workers = 0;
  #duty = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #usualMs: number | null = null;
  #computedMs = 0;

  constructor(
    readonly makeSandbox: () => Sandbox,
    readonly onStart: (held: Held) => void,
    readonly onEnd: (ended: Ended) => void,
    readonly now: () => number = () => performance.now(),
  ) {}

  /** What one work unit usually takes, with its rest; null as long as none was computed. */
  get usualMs(): number | null {
    return this.#usualMs;
  }

  /** Milliseconds of one core that were computed, over all Web Workers. */
  get computedMs(): number {
    const going = this.#desks.filter((desk) => desk.held !== null);
    return going.reduce((sum, desk) => sum + this.#since(desk.began), this.#computedMs);
  }

  get computing(): Held[] {
    return this.#desks.flatMap(({ held }) => held ?? []);
  }

  get stock(): readonly Held[] {
    return this.#stock;
  }

  /** So many Web Workers, each computing for that share of the time; none begins anything when 0. */
  set(workers: number, duty: number): void {
    this.#workers = workers;
    this.#duty = duty;
    while (this.#desks.length < workers) {
      this.#desks.push({ sandbox: this.makeSandbox(), held: null, began: 0, ended: 0, tookMs: 0 });
    }
    for (const desk of this.#desks.slice(workers)) if (!desk.held) desk.sandbox.remove();
    this.#fill();
  }

  /** The frame that computes first, for whoever must look at it. */
  get first(): Sandbox | undefined {
    return this.#desks[0]?.sandbox;
  }

  add(held: Held): void {
    this.#stock.push(held);
    this.#fill();
  }

  /** Computes or keeps it no more; says nothing to anybody. */
  drop(id: string): Held | null {
    const at = this.#stock.findIndex((held) => held.id === id);
    const found = at >= 0 ? this.#stock.splice(at, 1)[0] : this.computing.find((held) => held.id === id);
    found?.drop();
    return found ?? null;
  }

  /** Everything at once: nothing computes when this returns. Gives what was held. */
  clear(): Held[] {
    clearTimeout(this.#timer);
    const held = [...this.computing, ...this.#stock.splice(0)];
    for (const desk of this.#desks) {
      desk.sandbox.remove();
      desk.held = null;
    }
    for (const one of held) one.drop();
    return held;
  }

  #fill(): void {
    clearTimeout(this.#timer);
    const now = this.now();
    let earliest = Infinity;
    for (const desk of this.#desks.slice(0, this.#workers)) {
      if (desk.held) continue;
      // As the duty is now: what was pressing may be over.
      const restsUntil = desk.ended + restMs(desk.tookMs, this.#duty);
      if (restsUntil > now) earliest = Math.min(earliest, restsUntil);
      else if (this.#stock.length > 0) void this.#perform(desk, this.#stock.shift()!);
    }
    if (earliest < Infinity && this.#stock.length > 0) {
      this.#timer = setTimeout(() => this.#fill(), earliest - now);
    }
  }

  #since(began: number): number {
    return Math.max(0, this.now() - began);
  }

  async #perform(desk: Desk, held: Held): Promise<void> {
    desk.held = held;
    desk.began = Infinity;
    let answer: Answer | Error;
    try {
      const computation = await held.inputs;
      desk.began = this.now();
      if (desk.held === held) this.onStart(held);
      answer = await desk.sandbox.compute(computation, held.signal);
    } catch (error) {
      answer = error as Error;
    }
    // Cleared meanwhile: the desk may be somebody else's already.
    if (desk.held !== held) return;
    const tookMs = this.#since(desk.began);
    this.#computedMs += tookMs;
    if (!(answer instanceof Error)) {
      const whole = tookMs + restMs(tookMs, this.#duty);
      const usual = this.#usualMs ?? whole;
      this.#usualMs = usual + LATEST * (whole - usual);
    }
    Object.assign(desk, { held: null, ended: this.now(), tookMs });
    if (this.#desks.indexOf(desk) >= this.#workers) desk.sandbox.remove();
    if (!held.signal.aborted) this.onEnd({ held, answer });
    this.#fill();
  }
}
