// The stream of changes. A change names a topic and an id; live parts are fetched again and, for whoever else wants to
// know, `saikoku:change` is sent to the document. While the stream is broken the page says as of when it stands.
// A hidden tab closes its stream (a browser has only six connections to one server) and catches up when it is shown.
import { refreshAll } from "./fragments.js";
import { renewToken, request, SignedOut } from "./request.js";

const AGAIN = [1000, 2000, 5000, 10000, 30000];
const stale = document.getElementById("stale");
let source = null;
let last = "";
let failures = 0;
let fresh = new Date();
let timer = 0;

function open() {
  close();
  const query = new URLSearchParams();
  document.querySelectorAll("[data-watch]").forEach((element) => query.append("watch", element.dataset.watch));
  if (last) query.set("after", last);
  source = new EventSource(`/events?${query}`);
  source.addEventListener("ready", ready);
  source.addEventListener("change", change);
  source.addEventListener("error", broken);
}

function close() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function ready(event) {
  const first = last === "" && failures === 0;
  last = event.lastEventId;
  failures = 0;
  stale.hidden = true;
  fresh = new Date();
  if (!first) refreshAll();
  document.dispatchEvent(new CustomEvent("saikoku:live", { detail: { first } }));
}

function change(event) {
  last = event.lastEventId;
  fresh = new Date();
  const detail = JSON.parse(event.data);
  refreshAll(detail.topic);
  document.dispatchEvent(new CustomEvent("saikoku:change", { detail }));
}

async function broken() {
  close();
  const at = fresh.toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit" });
  stale.textContent = `サーバーとの接続が切れています。${at} 時点の表示です。自動で接続し直します。`;
  stale.hidden = false;
  timer = setTimeout(tryAgain, AGAIN[Math.min(failures, AGAIN.length - 1)]);
  failures += 1;
}

// An event stream does not say why it was refused: ask for something that does.
async function tryAgain() {
  try {
    await request("/live/token");
    open();
  } catch (error) {
    if (error instanceof TypeError) broken();
    else if (!(error instanceof SignedOut)) throw error;
  }
}

function start() {
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  if (!document.hidden) open();
}

// Whoever logs in again in another tab goes on here.
const channel = new BroadcastChannel("saikoku");
channel.addEventListener("message", async (event) => {
  if (event.data !== "signed-in" || !(await renewToken().catch(() => false))) return;
  document.getElementById("signed-out")?.close();
  open();
});

if (stale) {
  start();
  if (location.pathname === "/signed-in") channel.postMessage("signed-in");
}
