/** This file is where the script reads from its own tag what the site's owner wants. */

export interface Options {
  /** Grid's origin: where the script came from. */
  grid: string;
  /** The requester whom the visitors shall help; "" for whoever has work. */
  owner: string;
  /** What for, in the site owner's words. */
  purpose: string;
  /** "light", "dark", or "" for what the visitor prefers. */
  theme: string;
  /** Whether this page is cross-origin isolated, so that only frames that agree may load. */
  coep: boolean;
}

/** null where the script was not loaded by a tag of the page. */
export function optionsOf(script: HTMLScriptElement | null): Options | null {
  if (!script?.src) return null;
  const { owner = "", purpose = "", theme = "", coep } = script.dataset;
  return {
    grid: new URL(script.src).origin,
    owner: owner.trim().slice(0, 200),
    purpose: purpose.trim().slice(0, 200),
    theme: theme === "light" || theme === "dark" ? theme : "",
    coep: coep !== undefined || globalThis.crossOriginIsolated,
  };
}

/** By a word that both know, a no reaches the frame where the browser keeps the two pages apart. */
const noBy = (word: string | null) => (word === null ? "" : `no=${word}`);

/** The page that goes into the frame. */
export function frameUrl({ grid, owner, purpose, theme, coep }: Options, word: string | null): string {
  const url = new URL("/volunteer", grid);
  url.searchParams.set("embed", "1");
  for (const [name, value] of Object.entries({ owner, purpose, theme })) {
    if (value) url.searchParams.set(name, value);
  }
  if (coep) url.searchParams.set("coep", "1");
  url.hash = noBy(word);
  return url.href;
}

/** The page of Grid's own on which a visitor decides: no page can cover it. */
export function consentUrl({ grid, owner, purpose }: Options, site: string, word: string): string {
  const url = new URL("/volunteer/consent", grid);
  for (const [name, value] of Object.entries({ site, owner, purpose })) {
    if (value) url.searchParams.set(name, value);
  }
  url.hash = noBy(word);
  return url.href;
}
