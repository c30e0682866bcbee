/** This file is where the volunteer page shows what happens. */

import { Chart } from "./chart.ts";
import type { Events, WorkUnit } from "./events.ts";
import { element, link, place, show } from "./places.ts";
import { partInWords } from "./units.ts";

export class View {
  readonly #chart = new Chart(place("chart"));
  #done = 0;

  onStart(then: () => void): void {
    place("start")?.addEventListener("click", then);
  }

  onPause(then: () => void): void {
    place("pause")?.addEventListener("click", then);
  }

  onStop(then: () => void): void {
    place("stop")?.addEventListener("click", then);
  }

  state({ state, words, why }: Pick<Events["state"], "state" | "why"> & { words?: string }): void {
    const on = state !== "off";
    const asked = state === "paused" && why === "asked";
    allow("start", !on || asked);
    show("start", asked ? "Go on" : "Start");
    allow("pause", on && !asked);
    allow("stop", on);
    document.body.dataset["takingPart"] = on ? "yes" : "no";
    if (words) show("state", words);
    if (state !== "computing") this.unit(null);
  }

  /** Which part of whose job is computed, with links to all of it; null when none is. */
  unit(one: WorkUnit | null): void {
    place("unit")?.replaceChildren(...(one ? inWords(one) : []));
  }

  /** The server took an answer. */
  done(): void {
    this.#done += 1;
    show("done", String(this.#done));
    this.#chart.done(Date.now());
  }

  used({ cpu, dataMb, kept }: Events["usage"]): void {
    this.#chart.used(cpu, Date.now());
    show("rate", this.#chart.perMinute(Date.now()).toFixed(1));
    show("cpu", `${Math.round(this.#chart.share(Date.now()) * 100)} %`);
    show("fetched", dataMb < 10 ? dataMb.toFixed(1) : String(Math.round(dataMb)));
    const waiting = place("kept");
    if (!waiting) return;
    waiting.hidden = kept === 0;
    waiting.textContent = `${kept === 1 ? "One answer waits" : `${kept} answers wait`} for the server.`;
  }

  /** How this browser stands with the server. */
  standing(text: string): void {
    show("standing", text);
  }
}

function allow(name: string, yes: boolean): void {
  const button = place<HTMLButtonElement>(name);
  if (button) button.disabled = !yes;
}

function inWords({ job, part, program, inputs }: WorkUnit): (string | Node)[] {
  const words: (string | Node)[] = [];
  if (part) {
    words.push(partInWords(part), ...(job.dataset ? [" of ", link(job.dataset.name, job.dataset.page)] : []), ", ");
  }
  if (job.owner) words.push("for ", element("strong", "", job.owner), ": ");
  const named = element("span", "", link(`${job.name} (${job.job_type})`, job.page));
  named.dataset["grid"] = "job";
  words.push(named, " · ", link("program", program.url));
  if (inputs[0]) words.push(" · ", link("data", inputs[0].url));
  return words;
}
