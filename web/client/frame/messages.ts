/** This file is where it stands what the volunteer page and its sandboxed frame say to each other. */

import type { ColumnSpec } from "../runtime/decode.ts";
import type { PointRange } from "../runtime/points.ts";

export interface ColumnSpecs {
  columns: ColumnSpec[];
  rows: number[];
  points: PointRange | null;
  firsts: number[];
  params: string;
  outputBytesMax: number;
}

/** Page → frame, over the port handed over at the start. */
export interface ComputeMessage extends ColumnSpecs {
  id: number;
  program: { digest: string; bytes: ArrayBuffer };
  /** Chunk by chunk, each with the SHA-256 it must have. */
  inputs: { digest: string; bytes: ArrayBuffer }[];
}

/** Page → frame: what of that address, and of storage, can be reached from in there? */
export interface TryMessage {
  id: number;
  tryToReach: string;
}

/** Frame → page. */
export type AnswerMessage =
  | { id: number; reached: string[] }
  | { id: number; output: ArrayBuffer; elapsedMs: number }
  | { id: number; message: string; elapsedMs: number }
  /** The bytes are not those of the digest, or the frame itself failed: no fault of the program. */
  | { id: number; unusable: string };

/** The first word of the frame, on the window; the page answers with the port. */
export const READY = "grid-frame-ready";
/** The page's only word on the window; it carries the port. */
export const PORT = "grid-frame-port";
