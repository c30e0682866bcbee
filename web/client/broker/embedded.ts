/** This file is where the page stands in another site's: asks first, tells the site what it may know. */

import { EMBED_PORT, type FromFrame, TOLD, type ToFrame } from "../embed/messages.ts";
import { type Answer, type Chosen, fetched, newWord, onDecision } from "./consenting.ts";
import type { Bus } from "./events.ts";
import { place, show } from "./places.ts";

export interface Wishes {
  api: string;
  owner: string;
  purpose: string;
}

/** Consents that were given here, by site, as far as the browser keeps them. */
export interface Consents {
  /** null where nobody has answered. */
  given: (site: string) => boolean | null;
  remember: (site: string, yes: boolean) => void;
}

export class Embedded {
  #site = siteAround();
  #port: MessagePort | null = null;
  #asking = new AbortController();

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
    onDecision(() => this.#site, ({ answer }) => this.#decided(answer));
    place("refuse")?.addEventListener("click", () => this.#refused());
    place("decide")?.addEventListener("click", () => void this.#ask());
    new ResizeObserver(() => this.#tellHeight()).observe(document.body);
    void this.#hearNo();
  }

  /** What was agreed to on an earlier visit goes on, and a no stands; otherwise the visitor is asked. */
  begin(): void {
    const before = this.#site === null ? null : this.consents.given(this.#site);
    if (before) return this.#agreed(null);
    this.#show(false);
    if (before === false) this.#saysNo();
  }

  /** Tells the site what its visitor sees too. */
  listen(bus: Bus): void {
    for (const event of TOLD) bus.on(event, (detail) => this.#tell({ event, detail }));
  }

  async #ask(): Promise<void> {
    if (this.#asking.signal.aborted) this.#asking = new AbortController();
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
    const answer = await fetched(this.wishes.api, word, this.#asking.signal);
    if (answer) this.#decided(answer);
  }

  /** The site's page knows this word: that it could say no by it harms nobody, and a yes is not heard. */
  async #hearNo(): Promise<void> {
    const word = /^#no=([0-9a-f]{32})$/.exec(location.hash)?.[1];
    const answer = word && (await fetched(this.wishes.api, word, this.#asking.signal));
    if (answer && !answer.yes) this.#refused();
  }

  #decided(answer: Answer): void {
    if (!answer.yes) return this.#refused();
    if (this.#site !== null) this.consents.remember(this.#site, true);
    this.#agreed(answer);
  }

  #agreed(chosen: Chosen | null): void {
    this.#asking.abort();
    this.#show(true);
    this.#tell({ answer: "yes" });
    this.onYes(chosen);
  }

  #refused(): void {
    this.#asking.abort();
    if (this.#site !== null) this.consents.remember(this.#site, false);
    this.#saysNo();
    this.#tell({ answer: "no" });
  }

  #saysNo(): void {
    show("asked", "You said no: nothing is computed here.");
    show("decide", "Decide anew …");
    place("refuse")!.hidden = true;
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
