// Help with typing on a record: phrases for the note, quick choices of days and times, the preview of a promise.
import { post, SignedOut } from "./request.js";

const MINUTE = 60000;
const DAY = 24 * 60 * MINUTE;
const SATURDAY = 6;
const began = performance.now();

// -- quick choices

document.addEventListener("click", (event) => {
  const fill = event.target.closest("button[data-fill]");
  const recall = event.target.closest("button[data-recall]");
  if (fill) set(fill.form.elements.namedItem(fill.dataset.fill), fill.dataset.value);
  if (recall) {
    const box = recall.form.querySelector(".recall-form");
    if (box) box.open = true;
    set(recall.form.elements.namedItem("recall_at"), recallTime(recall));
  }
  const day = event.target.closest("button[data-promise-day]");
  if (day) promiseAll(day);
});

// The whole amount on one day: what is said most often, in one click.
function promiseAll(button) {
  const { form, dataset } = button;
  const box = form.querySelector(".promise-form");
  box.open = true;
  box.querySelector('[name="promise"][value="single"]').checked = true;
  set(form.elements.namedItem("promise_total"), button.closest("[data-total]").dataset.total);
  set(form.elements.namedItem("promise_first"), dataset.promiseDay);
}

function set(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// The office's wall clock, as if it were UTC: counted on from the server's time, because this machine's may be wrong.
function recallTime(button) {
  const now = Date.parse(`${button.closest("[data-now]").dataset.now}Z`) + performance.now() - began;
  const kind = button.dataset.recall;
  if (kind === "tomorrow") return text(now + DAY);
  if (kind !== "saturday") return text(now + Number(kind) * MINUTE);
  const days = (SATURDAY - new Date(now).getUTCDay() + 7) % 7 || 7;
  return `${text(now + days * DAY).slice(0, 10)}T10:00`;
}

function text(at) {
  return new Date(at).toISOString().slice(0, 16);
}

// -- promise

let timer = 0;
let asked = 0;

document.addEventListener("input", (event) => {
  const box = event.target.closest(".promise-form");
  if (!box) return;
  const kind = box.querySelector('[name="promise"]:checked').value;
  const count = event.target.name === "promise_count" && event.target.value;
  if (count || (!kind && event.target.type !== "radio" && event.target.value)) {
    box.querySelector(`[name="promise"][value="${count ? "split" : "single"}"]`).checked = true;
  }
  clearTimeout(timer);
  timer = setTimeout(() => preview(box), 250);
});

async function preview(box) {
  const place = box.querySelector(".preview");
  const value = (name) => box.querySelector(`[name="${name}"]`).value;
  const kind = box.querySelector('[name="promise"]:checked').value;
  box.querySelectorAll("[data-error-for]").forEach((one) => { one.textContent = ""; });
  const hand = kind === "hand" ? handLines(box) : [];
  const ready = hand.length || (value("promise_total") && value("promise_first") && (kind !== "split" || value("promise_count")));
  if (!kind || !ready || (kind === "hand" && !hand.length)) {
    place.replaceChildren();
    return;
  }
  const fields = new URLSearchParams({ area: box.dataset.area, promise: kind });
  ["promise_total", "promise_first", "promise_count"].forEach((name) => fields.set(name, value(name)));
  hand.forEach(([name, typed]) => fields.set(name, typed));
  asked += 1;
  const mine = asked;
  try {
    const answer = await post(box.dataset.preview, fields);
    if (mine !== asked) return;
    if (answer.ok) place.innerHTML = await answer.text();
    else beside(box, place, await answer.json());
  } catch (error) {
    if (!(error instanceof SignedOut) && !(error instanceof TypeError)) throw error;
  }
}

// A line is looked at once it has both its day and its amount: half a line is still being typed.
function handLines(box) {
  return [...box.querySelectorAll(".hand-line")]
    .map((line) => [...line.querySelectorAll("input")])
    .filter((inputs) => inputs.every((input) => input.value))
    .flatMap((inputs) => inputs.map((input) => [input.name, input.value]));
}

document.addEventListener("click", (event) => {
  const more = event.target.closest("button[data-more-lines]");
  if (!more) return;
  const line = more.closest(".hand-lines").querySelector(".hand-line[hidden]");
  if (line) line.hidden = false;
  line?.querySelector("input").focus();
});

function beside(box, place, problem) {
  place.replaceChildren();
  Object.entries(problem.fields ?? {}).forEach(([name, sentence]) => {
    const spot = box.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
    if (spot) spot.textContent = sentence;
  });
}

// -- recall: whether the person may be called at the time that is being booked

let checking = 0;

document.addEventListener("input", (event) => {
  const box = event.target.closest("[data-check]");
  if (!box) return;
  clearTimeout(checking);
  checking = setTimeout(() => check(box), 250);
});

document.addEventListener("reset", (event) => {
  event.target.querySelectorAll(".recall-warning").forEach((place) => place.replaceChildren());
});

async function check(box) {
  const place = box.querySelector(".recall-warning");
  const value = (name) => box.querySelector(`[name="${name}"]`).value;
  if (!value("recall_at")) {
    place.replaceChildren();
    return;
  }
  const fields = new URLSearchParams({ area: box.dataset.area, recall_at: value("recall_at"), recall_phone: value("recall_phone") });
  try {
    const answer = await post(box.dataset.check, fields);
    box.querySelectorAll("[data-error-for]").forEach((one) => { one.textContent = ""; });
    if (answer.ok) place.innerHTML = await answer.text();
    else beside(box, place, await answer.json());
  } catch (error) {
    if (!(error instanceof SignedOut) && !(error instanceof TypeError)) throw error;
  }
}

// -- phrases

function phrasesOf(field) {
  return [...document.getElementById(field.dataset.phrases).options].map((option) => option.value);
}

function wordBefore(field) {
  const before = field.value.slice(0, field.selectionStart);
  return before.slice(Math.max(before.lastIndexOf("\n"), before.lastIndexOf("。")) + 1).trimStart();
}

function offer(field, all) {
  const word = wordBefore(field);
  const found = word || all ? phrasesOf(field).filter((phrase) => phrase !== word && phrase.includes(word)) : [];
  close(field);
  if (!found.length) return;
  const list = document.createElement("ul");
  list.className = "phrases";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "定型文");
  found.forEach((phrase, index) => {
    const item = document.createElement("li");
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(all && index === 0));
    item.textContent = phrase;
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(field, phrase);
    });
    list.append(item);
  });
  field.parentElement.classList.add("phrase-place");
  field.after(list);
}

