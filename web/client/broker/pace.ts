/** This file is where it is decided how hard this browser works now, and when it pauses. */

import type { PauseReason } from "./events.ts";
import { type Settings, withinHours } from "./settings.ts";

/** How busy the whole processor is, as browsers name it. */
export type Pressure = "nominal" | "fair" | "serious" | "critical";

/** What the browser tells of the machine and the page; null is what it does not tell. */
export interface Conditions {
  visible: boolean;
  /** The browser has stopped the page, or is about to. */
  frozen: boolean;
  onBattery: boolean | null;
  /** A phone or a tablet. */
  mobile: boolean;
  saveData: boolean | null;
  pressure: Pressure | null;
  /** How late the page's own timers are. */
  lagMs: number;
  /** Logical processors. */
  processors: number;
  /** Local, 0 to 23. */
  hour: number;
  /** Fetched for work units. */
  bytesToday: number;
}

export interface Pace {
  workers: number;
  /** Share of the time that each of them computes, from 0 to 1. */
  duty: number;
  /** Why nothing is computed now; null when something is. */
  pause: PauseReason | null;
}

const LEVELS: readonly Pressure[] = ["nominal", "fair", "serious", "critical"];

/** Shares of the processor that by themselves explain the next level. */
const EXPLAINED = [0.3, 0.6, 0.9];

/** Timers that are so late tell the same levels where the browser tells none. */
const LATE_MS = [60, 150, 400];

/** Below a quarter of what was allowed nothing would ever be finished. */
const LEAST_PART = 0.25;

const BYTES_PER_MB = 1_000_000;

/**
 * What is not told counts as the worse where that is likely: a phone that hides its battery runs on
 * it, and late timers speak where no pressure is told. Only pressure beyond what our own share
 * explains slows us down, or we would run away from our own shadow; each level halves the duty.
 */
export function pace(allowed: Settings, now: Conditions): Pace {
  const pause = pauseReason(allowed, now);
  if (pause) return { workers: 0, duty: 0, pause };
  const processors = Math.max(now.processors, 1);
  const workers = Math.min(allowed.cores, processors);
  const chosen = allowed.dutyPercent / 100;
  const own = (workers * chosen) / processors;
  const explained = EXPLAINED.filter((share) => own >= share).length;
  // Hidden pages have late timers whatever the machine does.
  const late = now.visible ? LATE_MS.filter((limit) => now.lagMs >= limit).length : 0;
  const found = now.pressure === null ? late : LEVELS.indexOf(now.pressure);
  const part = Math.max(LEAST_PART, 0.5 ** Math.max(0, found - explained));
  return { workers, duty: chosen * part, pause: null };
}

function pauseReason(allowed: Settings, now: Conditions): PauseReason | null {
  if (now.frozen || (!now.visible && !allowed.hiddenTab)) return "hidden";
  if ((now.onBattery ?? now.mobile) && !allowed.onBattery) return "battery";
  if (now.saveData && !allowed.onSaveData) return "save-data";
  if (!withinHours(allowed, now.hour)) return "hours";
  const most = allowed.dataMbPerDay;
  return most !== null && now.bytesToday >= most * BYTES_PER_MB ? "data-cap" : null;
}

/** Milliseconds to rest after computing for so many, so that the share of the time comes out. */
export function restMs(computedMs: number, duty: number): number {
  return duty >= 1 ? 0 : computedMs * (1 / Math.max(duty, 0.01) - 1);
}

/** What is fetched ahead covers so long an exchange with the server. */
const AHEAD_MS = 500;
/** What one browser holds and does not compute, others wait for. */
const AHEAD_MAX = 4;

/** Work units to hold for each Web Worker beside the one that it computes; `usualMs` is what one
 * takes with its rest, null as long as none was computed. */
export function ahead(usualMs: number | null): number {
  if (usualMs === null) return 1;
  return Math.min(Math.max(Math.round(AHEAD_MS / Math.max(usualMs, 1)), 1), AHEAD_MAX);
}
