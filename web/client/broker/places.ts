/** This file is where the page's places are found, and links made that leave it. */

/** The page marks its places with data-grid="…"; a place that is missing is not shown. */
export function place<Kind extends HTMLElement = HTMLElement>(name: string): Kind | null {
  return document.querySelector<Kind>(`[data-grid="${name}"]`);
}

export function show(name: string, text: string): void {
  const at = place(name);
  if (at && at.textContent !== text) at.textContent = text;
}

/** Opens beside this page; an address that is none of the web's is shown as text. */
export function link(text: string, address: string): HTMLAnchorElement {
  const url = new URL(address, location.href);
  const anchor = document.createElement("a");
  anchor.textContent = text;
  if (url.protocol === "http:" || url.protocol === "https:") anchor.href = url.href;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  kind: string,
  ...content: (string | Node)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.append(...content);
  return made;
}
