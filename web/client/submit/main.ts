// This file is where the page of a new job follows what is typed: form, text and preview in step.

import { Code } from "./code";
import { Form } from "./form";
import { uploads } from "./upload";

/** Typing pauses so long before the server is asked. */
const PAUSE_MS = 350;

type Value = Record<string, unknown>;

function object(text: string): Value | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Value) : null;
  } catch {
    return null;
  }
}

function words(schema: unknown, found = new Set<string>()): Set<string> {
  if (typeof schema !== "object" || schema === null) return found;
  for (const [key, value] of Object.entries(schema)) {
    if (key === "properties") for (const name of Object.keys(value as object)) found.add(name);
    if (key === "enum") for (const one of value as unknown[]) if (typeof one === "string") found.add(one);
    words(value, found);
  }
  return found;
}

/** Puts what the server's page says into this one. */
function replace(id: string, page: Document): void {
  const here = document.getElementById(id);
  const there = page.getElementById(id);
  if (here && there) here.replaceChildren(...there.childNodes);
}

function begin(form: HTMLFormElement, area: HTMLTextAreaElement): void {
  const schema = JSON.parse(form.getAttribute("data-schema") ?? "{}") as object;
  const known = words(schema);
  const told = form.querySelector<HTMLElement>("[data-part=told]");
  const columns = [...document.querySelectorAll("#columns code")].map((one) => one.textContent ?? "");
  let asked = 0;
  let timer = 0;

  async function preview(): Promise<void> {
    const turn = ++asked;
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
    fields.set("do", "preview");
    const answer = await fetch(form.action, { method: "POST", body: fields });
    if (turn !== asked) return;
    if (told) told.textContent = answer.ok ? "" : "the server does not answer: reload this page";
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    replace("preview", page);
    const wrong = [...page.querySelectorAll("[data-caret]")].map((one) => {
      const lines = (one.textContent ?? "").split("\n");
      const caret = lines.pop() ?? "";
      return { line: lines.join("\n"), at: caret.indexOf("^"), message: one.parentElement?.querySelector("p")?.textContent ?? "" };
    });
    code.mark(wrong);
  }

  const later = (): void => {
    clearTimeout(timer);
    timer = window.setTimeout(() => void preview().catch(() => {}), PAUSE_MS);
  };
  const editor = document.getElementById("editor");
  const place = document.getElementById("code");
  if (!editor || !place) return;
  area.hidden = true;
  area.labels[0]?.setAttribute("hidden", "");
  const code = new Code(place, area.value, () => [...known, ...columns], (text) => {
    area.value = text;
    const spec = object(text);
    if (spec && code.focused) shown.spec = spec;
    later();
  });
  const shown = new Form(editor, schema, object(area.value), (spec) => {
    if (code.focused) return;
    code.text = JSON.stringify(spec, null, 2);
  });
  form.addEventListener("change", (event) => {
    if (!editor.contains(event.target as Node)) later();
  });
  const chosen = form.elements.namedItem("dataset");
  if (chosen instanceof HTMLSelectElement) chosen.addEventListener("change", () => {
    const there = new URL(location.href);
    there.search = new URLSearchParams({ type: form.getAttribute("data-type") ?? "", dataset: chosen.value }).toString();
    sessionStorage.setItem("grid-spec", area.value);
    location.assign(there);
  });
  const kept = sessionStorage.getItem("grid-spec");
  sessionStorage.removeItem("grid-spec");
  if (kept && !area.value) code.text = kept;
}

const upload = document.querySelector<HTMLFormElement>("form#upload");
if (upload) uploads(upload);
const form = document.querySelector<HTMLFormElement>("form#job");
const area = document.querySelector<HTMLTextAreaElement>("textarea#spec");
if (form && area) begin(form, area);
