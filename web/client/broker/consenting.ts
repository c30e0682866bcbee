/** This file is where the frame in another site's page learns whether its visitor agreed.
 *
 * Only a page of our own origin can say so: the site around the frame cannot, whatever it covers or
 * clicks. Where a browser keeps the two of our pages apart, the server carries one word between them.
 */

import { type Settings, settingsOf } from "./settings.ts";

export const CONSENT = "grid-consent";
export const HEARD = "grid-consent-heard";

/** What was chosen with a yes, as the server spells it. */
export interface Chosen {
  duty_percent: number;
  on_battery: boolean;
  data_mb_per_day: number | null;
}

export type Answer = { yes: false } | ({ yes: true } & Chosen);

export interface ConsentGiven {
  grid: typeof CONSENT;
  site: string;
  answer: Answer;
}

const ASK_EVERY_MS = 2_000;
/** As long as the server keeps an answer. */
const ASKED_FOR_MS = 900_000;

/** Settings with what was chosen on the page of consent. */
export function withChosen(settings: Settings, chosen: Chosen): Settings {
  return settingsOf({
    ...settings,
    dutyPercent: chosen.duty_percent,
    onBattery: chosen.on_battery,
    dataMbPerDay: chosen.data_mb_per_day,
  });
}

/** 128 random bits that only whoever made them and the page that it opens know. */
export function newWord(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Calls `then` with every decision about this site that a page of ours makes. */
export function onDecision(site: () => string | null, then: (given: ConsentGiven) => void): void {
  addEventListener("message", ({ origin, data, source }: MessageEvent<ConsentGiven | undefined>) => {
    if (origin !== location.origin || data?.grid !== CONSENT || data.site !== site()) return;
    source?.postMessage(HEARD, { targetOrigin: location.origin });
    then(data);
  });
}

/** Asks the server what was answered under this word, until something is or nobody waits any more. */
export async function fetched(api: string, word: string, signal: AbortSignal): Promise<Answer | null> {
  for (const until = Date.now() + ASKED_FOR_MS; Date.now() < until && !signal.aborted; ) {
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    const response = await fetch(`${api}/consents/${word}`, { signal }).catch(() => null);
    const said = (await response?.json().catch(() => null)) as { answer?: Answer | null } | null;
    if (said?.answer) return said.answer;
  }
  return null;
}
