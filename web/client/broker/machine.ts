/** This file is where the page says what kind of browser it is. */

import type { Machine } from "./volunteer.ts";

/** Name and major version, such as "chromium/156". */
export function engineOf(userAgent: string): string {
  const found = /(Firefox|Chrom(?:e|ium))\/(\d+)/.exec(userAgent) ?? /(Version)\/(\d+).*Safari/.exec(userAgent);
  if (!found) return "unknown/0";
  const name = found[1] === "Firefox" ? "firefox" : found[1] === "Version" ? "webkit" : "chromium";
  return `${name}/${found[2]}`;
}

export function thisMachine(): Machine {
  const memoryGb = (navigator as { deviceMemory?: number }).deviceMemory;
  const cores = navigator.hardwareConcurrency as number | undefined;
  return {
    engine: engineOf(navigator.userAgent),
    capabilities: {
      ...(cores ? { cores } : {}),
      ...(memoryGb ? { memory_mb: Math.round(memoryGb * 1024) } : {}),
    },
  };
}