function listOf(field) {
  return field.parentElement.querySelector(".phrases");
}

function close(field) {
  listOf(field)?.remove();
}

function take(field, phrase) {
  const word = wordBefore(field);
  const at = field.selectionStart;
  field.setRangeText(phrase, at - word.length, at, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close(field);
}

function move(list, step) {
  const items = [...list.children];
  const from = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  const to = step > 0 ? Math.min(from + 1, items.length - 1) : Math.max(from - 1, 0);
  items.forEach((item, index) => item.setAttribute("aria-selected", String(index === to)));
  items[to].scrollIntoView({ block: "nearest" });
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-phrases]") && event.isTrusted) offer(event.target, false);
});

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (!field.matches?.("[data-phrases]") || event.isComposing) return;
  if (event.ctrlKey && event.code === "Space") {
    event.preventDefault();
    offer(field, true);
    return;
  }
  const list = listOf(field);
  if (!list || event.ctrlKey) return;
  const chosen = list.querySelector('[aria-selected="true"]');
  if (event.key === "ArrowDown" || event.key === "ArrowUp") move(list, event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Escape") close(field);
  else if ((event.key === "Enter" || event.key === "Tab") && chosen) take(field, chosen.textContent);
  else return;
  event.preventDefault();
});

document.addEventListener("focusout", (event) => {
  if (event.target.matches?.("[data-phrases]")) close(event.target);
});
