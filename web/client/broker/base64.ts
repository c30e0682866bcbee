/** This file is where bytes become base64 text. */

const BLOCK_BYTES = 0x8000;

export function base64(bytes: ArrayBuffer): string {
  const view = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < view.length; at += BLOCK_BYTES) {
    text += String.fromCharCode(...view.subarray(at, at + BLOCK_BYTES));
  }
  return btoa(text);
}
