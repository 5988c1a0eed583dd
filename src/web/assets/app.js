"use strict";
(() => {
  const $ = (selector, inside = document) => inside.querySelector(selector);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  const row = (el) => el.querySelector("td.wide a, a");
  addEventListener("keydown", (e) => {
    if (e.key === "/" && !typing()) { e.preventDefault(); $(".find input")?.focus(); }
    const rows = all("main [data-row]").map(row).filter(Boolean);
    if (!typing() && rows.length && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      const at = rows.indexOf(document.activeElement);
      rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))].focus();
      e.preventDefault();
    }
  });
  // A refused form was answered at its own address; the page it stands on has another.
  const back = $("main")?.dataset.at;
  if (back) history.replaceState(null, "", back);
  // A text for elsewhere: one press copies it, and without that its field is selected as a whole.
  addEventListener("click", (e) => {
    const text = document.getElementById(e.target.dataset?.copies ?? e.target.id);
    if (!text?.readOnly) return;
    text.select();
    if (e.target.dataset.copies) navigator.clipboard?.writeText(text.value) ?? document.execCommand("copy");
  });
  // What a link leads to may be folded away.
  const unfold = () => {
    const aim = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!aim) return;
    for (let fold = aim.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    aim.scrollIntoView({ block: "center" });
    $("input:not([type=hidden]), textarea, select", aim)?.focus({ preventScroll: true });
  };
  addEventListener("hashchange", unfold);

  // The graph: the task at hand in view; what comes before and after a card lit up.
  const graph = () => {
    const box = $(".plan"), svg = box && $("svg", box);
    if (!svg) return;
    const card = $("a[aria-current]", svg);
    if (card) {
      const at = card.getBBox(), place = $("g", card).transform.baseVal[0].matrix;
      box.scrollLeft = place.e + at.width / 2 - box.clientWidth / 2;
    }
    const names = $(".lane-names", svg);
    const follow_names = () => names.setAttribute("transform", `translate(${box.scrollLeft} 0)`);
    box.addEventListener("scroll", follow_names, { passive: true });
    follow_names();
    const edges = all(".edge", svg);
    const follow = (no, from, to, seen) => {
      for (const edge of edges) if (edge.dataset[from] === no) { seen.add(edge); follow1(edge.dataset[to], from, to, seen); }
    };
    const follow1 = (no, from, to, seen) => { if (!seen.has(no)) { seen.add(no); follow(no, from, to, seen); } };
    const light = (no) => {
      const on = new Set([no]);
      for (const [from, to] of [["from", "to"], ["to", "from"]]) { const way = new Set(); follow1(no, from, to, way); way.forEach((x) => on.add(x)); }
      svg.classList.toggle("lit", on.size > 1);
      edges.forEach((edge) => edge.classList.toggle("on", on.has(edge)));
      all("a[data-no]", svg).forEach((a) => $(".card", a).classList.toggle("on", on.has(a.dataset.no)));
    };
    const dark = () => svg.classList.remove("lit");
    for (const a of all("a[data-no]", svg)) {
      a.addEventListener("mouseenter", () => light(a.dataset.no));
      a.addEventListener("focus", () => light(a.dataset.no));
      a.addEventListener("mouseleave", dark);
      a.addEventListener("blur", dark);
    }
  };

  // A change made elsewhere: the page fetches itself anew, unless somebody is writing on it.
  const dirty = () => typing() || all("main textarea, main input:not([type=hidden])").some((f) => f.value !== f.defaultValue || f.checked !== f.defaultChecked);
  const show = async (address) => {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    if (!answer.ok || dirty()) return false;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = $("main", page), main = $("main");
    if (!fresh || !main) return false;
    const open = all("details", main).map((d) => d.open), left = $(".plan")?.scrollLeft ?? 0;
    all("details", fresh).forEach((d, i) => { if (open[i]) d.open = true; });
    main.replaceWith(fresh);
    const rail = $(".rail", page);
    if (rail && !$(".thumb details[open]")) $(".rail").replaceWith(rail);
    begin();
    const plan = $(".plan");
    if (plan) plan.scrollLeft = left;
    return true;
  };
  let again = 0;
  const renew = () => { if (!dirty()) show(location.href); };
  // A card opens beside the graph without leaving the page.
  addEventListener("click", async (e) => {
    const a = e.target.closest?.(".plan a[data-no]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    const to = a.getAttribute("href"), no = a.dataset.no;
    if (await show(to)) { history.replaceState(null, "", to); $(`.plan a[data-no="${no}"]`)?.focus({ preventScroll: true }); } else location.href = to;
  });
  const live = () => ($("main")?.dataset.live ?? "").split(" ");
  if (live().some(Boolean)) {
    new EventSource("/events").onmessage = (e) => {
      const ids = e.data.split(" "), watched = live();
      if (ids.some((id) => id === "*" || watched.includes("*") || watched.includes(id))) { clearTimeout(again); again = setTimeout(renew, 250); }
    };
  }
  // While the caller talks: the index is asked with what has been typed so far.
  const known = () => {
    const form = $("form[data-known]"), box = $("#known");
    if (!form || !box) return;
    let wait = 0;
    const ask = async () => {
      const data = new FormData(form);
      const query = new URLSearchParams({ text: `${data.get("title")} ${data.get("body")}`, place: data.get("address") ?? "" });
      const answer = await fetch(`/tickets/known?${query}`);
      if (answer.ok) box.innerHTML = await answer.text();
    };
    form.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(ask, 200); });
  };
  // A file dropped on the form goes into its field.
  const drop = () => {
    const form = $("form[data-drop]"), field = form && $("input[type=file]", form);
    if (!field) return;
    const over = (on) => (e) => { e.preventDefault(); form.classList.toggle("over", on); };
    form.addEventListener("dragover", over(true));
    form.addEventListener("dragleave", over(false));
    form.addEventListener("drop", (e) => { over(false)(e); if (e.dataTransfer.files.length) field.files = e.dataTransfer.files; });
  };
  const begin = () => { graph(); known(); drop(); };
  begin();
  unfold();
})();
