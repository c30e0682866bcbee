/** This file is where a visitor of another site says yes or no, on a page that nothing covers. */

import { type Answer, type Chosen, CONSENT, type ConsentGiven, HEARD } from "./consenting.ts";

/** The frame answers at once, and may still be loading over a poor line. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 300;

function place<Kind extends HTMLElement>(name: string): Kind {
  return document.querySelector<Kind>(`[data-grid="${name}"]`)!;
}

const site = document.querySelector<HTMLElement>("[data-site]")!.dataset["site"]!;
/** Of the frame that opened this page, and nobody else knows it; or of the site's own page, which may
 * hear a no by it and never a yes. */
const [, noOnly, word] = /^#(no=)?([0-9a-f]{32,64})$/.exec(location.hash) ?? [];

function chosen(): Chosen {
  const data = place<HTMLSelectElement>("data").value;
  return {
    duty_percent: Number(place<HTMLSelectElement>("duty").value),
    on_battery: place<HTMLInputElement>("battery").checked,
    data_mb_per_day: data === "" ? null : Number(data),
  };
}

/** The frame that asked stands in the page that opened this one, or is what opened it. Only a window
 * of our own origin can hear it. */
function tell(said: ConsentGiven): void {
  const opener = window.opener as Window | null;
  if (!opener) return;
  opener.postMessage(said, location.origin);
  for (let at = 0; at < opener.length; at += 1) opener[at]!.postMessage(said, location.origin);
}

async function leave(answer: Answer): Promise<boolean> {
  if (!word || (noOnly && answer.yes)) return false;
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ word, ...chosen(), ...answer });
  return (await fetch("/api/v1/consents", { method: "POST", body, headers })).ok;
}

async function decide(yes: boolean): Promise<void> {
  const answer: Answer = yes ? { yes, ...chosen() } : { yes };
  allow(false);
  const left = await leave(answer).catch(() => false);
  if (!left) show("One moment …");
  const arrived = left || (await heard({ grid: CONSENT, site, answer }));
  show(outcome(yes, arrived));
  if (arrived || !yes) close();
}

/** Whether the frame that asked has heard it: it is told again until it says so. */
function heard(said: ConsentGiven): Promise<boolean> {
  if (!window.opener) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (yes: boolean) => {
      clearInterval(again);
      resolve(yes);
    };
    addEventListener("message", ({ origin, data }: MessageEvent<unknown>) => {
      if (origin === location.origin && data === HEARD) settle(true);
    });
    const again = setInterval(() => tell(said), AGAIN_MS);
    setTimeout(() => settle(false), PATIENCE_MS);
    tell(said);
  });
}

function show(text: string): void {
  place("outcome").textContent = text;
  place("outcome").hidden = false;
}

function outcome(yes: boolean, arrived: boolean): string {
  if (!yes) return "Nothing is computed. You can close this page.";
  if (arrived) return `Thank you. It begins on ${site}; you can close this page.`;
  return `The page of ${site} does not hear this one. Go back to it, and use the link in Grid's card there.`;
}

function allow(yes: boolean): void {
  for (const name of ["yes", "no"]) place<HTMLButtonElement>(name).disabled = !yes;
}

place("yes").addEventListener("click", () => void decide(true));
place("no").addEventListener("click", () => void decide(false));
allow(true);
