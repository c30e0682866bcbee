// This file is where a colour of the style sheet is asked for, as a canvas understands it.

/** The colour that `var(name)` is now, in this page's theme. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
