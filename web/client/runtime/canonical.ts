/** This file is where a program's output gets its one spelling: RFC 8785 JSON without floats. */

const loneSurrogate = /\p{Surrogate}/u;
const { stringify } = JSON;
const { isArray } = Array;
const { isSafeInteger } = Number;
const { getPrototypeOf, keys } = Object;
const plain = Object.prototype;

/** Deeper outputs are refused: Python's reader and our own recursion stay far from their limits. */
const DEPTH_MAX = 64;

export class OutputRefused extends Error {}

/**
 * The canonical JSON of `value`: strings, booleans, null, safe integers, arrays and plain objects.
 * Throws OutputRefused for anything else, and for more than `lengthMax` UTF-16 units.
 */
export function spell(value: unknown, lengthMax: number): string {
  const parts: string[] = [];
  let length = 0;
  const put = (text: string): void => {
    length += text.length;
    if (length > lengthMax) throw new OutputRefused(`output is larger than ${lengthMax} bytes`);
    parts.push(text);
  };
  write(value, put, 0);
  return parts.join("");
}

function write(value: unknown, put: (text: string) => void, depth: number): void {
  if (depth > DEPTH_MAX) throw new OutputRefused(`output is nested deeper than ${DEPTH_MAX}`);
  if (value === null || typeof value === "boolean") put(`${value}`);
  else if (typeof value === "number") put(spellNumber(value));
  else if (typeof value === "string") put(spellString(value));
  else if (isArray(value)) {
    put("[");
    for (let i = 0; i < value.length; i++) {
      if (i > 0) put(",");
      write(value[i], put, depth + 1);
    }
    put("]");
  } else if (typeof value === "object" && isPlain(value)) {
    writeObject(value as Record<string, unknown>, put, depth);
  } else throw new OutputRefused(`output holds a ${typeof value} that JSON cannot`);
}

function writeObject(
  value: Record<string, unknown>,
  put: (text: string) => void,
  depth: number,
): void {
  put("{");
  // RFC 8785 §3.2.3: names in order of their UTF-16 units, which is what sort() does.
  keys(value)
    .sort()
    .forEach((name, i) => {
      put(`${i > 0 ? "," : ""}${spellString(name)}:`);
      write(value[name], put, depth + 1);
    });
  put("}");
}

function isPlain(value: object): boolean {
  const prototype = getPrototypeOf(value);
  return prototype === plain || prototype === null;
}

function spellNumber(value: number): string {
  if (!isSafeInteger(value)) {
    throw new OutputRefused(`output holds ${value}: only integers below 2^53 are numbers here`);
  }
  return `${value}`;
}

function spellString(value: string): string {
  if (loneSurrogate.test(value)) throw new OutputRefused("output holds a lone surrogate");
  return stringify(value);
}
