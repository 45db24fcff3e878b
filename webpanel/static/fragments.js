// Live parts of a page: an element with `data-fragment` is filled from that address whenever something changes.
// What is being typed into, pressed, or has a menu open, is never replaced: the part waits until it is left. Focus goes back to where it was.
import { tick } from "./clock.js";
import { request, SignedOut } from "./request.js";

const waiting = new Map();
const running = new Map();
const HEAD_START = 300;
let first = Promise.resolve();

export async function refresh(part) {
  if (running.has(part)) {
    running.set(part, "again");
    return;
  }
  running.set(part, "once");
  try {
    const answer = await request(part.dataset.fragment);
    if (answer.ok) put(part, await answer.text());
  } catch (error) {
    if (!(error instanceof SignedOut) && !(error instanceof TypeError)) throw error;
  } finally {
    const again = running.get(part) === "again";
    running.delete(part);
    if (again) refresh(part);
  }
}

// `topic` "" means everything; otherwise the parts that named this topic, or none at all. What has `data-urgent` is asked
// for first, and the rest when it is there, or at the latest after HEAD_START.
export function refreshAll(topic = "") {
  const parts = [...document.querySelectorAll("[data-fragment]")].filter((part) => {
    const topics = (part.dataset.topics ?? "duty call attempt command").split(" ");
    return topic === "" || topics.includes(topic);
  });
  const urgent = parts.filter((part) => "urgent" in part.dataset);
  if (urgent.length > 0) {
    const late = new Promise((resolve) => setTimeout(resolve, HEAD_START));
    first = Promise.race([late, Promise.allSettled(urgent.map(refresh))]);
  }
  first.then(() => parts.forEach((part) => urgent.includes(part) || refresh(part)));
}

function put(part, html) {
  if (isBeingUsed(part)) {
    waiting.set(part, html);
    return;
  }
  waiting.delete(part);
  const place = focusIn(part);
  const sayAgain = whatFormsSaid(part);
  part.innerHTML = html;
  sayAgain();
  part.dispatchEvent(new CustomEvent("saikoku:shown", { bubbles: true }));
  tick();
  if (place) (part.querySelector(place) ?? part.querySelector("button, a, select"))?.focus({ preventScroll: true });
}

// What was done, or why it was not, stays beside its form when the part is shown anew, until the next try.
function whatFormsSaid(part) {
  const places = ["[data-form-error]", "[data-form-note]"];
  const said = [...part.querySelectorAll("form[data-send]")].flatMap((form) =>
    places.map((place) => [`form[action="${CSS.escape(form.getAttribute("action"))}"] ${place}`, form.querySelector(place)?.textContent]),
  );
  return () => said.filter(([, words]) => words).forEach(([where, words]) => {
    const place = part.querySelector(where);
    if (place) place.textContent = words;
  });
}

function isBeingUsed(part) {
  const active = document.activeElement;
  const typing = part.contains(active) && active.matches("input, textarea, select");
  const pressed = part.querySelector(":active") !== null; // of a button that is gone when it is let go nothing comes
  return typing || pressed || part.querySelector("details[data-menu][open]") !== null;
}

function focusIn(part) {
  const active = document.activeElement;
  if (!part.contains(active) || active === part) return null;
  if (active.id) return `#${CSS.escape(active.id)}`;
  if (active.matches("a[href]")) return `a[href="${CSS.escape(active.getAttribute("href"))}"]`;
  const form = active.closest("form");
  return form ? `form[action="${CSS.escape(form.getAttribute("action"))}"] button` : "button, a";
}

function catchUp() {
  setTimeout(() => waiting.forEach((html, part) => put(part, html)), 0);
}

document.addEventListener("focusout", catchUp);
document.addEventListener("pointerup", catchUp);
document.addEventListener("keyup", catchUp);
document.addEventListener("toggle", catchUp, true);

// What takes its time is asked for once the page is there.
document.querySelectorAll("[data-later]").forEach(refresh);
