// How many cases the choice comes to, counted as it changes; what was counted is sent along, so that nothing is given unseen.
import { request, SignedOut } from "./request.js";

const form = document.querySelector("form[data-preview-from]");
const place = form.querySelector(".preview");
let timer = 0;
let asked = 0;

function begin() {
  form.elements.expected.value = "";
  place.textContent = "数えています…";
  asked += 1;
}

async function count() {
  begin();
  const fields = new URLSearchParams(new FormData(form));
  ["csrf", "expected", "to", "instructions", "due_on"].forEach((name) => fields.delete(name));
  const mine = asked;
  try {
    const answer = await request(`${form.dataset.previewFrom}?${fields}`);
    if (mine !== asked) return;
    if (answer.ok) place.innerHTML = await answer.text();
    else place.textContent = (await answer.json()).message;
    form.elements.expected.value = place.querySelector("[data-count]")?.dataset.count ?? "";
  } catch (error) {
    if (!(error instanceof SignedOut) && !(error instanceof TypeError)) throw error;
    place.textContent = "サーバーに接続できません。";
  }
}

form.addEventListener("change", ({ target }) => {
  if (["to", "instructions", "due_on"].includes(target.name)) return;
  begin();
  clearTimeout(timer);
  timer = setTimeout(count, 150);
});
form.addEventListener("saikoku:done", count);
form.addEventListener("saikoku:problem", ({ detail }) => { if (detail.code === "changed") count(); });
count();
