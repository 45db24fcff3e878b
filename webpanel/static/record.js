// The record while it is open: draws again what a change concerns, and helps with what is typed. Nothing that is being
// typed is ever replaced.
import { notice } from "./notices.js";
import { request, SignedOut } from "./request.js";
import "./record-entry.js";
import "./record-player.js";
import "./sms.js";

const record = document.querySelector(".record");
const CALL_TOPICS = new Set(["call", "attempt", "duty", "command"]);
let drawing = false;
let again = false;

function isTouched(part) {
  return [...part.querySelectorAll("input, textarea, select")].some((field) => {
    if (field.type === "hidden" || (field.closest(".sms-box") && !part.closest(".sms-box"))) return false;
    if (field.matches("select")) return [...field.options].some((option) => option.selected !== option.defaultSelected && option.index > 0);
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return field.value !== field.defaultValue;
  });
}

// A form that is open or being filled in stays, unless what comes instead has none any more (identity was confirmed, the call is over).
function isBeingFilled(old, next) {
  const active = document.activeElement;
  if (old.dataset.region === "recalls" && old.querySelector("details[open]") !== null) return true;
  if (old.querySelector("details[data-menu][open]") !== null) return true;
  const used = old.contains(active) && active.matches("input, textarea, select, summary");
  const opened = old.dataset.region === "promise" && old.querySelector("details[open]") !== null;
  const heard = old.querySelector(".player:not([hidden])") !== null;
  if (heard && next.querySelector("button[data-play]") !== null) return true;
  return (used || opened || isTouched(old)) && (old.dataset.region === "promise" || next.querySelector("form") !== null);
}

async function look() {
  const now = await (await request(`/debtors/${record.dataset.debtor}/pulse`)).json();
  const shown = record.dataset;
  if (now.call !== shown.call || now.state !== shown.state || String(now.identified) !== shown.identified) await draw();
}

async function draw() {
  if (drawing) {
    again = true;
    return;
  }
  drawing = true;
  try {
    const answer = await request(location.href);
    if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".record"));
  } finally {
    drawing = false;
  }
  if (again) {
    again = false;
    await draw();
  }
}

function put(fresh) {
  if (!fresh) return;
  ["person", "middle"].forEach((name) => swap(part(record, name), part(fresh, name)));
  const [old, next] = [part(record, "work"), part(fresh, "work")];
  if (old.dataset.key === next.dataset.key) {
    ["advice", "campaign", "recalls", "identity", "promise"].forEach((name) => swap(part(old, name), part(next, name)));
    saveLabel(old, next);
  } else if (isTouched(old.querySelector("form.result") ?? old)) {
    notice("通話の状態が変わりました。入力中の内容を登録するか消してから、画面を開き直してください。", { stay: true });
    swap(part(old, "advice"), part(next, "advice"));
    return;
  } else {
    keepMessage(old, next);
    old.replaceWith(next);
  }
  ["call", "state", "identified"].forEach((name) => { record.dataset[name] = fresh.dataset[name]; });
}

// A message that is being written goes on being written, whatever becomes of the call.
function keepMessage(old, next) {
  const [was, is] = [part(old, "sms"), part(next, "sms")];
  if (was && is && was.open && isTouched(was)) is.replaceWith(was);
}

function part(root, name) {
  return root.querySelector(`[data-region="${name}"]`);
}

function swap(old, next) {
  if (!old || !next || old.isEqualNode(next) || isBeingFilled(old, next)) return;
  const places = [...old.querySelectorAll("[tabindex], .contacts")].map((box) => box.scrollTop);
  const top = old.scrollTop;
  const focused = focusable(old).indexOf(document.activeElement);
  old.replaceWith(next);
  next.scrollTop = top;
  next.querySelectorAll("[tabindex], .contacts").forEach((box, index) => { box.scrollTop = places[index] ?? 0; });
  if (focused >= 0) (focusable(next)[focused] ?? focusable(next)[0])?.focus({ preventScroll: true });
}

function focusable(part) {
  return [...part.querySelectorAll("a, button, summary, input, select, textarea, [tabindex]")];
}

function saveLabel(old, next) {
  const [was, is] = [old.querySelector(".save button"), next.querySelector(".save button")];
  if (was && is) was.innerHTML = is.innerHTML;
}

function quietly(task) {
  task().catch((error) => {
    if (!(error instanceof SignedOut) && !(error instanceof TypeError)) throw error;
  });
}

if (record) {
  document.addEventListener("saikoku:change", ({ detail }) => {
    if (CALL_TOPICS.has(detail.topic)) quietly(look);
    else if (detail.topic === "sms" && detail.key === record.dataset.debtor && new URLSearchParams(location.search).get("tab") === "sms") quietly(draw);
    else if (detail.topic === "message" || (detail.topic === "debtor" && detail.key === record.dataset.debtor)) quietly(draw);
  });
  document.addEventListener("saikoku:live", ({ detail }) => { if (!detail.first) quietly(draw); });
  document.addEventListener("saikoku:done", ({ target }) => {
    if (!record.contains(target) || !target.closest(".identity, .call-form, .promise-decide, .recall-act, .task-act, .sms-act")) return;
    if (target.closest(".promise-decide, .recall-act, .task-act, .sms-act")) target.reset();
    // what was typed has been accepted: let the keys of the result pad work, and the form be replaced
    if (target.contains(document.activeElement)) document.activeElement.blur();
    quietly(draw);
  });
  record.addEventListener("click", (event) => {
    const tab = event.target.closest("a[data-tab]");
    if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.replaceState(null, "", tab.href);
    quietly(async () => {
      await draw();
      record.querySelector("a[data-tab][aria-current]")?.focus();
    });
  });
}
