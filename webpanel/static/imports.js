// Sends a file as the body of one request and shows how far it is; what the form says about it stands in the address.
import { csrf, renewToken, showSignedOut } from "./request.js";

const UNREACHABLE = "サーバーに接続できません。接続を確認して、もう一度送信してください。";
const form = document.querySelector("form[data-upload]");

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  clear();
  busy(true);
  let answer = await send();
  if (answer.status === 403 && answer.body?.code === "csrf" && (await renewToken())) answer = await send();
  busy(false);
  if (answer.status === 204) location.assign(answer.place);
  else if (answer.status === 401) showSignedOut();
  else if (answer.body) tell(answer.body);
  else say(UNREACHABLE);
});

function send() {
  const file = form.elements.file.files[0];
  const query = new URLSearchParams({ name: file?.name ?? "", mapping: form.elements.mapping.value, as_of: form.elements.as_of.value });
  for (const name of ["dry_run", "again"]) if (form.elements[name].checked) query.set(name, "1");
  const bar = form.querySelector("[data-progress]");
  bar.hidden = false;
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${form.getAttribute("action")}?${query}`);
    request.setRequestHeader("Saikoku-Fragment", "1");
    request.setRequestHeader("X-CSRF-Token", csrf());
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (sent) => { bar.value = (100 * sent.loaded) / Math.max(1, sent.total); });
    request.addEventListener("loadend", () => {
      bar.hidden = true;
      resolve({ status: request.status, place: request.getResponseHeader("Saikoku-Location"), body: parsed(request) });
    });
    request.send(file ?? "");
  });
}

function parsed(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null;
  }
}

function tell(problem) {
  for (const [name, sentence] of Object.entries(problem.fields ?? {})) {
    const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
    if (place) place.textContent = sentence;
    form.elements.namedItem(name)?.setAttribute("aria-invalid", "true");
  }
  if (!Object.keys(problem.fields ?? {}).length) say(problem.message);
  form.querySelector('[aria-invalid="true"]')?.focus();
}

function say(sentence) {
  form.querySelector("[data-form-error]").textContent = sentence;
}

function clear() {
  form.querySelectorAll("[data-form-error], [data-error-for]").forEach((place) => { place.textContent = ""; });
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
}

function busy(on) {
  form.setAttribute("aria-busy", String(on));
  form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-busy", String(on)));
}
