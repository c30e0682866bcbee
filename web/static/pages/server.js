// This file is where the first page keeps its figures fresh.

const places = document.querySelectorAll("[data-live]");
const source = new EventSource(document.querySelector("[data-events]").dataset.events);

source.addEventListener("server", ({ data }) => {
  const facts = JSON.parse(data);
  for (const place of places) {
    place.textContent = Number(facts[place.dataset.live]).toLocaleString("en");
  }
});

addEventListener("pagehide", () => source.close());
