/**
 * This file is where an answer card checks itself: its figure against the log, five work units in the
 * reader's own sandbox, and, if the reader wants, a signed word of theirs for the log.
 */

import { getPublicKey, hashes, sign, utils } from "@noble/ed25519";
import { sha512 } from "@noble/hashes/sha2.js";
import { base64 } from "../broker/base64.ts";
import { Sandbox } from "../broker/sandbox.ts";
import { utf8 } from "../verify/bytes.ts";
import { Broken, type JobEvidence, Source } from "../verify/evidence.ts";
import { draw, type Drawn, verifyDrawn } from "../verify/several.ts";
import { spelledBytes, View } from "../verify/view.ts";
import { type Card, checkFigure } from "./figure.ts";

hashes.sha512 = sha512;

const root = document.getElementById("card");
const facts = document.getElementById("facts");
if (root && facts?.textContent) begin(root, JSON.parse(facts.textContent) as Card);

function begin(section: HTMLElement, card: Card): void {
  const view = new View(section);
  const button = view.part("begin") as HTMLButtonElement | null;
  if (!button) return;
  const source = new Source(card.server);
  void source.json<JobEvidence>(`/api/v1/jobs/${card.job}/evidence`).then(
    (evidence) => standing(view, card, evidence),
    () => view.tell("The server does not answer; nothing can be checked now."),
  );
  button.disabled = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    void verify(view, card).finally(() => (button.disabled = false));
  });
}

function standing(view: View, card: Card, evidence: JobEvidence): void {
  const { same, different } = evidence.checked;
  const readers = (count: number) => `${count.toLocaleString("en")} reader${count === 1 ? "" : "s"}`;
  const others = different ? `; ${readers(different)} got something else` : "";
  view.tell(same || different ? `Re-checked by ${readers(same)}${others}.` : "No reader has re-checked it yet.");
  if (evidence.output_version !== card.version || evidence.state !== "completed") {
    view.end("Retracted: verdicts behind this answer were taken back, and it is being replaced.", "invalid");
  }
}

async function verify(view: View, card: Card): Promise<void> {
  const source = new Source(card.server);
  const sandbox = new Sandbox(card.sandbox);
  const step = (text: string) => view.step(text);
  const started = performance.now();
  view.clear();
  let found: Drawn | null = null;
  try {
    found = await draw(source, card.job, card.keys);
    step(`${found.tree.origin} signed for a log of ${found.tree.size.toLocaleString("en")} leaves`);
    await checkFigure(source, card, found);
    step("the figure and the spec are those that the log names");
    await verifyDrawn(source, card.job, found, sandbox, step, new AbortController().signal, card.keys);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    view.end(`Verified here: ${spelledBytes(source.bytes)} in ${seconds} s.`, "valid");
    offer(view, card, found, true);
  } catch (error) {
    const text = error instanceof Broken ? error.message : `it could not be checked: ${String(error)}`;
    view.step(text, "invalid");
    view.end(`Does not hold: ${text}`, "invalid");
    if (found && error instanceof Broken && found.manifest === card.manifest) offer(view, card, found, false);
  } finally {
    sandbox.remove();
  }
}

/** A reader may say so, once, under a key that is made for it and then forgotten. */
function offer(view: View, card: Card, found: Drawn, same: boolean): void {
  const button = view.part("leave") as HTMLButtonElement | null;
  if (!button) return;
  button.hidden = false;
  button.onclick = async () => {
    button.disabled = true;
    const seed = utils.randomSecretKey();
    const statement = [
      "grid-checked/v1", card.job, card.manifest, base64(found.tree.root.buffer),
      found.places.join(","), same ? "same" : "different", "",
    ].join("\n");
    const body = {
      statement,
      key: base64(new Uint8Array(getPublicKey(seed)).buffer),
      signature: base64(new Uint8Array(sign(utf8(statement), seed)).buffer),
    };
    const answer = await fetch(new URL(`/api/v1/jobs/${card.job}/checks`, card.server), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      credentials: "omit",
    }).catch(() => null);
    if (answer?.ok) {
      const { checked } = (await answer.json()) as { checked: { same: number } };
      view.tell(`Your signed word is in the log. Re-checked by ${checked.same.toLocaleString("en")} readers.`);
    } else {
      view.tell("Your word could not be left now; nothing else is lost.");
    }
    button.hidden = true;
  };
}
