/** This file is where the volunteer page comes together. */

import { Api } from "./api.ts";
import { withChosen } from "./consenting.ts";
import { Embedded } from "./embedded.ts";
import { Bus } from "./events.ts";
import { Form } from "./form.ts";
import { forgetKey, freshKey, keptKey } from "./keys.ts";
import { thisMachine } from "./machine.ts";
import { Memory } from "./memory.ts";
import { MyPage } from "./mine.ts";
import { OwnApi } from "./own.ts";
import { place } from "./places.ts";
import type { Settings } from "./settings.ts";
import { KeptShelf } from "./shelf.ts";
import { Signals } from "./signals.ts";
import { Steps } from "./steps.ts";
import { View } from "./view.ts";
import { Volunteer } from "./volunteer.ts";

/** How often what became of the work is looked up while some is done. */
const REFRESH_MS = 15_000;

const page = place("page")?.dataset ?? {};
const base = new URL(page["api"] || "/api/v1", location.href).href;
const owner = page["owner"] ?? "";
const steps = new Steps();
const [api, own] = [steps.logged(new Api(base)), new OwnApi(base)];
const [memory, shelf, machine] = [new Memory(), new KeptShelf(), thisMachine()];
const [view, bus] = [new View(), new Bus()];

/** A page that was opened for one requester computes for nobody else. */
function settings(): Settings {
  return owner ? { ...memory.settings, owners: [owner] } : memory.settings;
}

const volunteer = new Volunteer({
  api,
  memory,
  shelf,
  bus,
  machine,
  settings,
  signals: (onChange) => new Signals(onChange),
  onStanding: (words) => view.standing(words),
  sandboxOrigin: page["sandboxOrigin"] || null,
});
const form = new Form(memory.settings, (changed) => {
  memory.settings = changed;
  volunteer.adjust();
});

bus.on("state", (now) => view.state(now));
bus.on("work-unit-start", (one) => view.unit(one));
bus.on("work-unit-done", () => view.done());
bus.on("usage", (used) => view.used(used));
steps.listen(bus);
view.state({ state: "off" });
view.onStart(() => volunteer.start());
view.onPause(() => volunteer.pause());
view.onStop(() => volunteer.stop());
addEventListener("pagehide", () => volunteer.leave());
addEventListener("pageshow", ({ persisted }) => {
  if (persisted && memory.takingPart) volunteer.start();
});

if (page["embed"]) standInAnotherPage();
else standAlone();

function standInAnotherPage(): void {
  const embedded = new Embedded(
    { api: base, owner, purpose: page["purpose"] ?? "" },
    memory,
    (chosen) => {
      if (chosen) {
        memory.settings = withChosen(memory.settings, chosen);
        form.fill(memory.settings);
      }
      if (chosen || memory.takingPart) volunteer.start();
    },
    () => volunteer.stop(),
  );
  embedded.listen(bus);
  embedded.begin();
  // The page at the top keeps its own things: a code leads from here to there.
  place<HTMLDetailsElement>("more")?.addEventListener("toggle", () => void linkToMyPage());
}

async function linkToMyPage(): Promise<void> {
  const [link, token] = [place<HTMLAnchorElement>("mine"), memory.identity?.token];
  const made = token && link ? await own.pairing(token).catch(() => null) : null;
  if (made) link!.href = `/volunteer#join=${made.code}`;
}

function standAlone(): void {
  const mine = new MyPage(own, {
    token: () => memory.identity?.token ?? null,
    join: async (code) => {
      const known = memory.identity?.public_key;
      const key = (known && (await keptKey(known))) || (await freshKey());
      const identity = await api.enrol(machine.engine, machine.capabilities, key.publicKey, code);
      const goesOn = memory.takingPart;
      volunteer.leave();
      memory.identity = identity;
      if (goesOn) volunteer.start();
    },
    forget: async () => {
      volunteer.stop();
      memory.forget();
      await Promise.all([shelf.clear(), forgetKey()]);
      form.fill(memory.settings);
    },
  });
  let due = 0;
  const refresh = () => {
    if (Date.now() < due) return;
    due = Date.now() + REFRESH_MS;
    void mine.refresh();
  };
  bus.on("work-unit-done", refresh);
  refresh();
  // Start was clicked on an earlier visit, and Stop not since.
  if (memory.takingPart) volunteer.start();
}
