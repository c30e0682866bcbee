/** This file is where a page is an engine: it computes what its own server asks, one after another. */

import { Sandbox, SandboxFailed } from "./sandbox.ts";
import type { ColumnSpecs } from "../frame/messages.ts";

/** What comes before the bytes: of the program first, then of each input. */
interface Question extends ColumnSpecs {
  parts: { digest: string; length: number }[];
  timeLimitS: number;
}

const OUTPUT = 61; // "="
const FAILED = 33; // "!"
const LOST = 63; // "?"

const sandbox = new Sandbox(document.body.dataset.sandbox!);

async function answer(asked: ArrayBuffer): Promise<Blob> {
  const size = new DataView(asked).getUint32(0);
  let end = 4 + size;
  const { parts, ...rest } = JSON.parse(new TextDecoder().decode(asked.slice(4, end))) as Question;
  const [program, ...inputs] = parts.map(({ digest, length }) => {
    const bytes = asked.slice(end, end + length);
    end += length;
    return { digest, bytes };
  });
  try {
    const given = await sandbox.compute({ ...rest, program: program!, inputs }, new AbortController().signal);
    return "output" in given ? said(OUTPUT, given.output) : said(FAILED, given.message);
  } catch (error) {
    if (!(error instanceof SandboxFailed)) throw error;
    return said(LOST, error.message);
  }
}

function said(kind: number, what: ArrayBuffer | string): Blob {
  return new Blob([Uint8Array.of(kind), what]);
}

let last: Blob | null = null;
for (;;) {
  const response = await fetch("/next", { method: "POST", body: last });
  last = null;
  if (response.status === 200) last = await answer(await response.arrayBuffer());
}
