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

// A call that a campaign has dialled brings its record by itself, once, where nothing is being typed.
function follow() {
  const link = document.querySelector("#call-pop a[data-follow]");
  if (!link) return;
  link.closest(".pop").hidden = link.pathname === location.pathname;
  if (sessionStorage.getItem("saikoku.followed") === link.dataset.follow) return;
  sessionStorage.setItem("saikoku.followed", link.dataset.follow);
  if (!isTyped() && link.pathname !== location.pathname) location.assign(link.href);
}

document.addEventListener("saikoku:shown", follow);
follow();
