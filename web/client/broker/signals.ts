/** This file is where the browser tells how its machine and its page are. */

import type { Conditions, Pressure } from "./pace.ts";

interface Battery extends EventTarget {
  charging: boolean;
}

interface PressureObserverLike {
  observe(source: "cpu", options: { sampleInterval: number }): Promise<void>;
}

interface Browser {
  getBattery?: () => Promise<Battery>;
  connection?: EventTarget & { saveData?: boolean };
  userAgentData?: { mobile: boolean };
}

type MakeObserver = new (then: (records: { state: Pressure }[]) => void) => PressureObserverLike;

/** How often a timer is looked at, and how much its last lateness counts. */
const LOOK_MS = 500;
const LATEST = 0.2;
/** How often the browser says how busy the processor is. */
const PRESSURE_MS = 2_000;

/** Each is asked for once, after Start was clicked; what a browser has not stays null. */
export class Signals {
  #battery: Battery | null = null;
  #pressure: Pressure | null = null;
  #lagMs = 0;
  #frozen = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #began = false;

  constructor(readonly onChange: () => void) {}

  begin(): void {
    this.#watchTimers();
    if (this.#began) return;
    this.#began = true;
    const { getBattery, connection } = navigator as Browser;
    document.addEventListener("visibilitychange", () => this.#changed());
    document.addEventListener("freeze", () => this.#freeze(true));
    document.addEventListener("resume", () => this.#freeze(false));
    connection?.addEventListener?.("change", () => this.#changed());
    if (getBattery) void this.#watchBattery(getBattery.call(navigator));
    const { PressureObserver } = globalThis as { PressureObserver?: MakeObserver };
    const policy = (document as { featurePolicy?: { allowsFeature(name: string): boolean } }).featurePolicy;
    // Asking where it is not allowed leaves a complaint on the host page's console.
    if (PressureObserver && policy?.allowsFeature("compute-pressure") !== false) this.#watchPressure(PressureObserver);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** As it is now. `bytesToday` is the caller's to know. */
  now(): Omit<Conditions, "bytesToday"> {
    const { connection, userAgentData } = navigator as Browser;
    return {
      visible: document.visibilityState !== "hidden",
      frozen: this.#frozen,
      onBattery: this.#battery && !this.#battery.charging,
      mobile: userAgentData?.mobile ?? /Mobi|Android|iPhone|iPad/.test(navigator.userAgent),
      saveData: connection?.saveData ?? null,
      pressure: this.#pressure,
      lagMs: this.#lagMs,
      processors: (navigator.hardwareConcurrency as number | undefined) ?? 1,
      hour: new Date().getHours(),
    };
  }

  #changed(): void {
    this.#lagMs = 0;
    this.onChange();
  }

  #freeze(yes: boolean): void {
    this.#frozen = yes;
    this.#changed();
  }

  async #watchBattery(asked: Promise<Battery>): Promise<void> {
    // Refused inside other sites' pages by some.
    const battery = await asked.catch(() => null);
    this.#battery = battery;
    battery?.addEventListener("chargingchange", () => this.onChange());
    this.onChange();
  }

  #watchPressure(Observer: MakeObserver): void {
    try {
      const observer = new Observer((records) => {
        this.#pressure = records.at(-1)?.state ?? this.#pressure;
        this.onChange();
      });
      void observer.observe("cpu", { sampleInterval: PRESSURE_MS }).catch(() => undefined);
    } catch {
      return; // not on plain-http pages
    }
  }

  #watchTimers(): void {
    clearInterval(this.#timer);
    let due = performance.now() + LOOK_MS;
    this.#timer = setInterval(() => {
      const late = Math.max(0, performance.now() - due);
      due = performance.now() + LOOK_MS;
      if (document.visibilityState !== "hidden") this.#lagMs += LATEST * (late - this.#lagMs);
    }, LOOK_MS);
  }
}
