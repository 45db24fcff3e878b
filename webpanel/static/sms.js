// Writing a message: the form on the record is fetched when it is opened, and what the phone will show is drawn by the server
// while one types. A preview that was overtaken by typing is given up.
import { post, request, SignedOut } from "./request.js";

const WAIT = 250;
const UNREACHABLE = "サーバーに接続できません。接続を確認して、もう一度開いてください。";
const timers = new WeakMap();
const asked = new WeakMap();

// -- the form on the record

document.addEventListener("toggle", (event) => {
  const box = event.target;
  if (box.matches?.("[data-sms-form]") && box.open && !box.querySelector("[data-sms-body]")?.value) load(box);
}, true);

async function load(box) {
  const place = box.querySelector("[data-sms-place]");
  try {
    const answer = await request(box.dataset.smsForm);
    if (answer.ok) place.innerHTML = await answer.text();
    else place.textContent = (await answer.json()).message;
    box.scrollIntoView({ block: "nearest" });
    if (box.open && (box.contains(document.activeElement) || document.activeElement === document.body)) {
      place.querySelector("[data-template], [data-sms-body]")?.focus();
    }
  } catch (error) {
    if (error instanceof TypeError) place.textContent = UNREACHABLE;
    else if (!(error instanceof SignedOut)) throw error;
  }
}

document.addEventListener("change", (event) => {
  const choice = event.target;
  if (!choice.matches?.("[data-template]") || !choice.value) return;
  const body = choice.form.elements.namedItem("body");
  const texts = [...choice.options].map((option) => option.dataset.body);
  const typed = body.value.trim() && !texts.includes(body.value);
  if (typed && !window.confirm("入力中の本文を定型文に置き換えます。")) {
    choice.value = "";
    return;
  }
  body.value = choice.selectedOptions[0].dataset.body;
  body.dispatchEvent(new Event("input", { bubbles: true }));
});

// What Ctrl+Enter sends is what is being written, not the result of the call beside it.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.ctrlKey || event.isComposing) return;
  const form = event.target.closest?.(".sms-form");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.requestSubmit();
}, true);

document.addEventListener("saikoku:done", (event) => {
  const form = event.target;
  if (form.matches(".sms-act") && form.closest(".sms-box")) load(form.closest(".sms-box"));
  if (!form.matches(".sms-form")) return;
  form.elements.namedItem("body").value = "";
  form.elements.namedItem("not_before").value = "";
  form.querySelector("[data-template]").value = "";
  form.querySelector(".sms-preview").replaceChildren();
});

// -- the preview

document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-sms-body]")) return;
  const form = event.target.form;
  clearTimeout(timers.get(form));
  asked.set(form, (asked.get(form) ?? 0) + 1);
  timers.set(form, setTimeout(() => preview(form), WAIT));
});

async function preview(form) {
  const mine = asked.get(form);
  const fields = new URLSearchParams({ body: form.elements.namedItem("body").value });
  const area = form.elements.namedItem("area");
  if (area) fields.set("area", area.value);
  try {
    const answer = await post(form.dataset.preview, fields);
    if (mine !== asked.get(form) || !answer.ok) return;
    form.querySelector(".sms-preview").innerHTML = await answer.text();
    form.querySelector('[data-error-for="body"]').textContent = "";
  } catch (error) {
    if (!(error instanceof SignedOut) && !(error instanceof TypeError)) throw error;
  }
}
