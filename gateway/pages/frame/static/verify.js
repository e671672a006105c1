// "Check it now": this browser computes the proof of one entry itself (RFC 9162, C2SP tlog-proof, signed-note and
// tlog-cosignature), with nothing but what the gateway publishes. Without it the page still has the files.
"use strict";
(() => {
  const box = document.querySelector("[data-verify]");
  if (!box || !window.crypto || !crypto.subtle) return;
  const text = new TextEncoder(), button = box.querySelector("button"), list = box.querySelector("ol");
  const bytes = (base64) => Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  const join = (...parts) => { const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0)); let at = 0; for (const p of parts) { all.set(p, at); at += p.length; } return all; };
  const hash = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
  const same = (a, b) => a.length === b.length && a.every((each, n) => each === b[n]);
  const LEAF = Uint8Array.of(0), NODE = Uint8Array.of(1);

  async function root(index, size, leaf, path) { // RFC 9162, 2.1.3.2
    let at = index, last = size - 1, found = leaf;
    const up = () => { at = Math.floor(at / 2); last = Math.floor(last / 2); };
    if (index >= size) throw new Error("index");
    for (const each of path) {
      if (last === 0) throw new Error("length");
      if (at % 2 || at === last) {
        found = await hash(NODE, each, found);
        while (at % 2 === 0 && at) up();
      } else found = await hash(NODE, found, each);
      up();
    }
    if (last !== 0) throw new Error("length");
    return found;
  }

  function keyOf(vkey) { // name+id+base64(type and key); the base64 may hold a plus
    const [name, id, ...rest] = vkey.split("+"), key = bytes(rest.join("+"));
    return { name, id: Uint8Array.from(id.match(/../g), (each) => parseInt(each, 16)), type: key[0], key: key.slice(1) };
  }

  async function signed(note, vkey) { // whether this key stands under the note
    const { name, id, type, key } = keyOf(vkey);
    for (const line of note.lines) {
      const [, who, base64] = line.split(" ");
      const signature = bytes(base64 || "");
      if (who !== name || !same(signature.slice(0, 4), id)) continue;
      const time = type === 4 ? new DataView(signature.buffer).getBigUint64(4) : null;
      const said = type === 4 ? `cosignature/v1\ntime ${time}\n${note.body}` : note.body;
      const verifier = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
      return crypto.subtle.verify("Ed25519", verifier, signature.slice(type === 4 ? 12 : 4), text.encode(said));
    }
    return false;
  }

  async function get(path) {
    const answer = await fetch(path, { cache: "no-store" });
    if (!answer.ok) throw new Error(path);
    return answer;
  }

  async function check(index, place) { // counted over all years, and in the log of its year
    const entry = new Uint8Array(await (await get(`/v1/log/entries/${index}`)).arrayBuffer());
    const [head, body, signatures] = (await (await get(`/v1/log/entries/${index}/proof`)).text()).split("\n\n");
    const { policy, witnesses } = await (await get("/v1/log/witnesses")).json();
    const [format, number, ...path] = head.split("\n"), [, size, top] = body.split("\n");
    const note = { body: `${body}\n`, lines: signatures.trim().split("\n") };
    const logs = [...policy.matchAll(/^log (\S+)/gm)].map((each) => each[1]), [origin] = body.split("\n");
    const log = logs.find((each) => keyOf(each).name === origin) || box.dataset.log;
    const whole = format === "c2sp.org/tlog-proof@v1" && number === `index ${place}`;
    const seen = await Promise.all(witnesses.map((each) => signed(note, each.vkey)));
    return {
      log: await signed(note, log),
      entry: whole && same(await root(place, Number(size), await hash(LEAF, entry), path.map(bytes)), bytes(top)),
      witness: witnesses.length ? seen.some(Boolean) : null,
    };
  }

  async function run() {
    button.disabled = true;
    let held;
    try { held = await check(Number(box.dataset.verify), Number(box.dataset.index)); } catch { held = null; }
    for (const item of list.children) {
      const value = held && held[item.dataset.check];
      item.hidden = !held || value === null;
      item.querySelector(".mark").textContent = value ? "✔ " : "✘ ";
      item.className = value ? "held" : "broken";
    }
    const good = held && held.log && held.entry && held.witness !== false;
    const outcome = held ? (good ? "good" : "bad") : "unable";
    for (const each of box.querySelectorAll("[data-outcome]")) each.hidden = each.dataset.outcome !== outcome;
    list.hidden = !held;
    button.disabled = false;
  }

  box.hidden = false;
  button.addEventListener("click", run);
})();
