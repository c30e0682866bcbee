/** This file is where a realm loses everything that is not pure, finite JavaScript. */

/** What programs and the runtime itself may still name. No Function, eval, Date, Proxy or RegExp. */
const GLOBALS = new Set<PropertyKey>([
  "Array", "ArrayBuffer", "BigInt", "BigInt64Array", "BigUint64Array", "Boolean", "DataView",
  "Error", "EvalError", "Float32Array", "Float64Array", "Infinity", "Int16Array", "Int32Array",
  "Int8Array", "JSON", "Map", "Math", "NaN", "Number", "Object", "RangeError", "ReferenceError",
  "Set", "String", "Symbol", "SyntaxError", "TypeError", "URIError", "Uint16Array", "Uint32Array",
  "Uint8Array", "Uint8ClampedArray", "isFinite", "isNaN", "parseFloat", "parseInt", "undefined",
]);

/** Correctly rounded or exact in every engine; the rest of Math is not, or is random. */
const MATH = new Set<PropertyKey>([
  "E", "LN10", "LN2", "LOG10E", "LOG2E", "PI", "SQRT1_2", "SQRT2", "abs", "ceil", "clz32", "floor",
  "fround", "imul", "max", "min", "round", "sign", "sqrt", "trunc",
]);

/** Answers that depend on the machine's language, on its Unicode version, or on the call stack. */
const IMPURE = new Set<PropertyKey>([
  "toLocaleString", "toLocaleUpperCase", "toLocaleLowerCase", "localeCompare", "normalize",
  "toUpperCase", "toLowerCase", "captureStackTrace", "prepareStackTrace", "stackTraceLimit",
  "compile",
]);

const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { deleteProperty, ownKeys } = Reflect;
const isView = ArrayBuffer.isView;
const realm = globalThis;

/**
 * Deletes every global off the list, on the global object and all along its prototype chain, every
 * way to make functions from text, and what answers differently elsewhere; then freezes all that is
 * left and everything reachable from `kept`, so that one program leaves nothing for the next.
 * Throws Error naming a global that would not go. What the runtime needs it has captured before.
 */
export function lockdown(kept: object): void {
  const intrinsics = hiddenIntrinsics();
  (Error as { stackTraceLimit?: number }).stackTraceLimit = 0;
  for (const intrinsic of intrinsics) {
    if (typeof getOwnPropertyDescriptor(intrinsic, "constructor")?.value === "function") {
      remove(intrinsic, "constructor");
    }
  }
  keepOnly(Math, MATH);
  keepOnly(realm, GLOBALS);
  for (
    let holder = getPrototypeOf(realm);
    holder !== null && holder !== Object.prototype;
    holder = getPrototypeOf(holder)
  ) keepOnly(holder, new Set());
  harden([realm, kept, ...intrinsics]);
}

/** Objects that syntax reaches without a name. */
function hiddenIntrinsics(): object[] {
  const generator = function* (): Generator {};
  const asyncGenerator = async function* (): AsyncGenerator {};
  const values: object[] = [
    function () {}, async () => {}, generator, asyncGenerator, generator.prototype,
    asyncGenerator.prototype, /x/, [][Symbol.iterator](), ""[Symbol.iterator](),
    "".matchAll(/x/g), new Map()[Symbol.iterator](), new Set()[Symbol.iterator](),
  ];
  // Newer engines: what iterators are turned into.
  const iterator = [][Symbol.iterator]() as unknown as { map?: (each: () => 0) => object };
  if (iterator.map) values.push(iterator.map(() => 0));
  const { Iterator: made } = realm as { Iterator?: { from?: (like: object) => object } };
  if (made?.from) values.push(made.from({ next() {} }));
  const found: object[] = [Promise.prototype];
  for (const value of values) found.push(getPrototypeOf(value) as object);
  return found;
}

function keepOnly(holder: object, names: Set<PropertyKey>): void {
  for (const key of ownKeys(holder)) {
    if (names.has(key) || key === Symbol.toStringTag) continue;
    remove(holder, key);
  }
}

function remove(holder: object, key: PropertyKey): void {
  // Behind a deleted global of Deno's stands V8's own of the same name.
  for (let i = 0; i < 8 && getOwnPropertyDescriptor(holder, key); i++) deleteProperty(holder, key);
  const property = getOwnPropertyDescriptor(holder, key);
  // Chromium's constants TEMPORARY and PERSISTENT cannot go; a number leads nowhere.
  if (!property || typeof property.value === "number") return;
  if (!property.writable) throw new Error(`cannot remove ${String(key)}`);
  defineProperty(holder, key, { value: undefined, writable: false });
}

function harden(roots: object[]): void {
  const seen = new Set<object>();
  const waiting = [...roots];
  for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) {
    if (seen.has(item)) continue;
    seen.add(item);
    for (const key of ownKeys(item)) {
      if (IMPURE.has(key)) {
        remove(item, key);
        continue;
      }
      const property = getOwnPropertyDescriptor(item, key);
      for (const value of [property?.value, property?.get, property?.set] as unknown[]) {
        if (isObject(value)) waiting.push(value);
      }
    }
    const prototype: unknown = getPrototypeOf(item);
    if (isObject(prototype)) waiting.push(prototype);
    if (!isView(item)) freeze(item);
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
