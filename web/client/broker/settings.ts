/** This file is where it stands what a volunteer may choose, with its defaults and limits. */

export interface Settings {
  /** Web Workers at once, each with one work unit. */
  cores: number;
  /** Share of each core's time that computing may take, 10 to 100. */
  dutyPercent: number;
  /** Local hours of the day when it computes, from `from` until before `until`; over midnight
   * where `from` is the later one. null for always. */
  hours: { from: number; until: number } | null;
  /** Whether it computes on battery. */
  onBattery: boolean;
  /** Whether it computes while the browser asks sites to save data. */
  onSaveData: boolean;
  /** Whether it goes on while no tab with it is in view. */
  hiddenTab: boolean;
  /** Millions of bytes fetched for work units on one day; null for no limit. */
  dataMbPerDay: number | null;
  /** Requesters by name: only theirs when any is named, the dearest first; or none of theirs. */
  owners: string[];
  refuseOwners: string[];
  topics: string[];
  refuseTopics: string[];
}

/** What nobody minds who did not choose: one core, a quarter of it, mains, a tab in view. */
export const DEFAULTS: Readonly<Settings> = Object.freeze({
  cores: 1,
  dutyPercent: 25,
  hours: null,
  onBattery: false,
  onSaveData: false,
  hiddenTab: false,
  dataMbPerDay: 200,
  owners: [],
  refuseOwners: [],
  topics: [],
  refuseTopics: [],
});

/** The server takes no longer lists and no longer words. */
export const NAMED_MAX = 32;
const NAME_CHARS_MAX = 200;
const TOPIC = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const CORES_MAX = 64;
export const DUTY_PERCENT_MIN = 10;
const DATA_MB_MAX = 1_000_000;

/** Settings as they were kept: whatever is missing or makes no sense is as nobody chose it. */
export function settingsOf(kept: unknown): Settings {
  const given = (typeof kept === "object" && kept !== null ? kept : {}) as Record<string, unknown>;
  return {
    cores: whole(given["cores"], 1, CORES_MAX) ?? DEFAULTS.cores,
    dutyPercent: whole(given["dutyPercent"], DUTY_PERCENT_MIN, 100) ?? DEFAULTS.dutyPercent,
    hours: hoursOf(given["hours"]),
    onBattery: given["onBattery"] === true,
    onSaveData: given["onSaveData"] === true,
    hiddenTab: given["hiddenTab"] === true,
    dataMbPerDay: given["dataMbPerDay"] === null ? null : (whole(given["dataMbPerDay"], 1, DATA_MB_MAX) ?? DEFAULTS.dataMbPerDay),
    owners: words(given["owners"], (word) => word.length <= NAME_CHARS_MAX),
    refuseOwners: words(given["refuseOwners"], (word) => word.length <= NAME_CHARS_MAX),
    topics: words(given["topics"], (word) => TOPIC.test(word)),
    refuseTopics: words(given["refuseTopics"], (word) => TOPIC.test(word)),
  };
}

/** Whether it may compute at this local hour, 0 to 23. */
export function withinHours({ hours }: Pick<Settings, "hours">, hour: number): boolean {
  if (hours === null || hours.from === hours.until) return true;
  const { from, until } = hours;
  return from < until ? from <= hour && hour < until : from <= hour || hour < until;
}

function whole(value: unknown, least: number, most: number): number | null {
  return typeof value === "number" && Number.isInteger(value) && least <= value && value <= most ? value : null;
}

function hoursOf(value: unknown): Settings["hours"] {
  const { from, until } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const [first, last] = [whole(from, 0, 23), whole(until, 0, 24)];
  return first === null || last === null ? null : { from: first, until: last };
}

function words(value: unknown, fits: (word: string) => boolean): string[] {
  if (!Array.isArray(value)) return [];
  const clean = value.filter((one) => typeof one === "string").map((one) => one.trim());
  return [...new Set(clean)].filter((one) => one !== "" && fits(one)).slice(0, NAMED_MAX);
}
