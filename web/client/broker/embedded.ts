/** This file is where the page stands in another site's: asks first, tells the site what it may know. */

import { EMBED_PORT, type FromFrame, TOLD, type ToFrame } from "../embed/messages.ts";
import { type Chosen, type ConsentGiven, fetched, newWord, onDecision } from "./consenting.ts";
import type { Bus } from "./events.ts";
import { place, show } from "./places.ts";

export interface Wishes {
  api: string;
  owner: string;
  purpose: string;
}

/** Consents that were given here, by site, as far as the browser keeps them. */
export interface Consents {
  given: (site: string) => boolean;
  remember: (site: string, yes: boolean) => void;
}

export class Embedded {
  #site = siteAround();
  #port: MessagePort | null = null;
  readonly #asking = new AbortController();

  constructor(
    readonly wishes: Wishes,
    readonly consents: Consents,
    readonly onYes: (chosen: Chosen | null) => void,
    readonly onStop: () => void,
  ) {
    addEventListener("message", (event: MessageEvent<unknown>) => {
      const port = event.ports[0];
      if (event.source !== parent || event.data !== EMBED_PORT || !port) return;
      // The browser says who speaks; a Referer may have been withheld.
      this.#site = event.origin;
      this.#port = port;
      port.onmessage = ({ data }: MessageEvent<ToFrame>) => {
        if (data === "stop") this.onStop();
      };
      this.#tellHeight();
      this.begin();
    });
    onDecision(() => this.#site, (given) => this.#decided(given));
    place("refuse")?.addEventListener("click", () => this.#refused());
    place("decide")?.addEventListener("click", () => void this.#ask());
    new ResizeObserver(() => this.#tellHeight()).observe(document.body);
  }

  /** What was agreed to on an earlier visit goes on; otherwise the visitor is asked. */
  begin(): void {
    if (this.#site !== null && this.consents.given(this.#site)) this.#agreed(null);
    else this.#show(false);
  }

  /** Tells the site what its visitor sees too. */
  listen(bus: Bus): void {
    for (const event of TOLD) bus.on(event, (detail) => this.#tell({ event, detail }));
  }

  async #ask(): Promise<void> {
    const word = newWord();
    const link = place<HTMLAnchorElement>("decide")!;
    const url = new URL("/volunteer/consent", location.href);
    url.searchParams.set("site", this.#site ?? "");
    for (const name of ["owner", "purpose"] as const) {
      if (this.wishes[name]) url.searchParams.set(name, this.wishes[name]);
    }
    url.hash = word;
    link.href = url.href;
    show("asked", "Decide on the page of Grid's own that has opened.");
    const chosen = await fetched(this.wishes.api, word, this.#asking.signal);
    if (chosen) this.#consented(chosen);
  }

  #decided({ yes, chosen }: ConsentGiven): void {
    if (yes) this.#consented(chosen);
    else this.#refused();
  }

  #consented(chosen: Chosen): void {
    if (this.#site !== null) this.consents.remember(this.#site, true);
    this.#agreed(chosen);
  }

  #agreed(chosen: Chosen | null): void {
    this.#asking.abort();
    this.#show(true);
    this.#tell({ answer: "yes" });
    this.onYes(chosen);
  }

  #refused(): void {
    if (this.#site !== null) this.consents.remember(this.#site, false);
    show("asked", "Nothing is computed here.");
    this.#tell({ answer: "no" });
  }

  #show(agreed: boolean): void {
    place("ask")!.hidden = agreed;
    place("work")!.hidden = !agreed;
  }

  #tellHeight(): void {
    this.#tell({ height: Math.ceil(document.body.getBoundingClientRect().height) });
  }

  #tell(said: FromFrame): void {
    this.#port?.postMessage(said);
  }
}

/** Whose page this frame is in, as far as the browser says. */
function siteAround(): string | null {
  const listed = (location as { ancestorOrigins?: DOMStringList }).ancestorOrigins?.[0];
  if (listed && listed !== "null") return listed;
  try {
    return document.referrer ? new URL(document.referrer).origin : null;
  } catch {
    return null;
  }
}
