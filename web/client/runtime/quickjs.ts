/** This file is where the runtime starts inside a QuickJS child: a call for each computation, texts in and out. */

import { type Built, build } from "./build.ts";
import { compute, type Request } from "./compute.ts";
import { kit } from "./kit.ts";
import { lockdown } from "./lockdown.ts";

interface Header extends Omit<Request, "blobs"> {
  program: string | null;
  lengths: number[];
}

// QuickJS has them, the type checker's library not yet.
const { fromBase64 } = Uint8Array as unknown as { fromBase64(text: string): Uint8Array<ArrayBuffer> };
const { toBase64 } = Uint8Array.prototype as unknown as { toBase64(this: Uint8Array): string };
const { apply } = Reflect;
const { parse } = JSON;
const encoder = new TextEncoder();

let current: Built = { message: "no program yet" };

/**
 * `header` as a Deno child gets it, the columns' bytes after one another in base64. Gives a word of
 * one letter, "=" for an output and "!" for a message, and its bytes in base64.
 */
export function answer(header: string, bytes: string): string {
  const given = parse(header) as Header;
  const all = fromBase64(bytes);
  let end = 0;
  const blobs = given.lengths.map((length) => all.slice(end, (end += length)));
  if (given.program !== null) current = build(given.program);
  const made = typeof current === "function" ? compute(current, { ...given, blobs }) : current;
  return "output" in made
    ? `=${apply(toBase64, made.output, []) as string}`
    : `!${apply(toBase64, encoder.encode(made.message), []) as string}`;
}

lockdown(kit);
