/** This file is where the volunteer page comes together. */

import { Api } from "./api.ts";
import { Bus } from "./events.ts";
import { thisMachine } from "./machine.ts";
import { Memory } from "./memory.ts";
import { KeptShelf } from "./shelf.ts";
import { Signals } from "./signals.ts";
import { View } from "./view.ts";
import { Volunteer } from "./volunteer.ts";

const settings = document.querySelector<HTMLElement>("[data-sandbox-origin]")?.dataset ?? {};
const memory = new Memory();
const view = new View();
const bus = new Bus();
const volunteer = new Volunteer({
  api: new Api(new URL(settings["api"] || "/api/v1", location.href).href),
  memory,
  shelf: new KeptShelf(),
  bus,
  machine: thisMachine(),
  settings: () => memory.settings,
  signals: (onChange) => new Signals(onChange),
  onStanding: (words) => view.standing(words),
  sandboxOrigin: settings["sandboxOrigin"] || null,
});

bus.on("state", ({ state, words }) => {
  view.takingPart(state !== "off");
  view.say(words);
  if (state !== "computing") view.job(null);
});
bus.on("work-unit-start", ({ job }) => view.job(job));
bus.on("work-unit-done", () => view.addDone(1));

view.onStart(() => volunteer.start());
view.onStop(() => volunteer.stop());
addEventListener("pagehide", () => volunteer.leave());
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && memory.takingPart) volunteer.start();
});

view.takingPart(false);
// Start was clicked on an earlier visit, and Stop not since.
if (memory.takingPart) volunteer.start();
