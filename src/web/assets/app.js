"use strict";
(() => {
  const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  addEventListener("keydown", (e) => {
    if (e.key === "/" && !typing()) { e.preventDefault(); document.querySelector(".find input")?.focus(); }
    const rows = [...document.querySelectorAll("main [data-row] a:first-of-type")];
    if (!typing() && rows.length && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      const at = rows.indexOf(document.activeElement);
      rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))].focus();
      e.preventDefault();
    }
  });
  // A change made elsewhere: the page fetches itself anew, unless somebody is writing on it.
  const dirty = () => typing() || [...document.querySelectorAll("main textarea, main input[type=text]")].some((f) => f.value !== f.defaultValue);
  let again = 0;
  const renew = async () => {
    if (dirty()) return;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok || dirty()) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const main = document.querySelector("main");
    if (!fresh || !main) return;
    const open = [...main.querySelectorAll("details")].map((d) => d.open);
    [...fresh.querySelectorAll("details")].forEach((d, i) => { if (open[i]) d.open = true; });
    main.replaceWith(fresh);
    known();
  };
  const live = () => (document.querySelector("main")?.dataset.live ?? "").split(" ");
  if (live().some(Boolean)) {
    new EventSource("/events").onmessage = (e) => {
      const ids = e.data.split(" "), watched = live();
      if (ids.some((id) => id === "*" || watched.includes("*") || watched.includes(id))) { clearTimeout(again); again = setTimeout(renew, 250); }
    };
  }
  // While the caller talks: the index is asked with what has been typed so far.
  const known = () => {
    const form = document.querySelector("form[data-known]"), box = document.querySelector("#known");
    if (!form || !box) return;
    let wait = 0;
    form.addEventListener("input", () => {
      clearTimeout(wait);
      wait = setTimeout(async () => {
        const data = new FormData(form);
        const query = new URLSearchParams({ text: `${data.get("title")} ${data.get("body")}`, place: data.get("address") ?? "" });
        const answer = await fetch(`/tickets/known?${query}`);
        if (answer.ok) box.innerHTML = await answer.text();
      }, 200);
    });
  };
  known();
})();
