// Booked calls pop up by themselves at their time: the server says in how many seconds to look again (`data-look-in`), so
// that this machine's clock does not matter. They are read when a page opens, so that none is lost while none is open.
import { refresh, refreshAll } from "./fragments.js";

const LONGEST = 15 * 60;
const part = document.getElementById("recall-pop");
const title = document.title;
let timer = 0;

function plan() {
  clearTimeout(timer);
  const seconds = Number(part.querySelector("[data-look-in]")?.dataset.lookIn ?? LONGEST);
  timer = setTimeout(() => refreshAll("recall"), Math.min(seconds, LONGEST) * 1000);
  document.title = part.querySelector(".recall-pop") ? `◷ 再コール | ${title}` : title;
}

if (part) {
  part.addEventListener("saikoku:shown", plan);
  refresh(part);
}
