/** This file is where a site's owner reads in the console what their policy lacks. */

/** Says so when this page's Content-Security-Policy keeps Grid's frame out. */
export function watchPolicy(grid: string): void {
  addEventListener("securitypolicyviolation", (event) => {
    const { effectiveDirective, blockedURI } = event as SecurityPolicyViolationEvent;
    const frames = ["frame-src", "child-src", "default-src"].includes(effectiveDirective);
    if (frames && blockedURI.startsWith(grid)) console.error(lacks(grid));
  });
}

export function lacks(grid: string): string {
  return `Grid: this page's Content-Security-Policy keeps the volunteer's frame out. Add to it: frame-src ${grid}; script-src ${grid}`;
}
