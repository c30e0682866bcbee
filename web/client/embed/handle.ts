/** This file is where a site's own scripts hear what its visitors' browsers compute: `window.grid`. */

import { Bus, type Events, type Listener } from "../broker/events.ts";
import { type Told, TOLD, type ToFrame } from "./messages.ts";

export class Handle {
  readonly #bus = new Bus();
  /** To the frame; null before there is one. */
  port: MessagePort | null = null;

  /** Calls `listener` with every event of this name from now on. */
  on<Name extends Told>(name: Name, listener: Listener<Name>): void {
    known(name);
    this.#bus.on(name, listener);
  }

  off<Name extends Told>(name: Name, listener: Listener<Name>): void {
    known(name);
    this.#bus.off(name, listener);
  }

  /** Stops computing at once, as the visitor's own Stop does. Only the visitor can start. */
  stop(): void {
    this.port?.postMessage("stop" satisfies ToFrame);
  }

  tell(name: Told, detail: Events[Told]): void {
    if (TOLD.includes(name)) this.#bus.emit(name, detail as never);
  }
}

function known(name: string): void {
  if (!(TOLD as readonly string[]).includes(name)) {
    throw new TypeError(`Grid has no event ${name}; there are ${TOLD.join(", ")}`);
  }
}
