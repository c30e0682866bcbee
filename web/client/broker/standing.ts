/** This file is where the server's word on how this browser stands becomes one line. */

export interface Standing {
  banned: { words: string; appeal: string } | null;
  answers: { valid: number; invalid: number; void: number; in_sealed_jobs: number };
  no_work_of: string[];
}

/** What is shown: right and wrong answers as far as opened jobs tell; and why there is no work. */
export function standingInWords({ banned, answers, no_work_of }: Standing): string {
  if (banned) return `Banned. ${banned.words} ${banned.appeal}`;
  const told = [`${answers.valid} right`, `${answers.invalid + answers.void} wrong`];
  if (answers.in_sealed_jobs > 0) told.push(`${answers.in_sealed_jobs} in jobs that are still sealed`);
  const kept = no_work_of.length;
  const suspect = kept > 0 ? ` This browser's engine gets no work of ${kept === 1 ? "one job" : `${kept} jobs`}: it seems to compute it wrongly.` : "";
  return `${told.join(", ")}.${suspect}`;
}
