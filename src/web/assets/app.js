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

  // A change made elsewhere: the page fetches itself anew, unless somebody is writing or drawing on it, or reads why it refused.
  const dirty = () => typing() || $(".faults, .ghost, .panning, main :active") || all("main textarea, main input:not([type=hidden])").some((f) => f.value !== f.defaultValue || f.checked !== f.defaultChecked);
  // Puts another page's content in the place of this one's; what is unfolded and where the plan stands stay.
  const put = (html) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const fresh = $("main", page), main = $("main");
    if (!fresh || !main) return false;
    const open = all("details", main).map((d) => d.open), { scrollLeft: left = 0, scrollTop: top = 0 } = $(".plan") ?? {};
    all("details", fresh).forEach((d, i) => { if (open[i]) d.open = true; });
    main.replaceWith(fresh);
    const rail = $(".rail", page);
    if (rail && !$(".thumb details[open]")) $(".rail").replaceWith(rail);
    begin();
    $(".plan")?.scrollTo(left, top);
    return true;
  };
  const show = async (address) => {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    const html = await answer.text();
    return answer.ok && !dirty() && put(html);
  };
  // Opens an address of this page without leaving it.
  const open = async (to) => {
    if (await show(to)) history.replaceState(null, "", to); else location.href = to;
  };
  // Sends a form without leaving the page; a refusal is shown on it.
  const send = async (form) => {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (!put(await answer.text())) return form.submit();
    if (answer.redirected) history.replaceState(null, "", answer.url);
    $(".faults, .said")?.scrollIntoView({ block: "nearest" });
  };
  addEventListener("submit", (e) => {
    if (!("stay" in e.target.dataset)) return;
    e.preventDefault();
    send(e.target);
  });
  let again = 0;
  const renew = () => { if (!dirty()) show(location.href); };
  // A card opens beside the graph without leaving the page.
  addEventListener("click", async (e) => {
    const a = e.target.closest?.(".plan a[data-no]");
    if (!a || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
    e.preventDefault();
    await open(a.getAttribute("href"));
    $(`.plan a[data-no="${a.dataset.no}"]`)?.focus({ preventScroll: true });
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
  // A drawing as a picture: painted from its file, at twice its size where that is not too large for a canvas.
  const picture = async (link) => {
    const image = new Image();
    image.src = link.href;
    await image.decode();
    const times = Math.min(2, 16000 / Math.max(image.width, image.height)), canvas = document.createElement("canvas");
    canvas.width = image.width * times;
    canvas.height = image.height * times;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const saved = document.createElement("a");
    saved.href = URL.createObjectURL(await new Promise((done) => canvas.toBlob(done)));
    saved.download = link.dataset.png;
    saved.click();
    setTimeout(() => URL.revokeObjectURL(saved.href), 60_000);
  };
  const drawing = () => {
    const plan = $(".plan");
    if (plan) graphOf(plan, { open, send });
    for (const link of all("[data-png]")) { link.hidden = false; link.onclick = (e) => { e.preventDefault(); picture(link); }; }
    for (const button of all("[data-print]")) { button.hidden = false; button.onclick = () => print(); }
  };
  const begin = () => { drawing(); known(); drop(); };
  begin();
  unfold();
})();
