// Forms with `data-send` are sent by this script, so that whatever goes wrong nothing typed is lost: the sentence is
// shown in the form (`data-form-error`) or beside the field (`data-error-for`), and the form stays as it is.
import { refreshAll } from "./fragments.js";
import { notice } from "./notices.js";
import { post, request, SignedOut } from "./request.js";

const UNREACHABLE = "サーバーに接続できません。入力した内容はそのままです。接続を確認して、もう一度操作してください。";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-send]")) return;
  event.preventDefault();
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  send(form, event.submitter);
});

export async function send(form, submitter) {
  if (form.getAttribute("aria-busy") === "true") return;
  busy(form, true);
  clear(form);
  try {
    await take(form, await post(form.action, new URLSearchParams(new FormData(form, submitter))));
  } catch (error) {
    if (error instanceof TypeError) say(form, UNREACHABLE);
    else if (!(error instanceof SignedOut)) throw error;
  } finally {
    busy(form, false);
  }
}

async function take(form, answer) {
  if (!answer.ok) {
    showProblem(form, await answer.json());
    return;
  }
  remember(form);
  form.dispatchEvent(new CustomEvent("saikoku:done", { bubbles: true }));
  const place = answer.headers.get("Saikoku-Location");
  if (place && place !== location.pathname + location.search) {
    document.dispatchEvent(new CustomEvent("saikoku:leaving"));
    location.assign(place);
    return;
  }
  if (answer.status === 200) tell(form, (await answer.json()).message);
  if (form.hasAttribute("data-clear")) form.reset();
  if (form.contains(document.activeElement) && document.activeElement.matches("select")) document.activeElement.blur();
  refreshAll();
}

// A live part may have been shown anew while the answer was on its way.
function standing(form, what) {
  const same = `form[data-send][action="${CSS.escape(form.getAttribute("action"))}"]`;
  return (form.isConnected ? form : document.querySelector(same))?.querySelector(what);
}

function tell(form, message) {
  const place = standing(form, "[data-form-note]");
  if (place) place.textContent = message;
  else notice(message, { stay: true });
}

function showProblem(form, problem) {
  const fields = Object.entries(problem.fields ?? {});
  const shown = fields.filter(([name, sentence]) => beside(form, name, sentence));
  if (shown.length < Math.max(fields.length, 1)) say(form, problem.message);
  form.dispatchEvent(new CustomEvent("saikoku:problem", { bubbles: true, detail: problem }));
  form.querySelector('[aria-invalid="true"]')?.focus();
}

function beside(form, name, sentence) {
  const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
  if (!place) return false;
  place.textContent = sentence;
  const field = form.elements.namedItem(name);
  if (field instanceof Element) field.setAttribute("aria-invalid", "true");
  return true;
}

function say(form, sentence) {
  const place = standing(form, "[data-form-error]");
  if (place) place.textContent = sentence;
  else notice(sentence, { bad: true });
}

function clear(form) {
  form.querySelectorAll("[data-form-error], [data-form-note], [data-error-for]").forEach((place) => { place.textContent = ""; });
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
}

function busy(form, on) {
  form.setAttribute("aria-busy", String(on));
  form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-busy", String(on)));
}

// A seat is usually the one of yesterday.
function remember(form) {
  form.querySelectorAll("[data-remember]").forEach((field) => localStorage.setItem(`saikoku.${field.dataset.remember}`, field.value));
}

export function recall() {
  document.querySelectorAll("select[data-remember]").forEach((field) => {
    const value = localStorage.getItem(`saikoku.${field.dataset.remember}`);
    const option = [...field.options].find((one) => one.value === value && !one.disabled);
    if (option && !field.value) field.value = value;
  });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-load]");
  if (!button) return;
  const place = document.getElementById(button.dataset.into);
  place.textContent = button.dataset.busy ?? "照合しています…";
  try {
    const answer = await request(button.dataset.load);
    if (answer.ok) place.innerHTML = await answer.text();
    else place.textContent = (await answer.json()).message;
  } catch (error) {
    place.textContent = error instanceof TypeError ? UNREACHABLE : "";
  }
});

document.addEventListener("saikoku:shown", recall);
recall();
