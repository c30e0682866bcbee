/** This file is where one assignment is computed while its lease is renewed. */

import { digest } from "../frame/digest.ts";
import type { Api, Assignment, Identity, Lease, Report } from "./api.ts";
import { base64 } from "./base64.ts";
import { Inputs } from "./inputs.ts";
import type { Leases } from "./leases.ts";
import { patiently } from "./patience.ts";
import type { Reports } from "./reports.ts";
import { Sandbox } from "./sandbox.ts";
import type { View } from "./view.ts";

export class Desk {
  readonly #inputs: Inputs;
  #sandbox: Sandbox | null = null;

  constructor(
    readonly api: Api,
    readonly leases: Leases,
    readonly reports: Reports,
    readonly view: View,
    readonly sandboxOrigin: string | null,
  ) {
    this.#inputs = new Inputs(api);
  }

  /** Stops everything at once. */
  clear(): void {
    this.#sandbox?.remove();
    this.view.job(null);
  }

  /**
   * Leaves a report behind: what came out, that the program failed, or that the result is given
   * back, and then it rejects with the reason. Leaves none when the server took the result back,
   * or when `signal` aborts: what is held then is the caller's to give back.
   */
  async perform(assignment: Assignment, identity: Identity, signal: AbortSignal): Promise<void> {
    const { result_id, job } = assignment;
    const unwanted = new AbortController();
    const either = AbortSignal.any([signal, unwanted.signal]);
    const beat = setInterval(
      () => void this.#renew(identity, result_id, unwanted),
      identity.heartbeat_s * 1000,
    );
    try {
      either.throwIfAborted();
      this.view.job(job);
      this.view.say("Computing.");
      this.#sandbox ??= new Sandbox(this.sandboxOrigin ?? identity.sandbox_origin);
      const computation = await this.#inputs.fetch(assignment, either);
      const answer = await this.#sandbox.compute(computation, either);
      const finished = "output" in answer
        ? { outcome: "success" as const, ...(await this.#handedIn(answer.output, assignment, identity, either)) }
        : { outcome: "error" as const, message: answer.message };
      this.#finish(result_id, { ...finished, elapsed_ms: answer.elapsedMs });
    } catch (error) {
      if (either.aborted) return;
      this.#finish(result_id, { outcome: "released" });
      throw error;
    } finally {
      clearInterval(beat);
      this.view.job(null);
    }
  }

  /** What the report says of the output: all of it, or the digest under which it was put. */
  async #handedIn(
    output: ArrayBuffer,
    { result_id, lease, limits }: Assignment,
    { token }: Identity,
    signal: AbortSignal,
  ): Promise<Pick<Report, "output" | "output_digest">> {
    if (output.byteLength <= limits.inline_bytes_max) return { output: base64(output) };
    const output_digest = await digest(output);
    const newest = () => ({ result_id, lease: this.leases.of(result_id) ?? lease });
    const put = () => this.api.putOutput(token, newest(), output_digest, output, signal);
    await patiently(put, signal).catch((error: Error) => {
      // No longer a refusal by the server: what else is held may still be heard.
      throw new Error(error.message);
    });
    return { output_digest };
  }

  #finish(result_id: string, report: Omit<Report, keyof Lease>): void {
    const lease = this.leases.of(result_id);
    this.leases.drop(result_id);
    if (lease !== null) this.reports.add({ result_id, lease, ...report });
  }

  /** A lost heartbeat is made good by the next one. */
  async #renew(identity: Identity, resultId: string, unwanted: AbortController): Promise<void> {
    const request = { reports: [], renew: this.leases.all(), want: 0 };
    const answer = await this.api.work(identity.token, request).catch(() => null);
    if (answer && this.leases.renew(answer).includes(resultId)) unwanted.abort();
  }
}
