/** This file is where the server's reasons for giving no work become words. */

const WORDS: Record<string, string> = {
  no_work: "no job has work now",
  needs_others: "what is left needs answers of other volunteers",
  trusted_only: "what is left is for trusted hosts",
  too_many_leases: "this browser holds as many work units as it may",
};

/** A reason that a newer server may have is shown as it is. */
export function inWords(reason: string | undefined): string {
  return WORDS[reason ?? "no_work"] ?? `${reason}`.replaceAll("_", " ");
}
