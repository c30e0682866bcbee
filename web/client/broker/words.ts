/** This file is where it is said in one line what this browser does for the grid. */

import type { PauseReason } from "./events.ts";

const PAUSED: Record<PauseReason, string> = {
  asked: "you asked for a pause",
  battery: "this machine runs on its battery, or does not say",
  "save-data": "this browser is asked to save data",
  hidden: "this page is not in view",
  hours: "it is outside the hours you chose",
  "data-cap": "today's data is used up",
  pressure: "this machine has other things to do",
};

export function paused(why: PauseReason): string {
  return `Paused: ${PAUSED[why]}.`;
}
