// Counts the seconds beside a state: `data-since` and `data-now` are the server's seconds, so that this machine's clock,
// which may be wrong, is only used to count on.

const begun = new WeakMap();

function show(element) {
  if (!begun.has(element)) {
    begun.set(element, performance.now() - (Number(element.dataset.now) - Number(element.dataset.since)) * 1000);
  }
  const seconds = Math.max(0, Math.floor((performance.now() - begun.get(element)) / 1000));
  const hours = Math.floor(seconds / 3600);
  const rest = `${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
  element.textContent = hours ? `${hours}:${rest}` : rest;
}

export function tick() {
  document.querySelectorAll("[data-since]").forEach(show);
}

tick();
setInterval(tick, 1000);
