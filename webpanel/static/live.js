// The stream of changes. A change names a topic and an id; live parts are fetched again and, for whoever else wants to
// know, `saikoku:change` is sent to the document. While the stream is broken the page says as of when it stands.
// A hidden tab closes its stream (a browser has only six connections to one server) and catches up when it is shown.
import { refreshAll } from "./fragments.js";
import { renewToken, request, SignedOut } from "./request.js";

const AGAIN = [1000, 2000, 5000, 10000, 30000];
const APART = 1000;
const soon = new Map();
const asked = new Map();
const stale = document.getElementById("stale");
let source = null;
let last = document.documentElement.dataset.seen;
let began = false;
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
  const first = !began && failures === 0;
  began = true;
  last = event.lastEventId;
  failures = 0;
  stale.hidden = true;
  fresh = new Date();
  document.documentElement.dataset.live = "";
  if (!first) refreshAll();
  document.dispatchEvent(new CustomEvent("saikoku:live", { detail: { first } }));
}

function change(event) {
  last = event.lastEventId;
  fresh = new Date();
  const detail = JSON.parse(event.data);
  if (detail.key === "" && detail.topic !== "office") refreshSoon(detail.topic);
  else refreshAll(detail.topic);
  document.documentElement.dataset.changes = Number(document.documentElement.dataset.changes ?? 0) + 1;
  document.dispatchEvent(new CustomEvent("saikoku:change", { detail }));
}

// What is anyone's comes to every browser in the same moment. They ask a little apart from each other, so that the one
// whose call pops does not stand in a queue behind the whole office, and no more than once in APART however much happens.
function refreshSoon(topic) {
  if (soon.has(topic)) return;
  const wait = Math.max(Math.random() * APART, (asked.get(topic) ?? -APART) + APART - performance.now());
  soon.set(topic, setTimeout(() => fetchNow(topic), wait));
}

function fetchNow(topic) {
  soon.delete(topic);
  asked.set(topic, performance.now());
  refreshAll(topic);
}

function broken() {
  close();
  delete document.documentElement.dataset.live;
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

// Whoever logs in again in another tab goes on here: told by that tab, or noticed when this one is looked at again.
const channel = new BroadcastChannel("saikoku");
const dialog = document.getElementById("signed-out");

async function goOn() {
  if (!dialog?.open || !(await renewToken().catch(() => false))) return;
  dialog.close();
  open();
  refreshAll();
}

channel.addEventListener("message", goOn);
window.addEventListener("focus", goOn);

if (stale) {
  start();
  if (location.pathname === "/signed-in") channel.postMessage("signed-in");
}
