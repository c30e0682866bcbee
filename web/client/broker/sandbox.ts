/** This file is where the page keeps the sandboxed frame that computes, and takes it away. */

import { type AnswerMessage, type ColumnSpecs, type ComputeMessage, PORT, READY, type TryMessage } from "../frame/messages.ts";

/** The frame's own document must have come by then. */
const START_LIMIT_MS = 30_000;

export type Answer = { output: ArrayBuffer; elapsedMs: number } | { message: string; elapsedMs: number };

export interface Computation extends ColumnSpecs {
  program: { digest: string; bytes: ArrayBuffer };
  inputs: { digest: string; bytes: ArrayBuffer }[];
  timeLimitS: number;
}

/** The frame did not come, or was given wrong bytes; the program is not to blame. */
export class SandboxFailed extends Error {}

export class Sandbox {
  readonly #url: string;
  #frame: HTMLIFrameElement | null = null;
  #port: Promise<MessagePort> | null = null;
  #count = 0;

  constructor(origin: string) {
    const isolated = new URLSearchParams(location.search).has("coep");
    this.#url = new URL(`/sandbox/frame.html${isolated ? "?coep=1" : ""}`, origin).href;
  }

  /**
   * The answer, or why there is none. At the time limit the frame is removed, which stops even a
   * Worker that spins; so it is when `signal` aborts, and then this rejects. Rejects with
   * SandboxFailed when the program is not to blame.
   */
  async compute(job: Computation, signal: AbortSignal): Promise<Answer> {
    const started = performance.now();
    const { timeLimitS, ...rest } = job;
    const transfer = job.inputs.map((input) => input.bytes);
    const said = await this.#ask(rest, transfer, timeLimitS * 1000, signal);
    if (said && !("reached" in said)) return said;
    const elapsedMs = Math.round(performance.now() - started);
    return { message: `stopped at the time limit of ${timeLimitS} s`, elapsedMs };
  }

  /** What can be reached from inside, by name; of the network at `url`. */
  async reached(url: string, signal: AbortSignal): Promise<string[]> {
    const said = await this.#ask({ tryToReach: url }, [], START_LIMIT_MS, signal);
    if (said && "reached" in said) return said.reached;
    throw new SandboxFailed("the sandbox frame does not answer");
  }

  /** What the frame says; null when it was removed at the limit. */
  async #ask(
    message: Omit<ComputeMessage, "id"> | Omit<TryMessage, "id">,
    transfer: ArrayBuffer[],
    limitMs: number,
    signal: AbortSignal,
  ): Promise<Exclude<AnswerMessage, { unusable: string }> | null> {
    signal.throwIfAborted();
    const port = await untilAborted((this.#port ??= this.#open()), signal);
    const id = ++this.#count;
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        then();
      };
      const onAbort = () => {
        this.remove();
        settle(() => reject(signal.reason as Error));
      };
      const timer = setTimeout(() => {
        this.remove();
        settle(() => resolve(null));
      }, limitMs);
      signal.addEventListener("abort", onAbort);
      port.onmessage = ({ data }: MessageEvent<AnswerMessage>) => {
        if (data.id !== id) return;
        if ("unusable" in data) settle(() => reject(new SandboxFailed(data.unusable)));
        else settle(() => resolve(data));
      };
      port.postMessage({ id, ...message }, transfer);
    });
  }

  #open(): Promise<MessagePort> {
    const frame = document.createElement("iframe");
    frame.setAttribute("sandbox", "allow-scripts");
    frame.referrerPolicy = "no-referrer";
    frame.hidden = true;
    frame.title = "Where programs compute, without network";
    const opened = new Promise<MessagePort>((resolve, reject) => {
      const timer = setTimeout(() => {
        removeEventListener("message", listen);
        if (this.#frame === frame) this.remove();
        reject(new SandboxFailed("the sandbox frame did not start"));
      }, START_LIMIT_MS);
      const listen = (event: MessageEvent<unknown>) => {
        // An opaque origin reads "null"; who speaks is told by the window alone.
        if (event.source !== frame.contentWindow || event.origin !== "null") return;
        if (event.data !== READY) return;
        clearTimeout(timer);
        removeEventListener("message", listen);
        const { port1, port2 } = new MessageChannel();
        frame.contentWindow?.postMessage(PORT, "*", [port2]);
        resolve(port1);
      };
      addEventListener("message", listen);
    });
    frame.src = this.#url;
    document.body.append(frame);
    this.#frame = frame;
    return opened;
  }

  /** Stops everything at once. */
  remove(): void {
    this.#frame?.remove();
    this.#frame = null;
    this.#port = null;
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
