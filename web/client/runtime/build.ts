/** This file is where an engine in a child makes a program out of its text, once for all work units. */

import { describe, type Program } from "./compute.ts";

const makeFunction = Function;

/** The program, or why there is none. */
export type Built = Program | { message: string };

export function build(text: string): Built {
  try {
    const program: unknown = new makeFunction(`"use strict"; return (${text}\n);`)();
    if (typeof program !== "function") throw new TypeError("the program is not a function");
    return program as Program;
  } catch (error) {
    return { message: describe(error) };
  }
}
