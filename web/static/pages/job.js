// This file is where a job's page follows the job; what is new beyond figures is loaded anew.

const page = document.querySelector("[data-events]");
const bar = page.querySelector("progress");
const state = page.querySelector("[data-part=state]");
const shown = { state: state.textContent, sealed: page.dataset.sealed };

const UNITS = [[86_400, 172_800, "days"], [3_600, 5_400, "h"], [60, 90, "min"], [1, 0, "s"]];

/** In the unit that says enough, as the server spells it. */
function duration(seconds) {
  const [size, , unit] = UNITS.find(([, least]) => seconds >= least);
  return `${Math.round(seconds / size)} ${unit}`;
}

const source = new EventSource(page.dataset.events);
source.addEventListener("job", ({ data }) => {
  const job = JSON.parse(data);
  bar.value = job.progress;
  page.querySelector("[data-part=percent]").textContent = `${Math.floor(job.progress * 100)} %`;
  page.querySelector("[data-part=decided]").textContent = job.counts.decided.toLocaleString("en");
  page.querySelector("[data-part=left]").textContent = job.left_s
    ? `, about ${duration(job.left_s)} left at this pace`
    : "";
  state.textContent = job.state;
  state.className = `chip ${job.state}`;
  if (job.state !== shown.state || String(job.sealed) !== shown.sealed) {
    source.close();
    location.reload();
  }
});

addEventListener("pagehide", () => source.close());
