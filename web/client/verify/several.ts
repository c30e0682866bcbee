/** This file is where a few work units of a job, drawn by its checkpoint, are verified one by one. */

import type { Sandbox } from "../broker/sandbox.ts";
import { Broken, type JobEvidence, only, said, type Source, treeOf } from "./evidence.ts";
import { drawn } from "./lots.ts";
import type { Tree } from "./notes.ts";
import { type Step, verifyUnit } from "./unit.ts";

export const UNITS = 5;

export interface Drawn {
  evidence: JobEvidence;
  tree: Tree;
  /** SHA-256 of the newest output's manifest, as the log says. */
  manifest: string;
  places: number[];
}

/** The job's evidence, held against the log, and the work units that its checkpoint draws. */
export async function draw(source: Source, job: string, keys: string[] = []): Promise<Drawn> {
  const evidence = await source.json<JobEvidence>(`/api/v1/jobs/${job}/evidence`);
  const tree = await treeOf(evidence, keys);
  const entries = await said(evidence, tree, job);
  const submitted = only(entries, "job", ({ event }) => event === "submitted");
  const output = only(entries, "output");
  if (!submitted || !output) throw new Broken("the log names no output of this job");
  const places = drawn(tree.root, job, Number(submitted.work_units), UNITS);
  return { evidence, tree, manifest: String(output.manifest), places };
}

export async function verifyDrawn(
  source: Source,
  job: string,
  { places }: Drawn,
  sandbox: Sandbox,
  step: Step,
  signal: AbortSignal,
  keys: string[] = [],
): Promise<void> {
  for (const place of places) {
    await verifyUnit(source, job, place, sandbox, () => undefined, signal, keys);
    step(`work unit ${place}: all proofs hold, and computed here it gives the same answer`);
  }
}
