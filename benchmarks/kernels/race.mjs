// This file is where programs and hand-tuned loops take turns in one JavaScript process.
//
// It reads the cases from the file it is given, and prints what each took, in nanoseconds, as JSON.

import { readFileSync } from "node:fs";
import { decode } from "../../web/client/runtime/decode.ts";
import { kit } from "../../web/client/runtime/kit.ts";

const { cases, repeats } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const made = (text) => new Function(`return (${text});`)();
const now = () => Number(process.hrtime.bigint());

function timed(work) {
  const began = now();
  work();
  return now() - began;
}

/** The chunks, as a worker decodes them: the bytes are its own. */
function inputs(one) {
  return one.chunks.map((columns, at) => ({
    rows: one.rows[at],
    first: one.firsts[at],
    columns: columns.map((bytes, place) => decode(bytes, one.columns[place], one.rows[at])),
  }));
}

for (const one of cases) {
  // A Buffer may share its memory: each blob gets some of its own, as from the network.
  one.chunks = one.blobs.map((row) => row.map((text) => Uint8Array.from(Buffer.from(text, "base64"))));
}

const first = {};
for (const one of cases) {
  const given = inputs(one);
  // A text that no engine has seen: compiling it counts.
  first[one.name] = timed(() => made(`/* ${one.name} */ ${one.program}`)(given, one.params, kit));
}

function race(one) {
  const given = inputs(one);
  const program = made(one.program);
  const hand = one.hand ? made(one.hand) : null;
  const naive = one.naive ? made(one.naive) : null;
  const best = { decode: Infinity, program: Infinity, hand: Infinity, naive: Infinity };
  for (let turn = 0; turn < repeats; turn++) {
    best.decode = Math.min(best.decode, timed(() => inputs(one)));
    best.program = Math.min(best.program, timed(() => program(given, one.params, kit)));
    if (hand) best.hand = Math.min(best.hand, timed(() => hand(given, kit)));
    if (naive) best.naive = Math.min(best.naive, timed(() => naive(given, kit)));
  }
  return best;
}

const fresh = Object.fromEntries(cases.map((one) => [one.name, race(one)]));
// Once more, now that this process has seen every type of column.
const later = Object.fromEntries(cases.map((one) => [one.name, race(one)]));
console.log(JSON.stringify({ first, fresh, later }));
