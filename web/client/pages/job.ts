// This file is where a job's page follows the job and draws its pictures.

import type { Column, Cell, Picture } from "./figures";
import { choose, isNumber, series } from "./figures";
import { drawMap } from "./map";
import { Pace, duration } from "./pace";

/** A bundle of its own: pages without a picture do not load it. */
const CHARTS = "/static/client/charts.js";
/** Rows of the output that a picture is made of, at most. */
const ROWS_MAX = 2_000;

type Charts = typeof import("./charts");

interface JobEvent {
  readonly state: string;
  readonly sealed: boolean;
  readonly progress: number;
  readonly left_s: number | null;
  readonly counts: { readonly decided: number };
}

interface Statistics {
  readonly sealed: boolean;
  readonly units?: string;
  readonly minutes?: readonly (readonly [number, number])[];
  readonly engines?: readonly { readonly engine: string; readonly answers: number }[];
}

function part(name: string): HTMLElement | null {
  return document.querySelector(`[data-part="${name}"]`);
}

function say(name: string, text: string): void {
  const place = part(name);
  if (place && place.textContent !== text) place.textContent = text;
}

/** Figures move with each event; what is new beyond them is loaded anew. */
function follow(page: HTMLElement): void {
  const bar = page.querySelector("progress");
  const pace = new Pace();
  const shown = part("state")?.textContent;
  const source = new EventSource(page.dataset["events"] ?? "");
  source.addEventListener("job", ({ data }: MessageEvent<string>) => {
    const job = JSON.parse(data) as JobEvent;
    if (job.state !== shown || String(job.sealed) !== page.dataset["sealed"]) {
      source.close();
      location.reload();
      return;
    }
    if (bar) bar.value = job.progress;
    pace.note(performance.now() / 1_000, job.counts.decided);
    say("percent", `${Math.floor(job.progress * 100)} %`);
    say("decided", job.counts.decided.toLocaleString("en"));
    say("left", job.left_s ? `, about ${duration(job.left_s)} left at this pace` : "");
    say("pace", job.state === "active" ? pace.words() : "");
  });
  addEventListener("pagehide", () => source.close());
}

async function read<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return (await answer.json()) as T;
}

async function charts(): Promise<Charts> {
  return (await import(CHARTS)) as Charts;
}

function canvas(name: string): HTMLCanvasElement | null {
  return document.querySelector(`canvas[data-chart="${name}"]`);
}

async function pictures(section: HTMLElement): Promise<void> {
  const found = await read<Statistics>(section.dataset["statistics"] ?? "");
  if (found.sealed || found.units === undefined) return;
  const map = canvas("units");
  const places = `${location.pathname}/workunits/`;
  if (map) drawMap(map, found.units, (place) => location.assign(places + place));
  const { draw } = await charts();
  const minutes = canvas("minutes");
  if (minutes && found.minutes) {
    const labels = found.minutes.map(([at]) => new Date(at * 60_000).toLocaleTimeString([], { timeStyle: "short" }));
    draw(minutes, "bars", { name: "answers a minute", labels, values: found.minutes.map(([, count]) => count) });
  }
  const engines = canvas("engines");
  if (engines && found.engines) {
    const labels = found.engines.map((one) => one.engine || "unknown");
    draw(engines, "bars", { name: "answers", labels, values: found.engines.map((one) => one.answers) });
  }
}

/** The output as a picture, if it makes one; what it shows may be chosen. */
async function outputPicture(section: HTMLElement): Promise<void> {
  const columns = JSON.parse(section.dataset["columns"] ?? "[]") as Column[];
  const { rows } = await read<{ rows: Cell[][] }>(`${section.dataset["output"]}&rows=${ROWS_MAX}`);
  const first = choose(columns, rows);
  const place = canvas("output");
  const form = section.querySelector("form");
  if (!first || !place || !form) return;
  const [kind, along, of] = ["kind", "along", "of"].map((name) => form.elements.namedItem(name) as HTMLSelectElement);
  if (!kind || !along || !of) return;
  columns.forEach((column, index) => {
    along.add(new Option(column.name, String(index)));
    if (isNumber(column)) of.add(new Option(column.name, String(index)));
  });
  const { draw } = await charts();
  const show = (picture: Picture): void => {
    along.disabled = picture.kind === "histogram";
    draw(place, picture.kind === "line" ? "line" : "bars", series(columns, rows, picture));
  };
  [kind.value, along.value, of.value] = [first.kind, String(first.along), String(first.of)];
  section.hidden = false;
  show(first);
  form.addEventListener("change", () =>
    show({ kind: kind.value as Picture["kind"], along: Number(along.value), of: Number(of.value) }),
  );
}

const page = document.querySelector<HTMLElement>("[data-events]");
if (page) follow(page);
const summed = document.querySelector<HTMLElement>("[data-statistics]");
if (summed) void pictures(summed).catch(() => (summed.hidden = true));
const output = document.querySelector<HTMLElement>("[data-output]");
if (output) void outputPicture(output).catch(() => {});
