/** This file is where one program gets its Web Worker: the runtime's text and its own. */

import type { Request } from "../runtime/compute.ts";
import { addressOf } from "./script.ts";

/** The Worker's runtime, put here by the build: this frame can fetch nothing. */
declare const RUNTIME_TEXT: string;

type Reply = { ready: true } | { output: Uint8Array<ArrayBuffer> } | { message: string };

export class ProgramWorker {
  #worker: Worker;
  #waiting: ((reply: Reply) => void)[] = [];
  #started: Promise<Reply>;

  /** The program is part of the script's text, so no policy need allow eval. */
  constructor(text: string) {
    const script = `"use strict";${RUNTIME_TEXT}\n;grid.start(()=>(${text}\n));`;
    const url = addressOf(script);
    this.#worker = new Worker(url);
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#waiting.shift()?.(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#waiting.shift()?.({ message: event.message || "the program could not be started" });
    };
    this.#started = this.#reply().finally(() => URL.revokeObjectURL(url));
  }

  #reply(): Promise<Reply> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Never rejects, and may never settle: whoever waits sets the time limit. */
  async compute(request: Request): Promise<Reply> {
    const started = await this.#started;
    if (!("ready" in started)) return started;
    const reply = this.#reply();
    this.#worker.postMessage(request, request.blobs.map((blob) => blob.buffer as ArrayBuffer));
    return reply;
  }

  end(): void {
    this.#worker.terminate();
  }
}
