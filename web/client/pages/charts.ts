// This file is where figures become pictures, in the page's own colours; Chart.js draws them.

import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  LineController,
  LineElement,
  LinearScale,
  PointElement,
  Tooltip,
} from "chart.js";
import { colour } from "./colours.ts";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LineController, LineElement, PointElement, Tooltip);

export type Kind = "bars" | "line";

export interface Series {
  readonly labels: readonly string[];
  readonly values: readonly (number | null)[];
  /** What the values are, for the tooltip and for whoever cannot see the picture. */
  readonly name: string;
}

/** Draws `series` on the canvas, in place of what was on it. */
export function draw(canvas: HTMLCanvasElement, kind: Kind, series: Series): void {
  Chart.getChart(canvas)?.destroy();
  const ink = colour("--soft");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${series.name}: ${series.values.length} values`);
  new Chart(canvas, {
    type: kind === "bars" ? "bar" : "line",
    data: {
      labels: [...series.labels],
      datasets: [
        {
          label: series.name,
          data: [...series.values],
          backgroundColor: colour("--accent"),
          borderColor: colour("--accent"),
          borderWidth: kind === "bars" ? 0 : 2,
          borderRadius: 2,
          maxBarThickness: 48,
          pointRadius: series.values.length > 100 ? 0 : 2,
        },
      ],
    },
    options: {
      maintainAspectRatio: false,
      animation: still ? false : { duration: 250 },
      plugins: { tooltip: { enabled: true } },
      scales: {
        x: { ticks: { color: ink, maxRotation: 45, autoSkipPadding: 12 }, grid: { display: false } },
        y: { beginAtZero: kind === "bars", ticks: { color: ink }, grid: { color: colour("--line") } },
      },
    },
  });
}
