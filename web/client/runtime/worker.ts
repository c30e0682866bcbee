/** This file is where the runtime starts inside the browser's blob Worker: the program's text follows it. */

import { compute, describe, type Program, type Request } from "./compute.ts";
import { kit } from "./kit.ts";
import { lockdown } from "./lockdown.ts";

interface WorkerScope {
  postMessage(message: unknown, transfer?: ArrayBuffer[]): void;
  addEventListener(kind: "message", listener: (event: { data: Request }) => void): void;
}

const scope = globalThis as unknown as WorkerScope;
const post = scope.postMessage.bind(scope);
const listen = scope.addEventListener.bind(scope);

let started = false;

/** The blob ends with a call of this, the only one; the program's text runs in the locked realm. */
export function start(make: () => Program): void {
  if (started) return;
  started = true;
  try {
    const program = make();
    if (typeof program !== "function") throw new TypeError("the program is not a function");
    listen("message", ({ data }) => {
      const answer = compute(program, data);
      post(answer, "output" in answer ? [answer.output.buffer] : []);
    });
    post({ ready: true });
  } catch (error) {
    post({ message: describe(error) });
  }
}

lockdown(kit);
