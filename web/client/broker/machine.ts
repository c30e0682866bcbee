/** This file is where the page says what kind of browser it is. */

import type { Machine } from "./volunteer.ts";

/** Name and major version, such as "chromium/156". */
export function engineOf(userAgent: string): string {
  const found = /(Firefox|Chrom(?:e|ium))\/(\d+)/.exec(userAgent) ?? /(Version)\/(\d+).*Safari/.exec(userAgent);
  if (!found) return "unknown/0";
  const name = found[1] === "Firefox" ? "firefox" : found[1] === "Version" ? "webkit" : "chromium";
  return `${name}/${found[2]}`;
}

/** The family of the operating system, as the server names it. */
export function systemOf(userAgent: string): string {
  if (/Android/.test(userAgent)) return "android";
  if (/iPhone|iPad|iPod/.test(userAgent)) return "ios";
  if (/Windows/.test(userAgent)) return "windows";
  if (/Mac OS X|Macintosh/.test(userAgent)) return "macos";
  return /Linux|CrOS|X11/.test(userAgent) ? "linux" : "other";
}

/** Rounds of a fixed loop in a millisecond: the same loop as a headless volunteer's. */
export function score(now: () => number = () => performance.now()): number {
  const rounds = 400_000;
  let best = 0;
  for (let turn = 0; turn < 3; turn += 1) {
    const started = now();
    let x = 1;
    for (let i = 0; i < rounds; i += 1) x = (x * 16807) % 2147483647;
    // Browsers round their clocks to a millisecond, so nothing takes less.
    if (x > 0) best = Math.max(best, rounds / Math.max(now() - started, 1));
  }
  return Math.round(best);
}

/** Nothing is measured before somebody asks, which is after Start was clicked. */
export function thisMachine(): Machine {
  return {
    engine: engineOf(navigator.userAgent),
    get capabilities() {
      const memoryGb = (navigator as { deviceMemory?: number }).deviceMemory;
      const cores = navigator.hardwareConcurrency as number | undefined;
      return {
        ...(cores ? { cores } : {}),
        ...(memoryGb ? { memory_mb: Math.round(memoryGb * 1024) } : {}),
        os: systemOf(navigator.userAgent),
        score: score(),
      };
    },
  };
}
