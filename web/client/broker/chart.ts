/** This file is where the last ten minutes are drawn: work units done, and the share of a core. */

const SPAN_MS = 600_000;
const BARS = 60;
const BAR_MS = SPAN_MS / BARS;
const [WIDTH, HEIGHT] = [600, 80];
const SVG = "http://www.w3.org/2000/svg";
/** What a rate is read off. */
const MINUTE_MS = 60_000;

export class Chart {
  readonly #units: number[] = [];
  readonly #shares: { at: number; cpu: number }[] = [];
  readonly #picture: SVGSVGElement | null;
  #drawnAt = 0;
  #begun: number | null = null;

  constructor(at: HTMLElement | null) {
    this.#picture = at && document.createElementNS(SVG, "svg");
    if (!at || !this.#picture) return;
    this.#picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.#picture.setAttribute("preserveAspectRatio", "none");
    this.#picture.setAttribute("role", "img");
    this.#picture.setAttribute("aria-label", "Nothing was computed in the last ten minutes.");
    at.append(this.#picture);
  }

  done(now: number): void {
    this.#begun ??= now;
    this.#units.push(now);
    this.#draw(now, true);
  }

  used(cpu: number, now: number): void {
    this.#begun ??= now;
    this.#shares.push({ at: now, cpu });
    this.#draw(now, false);
  }

  /** Work units a minute over the last minute, or over the time since it began if that is less. */
  perMinute(now: number): number {
    const span = Math.min(MINUTE_MS, Math.max(now - (this.#begun ?? now), BAR_MS));
    return (this.#units.filter((at) => at > now - span).length * MINUTE_MS) / span;
  }

  /** Of one core, over the last ten seconds. */
  share(now: number): number {
    const lately = this.#shares.filter(({ at }) => at > now - BAR_MS);
    return lately.reduce((sum, { cpu }) => sum + cpu, 0) / Math.max(lately.length, 1);
  }

  #draw(now: number, atOnce: boolean): void {
    while (this.#units[0] !== undefined && this.#units[0] < now - SPAN_MS) this.#units.shift();
    while (this.#shares[0] && this.#shares[0].at < now - SPAN_MS) this.#shares.shift();
    if (!this.#picture || (!atOnce && now - this.#drawnAt < BAR_MS / 2)) return;
    this.#drawnAt = now;
    const counts = new Array<number>(BARS).fill(0);
    for (const at of this.#units) counts[this.#bar(at, now)]! += 1;
    const most = Math.max(...counts, 1);
    const bars = counts.flatMap((count, at) => (count ? [this.#rect(at, count / most)] : []));
    const cores = Math.max(1, ...this.#shares.map(({ cpu }) => cpu));
    const points = this.#shares.map(({ at, cpu }) => `${WIDTH - ((now - at) / SPAN_MS) * WIDTH},${HEIGHT - (cpu / cores) * (HEIGHT - 4) - 2}`);
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", points.join(" "));
    this.#picture.replaceChildren(...bars, line);
    this.#picture.setAttribute("aria-label", `Last ten minutes: ${this.#units.length} work units, ${this.perMinute(now).toFixed(1)} a minute now.`);
  }

  #bar(at: number, now: number): number {
    return Math.min(BARS - 1, Math.max(0, BARS - 1 - Math.floor((now - at) / BAR_MS)));
  }

  #rect(at: number, share: number): SVGRectElement {
    const bar = document.createElementNS(SVG, "rect");
    const [wide, high] = [WIDTH / BARS, share * HEIGHT];
    const values = { x: at * wide + 1, y: HEIGHT - high, width: wide - 2, height: high };
    for (const [name, value] of Object.entries(values)) bar.setAttribute(name, String(value));
    return bar;
  }
}
