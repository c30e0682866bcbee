/** This file is where each step of the protocol is listed, for whoever wants to see it all. */

import type { Api, WorkAnswer, WorkRequest } from "./api.ts";
import type { Bus } from "./events.ts";
import { element, place } from "./places.ts";

const LISTED_MAX = 200;

export class Steps {
  readonly #list = place("steps");

  add(what: string): void {
    if (!this.#list) return;
    const time = new Date().toTimeString().slice(0, 8);
    this.#list.prepend(element("li", "", element("time", "soft", time), ` ${what}`));
    while (this.#list.childElementCount > LISTED_MAX) this.#list.lastElementChild!.remove();
  }

  /** What the runtime tells of itself. */
  listen(bus: Bus): void {
    bus.on("state", ({ words }) => this.add(words));
    bus.on("work-unit-start", ({ id, job }) => this.add(`begin ${id} of ${job.name}: program checked, Web Worker set to work`));
    bus.on("work-unit-done", ({ id, elapsedMs }) => this.add(`done ${id}: the server took the answer; ${elapsedMs} ms`));
    bus.on("work-unit-failed", ({ id, message }) => this.add(`failed ${id}: ${message}`));
    bus.on("work-unit-released", ({ id }) => this.add(`gave back ${id}`));
  }

  /** The same connection to the server, with each request and answer in the list. */
  logged(api: Api): Api {
    return new Proxy(api, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== "function") return value;
        return (...given: unknown[]) => this.#seen(String(name), given, value.apply(target, given) as unknown);
      },
    });
  }

  #seen(name: string, given: unknown[], answer: unknown): unknown {
    if (!(answer instanceof Promise)) {
      this.add(asked(name, given));
      return answer;
    }
    answer.then(
      (said) => this.add(`${asked(name, given)} → ${answered(said)}`),
      (error: Error) => this.add(`${asked(name, given)} → ${error.message}`),
    );
    return answer;
  }
}

/** Secrets stay out: a token or a lease is never shown. */
function asked(name: string, given: unknown[]): string {
  if (name === "work") {
    const { reports, renew, want } = given[1] as WorkRequest;
    const told = reports.map(({ result_id, outcome }) => `${outcome} ${result_id}`);
    return `POST /work: ${[...told, `renew ${renew.length}`, `want ${want}`].join(", ")}`;
  }
  if (name === "bytes") return `GET ${new URL(String(given[0]), location.href).pathname}`;
  return { enrol: "POST /hosts", standing: "GET /hosts/me", putOutput: "PUT an output", farewell: "POST /work: farewell" }[name] ?? name;
}

function answered(said: unknown): string {
  if (said instanceof ArrayBuffer) return `${said.byteLength} bytes`;
  const { assignments, reports } = (said ?? {}) as Partial<WorkAnswer>;
  if (!assignments || !reports) return "done";
  const taken = reports.map(({ result_id, accepted, reason }) => `${result_id} ${accepted ? "accepted" : reason}`);
  const given = assignments.map(({ result_id }) => `assigned ${result_id}`);
  return [...taken, ...given].join(", ") || ((said as WorkAnswer).why_no_work ?? "done");
}
