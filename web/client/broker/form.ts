/** This file is where the settings stand in a form, and what is changed there counts at once. */

import { place, show } from "./places.ts";
import { type Settings, settingsOf } from "./settings.ts";

const LISTS = ["owners", "refuseOwners", "topics", "refuseTopics"] as const;
const TICKS = ["onBattery", "onSaveData", "hiddenTab"] as const;
const NUMBERS = ["cores", "dutyPercent"] as const;

export class Form {
  readonly #form = place<HTMLFormElement>("settings");

  constructor(settings: Settings, then: (changed: Settings) => void) {
    if (!this.#form) return;
    this.fill(settings);
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    this.#form.addEventListener("change", () => {
      if (!this.#form!.reportValidity()) return show("saved", "Not taken: see the field that is marked.");
      const changed = settingsOf(this.#read());
      this.fill(changed);
      show("saved", "Taken.");
      then(changed);
    });
  }

  fill(settings: Settings): void {
    for (const name of [...NUMBERS, "dataMbPerDay"] as const) this.#field(name).value = String(settings[name] ?? "");
    for (const name of LISTS) this.#field(name).value = settings[name].join(", ");
    for (const name of TICKS) this.#field(name).checked = settings[name];
    this.#field("from").value = String(settings.hours?.from ?? "");
    this.#field("until").value = String(settings.hours?.until ?? "");
  }

  #read(): Record<string, unknown> {
    const number = (name: string) => {
      const text = this.#field(name).value;
      return text === "" ? null : Number(text);
    };
    const [from, until] = [number("from"), number("until")];
    return {
      ...Object.fromEntries(NUMBERS.map((name) => [name, number(name)])),
      ...Object.fromEntries(TICKS.map((name) => [name, this.#field(name).checked])),
      ...Object.fromEntries(LISTS.map((name) => [name, this.#field(name).value.split(",")])),
      dataMbPerDay: number("dataMbPerDay"),
      hours: from === null && until === null ? null : { from: from ?? 0, until: until ?? 24 },
    };
  }

  #field(name: string): HTMLInputElement {
    return this.#form!.elements.namedItem(name) as HTMLInputElement;
  }
}
