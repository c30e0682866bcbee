/** This file is where what came out of a computation becomes a report. */

import { digest } from "../frame/digest.ts";
import type { Report } from "./api.ts";
import { base64 } from "./base64.ts";
import type { Held } from "./held.ts";
import type { HostKey } from "./keys.ts";
import type { Answer } from "./sandbox.ts";
import { signed } from "./signing.ts";

/**
 * The report, signed where there is a key, and the output that must be put before it if it is too
 * large to stand in it. What no program is to blame for is given back.
 */
export async function reported(
  { assignment }: Held,
  answer: Answer | Error,
  lease: string,
  key: HostKey | null,
): Promise<{ report: Report; body: ArrayBuffer | null }> {
  const { result_id, limits } = assignment;
  if (answer instanceof Error) return { report: { result_id, lease, outcome: "released" }, body: null };
  const elapsed_ms = answer.elapsedMs;
  const sign = async (report: Report, outputDigest?: string) => (key ? signed(report, key, outputDigest) : report);
  if ("message" in answer) {
    const { message } = answer;
    return { report: await sign({ result_id, lease, outcome: "error", message, elapsed_ms }), body: null };
  }
  const { output } = answer;
  const output_digest = await digest(output);
  const success = { result_id, lease, outcome: "success" as const, elapsed_ms };
  if (output.byteLength <= limits.inline_bytes_max) {
    return { report: await sign({ ...success, output: base64(output) }, output_digest), body: null };
  }
  return { report: await sign({ ...success, output_digest }, output_digest), body: output };
}
