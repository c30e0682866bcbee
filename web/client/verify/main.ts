/** This file is where the page's button verifies: one work unit on its page, five on a job's. */

import { Sandbox } from "../broker/sandbox.ts";
import { Broken, Source, type UnitEvidence } from "./evidence.ts";
import { draw, UNITS, verifyDrawn } from "./several.ts";
import { verifyUnit } from "./unit.ts";
import { spelledBytes, View } from "./view.ts";

/** What a usual browser computes in a second of what it fetched, for the time told before. */
const BYTES_PER_S = 2_000_000;

const root = document.getElementById("verify");
if (root) begin(root);

function begin(section: HTMLElement): void {
  const view = new View(section);
  const button = view.part("begin") as HTMLButtonElement | null;
  const { job = "", workUnit, sandbox = "", provable } = section.dataset;
  if (!button) return;
  const place = workUnit === undefined ? null : Number(workUnit);
  // The log follows a second behind a seal that opens: until then there is nothing to tell.
  if (provable !== "false") void told(job, place).then((text) => view.tell(text), () => undefined);
  button.disabled = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    void verify(view, job, place, sandbox || location.origin).finally(() => (button.disabled = false));
  });
}

/** Bytes and time, before anything is fetched. */
async function told(job: string, place: number | null): Promise<string> {
  const source = new Source(location.origin);
  const places = place === null ? (await draw(source, job)).places : [place];
  let bytes = 0;
  for (const one of places) {
    const { inputs } = await source.json<UnitEvidence>(`/api/v1/jobs/${job}/evidence/${one}`);
    bytes += inputs.reduce((sum, input) => sum + input.bytes, 0);
  }
  bytes += source.bytes;
  const seconds = Math.max(1, Math.ceil(bytes / BYTES_PER_S)) + places.length;
  const which = place === null ? `Work units ${places.join(", ")}, drawn by the last checkpoint: about` : "About";
  return `${which} ${spelledBytes(bytes)} to fetch, and some ${seconds} seconds.`;
}

async function verify(view: View, job: string, place: number | null, origin: string): Promise<void> {
  const source = new Source(location.origin);
  const sandbox = new Sandbox(origin);
  const signal = new AbortController().signal;
  const started = performance.now();
  const step = (text: string) => view.step(text);
  view.clear();
  try {
    if (place === null) {
      const several = await draw(source, job);
      step(`${several.tree.origin} signed for a log of ${several.tree.size.toLocaleString("en")} leaves, which draws ${UNITS} work units`);
      await verifyDrawn(source, job, several, sandbox, step, signal);
    } else {
      await verifyUnit(source, job, place, sandbox, step, signal);
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    view.end(`Verified here: ${spelledBytes(source.bytes)} in ${seconds} s.`, "valid");
  } catch (error) {
    const text = error instanceof Broken ? error.message : `it could not be checked: ${String(error)}`;
    view.step(text, "invalid");
    view.end(`Does not hold: ${text}`, "invalid");
  } finally {
    sandbox.remove();
  }
}
