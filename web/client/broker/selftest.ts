/** This file is where it is tried once a session whether the sandbox holds, before any work is taken. */

import type { Api } from "./api.ts";
import type { Sandbox } from "./sandbox.ts";

/** Something was reached from inside. */
export class SandboxOpen extends Error {}

export class Trial {
  #passed: Promise<void> | null = null;

  constructor(
    readonly api: Api,
    readonly makeSandbox: () => Sandbox,
  ) {}

  /**
   * Rejects with SandboxOpen when anything was reached from inside, which the server is told; the
   * answer stays for as long as the page does. Whatever else fails is tried again the next time.
   */
  passed(token: string, signal: AbortSignal): Promise<void> {
    this.#passed ??= this.#run(token, signal).catch((error: unknown) => {
      if (!(error instanceof SandboxOpen)) this.#passed = null;
      throw error;
    });
    return this.#passed;
  }

  async #run(token: string, signal: AbortSignal): Promise<void> {
    const url = new URL("/sandbox/reached.js", location.href).href;
    // What does not answer us would not answer from inside either.
    await this.api.isThere(url);
    const sandbox = this.makeSandbox();
    const reached = await sandbox.reached(url, signal).finally(() => sandbox.remove());
    if (reached.length === 0) return;
    // Whether or not it is heard, nothing is computed here.
    await this.api.tellReached(token, reached).catch(() => undefined);
    throw new SandboxOpen(`The sandbox of this browser is open (${reached.join(", ")}): nothing is computed here.`);
  }
}
