// The live floor is fetched again when something changes (topic "floor"), and when an alert comes due though nothing does:
// the server says in how many seconds (`data-look-in`).
import { refresh } from "./fragments.js";

const part = document.getElementById("floor");
const operator = document.getElementById("operator");
let timer = 0;

function plan() {
  clearTimeout(timer);
  const seconds = part.querySelector("[data-look-in]")?.dataset.lookIn;
  if (seconds) timer = setTimeout(() => document.hidden || refresh(part), Number(seconds) * 1000);
}

part.addEventListener("saikoku:shown", plan);
plan();

// What is being typed into is not shown anew: once an act is done, its panel is left for its heading.
operator?.addEventListener("saikoku:done", () => operator.querySelector("h2").focus());
operator?.querySelector("h2").focus();
