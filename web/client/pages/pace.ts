// This file is where a job's pace is reckoned from the counts that its events bring.

/** How far back the pace looks. */
const WINDOW_S = 60;

export class Pace {
  private readonly samples: [number, number][] = [];

  /** So many work units were decided at this time, in seconds. */
  note(now: number, decided: number): void {
    this.samples.push([now, decided]);
    while (this.samples.length > 2 && (this.samples[1]?.[0] ?? now) < now - WINDOW_S) this.samples.shift();
  }

  /** Work units a minute; null while too little has been seen. */
  perMinute(): number | null {
    const first = this.samples[0];
    const last = this.samples[this.samples.length - 1];
    if (!first || !last || last[0] - first[0] < 2 || last[1] <= first[1]) return null;
    return ((last[1] - first[1]) * 60) / (last[0] - first[0]);
  }

  /** What a person is told; nothing while it is unknown. */
  words(): string {
    const pace = this.perMinute();
    if (pace === null) return "";
    return `${pace >= 10 ? Math.round(pace).toLocaleString("en") : pace.toPrecision(2)} a minute`;
  }
}

const UNITS = [
  [86_400, 172_800, "days"],
  [3_600, 5_400, "h"],
  [60, 90, "min"],
  [1, 0, "s"],
] as const;

/** Seconds in the unit that says enough, as the server spells them. */
export function duration(seconds: number): string {
  const [size, , unit] = UNITS.find(([, least]) => seconds >= least) ?? UNITS[3];
  return `${Math.round(seconds / size)} ${unit}`;
}
