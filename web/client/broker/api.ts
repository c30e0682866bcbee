/** This file is where the volunteer page speaks HTTP with the server. */

import type { ColumnSpec } from "../runtime/decode.ts";
import type { PointRange } from "../runtime/points.ts";
import type { JobNamed } from "./events.ts";
import type { Standing } from "./standing.ts";

export const PROTOCOL = 1;

export interface Identity {
  host_id: string;
  token: string;
  /** Of the key that it enrolled with, and signs under. */
  public_key?: string;
  sandbox_origin: string;
  heartbeat_s: number;
}

export interface Assignment {
  result_id: string;
  lease: string;
  job: JobNamed;
  /** `leaf` of the public log names it; it is run only when that is proven then. */
  program: { digest: string; url: string; bytes: number; leaf?: number };
  columns: ({ name: string; type: string } & ColumnSpec)[];
  inputs: { column: string; chunk: number; rows: number; digest: string; bytes: number; url: string; first_row?: number }[];
  /** What to count, where points are counted. */
  points?: PointRange;
  params: unknown;
  limits: { time_limit_s: number; output_bytes_max: number; inline_bytes_max: number };
  deadline: number;
  expires_in_s: number;
}

export interface Report {
  result_id: string;
  lease: string;
  outcome: "success" | "error" | "released";
  output?: string;
  /** SHA-256 of the output that was put before, in place of `output`. */
  output_digest?: string;
  message?: string;
  elapsed_ms?: number;
  /** Of a host that enrolled with a key. */
  signature?: string;
}

export interface Lease {
  result_id: string;
  lease: string;
}

export interface WorkRequest {
  reports: Report[];
  renew: Lease[];
  want: number;
  /** Results that can be held at once. */
  slots?: number;
  /** Everything held or about to be reported; what the server misses there is given again. */
  holding?: string[];
  /** May be kept waiting a moment for work to turn up. */
  wait?: boolean;
  owners?: string[];
  refuse_owners?: string[];
  topics?: string[];
  refuse_topics?: string[];
}

export interface WorkAnswer {
  reports: { result_id: string; accepted: boolean; reason?: string; receipt?: string }[];
  renewed: { result_id: string; lease?: string; deadline?: number; expires_in_s?: number; reason?: string }[];
  assignments: Assignment[];
  retry_after_s: number;
  why_no_work?: string;
  ban_reason?: string;
}

/** The server answered, and not with what was asked for. */
export class Refused extends Error {
  constructor(
    readonly code: number,
    readonly retryAfterS: number | null,
    message: string,
  ) {
    super(message);
  }
}

/** A request may hang for so long; the slowest honest answer is a chunk over a poor line. */
const REQUEST_LIMIT_MS = 60_000;

/** The server listens to a body for five minutes. */
const PUT_LIMIT_MS = 300_000;

/** Browsers allow 64 KiB of bodies that outlive their page. */
const KEEPALIVE_LENGTH_MAX = 60_000;

export class Api {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** A new host; of the volunteer that made the pairing code, if one is given. */
  async enrol(engine: string, capabilities: object, public_key: string, pairing?: string): Promise<Identity> {
    const body = { protocol: PROTOCOL, kind: "browser", engine, capabilities, public_key, pairing };
    return { ...(await this.#post<Identity>("/hosts", body)), public_key };
  }

  work(token: string, request: WorkRequest): Promise<WorkAnswer> {
    return this.#post("/work", { protocol: PROTOCOL, token, ...request });
  }

  /** How the host of this token stands. */
  async standing(token: string): Promise<Standing> {
    const headers = { Authorization: `Bearer ${token}` };
    return (await this.#fetch(`${this.#base}/hosts/me`, { headers })).json() as Promise<Standing>;
  }

  /** Sent even though the page goes away: the first of the reports, as many as browsers let
   * outlive it. Nobody hears the answer. */
  farewell(token: string, reports: Report[]): void {
    let room = KEEPALIVE_LENGTH_MAX;
    const fitting = reports.filter((one) => (room -= JSON.stringify(one).length + 1) > 0);
    const body = JSON.stringify({ protocol: PROTOCOL, token, reports: fitting, renew: [], want: 0 });
    const headers = { "Content-Type": "application/json" };
    const url = `${this.#base}/work`;
    void fetch(url, { method: "POST", body, headers, keepalive: true, credentials: "omit" }).catch(() => {
      // Nobody listens any more; the deadline does the rest.
    });
  }

  /** The sandbox is open: what was reached from inside, by name. The server tells its admin. */
  async tellReached(token: string, reached: string[]): Promise<void> {
    await this.#post("/hosts/me/sandbox", { reached }, token);
  }

  /** That address answers. Rejects where it does not. */
  async isThere(url: string): Promise<void> {
    await this.#fetch(url, { cache: "no-store" });
  }

  /** An output that is too large for its report, which then names its digest. */
  async putOutput(token: string, { result_id, lease }: Lease, digest: string, body: ArrayBuffer, signal: AbortSignal): Promise<void> {
    const headers = { "Content-Type": "application/octet-stream", Authorization: `Bearer ${token}`, "Grid-Lease": lease };
    await this.#fetch(`${this.#base}/results/${result_id}/outputs/${digest}`, { method: "PUT", body, headers }, signal, PUT_LIMIT_MS);
  }

  async bytes(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
    return (await this.#fetch(new URL(url, location.href).href, {}, signal)).arrayBuffer();
  }

  /** What is at a path of the server's public log. */
  async log(path: string): Promise<ArrayBuffer> {
    return (await this.#fetch(new URL(`/log/${path}`, this.#base).href, { cache: "no-cache" })).arrayBuffer();
  }

  async #post<T>(path: string, body: unknown, token?: string): Promise<T> {
    const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const init = { method: "POST", body: JSON.stringify(body), headers };
    return (await this.#fetch(this.#base + path, init)).json() as Promise<T>;
  }

  async #fetch(url: string, init: RequestInit, signal?: AbortSignal, limitMs = REQUEST_LIMIT_MS): Promise<Response> {
    const limit = AbortSignal.timeout(limitMs);
    const both = signal ? AbortSignal.any([signal, limit]) : limit;
    const response = await fetch(url, { ...init, signal: both, credentials: "omit" });
    if (response.ok) return response;
    const after = Number(response.headers.get("Retry-After") ?? NaN);
    const problem = (await response.json().catch(() => ({}))) as { detail?: string };
    throw new Refused(
      response.status,
      Number.isFinite(after) ? after : null,
      problem.detail ?? `the server answered ${response.status}`,
    );
  }
}
