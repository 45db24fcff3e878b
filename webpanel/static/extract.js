// Building conditions by keyboard: what stands in the page is the tree; whenever it changes, it is counted. Conditions are
// drawn by the server. A count that was overtaken by a change is given up.
import { post, request, SignedOut } from "./request.js";

const WAIT = 350;
const UNREACHABLE = "サーバーに接続できません。条件はそのままです。";
const form = document.querySelector("form[data-extract]");
const live = document.querySelector("[data-live-count]");
const yen = new Intl.NumberFormat("ja-JP");
let timer = 0;
let asked = 0;

// -- the tree that stands in the page

function nodes(group) {
  return [...group.querySelector(":scope > [data-parts]").children];
}

function read(node) {
  return node.hasAttribute("data-group") ? readGroup(node) : readLeaf(node);
}

function readGroup(group) {
  return { kind: group.querySelector(":scope > .x-group-head [data-how]").value, parts: nodes(group).map(read) };
}

function readLeaf(leaf) {
  const made = { kind: leaf.dataset.leaf };
  leaf.querySelectorAll("[data-name]").forEach((input) => {
    const { name, type } = input.dataset;
    if (type === "codes" || type === "ids") {
      if (input.checked) (made[name] ??= []).push(type === "ids" ? Number(input.value) : input.value);
    } else if (input.value.trim() !== "") {
      made[name] = type === "bool" ? input.value === "true" : type === "ints" ? input.value.split(/[,、，\s]+/).filter(Boolean).map(whole) : whole(input.value);
    }
  });
  return made;
}

// Full-width digits and commas are as good as others; what is no whole number is told beside it.
function whole(text) {
  const plain = text.normalize("NFKC").replace(/[,\s]/g, "");
  if (!/^-?\d{1,15}$/.test(plain)) throw new RangeError();
  return Number(plain);
}

function root() {
  return form.querySelector(".x-root");
}

function tree() {
  let wrong = false;
  form.querySelectorAll("[data-type=int], [data-type=ints]").forEach((input) => {
    const parts = input.dataset.type === "ints" ? input.value.split(/[,、，\s]+/).filter(Boolean) : [input.value].filter((text) => text.trim());
    const fine = parts.every((one) => { try { whole(one); return true; } catch { return false; } });
    if (!fine) {
      tell(input.closest(".x-node"), "数字で入力してください。", input);
      wrong = true;
    }
  });
  return wrong ? null : readGroup(root());
}

// -- counting

function changed() {
  clearTimeout(timer);
  asked += 1;
  live.setAttribute("aria-busy", "true");
  timer = setTimeout(count, WAIT);
}

async function count() {
  const mine = (asked += 1);
  forget();
  const asks = tree();
  form.elements.namedItem("tree").value = asks ? JSON.stringify(asks) : "";
  if (!asks) return show(null, "条件を確認してください。");
  show(undefined, "数えています…");
  try {
    const answer = await post("/extract/count", new URLSearchParams({ tree: JSON.stringify(asks) }));
    const told = await answer.json();
    if (mine !== asked) return;
    if (!answer.ok) return show(null, told.message);
    told.problems.forEach((one) => tell(at(one.path), one.message, input(at(one.path), one.field)));
    if (told.problems.length) return show(null, "条件に意味の通らないものがあります。");
    show(told, `${told.as_of}時点`);
  } catch (error) {
    if (error instanceof SignedOut) show(null, "");
    else if (error instanceof TypeError) show(null, UNREACHABLE);
    else throw error;
  }
}

function show(told, state) {
  live.querySelector("[data-state]").textContent = state || "\u00a0";
  if (told === undefined) return;
  live.setAttribute("aria-busy", "false");
  live.querySelector("[data-cases]").textContent = told ? yen.format(told.cases) : "―";
  live.querySelector("[data-principal]").textContent = told ? yen.format(told.principal) : "―";
  live.querySelector("[data-sentence]").textContent = told ? told.sentence : "";
}

function at(path) {
  return path.reduce((group, place) => nodes(group)[place], root());
}

function input(node, name) {
  return name ? node.querySelector(`[data-name="${CSS.escape(name)}"]`) : null;
}

function tell(node, message, field) {
  node.querySelector(node.hasAttribute("data-group") ? ":scope > [data-problem]" : "[data-problem]").textContent = message;
  if (field && field.type !== "checkbox") field.setAttribute("aria-invalid", "true");
}

function forget() {
  form.querySelectorAll("[data-problem]").forEach((place) => { place.textContent = ""; });
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
}

// -- adding, removing, grouping

async function fetchPart(kind) {
  const answer = await request(`/extract/part?kind=${encodeURIComponent(kind)}`);
  if (!answer.ok) throw new TypeError();
  const made = document.createElement("template");
  made.innerHTML = (await answer.text()).trim();
  return made.content.firstElementChild;
}

async function add(group) {
  const choice = group.querySelector(":scope > .x-add [data-choice]");
  if (!choice.value) return choice.focus();
  try {
    const made = await fetchPart(choice.value);
    group.querySelector(":scope > [data-parts]").append(made);
    choice.value = "";
    made.querySelector(".x-fields input, .x-fields select, .x-group-head select").focus();
    said("");
    changed();
  } catch (error) {
    if (error instanceof TypeError) said(UNREACHABLE);
    else if (!(error instanceof SignedOut)) throw error;
  }
}

function remove(node) {
  const group = node.parentElement.closest("[data-group]");
  const next = node.nextElementSibling ?? node.previousElementSibling;
  node.remove();
  (next ?? group).querySelector(next ? "[data-remove]" : ":scope > .x-add [data-choice]").focus();
  changed();
}

async function wrap() {
  const picked = [...form.querySelectorAll("[data-pick]:checked")].map((one) => one.closest(".x-node"));
  const siblings = picked.filter((node) => node.parentElement === picked[0].parentElement);
  if (!siblings.length) return said("グループにする条件の左の□を選んでから押してください。");
  if (siblings.length < picked.length) return said("同じグループの中の条件だけを選んでください。");
  try {
    const made = await fetchPart("group");
    siblings[0].before(made);
    made.querySelector("[data-parts]").append(...siblings);
    siblings.forEach((node) => { node.querySelector("[data-pick]").checked = false; });
    made.querySelector("[data-how]").focus();
    said(`${siblings.length}個の条件をグループにしました。`);
    changed();
  } catch (error) {
    if (error instanceof TypeError) said(UNREACHABLE);
    else if (!(error instanceof SignedOut)) throw error;
  }
}

function said(message) {
  form.querySelector("[data-told]").textContent = message;
}

form.addEventListener("click", (event) => {
  const node = event.target.closest(".x-node");
  if (event.target.closest("[data-add]")) add(node);
  if (event.target.closest("[data-remove]")) remove(node);
  if (event.target.closest("[data-wrap]")) wrap();
});

form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.isComposing) return;
  if (event.target.matches("[data-choice]")) add(event.target.closest(".x-node"));
  if (event.target.matches("input, select")) event.preventDefault(); // only Ctrl+Enter shows the results
});

form.addEventListener("input", (event) => {
  if (!event.target.matches("[data-pick], [data-choice]")) changed();
});

// Before the form is sent: the tree as it stands this moment, counted or not.
form.addEventListener("submit", (event) => {
  forget();
  const asks = tree();
  if (asks) form.elements.namedItem("tree").value = JSON.stringify(asks);
  else {
    event.preventDefault();
    event.stopPropagation();
    form.querySelector("[aria-invalid]")?.focus();
  }
});

count();
