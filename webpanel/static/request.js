// Asking the server. A session that has ended opens the dialog that leads to the log-in in another tab; the page stays
// as it is. A form opened under an earlier session gets the new session's token, if it is the same user's.

export class SignedOut extends Error {}

const csrfMeta = document.querySelector('meta[name="csrf"]');

export function csrf() {
  return csrfMeta?.content ?? "";
}

export async function request(address, options = {}) {
  const headers = { "Saikoku-Fragment": "1", ...options.headers };
  const answer = await fetch(address, { credentials: "same-origin", redirect: "error", cache: "no-store", ...options, headers });
  if (answer.status === 401) {
    showSignedOut();
    throw new SignedOut();
  }
  return answer;
}

export async function post(address, fields) {
  const send = () => request(address, { method: "POST", body: fields, headers: { "X-CSRF-Token": csrf() } });
  const answer = await send();
  if (answer.status !== 403 || (await answer.clone().json()).code !== "csrf") return answer;
  return (await renewToken()) ? send() : answer;
}

export async function renewToken() {
  const answer = await request("/live/token");
  if (!answer.ok) return false;
  const now = await answer.json();
  if (String(now.user) !== document.documentElement.dataset.user) return false;
  csrfMeta.content = now.csrf;
  document.querySelectorAll('input[name="csrf"]').forEach((field) => { field.value = now.csrf; });
  return true;
}

export function showSignedOut() {
  const dialog = document.getElementById("signed-out");
  if (dialog && !dialog.open && document.documentElement.dataset.user) dialog.showModal();
}
