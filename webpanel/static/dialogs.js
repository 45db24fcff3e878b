// Buttons that open the dialogs of the shell.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
});
