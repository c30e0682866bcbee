// This file is where the list of jobs keeps its progress bars fresh.

const list = document.querySelector("[data-events]");

async function refresh() {
  const answer = await fetch(list.dataset.api);
  if (!answer.ok) return;
  for (const job of (await answer.json()).items) {
    const row = list.querySelector(`[data-job="${CSS.escape(job.id)}"]`);
    if (!row) continue;
    row.querySelector("progress").value = job.progress;
    row.querySelector("[data-part=decided]").textContent = job.counts.decided.toLocaleString("en");
    const state = row.querySelector("[data-part=state]");
    state.textContent = job.state;
    state.className = `chip ${job.state}`;
  }
}

const source = new EventSource(list.dataset.events);
source.addEventListener("server", () => void refresh().catch(() => {}));
addEventListener("pagehide", () => source.close());
