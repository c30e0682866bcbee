/** This file is where `embed.js` begins: on any site, after one line of HTML. */

import { Handle } from "./handle.ts";
import { optionsOf } from "./options.ts";
import { watchPolicy } from "./policy.ts";
import { Widget } from "./widget.ts";

const script = document.currentScript as HTMLScriptElement | null;
const options = optionsOf(script);
if (!options || !script) {
  console.error("Grid: embed.js must be loaded by a <script src> of the page, not as a module.");
} else {
  watchPolicy(options.grid);
  const handle = new Handle();
  (globalThis as { grid?: Handle }).grid ??= handle;
  const { element } = new Widget(options, handle);
  // A script of the head has no place of its own on the page.
  if (document.body?.contains(script)) script.after(element);
  else if (document.body) document.body.append(element);
  else addEventListener("DOMContentLoaded", () => document.body.append(element));
  dispatchEvent(new CustomEvent("grid-ready", { detail: handle }));
}
