/** This file is where it is remembered, for this site alone, what a visitor answered. */

const ANSWER = "grid.answer";

/** Nothing is kept before somebody has answered, nor where the browser keeps nothing. */
export function answered(): "yes" | "no" | null {
  try {
    const kept = localStorage.getItem(ANSWER);
    return kept === "yes" || kept === "no" ? kept : null;
  } catch {
    return null;
  }
}

export function remember(answer: "yes" | "no" | null): void {
  try {
    if (answer === null) localStorage.removeItem(ANSWER);
    else localStorage.setItem(ANSWER, answer);
  } catch {
    // Then the visitor is asked again on the next page.
  }
}
