// Passkeys: asks the browser, sends what it answers. Whoever has none, or no JavaScript, uses the form beside.
"use strict";
const ROUTES = {
  "sign-in": ["/sign-in/passkey/options", "/sign-in/passkey"],
  "step-up": ["/account/step-up/passkey/options", "/account/step-up/passkey"],
  "register": ["/account/passkeys/options", "/account/passkeys"],
};
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function send(path, body) {
  const token = document.querySelector("input[name=form_token]").value;
  const headers = { "Content-Type": "application/json", "X-Form-Token": token, "Accept": "application/json" };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.code), { said: answer });
  return answer;
}

function prepared(options) {
  const list = (items) => (items ?? []).map((item) => ({ ...item, id: bytes(item.id) }));
  const made = { ...options, challenge: bytes(options.challenge) };
  if (options.user) made.user = { ...options.user, id: bytes(options.user.id) };
  if (options.excludeCredentials) made.excludeCredentials = list(options.excludeCredentials);
  if (options.allowCredentials) made.allowCredentials = list(options.allowCredentials);
  return made;
}

function plain(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
}

async function run(kind, button) {
  const [ask, answer] = ROUTES[kind], value = (id) => document.getElementById(id)?.value ?? "";
  const options = prepared(await send(ask, kind === "register" ? { password: value("passkey-password") } : {}));
  const credential = kind === "register"
    ? await navigator.credentials.create({ publicKey: options }) : await navigator.credentials.get({ publicKey: options });
  const next = button.closest("[data-next]")?.dataset.next ?? document.querySelector("input[name=next]")?.value ?? "";
  const done = await send(answer, { credential: plain(credential), label: value("label"), next });
  location.assign(done.location);
}

for (const form of document.querySelectorAll("[data-passkey-form]")) {
  form.addEventListener("submit", (event) => { event.preventDefault(); form.querySelector("[data-passkey]").click(); });
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const told = button.parentElement.querySelector("[data-passkey-problem]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    told.hidden = true;
    button.disabled = true;
    try {
      await run(button.dataset.passkey, button);
    } catch (error) {
      const lang = document.documentElement.lang.startsWith("zh") ? "detail_zh" : "detail_en";
      told.textContent = error.said?.[lang] ?? told.dataset.failed;
      told.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
