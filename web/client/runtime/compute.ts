/** This file is where one computation happens: decode the inputs, call the program, spell its output. */

import { OutputRefused, spell } from "./canonical.ts";
import { type Column, type ColumnSpec, decode } from "./decode.ts";
import { kit } from "./kit.ts";
import { counted, type PointRange } from "./points.ts";

interface Input {
  rows: number;
  /** The number of its first row, or its first point; 0 where no points are counted. */
  first: number;
  columns: Column[];
}

export type Program = (inputs: Input[], params: unknown, tools: typeof kit) => unknown;

export interface Request {
  /** What the program reads, in its order. */
  columns: ColumnSpec[];
  /** Rows of each chunk. */
  rows: number[];
  /** What is counted, if anything: an input of its own before the chunks. */
  points?: PointRange | null;
  /** The number in the data set of each chunk's first row; only where points are counted. */
  firsts?: number[];
  /** Column bytes, chunk by chunk; each starts on an 8-byte boundary of its buffer. */
  blobs: Uint8Array[];
  /** JSON text. */
  params: string;
  outputBytesMax: number;
}

/** The canonical bytes, or why there are none. */
export type Answer = { output: Uint8Array<ArrayBuffer> } | { message: string };

/** Longer messages are cut, in UTF-16 units: they are for people. */
const MESSAGE_LENGTH_MAX = 500;

const encoder = new TextEncoder();
const { parse } = JSON;

export function compute(program: Program, request: Request): Answer {
  try {
    const chunks: Input[] = request.rows.map((rows, chunk) => ({
      rows,
      first: request.firsts?.[chunk] ?? 0,
      columns: request.columns.map((spec, at) =>
        decode(request.blobs[chunk * request.columns.length + at]!, spec, rows),
      ),
    }));
    const inputs = request.points ? [counted(request.points), ...chunks] : chunks;
    const value = program(inputs, parse(request.params), kit);
    const output = encoder.encode(spell(value, request.outputBytesMax));
    if (output.length > request.outputBytesMax) {
      throw new OutputRefused(`output is larger than ${request.outputBytesMax} bytes`);
    }
    return { output };
  } catch (error) {
    return { message: describe(error) };
  }
}

/** What was thrown, in words; anything may be thrown, and its own methods may throw again. */
export function describe(error: unknown): string {
  try {
    return `${error}`.slice(0, MESSAGE_LENGTH_MAX) || "failed without a message";
  } catch {
    return "failed with something that has no words";
  }
}
