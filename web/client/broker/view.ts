/** This file is where the volunteer page shows what happens. */

import type { Assignment } from "./api.ts";

/** The page marks its places with data-grid="…"; a place that is missing is not shown. */
function place(name: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-grid="${name}"]`);
}

export class View {
  #done = 0;

  onStart(then: () => void): void {
    place("start")?.addEventListener("click", then);
  }

  onStop(then: () => void): void {
    place("stop")?.addEventListener("click", then);
  }

  takingPart(yes: boolean): void {
    const start = place("start") as HTMLButtonElement | null;
    const stop = place("stop") as HTMLButtonElement | null;
    if (start) start.disabled = yes;
    if (stop) stop.disabled = !yes;
    document.body.dataset["takingPart"] = yes ? "yes" : "no";
  }

  say(text: string): void {
    const state = place("state");
    if (state) state.textContent = text;
  }

  /** Work units whose answer the server took, since the page was opened. */
  addDone(count: number): void {
    this.#done += count;
    const done = place("done");
    if (done) done.textContent = String(this.#done);
  }

  /** How this browser stands with the server. */
  standing(text: string): void {
    const at = place("standing");
    if (at) at.textContent = text;
  }

  /** Whose job is computed, with a link to its page; null when none is. */
  job(job: Assignment["job"] | null): void {
    const at = place("job");
    if (!at) return;
    at.replaceChildren(job ? link(job) : "none");
  }
}

function link(job: Assignment["job"]): HTMLElement {
  const url = new URL(job.page, location.href);
  const anchor = document.createElement("a");
  anchor.textContent = `${job.name} (${job.job_type})`;
  if (url.protocol === "http:" || url.protocol === "https:") anchor.href = url.href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}
