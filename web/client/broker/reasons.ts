/** This file is where the server's reasons for giving no work become words. */

const WORDS: Record<string, string> = {
  no_work: "no job has work now",
  needs_others: "what is left needs answers of other volunteers",
  trusted_only: "what is left is for trusted hosts",
  too_many_leases: "this browser holds as many work units as it may",
  reserved: "this browser is reserved for a job that has none now",
  not_capable: "what is left needs more threads, memory or features than this browser has",
  not_wished: "what is left is of owners, topics or job types that were not chosen",
  leaving_soon: "what is left may take longer than this browser stays",
  over_quota: "too many of this browser's results were wrong or never came; try again later",
  banned: "this browser is banned",
};

/** A reason that a newer server may have is shown as it is. */
export function inWords(reason: string | undefined, banReason?: string): string {
  const words = WORDS[reason ?? "no_work"] ?? `${reason}`.replaceAll("_", " ");
  return banReason ? `${words}: ${banReason}` : words;
}
