/** This file is where the element stands that a site's visitors see: first a card, then Grid's frame. */

import { newWord } from "../broker/consenting.ts";
import { answered, remember } from "./answer.ts";
import { card, dressed } from "./card.ts";
import type { Handle } from "./handle.ts";
import { EMBED_PORT, type FromFrame } from "./messages.ts";
import { consentUrl, frameUrl, type Options } from "./options.ts";

/** A card's height, and the most that the frame may take of a site's page. */
const HEIGHT_MIN = 96;
const HEIGHT_MAX = 640;
const FRAME_LOOK = { display: "block", width: "100%", height: "120px", border: "0", margin: "0", padding: "0", "max-width": "none", overflow: "hidden" };

export class Widget {
  readonly element = document.createElement("grid-volunteer");
  readonly #root = dressed(this.element.attachShadow({ mode: "open" }));

  constructor(
    readonly options: Options,
    readonly handle: Handle,
  ) {
    if (options.theme) this.element.dataset["theme"] = options.theme;
    const before = answered();
    this.element.hidden = before === "no";
    if (before === "yes") this.#showFrame(null);
    else if (before === null) this.#root.append(card(options, location.host, () => this.#decide(), () => this.#refuse()));
  }

  /** In the visitor's click, so that the browser opens the page of Grid's own. */
  #decide(): void {
    // An isolated page is cut off from what it opens: there the frame opens it by itself.
    if (globalThis.crossOriginIsolated) return this.#showFrame(null);
    const word = newWord();
    open(consentUrl(this.options, location.origin, word), "grid-consent");
    this.#showFrame(word);
  }

  #refuse(): void {
    remember("no");
    this.#root.replaceChildren();
    this.element.replaceChildren();
    this.element.hidden = true;
  }

  #showFrame(word: string | null): void {
    const frame = document.createElement("iframe");
    frame.title = "Lend this browser to Grid";
    frame.referrerPolicy = "origin";
    frame.allow = "compute-pressure";
    frame.src = frameUrl(this.options, word);
    frame.addEventListener("load", () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<FromFrame>) => this.#heard(data, frame);
      this.handle.port = port1;
      frame.contentWindow?.postMessage(EMBED_PORT, this.options.grid, [port2]);
    });
    // Only a frame of the page's own tree is among those that Grid's page of consent can speak to; so
    // it stands beside the shadow, out of reach of the page's style sheets.
    const look = { ...FRAME_LOOK, "color-scheme": this.options.theme || "light dark" };
    for (const [name, value] of Object.entries(look)) frame.style.setProperty(name, value, "important");
    this.#root.replaceChildren(document.createElement("slot"));
    this.element.replaceChildren(frame);
  }

  #heard(said: FromFrame, frame: HTMLIFrameElement): void {
    if ("event" in said) this.handle.tell(said.event, said.detail);
    else if ("height" in said) frame.style.setProperty("height", `${Math.min(Math.max(said.height, HEIGHT_MIN), HEIGHT_MAX)}px`, "important");
    else if (said.answer === "yes") remember("yes");
    else this.#refuse();
  }
}
