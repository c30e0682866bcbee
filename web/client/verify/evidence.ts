/** This file is where a server's evidence is fetched and held against the log, proof by proof. */

import type { ColumnSpec } from "../runtime/decode.ts";
import type { PointRange } from "../runtime/points.ts";
import { fromBase64, fromHex, utf8 } from "./bytes.ts";
import { type Entry, entriesOf, type Facts } from "./leaves.ts";
import { isIncluded, leafHash } from "./merkle.ts";
import { signedTree, type Tree } from "./notes.ts";

export interface Proven {
  checkpoint: string;
  keys: string[];
  leaves: { index: number; leaf: string; proof: string[] }[];
}

export interface JobEvidence extends Proven {
  job: string;
  state: string;
  work_units: number;
  output_version: number;
  retracted: number;
  checked: { same: number; different: number };
}

export interface Input {
  chunk: number;
  column: string;
  digest: string;
  bytes: number;
  url: string;
  place: number;
  of: number;
  proof: string[] | null;
}

export interface UnitEvidence extends Proven {
  job: string;
  work_unit: number;
  id: string;
  answer: string;
  program: { digest: string; url: string };
  columns: ColumnSpec[];
  rows: number[];
  points: PointRange | null;
  first_rows: number[];
  inputs: Input[];
  params: unknown;
  limits: { time_limit_s: number; output_bytes_max: number };
}

/** Something does not hold; the message names it. */
export class Broken extends Error {}

export class Source {
  readonly #origin: string;
  bytes = 0;

  constructor(origin: string) {
    this.#origin = origin;
  }

  async json<T>(path: string): Promise<T> {
    const answer = await fetch(new URL(path, this.#origin), { credentials: "omit", referrerPolicy: "no-referrer" });
    const text = await answer.text();
    this.bytes += text.length;
    if (!answer.ok) throw new Broken(`${path} cannot be had: ${answer.status}`);
    return JSON.parse(text) as T;
  }

  async blob(path: string): Promise<ArrayBuffer> {
    const answer = await fetch(new URL(path, this.#origin), { credentials: "omit", referrerPolicy: "no-referrer" });
    if (!answer.ok) throw new Broken(`${path} cannot be had: ${answer.status}`);
    const bytes = await answer.arrayBuffer();
    this.bytes += bytes.byteLength;
    return bytes;
  }
}

/** The signed tree; `pinned` are keys known before, in place of those that the evidence names. */
export async function treeOf(evidence: Proven, pinned: string[] = []): Promise<Tree> {
  try {
    return await signedTree(evidence.checkpoint, pinned.length ? pinned : evidence.keys);
  } catch (error) {
    throw new Broken(`the checkpoint does not hold: ${(error as Error).message}`);
  }
}

/** What the leaves say of this job, each leaf proven to be in the tree; throws Broken. */
export async function said(evidence: Proven, tree: Tree, job: string): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const { index, leaf, proof } of evidence.leaves) {
    const hash = await leafHash(utf8(leaf));
    if (!(await isIncluded(index, tree.size, hash, proof.map(fromBase64), tree.root))) {
      throw new Broken(`leaf ${index} is not in the log`);
    }
    found.push(...entriesOf(leaf).filter(({ facts }) => facts.job === job));
  }
  return found;
}

export function only(entries: Entry[], kind: string, holds: (facts: Facts) => boolean = () => true): Facts | null {
  return entries.filter((entry) => entry.kind === kind && holds(entry.facts)).at(-1)?.facts ?? null;
}

/** Whether an input is one of those that the job was submitted with; null where it cannot be told. */
export async function isLogged(input: Input, root: string): Promise<boolean | null> {
  if (!input.proof) return null;
  const hash = await leafHash(fromHex(input.digest));
  return isIncluded(input.place, input.of, hash, input.proof.map(fromBase64), fromHex(root));
}
