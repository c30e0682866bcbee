/**
 * This file is where a browser holds its server to the public log: it keeps the newest checkpoint it
 * saw, every later one must continue it, and a program is run only when the log names it.
 */

import { entriesOf } from "./leaf.ts";
import { type Checkpoint, checkpointOf, type Proven, proven } from "./note.ts";
import { Broken, rootOf, same, subtreesOf } from "./tree.ts";

/** What is remembered of a log: the newest signed checkpoint, and keys it may be signed with. */
export interface Seen {
  note: string;
  keys: string[];
}

/** A path below `/log/` → its bytes. */
export type Read = (path: string) => Promise<ArrayBuffer>;

export class Witness {
  readonly #proven = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly read: Read,
    /** Where what was seen outlives the page, if anywhere. */
    readonly memory: { seen: Seen | null },
  ) {}

  /**
   * Rejects unless the log names this program for the job: with Broken, or when nothing can be read.
   * A server that does not say which leaf does gives no proof yet.
   */
  check(program: { digest: string; leaf?: number }, job: string): Promise<void> {
    if (program.leaf === undefined || this.#proven.has(`${job} ${program.digest}`)) return Promise.resolve();
    const { leaf, digest } = program;
    const turn = this.#turn.then(() => this.#check(leaf, digest, job));
    this.#turn = turn.catch(() => undefined); // one after the other: checkpoints come in their order
    return turn;
  }

  async #check(number: number, digest: string, job: string): Promise<void> {
    if (this.#proven.has(`${job} ${digest}`)) return;
    let found = await this.#proof(number);
    // Another page of this browser may have seen a newer one since this was asked for.
    if (found.checkpoint.size < (this.#seen()?.size ?? 0)) found = await this.#proof(number);
    const { leaf, checkpoint, note, keys } = found;
    await this.#continue(checkpoint);
    this.memory.seen = { note, keys };
    const named = entriesOf(leaf, "program", ["job", "program"]);
    if (!named.some((one) => one["job"] === job && one["program"] === digest)) {
      throw new Broken("the public log does not name this program for this job");
    }
    this.#proven.add(`${job} ${digest}`);
  }

  /** A new key must be announced by the server; that it is the same log follows from its tree. */
  async #proof(number: number): Promise<Proven & { keys: string[] }> {
    const text = new TextDecoder().decode(await this.read(`proof/${number}`));
    const known = this.memory.seen?.keys ?? [];
    try {
      return { ...proven(text, known), keys: known };
    } catch {
      const keys = new TextDecoder().decode(await this.read("keys")).split("\n").filter(Boolean);
      return { ...proven(text, keys), keys };
    }
  }

  #seen(): Checkpoint | null {
    return this.memory.seen && checkpointOf(this.memory.seen.note);
  }

  async #continue(tree: Checkpoint): Promise<void> {
    const seen = this.#seen();
    if (!seen) return;
    if (seen.origin !== tree.origin) throw new Broken(`this is the log ${tree.origin}, and it was ${seen.origin} before`);
    if (tree.size < seen.size) throw new Broken(`the public log was rolled back from ${seen.size} leaves to ${tree.size}`);
    if (tree.size === seen.size) {
      if (!same(tree.root, seen.root)) throw new Broken("the public log was forked");
      return;
    }
    const subtree = subtreesOf(tree.size, async (path) => new Uint8Array(await this.read(`tile/${path}`)));
    const [before, now] = [await rootOf(seen.size, subtree), await rootOf(tree.size, subtree)];
    if (!same(now, tree.root)) throw new Broken("the public log's tiles are not those of its checkpoint");
    if (!same(before, seen.root)) throw new Broken("the public log was rewritten");
  }
}
