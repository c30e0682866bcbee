// This file is where a job's page follows the job; what is new beyond figures is loaded anew.

const page = document.querySelector("[data-events]");
const bar = page.querySelector("progress");
const state = page.querySelector("[data-part=state]");
const shown = { state: state.textContent, sealed: page.dataset.sealed };

const source = new EventSource(page.dataset.events);
source.addEventListener("job", ({ data }) => {
  const job = JSON.parse(data);
  bar.value = job.progress;
  page.querySelector("[data-part=percent]").textContent = `${Math.floor(job.progress * 100)} %`;
  page.querySelector("[data-part=decided]").textContent = job.counts.decided.toLocaleString("en");
  state.textContent = job.state;
  state.className = `chip ${job.state}`;
  if (job.state !== shown.state || String(job.sealed) !== shown.sealed) {
    source.close();
    location.reload();
  }
});

addEventListener("pagehide", () => source.close());
