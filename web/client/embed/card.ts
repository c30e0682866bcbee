/** This file is where the card is drawn that asks a visitor, before anything is loaded. */

import type { Options } from "./options.ts";

const LOOK = `
:host { all: initial; display: block; box-sizing: border-box; color-scheme: light dark; max-width: 420px; margin: 0.5rem 0; }
:host([hidden]) { display: none; }
:host([data-theme="light"]) { color-scheme: light; }
:host([data-theme="dark"]) { color-scheme: dark; }
section { box-sizing: border-box; border: 1px solid light-dark(#dde3e0, #2a3532); border-radius: 12px; background: light-dark(#fff, #171f1d); display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; align-items: center; max-height: 120px; overflow: hidden; padding: 8px 12px; color: light-dark(#17211f, #e6ecea); font: 12.5px/1.35 ui-sans-serif, system-ui, "Segoe UI", Roboto, sans-serif; }
b, p { margin: 0; }
b { font-size: 14px; }
b, .who { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
div { display: grid; min-width: 0; gap: 2px; }
p { color: light-dark(#4f5d59, #a9b8b3); }
nav { display: grid; gap: 6px; }
button { font: inherit; font-weight: 600; min-width: 84px; min-height: 36px; padding: 0 10px; border-radius: 8px; border: 1px solid #0f766e; cursor: pointer; background: none; color: light-dark(#0f766e, #5eead4); }
button.yes { background: #0f766e; color: #fff; }
button:focus-visible { outline: 2px solid light-dark(#0f766e, #5eead4); outline-offset: 2px; }
`;

/** Style sheets made by script need no word in a page's Content-Security-Policy. */
export function dressed(root: ShadowRoot): ShadowRoot {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(LOOK);
  root.adoptedStyleSheets = [sheet];
  return root;
}

/** Who asks, what for, what it takes, what stays out of reach; and two equal answers. */
export function card(options: Options, site: string, onYes: () => void, onNo: () => void): HTMLElement {
  const whom = options.purpose || options.owner;
  const section = element("section", "");
  section.setAttribute("aria-label", "Lend this browser");
  const text = element("div", "");
  text.append(
    element("b", "Lend a little of this browser?"),
    element("p", `${site} asks${whom ? `, for ${whom}` : ""}.`, "who"),
    element("p", "It takes a quarter of one core while you are here, never on battery. Your files and this page stay out of reach."),
  );
  const answers = element("nav", "");
  answers.setAttribute("aria-label", "Answer");
  answers.append(button("Decide …", onYes, "yes"), button("No", onNo, "no"));
  section.append(text, answers);
  return section;
}

function element(name: string, text: string, kind = ""): HTMLElement {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}

function button(text: string, then: () => void, kind: string): HTMLElement {
  const made = element("button", text, kind) as HTMLButtonElement;
  made.type = "button";
  made.addEventListener("click", then);
  return made;
}
