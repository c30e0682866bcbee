/** This file is where the page asks the server about its own volunteer. */

export interface Mine {
  credit: string;
  pending_micro: number;
}

export interface Result {
  job: { name: string };
  received_at: number;
  validate_state: string | null;
  credit: string;
  words: string;
  _links: { page: { href: string } };
}

export interface Results {
  items: Result[];
  _links: { next?: { href: string } };
}

const SHOWN = 12;

export class OwnApi {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  credit(token: string): Promise<Mine> {
    return this.#ask("GET", `${this.#base}/volunteers/me`, token);
  }

  /** A page of the newest answers, or of those behind a link to the next. */
  results(token: string, from: string | null): Promise<Results> {
    return this.#ask("GET", from ?? `${this.#base}/volunteers/me/results?limit=${SHOWN}`, token);
  }

  pairing(token: string): Promise<{ code: string }> {
    return this.#ask("POST", `${this.#base}/volunteers/me/pairing`, token);
  }

  forget(token: string): Promise<{ stays: string }> {
    return this.#ask("DELETE", `${this.#base}/volunteers/me`, token);
  }

  async #ask<T>(method: string, url: string, token: string): Promise<T> {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(url, { method, headers, credentials: "omit" });
    const said = (await response.json().catch(() => ({}))) as T & { detail?: string };
    if (!response.ok) throw new Error(said.detail ?? `the server answered ${response.status}`);
    return said;
  }
}
