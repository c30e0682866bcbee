/** This file is where one work unit is verified, step by step: its proofs, its bytes, its answer. */

import type { Sandbox } from "../broker/sandbox.ts";
import { digest } from "../frame/digest.ts";
import { Broken, isLogged, only, said, type Source, treeOf, type UnitEvidence } from "./evidence.ts";
import type { Entry, Facts } from "./leaves.ts";

export type Step = (text: string) => void;

/** What the log says of the work unit, and what must be so. */
interface Logged {
  program: string;
  answer: string;
  root: string | null;
}

/** Resolves when everything holds; rejects with Broken, which names what does not. */
export async function verifyUnit(
  source: Source,
  job: string,
  place: number,
  sandbox: Sandbox,
  step: Step,
  signal: AbortSignal,
  keys: string[] = [],
): Promise<void> {
  const evidence = await source.json<UnitEvidence>(`/api/v1/jobs/${job}/evidence/${place}`);
  const tree = await treeOf(evidence, keys);
  step(`${tree.origin} signed for a log of ${tree.size.toLocaleString("en")} leaves`);
  const entries = await said(evidence, tree, job);
  step(`${evidence.leaves.length} leaves that tell of it are in that log`);
  const logged = readLog(entries, place);
  step(`its verdict chose the answer ${logged.answer.slice(0, 12)}…`);
  const program = await source.blob(evidence.program.url);
  await mustBe(program, logged.program, "the program");
  step(`the program has the digest that was logged, ${logged.program.slice(0, 12)}…`);
  const inputs = await fetched(source, evidence, logged.root);
  step(inputs.length ? `${inputs.length} inputs are of the data that was logged` : "it needs no data");
  const answer = await sandbox.compute(
    {
      program: { digest: logged.program, bytes: program },
      inputs,
      columns: evidence.columns.map(({ physical, nullable }) => ({ physical, nullable })),
      rows: evidence.rows,
      points: evidence.points,
      firsts: evidence.first_rows,
      params: JSON.stringify(evidence.params),
      outputBytesMax: evidence.limits.output_bytes_max,
      timeLimitS: evidence.limits.time_limit_s * 5,
    },
    signal,
  );
  if (!("output" in answer)) throw new Broken(`the program fails here: ${answer.message}`);
  await mustBe(answer.output, logged.answer, `the answer to work unit ${place} computed here`);
  step(`computed here in ${(answer.elapsedMs / 1000).toFixed(1)} s: the same answer`);
}

function readLog(entries: Entry[], place: number): Logged {
  const submitted = only(entries, "job", ({ event }) => event === "submitted");
  const program = only(entries, "program");
  const about = (facts: Facts) => facts.work_unit === place;
  const last = entries.filter(({ kind, facts }) => (kind === "verdict" || kind === "retract") && about(facts)).at(-1);
  if (!submitted || !program) throw new Broken("the log does not say what was asked for");
  if (last?.kind !== "verdict" || typeof last.facts.canonical !== "string") {
    throw new Broken(`the log holds no verdict on work unit ${place}`);
  }
  const data = submitted.data as { root: string } | null;
  return { program: String(program.program), answer: last.facts.canonical, root: data?.root ?? null };
}

async function fetched(source: Source, evidence: UnitEvidence, root: string | null) {
  return Promise.all(
    evidence.inputs.map(async (input) => {
      if (root === null) throw new Broken("the log names no data for this job");
      if ((await isLogged(input, root)) === false) {
        throw new Broken(`column ${input.column} of chunk ${input.chunk} is not of the data that was logged`);
      }
      const bytes = await source.blob(input.url);
      await mustBe(bytes, input.digest, `column ${input.column} of chunk ${input.chunk}`);
      return { digest: input.digest, bytes };
    }),
  );
}

async function mustBe(bytes: ArrayBuffer, wanted: string, what: string): Promise<void> {
  const found = await digest(bytes.slice(0));
  if (found !== wanted) throw new Broken(`${what} has the digest ${found}, and the log says ${wanted}`);
}
