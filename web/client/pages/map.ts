// This file is where all work units of a job are seen at once: a canvas, a cell each.

import { colour } from "./colours.ts";

/** Width of a cell with its gap, in CSS pixels, at most and at least. */
const CELL_MAX = 14;
const CELL_MIN = 2;
/** Cells are made small enough for a map of this height. */
const HEIGHT_MAX = 360;

const COLOURS: Record<string, string> = { a: "--accent", t: "--server", b: "--warn", g: "--bad", o: "--line" };

export interface Layout {
  readonly columns: number;
  readonly cell: number;
  readonly rows: number;
}

/** How many cells stand in a row, and how wide they are, for so many in so much width. */
export function layout(count: number, width: number): Layout {
  for (let cell = CELL_MAX; ; cell -= 1) {
    const columns = Math.max(1, Math.floor(width / cell));
    const rows = Math.ceil(count / columns);
    if (rows * cell <= HEIGHT_MAX || cell === CELL_MIN) return { columns, cell, rows };
  }
}

/** The work unit at a point of the canvas, in CSS pixels; -1 where there is none. */
export function placeAt(found: Layout, count: number, x: number, y: number): number {
  const column = Math.floor(x / found.cell);
  const place = Math.floor(y / found.cell) * found.columns + column;
  return column >= 0 && column < found.columns && place >= 0 && place < count ? place : -1;
}

/** Draws one letter a work unit, and leads from a cell to where `go` goes. */
export function drawMap(canvas: HTMLCanvasElement, units: string, go: (place: number) => void): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const paint = (): Layout => {
    const found = layout(units.length, canvas.parentElement?.clientWidth ?? 600);
    const ratio = devicePixelRatio;
    canvas.width = found.columns * found.cell * ratio;
    canvas.height = found.rows * found.cell * ratio;
    canvas.style.width = `${found.columns * found.cell}px`;
    canvas.style.height = `${found.rows * found.cell}px`;
    context.scale(ratio, ratio);
    const gap = found.cell > 4 ? 1 : 0;
    for (const [letter, name] of Object.entries(COLOURS)) {
      context.fillStyle = colour(name);
      for (let place = units.indexOf(letter); place >= 0; place = units.indexOf(letter, place + 1)) {
        const x = (place % found.columns) * found.cell;
        const y = Math.floor(place / found.columns) * found.cell;
        context.fillRect(x, y, found.cell - gap, found.cell - gap);
      }
    }
    return found;
  };
  let found = paint();
  addEventListener("resize", () => (found = paint()));
  const at = (event: MouseEvent) => placeAt(found, units.length, event.offsetX, event.offsetY);
  canvas.addEventListener("click", (event) => {
    const place = at(event);
    if (place >= 0) go(place);
  });
  canvas.addEventListener("mousemove", (event) => {
    const place = at(event);
    canvas.title = place < 0 ? "" : `work unit ${place}`;
  });
}
