// Keyboard: an element says its key with `data-shortcut` ("F12", "3", "P", "Ctrl+Enter"); the first visible one that is
// enabled is pressed, or focused if it is an input. Letters and digits are
// left alone while something is being typed or chosen, and every key is while the input method is composing. Escape leaves
// a field, so that they work again.
const ALWAYS = new Set(["F2", "F4", "F8", "F12", "Ctrl+Enter"]);

function name(event) {
  if (event.key === "Enter" && event.ctrlKey) return "Ctrl+Enter";
  if (event.ctrlKey || event.altKey || event.metaKey) return "";
  return event.key.length === 1 ? event.key.toUpperCase() : event.key;
}

function isTyping(target) {
  return target.matches?.("input:not([type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select, [contenteditable]");
}

function find(key) {
  const all = [...document.querySelectorAll(`[data-shortcut="${CSS.escape(key)}"]`)];
  return all.find((element) => !element.disabled && element.checkVisibility());
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.repeat) return;
  const key = name(event);
  if (!key || document.querySelector("dialog[open]") || (isTyping(event.target) && !ALWAYS.has(key))) return;
  if (key === "?") {
    document.getElementById("help").showModal();
    event.preventDefault();
    return;
  }
  const element = find(key);
  if (!element) {
    if (ALWAYS.has(key)) event.preventDefault();
    return;
  }
  event.preventDefault();
  if (isTyping(element)) {
    element.focus();
    element.select?.();
  } else {
    element.click();
    // Tab goes on into what was opened
    if (element.matches("summary")) element.focus();
  }
});

// Whoever has saved a result looks for the next person at once (F2) while the page is still being exchanged: what is being
// typed there goes on in the next page. Nothing else is carried over: a digit or F4 would be meant for what is not in sight yet.
const SEARCHING = "saikoku.searching";
const search = document.querySelector('[data-shortcut="F2"]');

document.addEventListener("saikoku:leaving", () => {
  const keep = () => {
    if (document.activeElement === search) sessionStorage.setItem(SEARCHING, search.value);
  };
  if (!search) return;
  addEventListener("pagehide", keep, { once: true });
  search.form.addEventListener("submit", () => removeEventListener("pagehide", keep)); // it is searched for already
});

const typed = sessionStorage.getItem(SEARCHING);
sessionStorage.removeItem(SEARCHING);
if (search && typed !== null) {
  search.focus();
  search.value = typed;
}

// On the window, after whatever the field itself does with Escape: closing its list of phrases, clearing a search.
window.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !isTyping(field)) return;
  if (!field.closest("dialog") && !(field.type === "search" && field.value)) field.blur();
});
