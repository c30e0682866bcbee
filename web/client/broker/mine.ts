/** This file is where a volunteer reads what became of its work, joins browsers, and is forgotten. */

import type { Mine, OwnApi, Result } from "./own.ts";
import { element, link, place, show } from "./places.ts";

/** What the page can do about this browser's identity. */
export interface Identities {
  token: () => string | null;
  /** Becomes a new host of the volunteer that made the code. */
  join: (code: string) => Promise<void>;
  /** Stops, and deletes whatever this browser keeps. */
  forget: () => Promise<void>;
}

export class MyPage {
  #older: string | null = null;

  constructor(
    readonly api: OwnApi,
    readonly identities: Identities,
  ) {
    on("pair", () => this.#pair());
    on("forget", () => this.#forget());
    on("older", () => this.#more(this.#older));
    const form = place<HTMLFormElement>("join");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#join(String(new FormData(form).get("code")));
    });
    this.#offer();
  }

  /** Credit and the newest answers; nothing is asked for a browser that never took part. */
  async refresh(): Promise<void> {
    const token = this.identities.token();
    if (!token || !place("credit")) return;
    const earned = await this.api.credit(token).catch(() => null);
    if (earned) show("credit", creditInWords(earned));
    await this.#more(null);
  }

  async #more(from: string | null): Promise<void> {
    const [token, list] = [this.identities.token(), place("history")];
    if (!token || !list) return;
    const page = await this.api.results(token, from).catch(() => null);
    if (!page) return;
    if (from === null) list.replaceChildren();
    list.append(...page.items.map(line));
    this.#older = page._links.next?.href ?? null;
    const button = place("older");
    if (button) button.hidden = this.#older === null;
  }

  async #pair(): Promise<void> {
    const token = this.identities.token();
    if (!token) return show("code", "This browser has not taken part yet: start first.");
    const made = await this.api.pairing(token).catch((error: Error) => error);
    show("code", made instanceof Error ? made.message : made.code);
  }

  /** A code came with the address, from a page of another site: joining is still a click. */
  #offer(): void {
    const code = /^#join=([0-9A-Za-z-]{8,20})$/.exec(location.hash)?.[1];
    const field = place("join")?.querySelector("input");
    if (!code || !field) return;
    history.replaceState(null, "", location.pathname + location.search);
    field.value = code;
    show("joined", "Your work on the other page is behind this code. Join, and this browser counts as the same volunteer.");
  }

  async #join(code: string): Promise<void> {
    const failed = await this.identities.join(code).catch((error: Error) => error);
    show("joined", failed ? failed.message : "Joined: what this browser computes from now on counts for the same volunteer.");
    if (!failed) await this.refresh();
  }

  async #forget(): Promise<void> {
    const button = place("forget");
    if (button && button.dataset["sure"] !== "yes") {
      button.dataset["sure"] = "yes";
      button.textContent = "Yes, forget me";
      return show("forgotten", "This cannot be undone. Click once more.");
    }
    const token = this.identities.token();
    const said = token ? await this.api.forget(token).catch((error: Error) => error) : null;
    if (said instanceof Error) return show("forgotten", `The server did not hear it: ${said.message}. Nothing was deleted yet.`);
    await this.identities.forget();
    place("history")?.replaceChildren();
    for (const name of ["credit", "standing"]) show(name, "none");
    show("forgotten", `Forgotten. ${said?.stays ?? "This browser had nothing on the server."}`);
    if (button) {
      delete button.dataset["sure"];
      button.textContent = "Forget me";
    }
  }
}

function on(name: string, then: () => Promise<void>): void {
  place(name)?.addEventListener("click", () => void then());
}

function creditInWords({ credit, pending_micro }: Mine): string {
  const pending = pending_micro > 0 ? `, and up to ${(pending_micro / 1e6).toFixed(2)} more while jobs are sealed` : "";
  return `${credit}${pending}`;
}

function line(one: Result): HTMLLIElement {
  const when = new Date(one.received_at * 1000).toLocaleString();
  const state = one.validate_state ?? "sealed";
  const named = element("span", "between", link(one.job.name, one._links.page.href), element("span", `chip ${state}`, spoken(state)));
  return element("li", "", named, element("span", "small", one.words), element("span", "soft small", `${when} · credit ${one.credit}`));
}

/** Nobody is accused by a word: the sentence beside it says what it means. */
function spoken(state: string): string {
  return { valid: "right", invalid: "differs", void: "set aside", sealed: "sealed" }[state] ?? "not counted";
}
