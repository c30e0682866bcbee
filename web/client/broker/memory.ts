/** This file is where the page remembers things between visits, as far as the browser lets it. */

import type { Seen } from "../log/witness.ts";
import type { Identity } from "./api.ts";
import { type Settings, settingsOf } from "./settings.ts";

const IDENTITY = "grid.identity";
const TAKING_PART = "grid.taking-part";
const SETTINGS = "grid.settings";
const DATA = "grid.data";
const LOG = "grid.log";
const CONSENTS = "grid.consents";

/** Inside other sites' pages storage may be refused outright: then this lasts as long as the page. */
export class Memory {
  readonly #here = new Map<string, string>();

  #get(key: string): string | null {
    try {
      return localStorage.getItem(key) ?? this.#here.get(key) ?? null;
    } catch {
      return this.#here.get(key) ?? null;
    }
  }

  #set(key: string, value: string | null): void {
    if (value === null) this.#here.delete(key);
    else this.#here.set(key, value);
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
    } catch {
      // Refused storage is no error: `#here` holds it.
    }
  }

  get identity(): Identity | null {
    try {
      const found = JSON.parse(this.#get(IDENTITY) ?? "null") as Identity | null;
      return typeof found?.token === "string" ? found : null;
    } catch {
      return null;
    }
  }

  set identity(value: Identity | null) {
    this.#set(IDENTITY, value && JSON.stringify(value));
  }

  /** Whether Start was clicked, and Stop not since. */
  get takingPart(): boolean {
    return this.#get(TAKING_PART) === "yes";
  }

  set takingPart(value: boolean) {
    this.#set(TAKING_PART, value ? "yes" : "no");
  }

  /** What was seen of the server's public log. */
  get seen(): Seen | null {
    try {
      const found = JSON.parse(this.#get(LOG) ?? "null") as Seen | null;
      return typeof found?.note === "string" && Array.isArray(found.keys) ? found : null;
    } catch {
      return null;
    }
  }

  set seen(value: Seen | null) {
    this.#set(LOG, value && JSON.stringify(value));
  }

  get settings(): Settings {
    try {
      return settingsOf(JSON.parse(this.#get(SETTINGS) ?? "null"));
    } catch {
      return settingsOf(null);
    }
  }

  set settings(value: Settings) {
    this.#set(SETTINGS, JSON.stringify(value));
  }

  /** Bytes fetched for work units since midnight. */
  get bytesToday(): number {
    try {
      const { day, bytes } = JSON.parse(this.#get(DATA) ?? "{}") as { day?: string; bytes?: number };
      return day === today() && typeof bytes === "number" && bytes >= 0 ? bytes : 0;
    } catch {
      return 0;
    }
  }

  /** What was answered last to this site's pages; null for nothing. */
  given(site: string): boolean | null {
    const given = this.#consents()[site];
    return typeof given === "boolean" ? given : null;
  }

  remember(site: string, yes: boolean): void {
    this.#set(CONSENTS, JSON.stringify({ ...this.#consents(), [site]: yes }));
  }

  #consents(): Record<string, unknown> {
    try {
      return (JSON.parse(this.#get(CONSENTS) ?? "{}") as Record<string, unknown> | null) ?? {};
    } catch {
      return {};
    }
  }

  /** As on a first visit. */
  forget(): void {
    for (const key of [IDENTITY, TAKING_PART, SETTINGS, DATA, CONSENTS]) this.#set(key, null);
  }

  addBytes(count: number): void {
    this.#set(DATA, JSON.stringify({ day: today(), bytes: this.bytesToday + count }));
  }
}

function today(): string {
  return new Date().toDateString();
}
