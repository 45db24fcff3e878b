// Sentences that belong to no form, in the corner; they go by themselves unless they have to be read.
const GO_AFTER = 8000;

export function notice(sentence, { bad = false, stay = false } = {}) {
  const line = document.createElement("p");
  line.className = bad ? "notice notice-bad" : "notice";
  line.textContent = sentence;
  document.getElementById("notices").append(line);
  if (!stay && !bad) setTimeout(() => line.remove(), GO_AFTER);
  else line.append(closer(line));
}

function closer(line) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "閉じる";
  button.addEventListener("click", () => line.remove());
  return button;
}
