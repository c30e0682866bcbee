/** This file is where the figure that a card shows is held against the output that the log names. */

import { tableFromIPC } from "@uwdata/flechette";
import { digest } from "../frame/digest.ts";
import { Broken, only, said, type Source } from "../verify/evidence.ts";
import type { Drawn } from "../verify/several.ts";

export interface OutputColumn {
  name: string;
  type: string;
  scale?: number;
}

export interface Card {
  server: string;
  sandbox: string;
  job: string;
  version: number;
  manifest: string;
  keys: string[];
  spec: unknown;
  rows: unknown[][];
}

interface Manifest {
  columns: OutputColumn[];
  parts: { digest: string; rows: number }[];
  made_from: { spec_digest: string };
}

/** Throws Broken when the card shows another spec, or other rows, than the log's output has. */
export async function checkFigure(source: Source, card: Card, found: Drawn): Promise<void> {
  if (found.manifest !== card.manifest) {
    throw new Broken("retracted: the log names another output than this card shows");
  }
  const entries = await said(found.evidence, found.tree, card.job);
  const submitted = only(entries, "job", ({ event }) => event === "submitted");
  const bytes = await source.blob(`/api/v1/blobs/${card.manifest}`);
  if ((await digest(bytes.slice(0))) !== card.manifest) throw new Broken("the manifest was changed");
  const manifest = JSON.parse(new TextDecoder().decode(bytes)) as Manifest;
  const spec = new TextEncoder().encode(canonical(card.spec));
  const specDigest = await digest(spec.buffer);
  if (specDigest !== submitted?.spec_digest) throw new Broken("the spec on this card is not the one submitted");
  const shown = card.rows.map((row) => JSON.stringify(row));
  const rows = await firstRows(source, manifest, shown.length);
  const wrong = shown.findIndex((row, at) => row !== rows[at]);
  if (wrong >= 0) throw new Broken(`row ${wrong + 1} on this card is ${shown[wrong]}, and the output has ${rows[wrong]}`);
}

async function firstRows(source: Source, manifest: Manifest, count: number): Promise<string[]> {
  const rows: string[] = [];
  for (const part of manifest.parts) {
    if (rows.length >= count) break;
    const bytes = await source.blob(`/api/v1/blobs/${part.digest}`);
    if ((await digest(bytes.slice(0))) !== part.digest) throw new Broken("a part of the output was changed");
    const table = tableFromIPC(bytes, { useBigInt: true, useDecimalInt: true, useDate: false });
    const columns = manifest.columns.map((column, at) => ({ column, values: table.getChildAt(at) }));
    for (let row = 0; row < part.rows && rows.length < count; row++) {
      rows.push(JSON.stringify(columns.map(({ column, values }) => spelled(values.at(row) as unknown, column))));
    }
  }
  return rows;
}

/** As the server's JSON spells it; whole numbers beyond 2⁵³ are texts. */
function spelled(value: unknown, { type, scale = 0 }: OutputColumn): unknown {
  if (value === null || value === undefined) return null;
  if (type === "double") {
    const number = Number(value);
    return Number.isFinite(number) ? number : String(number);
  }
  if (type === "boolean" || type === "text") return value;
  const whole = BigInt(value as bigint | number);
  if (type === "date") return day(Number(whole));
  if (type === "timestamp") return moment(whole);
  if (type === "decimal") return decimal(whole, scale);
  return whole >= -MAX && whole <= MAX ? Number(whole) : String(whole);
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const DAY_US = 86_400_000_000n;

const day = (days: number): string => new Date(days * 86_400_000).toISOString().slice(0, 10);

function moment(us: bigint): string {
  const inDay = ((us % DAY_US) + DAY_US) % DAY_US;
  const time = new Date(Number(inDay / 1000n)).toISOString().slice(11, 19);
  const rest = inDay % 1_000_000n;
  const places = rest ? `.${rest.toString().padStart(6, "0").replace(/0+$/, "")}` : "";
  return `${day(Number((us - inDay) / DAY_US))} ${time}${places}`;
}

function decimal(whole: bigint, scale: number): string {
  const digits = (whole < 0n ? -whole : whole).toString().padStart(scale + 1, "0");
  const text = scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
  return whole < 0n ? `-${text}` : text;
}

/** RFC 8785, which is what this is for values that came out of JSON. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const pairs = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
    return `{${pairs.map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
