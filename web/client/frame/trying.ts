/** This file is where the frame tries by itself what must not be possible in it. */

import { ProgramWorker } from "./program.ts";
import { addressOf } from "./script.ts";

/** What a program finds of the ways out; text, for it runs where programs do. */
const FROM_A_PROGRAM = `(() => [
  ["fetch", typeof fetch], ["XMLHttpRequest", typeof XMLHttpRequest], ["WebSocket", typeof WebSocket],
  ["EventSource", typeof EventSource], ["WebTransport", typeof WebTransport], ["importScripts", typeof importScripts],
  ["Worker", typeof Worker], ["navigator", typeof navigator], ["indexedDB", typeof indexedDB],
  ["caches", typeof caches], ["BroadcastChannel", typeof BroadcastChannel], ["setTimeout", typeof setTimeout],
  ["Function", typeof (() => 0).constructor("return 0") === "function" ? "function" : "undefined"],
].filter(([, type]) => type !== "undefined").map(([name]) => "program:" + name))`;

/** The same Worker without what takes its globals away: the policy alone must hold. */
const FROM_A_WORKER = `onmessage = async ({ data: url }) => {
  const reached = [];
  await fetch(url, { mode: "no-cors" }).then(() => reached.push("worker:fetch"), () => 0);
  try { importScripts(url); reached.push("worker:importScripts"); } catch {}
  postMessage(reached);
};`;

/** Names of what can be reached from in here, of which there should be none. */
export async function reached(url: string): Promise<string[]> {
  const [program, worker] = await Promise.all([fromAProgram(), fromAWorker(url)]);
  return [...(await fromHere(url)), ...worker, ...program];
}

async function fromHere(url: string): Promise<string[]> {
  const found: string[] = [];
  await fetch(url, { mode: "no-cors" }).then(() => found.push("frame:fetch"), () => 0);
  if (origin !== "null") found.push("frame:origin");
  try {
    if (localStorage) found.push("frame:localStorage");
  } catch {
    // As it should be.
  }
  return found;
}

function fromAWorker(url: string): Promise<string[]> {
  const source = addressOf(FROM_A_WORKER);
  const worker = new Worker(source);
  const answered = new Promise<string[]>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<string[]>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.postMessage(url);
  });
  return answered.finally(() => {
    worker.terminate();
    URL.revokeObjectURL(source);
  });
}

async function fromAProgram(): Promise<string[]> {
  const worker = new ProgramWorker(FROM_A_PROGRAM);
  const reply = await worker.compute({ columns: [], rows: [], blobs: [], params: "null", outputBytesMax: 4096 });
  worker.end();
  if ("output" in reply) return JSON.parse(new TextDecoder().decode(reply.output)) as string[];
  throw new Error("message" in reply ? reply.message : "no answer");
}
