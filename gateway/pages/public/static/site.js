// Comfort only: everything on the site works without this file.
"use strict";
for (const id of ["large-text", "high-contrast"]) {
  const box = document.getElementById(id);
  try {
    box.checked = localStorage.getItem(id) === "1";
    box.addEventListener("change", () => localStorage.setItem(id, box.checked ? "1" : "0"));
  } catch { /* storage is switched off: the choice lasts for this page */ }
}

document.addEventListener("keydown", (event) => {
  const field = document.getElementById("search-words");
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
  if (event.key === "/" && field && !typing) { event.preventDefault(); field.focus(); }
});

const outcome = document.getElementById("outcome");
if (outcome) outcome.focus();

// In a static copy the page of everything filters itself; a gateway searches by itself.
const items = [...document.querySelectorAll("[data-words]")];
if (items.length) {
  const field = document.getElementById("search-words"), told = document.getElementById("found");
  const chinese = document.documentElement.lang.startsWith("zh");
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const item of items) {
      const own = item.dataset.words, everything = `${own} ${item.dataset.around ?? ""}`;
      item.hidden = words.length > 0 && !(words.every((word) => everything.includes(word)) && words.some((word) => own.includes(word)));
      if (!item.hidden) count += 1;
    }
    for (const group of document.querySelectorAll(".hits")) group.hidden = !group.querySelector("[data-words]:not([hidden])");
    told.textContent = !words.length ? "" : chinese ? `找到 ${count} 处` : `${count} found`;
  };
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  field.addEventListener("input", filter);
  field.form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  filter();
}
