/** This file is where the text of a Web Worker gets an address, which this frame cannot fetch. */

/** WebKit loads no blob in a frame that is isolated; there alone the policy allows the other way. */
const ISOLATED = new URLSearchParams(location.search).get("coep") === "1";

export function addressOf(script: string): string {
  if (ISOLATED) return `data:text/javascript,${encodeURIComponent(script)}`;
  return URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
}
