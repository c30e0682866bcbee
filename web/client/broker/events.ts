/** This file is where it stands what happens while a browser takes part, and how to hear of it. */

/** What the browser does for the grid now. */
export type State = "off" | "starting" | "computing" | "waiting" | "paused" | "elsewhere" | "offline" | "refused";

/** Why it is paused: the volunteer's word, or what was seen of the machine. */
export type PauseReason = "asked" | "battery" | "save-data" | "hidden" | "hours" | "data-cap" | "pressure";

export interface JobNamed {
  id: string;
  name: string;
  job_type: string;
  /** The path of its page. */
  page: string;
  /** Whose job it is. */
  owner?: string;
  /** The data set it computes on, where there is one. */
  dataset?: { id: string; name: string; page: string; chunk_rows: number } | null;
}

/** The part of a job that one result is about: rows of its data set or numbers it counts, from 0. */
export interface Part {
  of: "rows" | "points";
  first: number;
  count: number;
}

export interface WorkUnit {
  /** The result's public id. */
  id: string;
  job: JobNamed;
  part: Part | null;
  /** The program's digest, and where it can be read. */
  program: { digest: string; url: string };
  /** Where each input can be read. */
  inputs: { column: string; url: string }[];
}

export interface Events {
  /** `words` is one line for people. */
  state: { state: State; words: string; why?: PauseReason };
  "work-unit-start": WorkUnit;
  /** The server took the answer. */
  "work-unit-done": { id: string; job: JobNamed; elapsedMs: number };
  /** The program failed, or was stopped at its time limit; the server is told. */
  "work-unit-failed": { id: string; job: JobNamed; message: string };
  /** It was given back: Stop, a closed page, or the server wanted it no more. */
  "work-unit-released": { id: string; job: JobNamed };
  /** About once a second while taking part. `cpu` is the share of one core's time that computing
   * took since the last, so 2 for two whole cores; `dataMb` what was fetched today. */
  usage: { cpu: number; cores: number; dataMb: number; kept: number };
}

export type Listener<Name extends keyof Events> = (payload: Events[Name]) => void;

export class Bus {
  readonly #listeners = new Map<keyof Events, Set<(payload: never) => void>>();

  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): void {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name)!.add(listener);
  }

  off<Name extends keyof Events>(name: Name, listener: Listener<Name>): void {
    this.#listeners.get(name)?.delete(listener);
  }

  /** A listener that throws is its own problem: the others hear, and work goes on. */
  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Name>)(payload);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
