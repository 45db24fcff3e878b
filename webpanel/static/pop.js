// Links of the pop of a call that came in: while something is being typed on this page, they open beside it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-beside]");
  if (link) link.target = isTyped() ? "_blank" : "";
});

function isTyped() {
  return [...document.querySelectorAll("main form")].some((form) => [...form.elements].some(differs));
}

function differs(field) {
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  return field.matches("textarea, input:not([type=hidden])") && field.value !== field.defaultValue;
}
