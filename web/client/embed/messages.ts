/** This file is where it stands what the site's page and Grid's frame in it say to each other.
 *
 * The page gives the frame a port; all else goes over it. The frame tells what the volunteer sees
 * anyway, and takes one order: stop.
 */

import type { Events } from "../broker/events.ts";

/** The page's word with which the port comes. */
export const EMBED_PORT = "grid-embed-port";

/** What a site may know of. */
export type Told = "state" | "work-unit-start" | "work-unit-done" | "work-unit-failed" | "work-unit-released";
export const TOLD: readonly Told[] = ["state", "work-unit-start", "work-unit-done", "work-unit-failed", "work-unit-released"];

export type FromFrame =
  | { event: Told; detail: Events[Told] }
  | { answer: "yes" | "no" }
  /** How high its content is. */
  | { height: number };

export type ToFrame = "stop";
