// The player of a recording, opened under its line of the negotiation record. Opening it is what is logged as playing it.
import { notice } from "./notices.js";
import { post, SignedOut } from "./request.js";

const UNREACHABLE = "サーバーに接続できません。接続を確認して、もう一度操作してください。";

document.addEventListener("click", (event) => {
  const opener = event.target.closest("button[data-play]");
  if (opener) toggle(opener);
  const closer = event.target.closest("button[data-close-player]");
  if (closer) close(closer.closest(".player"));
});

async function toggle(opener) {
  const place = document.getElementById(opener.getAttribute("aria-controls"));
  if (!place.hidden) {
    close(place);
    return;
  }
  if (opener.getAttribute("aria-busy") === "true") return;
  opener.setAttribute("aria-busy", "true");
  try {
    const answer = await post(opener.dataset.play, new URLSearchParams());
    if (answer.ok) open(opener, place, await answer.text());
    else notice((await answer.json()).message, { bad: true });
  } catch (error) {
    if (error instanceof TypeError) notice(UNREACHABLE, { bad: true });
    else if (!(error instanceof SignedOut)) throw error;
  } finally {
    opener.removeAttribute("aria-busy");
  }
}

// One is heard at a time.
function open(opener, place, html) {
  document.querySelectorAll(".player:not([hidden])").forEach(close);
  place.innerHTML = html;
  place.hidden = false;
  opener.setAttribute("aria-expanded", "true");
  const audio = place.querySelector("audio");
  if (!audio) return;
  audio.focus();
  audio.addEventListener("error", () => notice("録音を再生できません。閉じてから、もう一度開いてください。", { bad: true }));
  // a browser that does not let a page begin by itself leaves it to its own ▶
  audio.play().catch((error) => { if (!(error instanceof DOMException)) throw error; });
}

function close(place) {
  place.querySelector("audio")?.pause();
  place.replaceChildren();
  place.hidden = true;
  const opener = document.querySelector(`button[data-play][aria-controls="${CSS.escape(place.id)}"]`);
  opener?.setAttribute("aria-expanded", "false");
  opener?.focus({ preventScroll: true });
}
