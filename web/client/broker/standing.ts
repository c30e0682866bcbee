/** This file is where the server's word on how this browser stands becomes one line. */

export interface Standing {
  banned: { words: string; appeal: string } | null;
  answers: { valid: number; invalid: number; void: number; in_sealed_jobs: number };
  no_work_of: string[];
}

/** What makes an answer a wrong one, for whoever wonders why it earned nothing. */
const WHY_WRONG = "A wrong answer is one that other volunteers or the server itself contradict; it earns no credit.";

/** What is shown: right and wrong answers as far as opened jobs tell; and why there is no work. */
export function standingInWords({ banned, answers, no_work_of }: Standing): string {
  if (banned) return `Banned. ${banned.words} ${banned.appeal}`;
  const told = [`${answers.valid} right`, `${answers.invalid} wrong`];
  if (answers.void > 0) told.push(`${answers.void} not counted`);
  if (answers.in_sealed_jobs > 0) told.push(`${answers.in_sealed_jobs} in jobs that are still sealed`);
  const kept = no_work_of.length;
  const suspect = kept > 0 ? ` This browser's engine gets no work of ${kept === 1 ? "one job" : `${kept} jobs`}: it seems to compute it wrongly.` : "";
  const why = answers.invalid > 0 ? ` ${WHY_WRONG}` : "";
  return `${told.join(", ")}.${why}${suspect}`;
}
