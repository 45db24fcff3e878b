// Buttons that open the dialogs of the shell, and menus that close when what they hold is done.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
});
document.addEventListener("saikoku:done", (event) => {
  event.target.closest("details[data-menu]")?.removeAttribute("open");
});
