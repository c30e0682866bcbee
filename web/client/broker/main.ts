/** This file is where the volunteer page comes together. */

import { Api } from "./api.ts";
import { thisMachine } from "./machine.ts";
import { Memory } from "./memory.ts";
import { View } from "./view.ts";
import { Volunteer } from "./volunteer.ts";

const settings = document.querySelector<HTMLElement>("[data-sandbox-origin]")?.dataset ?? {};
const api = new Api(new URL(settings["api"] || "/api/v1", location.href).href);
const memory = new Memory();
const view = new View();
const sandboxOrigin = settings["sandboxOrigin"] || null;
const volunteer = new Volunteer(api, memory, view, thisMachine(), sandboxOrigin);

view.onStart(() => volunteer.start());
view.onStop(() => volunteer.stop());
addEventListener("pagehide", () => volunteer.leave());
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && memory.takingPart) volunteer.start();
});

view.takingPart(false);
// Start was clicked on an earlier visit, and Stop not since.
if (memory.takingPart) volunteer.start();
