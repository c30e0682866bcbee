/** This file is where the sandboxed frame checks what it is given and has it computed. */

import { digest } from "./digest.ts";
import { type AnswerMessage, type ComputeMessage, PORT, READY, type TryMessage } from "./messages.ts";
import { ProgramWorker } from "./program.ts";
import { reached } from "./trying.ts";

/** Kept for as long as work units of the same job come. */
let current: { digest: string; worker: ProgramWorker } | null = null;

async function answer(message: ComputeMessage): Promise<AnswerMessage> {
  const { id, program, inputs, columns, rows, points, firsts, params, outputBytesMax } = message;
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  for (const part of [program, ...inputs]) {
    const found = await digest(part.bytes);
    if (found !== part.digest) {
      return { id, unusable: `bytes of ${part.digest} came with the digest ${found}` };
    }
  }
  if (current?.digest !== program.digest) {
    current?.worker.end();
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(program.bytes);
    current = { digest: program.digest, worker: new ProgramWorker(text) };
  }
  const blobs = inputs.map((input) => new Uint8Array(input.bytes));
  const reply = await current.worker.compute({ columns, rows, points, firsts, blobs, params, outputBytesMax });
  if ("output" in reply) return { id, output: reply.output.buffer, elapsedMs: elapsed() };
  current.worker.end();
  current = null;
  const text = "message" in reply ? reply.message : "the program answered out of turn";
  return { id, message: text, elapsedMs: elapsed() };
}

function serve(port: MessagePort): void {
  port.onmessage = async ({ data }: MessageEvent<ComputeMessage | TryMessage>) => {
    let given: AnswerMessage;
    try {
      given = "tryToReach" in data ? { id: data.id, reached: await reached(data.tryToReach) } : await answer(data);
    } catch (error) {
      given = { id: data.id, unusable: String(error) };
    }
    port.postMessage(given, "output" in given ? [given.output] : []);
  };
}

addEventListener("message", function listen(event: MessageEvent<unknown>) {
  const port = event.ports[0];
  if (event.source !== parent || event.data !== PORT || !port) return;
  removeEventListener("message", listen);
  serve(port);
});
// Our own origin is opaque and the page's is unknown here; the word tells nobody anything.
parent.postMessage(READY, "*");
