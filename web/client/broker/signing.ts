/** This file is where a report is signed: the statement is `grid/statements.py`'s. */

import { digest } from "../frame/digest.ts";
import type { Report } from "./api.ts";
import type { HostKey } from "./keys.ts";

const OF_REPORT = "grid report 1";

/**
 * The report as it travels, with its signature. What is released needs none.
 *
 * `outputDigest` is that of the output's bytes, where it is known already.
 */
export async function signed(report: Report, key: HostKey, outputDigest?: string): Promise<Report> {
  if (report.outcome === "released") return report;
  const whole = { ...report };
  let said = "";
  if (report.outcome === "success") {
    said = outputDigest ?? report.output_digest ?? (await digest(bytesOf(report.output ?? "")));
  } else if (report.message !== undefined) {
    // A text may hold halves of characters, which no bytes spell.
    const words = new TextEncoder().encode(report.message);
    whole.message = new TextDecoder("utf-8", { ignoreBOM: true }).decode(words);
    said = await digest(words.buffer);
  }
  const lines = [OF_REPORT, report.result_id, report.lease, report.outcome, said, ""];
  whole.signature = await key.sign(new TextEncoder().encode(lines.join("\n")));
  return whole;
}

function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0)).buffer;
}
