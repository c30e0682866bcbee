/** This file is where the runtime starts inside a Deno child: framed computations in, framed answers out. */

import { type Built, build } from "./build.ts";
import { type Answer, compute, type Request } from "./compute.ts";
import { kit } from "./kit.ts";
import { lockdown } from "./lockdown.ts";

interface Stream {
  readSync(into: Uint8Array): number | null;
  writeSync(from: Uint8Array): number;
}

declare const Deno: { stdin: Stream; stdout: Stream };

/** What stands before the columns: their lengths, and the program when it is another one. */
interface Header extends Omit<Request, "blobs"> {
  program: string | null;
  lengths: number[];
}

const READY = 0;
const OUTPUT = 1;
const FAILED = 2;

const { stdin, stdout } = Deno;
const read = stdin.readSync.bind(stdin);
const put = stdout.writeSync.bind(stdout);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const { parse } = JSON;

function take(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const got = read(bytes.subarray(filled));
    if (got === null) throw new Error("nobody asks any more");
    filled += got;
  }
  return bytes;
}

/** One frame: a kind (1 byte), a length (4 bytes, big end first), that many bytes. */
function send(kind: number, bytes: Uint8Array): void {
  const frame = new Uint8Array(5 + bytes.length);
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame[0] = kind;
  frame.set(bytes, 5);
  for (let sent = 0; sent < frame.length; ) sent += put(frame.subarray(sent));
}

/** Built once: the same text comes for every work unit of a job. */
let current: Built = { message: "no program yet" };

function answer(): Answer {
  const header = parse(decoder.decode(take(new DataView(take(4).buffer).getUint32(0)))) as Header;
  const blobs = header.lengths.map(take);
  if (header.program !== null) current = build(header.program);
  return typeof current === "function" ? compute(current, { ...header, blobs }) : current;
}

lockdown(kit);
// The event loop never turns again, so no promise that a program makes ever settles.
send(READY, new Uint8Array(0));
for (;;) {
  const given = answer();
  if ("output" in given) send(OUTPUT, given.output);
  else send(FAILED, encoder.encode(given.message));
}
