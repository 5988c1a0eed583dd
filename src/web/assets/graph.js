"use strict";
// A case's graph: zoom and pan, the chain of a card, dependencies drawn from card to card and picked at their line.
const graphOf = (() => {
  const LEAST = 0.1, MOST = 3, STEP = 1.25, A_DRAG = 5, PORT = 5;
  // Kept while the page renews itself.
  let scale = 1;

  const made = (name, attributes) => {
    const el = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) el.setAttribute(key, value);
    return el;
  };
  // Follows the pointer from where it went down; `end` gets the last event, or nothing where it was no drag.
  const drag = (start, move, end) => {
    const over = new AbortController(), on = (kind, act) => addEventListener(kind, act, { signal: over.signal });
    let moved = false;
    on("pointermove", (e) => {
      moved ||= Math.hypot(e.clientX - start.clientX, e.clientY - start.clientY) > A_DRAG;
      if (moved) move(e);
    });
    const finish = (e) => {
      over.abort();
      end(moved ? e : null);
      if (!moved) return;
      // The click that ends a drag opens nothing.
      const click = new AbortController();
      addEventListener("click", (e) => { e.preventDefault(); e.stopPropagation(); }, { capture: true, signal: click.signal });
      setTimeout(() => click.abort());
    };
    on("pointerup", finish);
    on("pointercancel", () => finish(null));
    on("keydown", (e) => { if (e.key === "Escape") finish(null); });
  };

  return (box, { open, send }) => {
    const svg = box.querySelector("svg"), all = (selector) => [...svg.querySelectorAll(selector)];
    const { width, height } = svg.viewBox.baseVal;
    const names = svg.querySelector(".lane-names"), cards = all("a[data-no]"), edges = all(".edge");
    const cardOf = (no) => cards.find((a) => a.dataset.no === no);
    const place = (a) => { const { e: x, f: y } = a.querySelector("g").transform.baseVal[0].matrix; return { x, y }; };
    const size = cards[0].querySelector("rect").getBBox();

    const bar = document.querySelector(".zoom");
    const follow = () => names.setAttribute("transform", `translate(${box.scrollLeft / scale} 0)`);
    const draw = () => {
      svg.setAttribute("width", width * scale);
      svg.setAttribute("height", height * scale);
      bar.querySelector("output").value = `${Math.round(scale * 100)}%`;
      follow();
    };
    // What is at (x, y) of the box stays there.
    const zoom = (to, x = box.clientWidth / 2, y = box.clientHeight / 2) => {
      const grown = Math.min(MOST, Math.max(LEAST, to)) / scale;
      const [left, top] = [(box.scrollLeft + x) * grown - x, (box.scrollTop + y) * grown - y];
      scale *= grown;
      draw();
      box.scrollTo(left, top);
    };
    const ways = { in: () => zoom(scale * STEP), out: () => zoom(scale / STEP), whole: () => zoom(1), fit: () => zoom(box.clientWidth / width, 0, 0) };
    for (const button of bar.querySelectorAll("button")) button.onclick = ways[button.name];
    bar.hidden = false;
    draw();
    box.addEventListener("scroll", follow, { passive: true });
    box.addEventListener("wheel", (e) => {
      if (!e.ctrlKey && !e.metaKey) return;
      e.preventDefault();
      const { left, top } = box.getBoundingClientRect();
      zoom(scale * Math.exp(-e.deltaY / 400), e.clientX - left, e.clientY - top);
    }, { passive: false });
    let pinch = null;
    box.addEventListener("touchmove", (e) => {
      if (e.touches.length !== 2) return;
      e.preventDefault();
      const [a, b] = e.touches, apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY), { left, top } = box.getBoundingClientRect();
      if (pinch) zoom(scale * apart / pinch, (a.clientX + b.clientX) / 2 - left, (a.clientY + b.clientY) / 2 - top);
      pinch = apart;
    }, { passive: false });
    for (const kind of ["touchend", "touchcancel"]) box.addEventListener(kind, () => { pinch = null; });

    // Sideways along the dependencies, up and down within the column; the nearest card of those.
    const chainFrom = (no, from, to) => edges.filter((edge) => edge.dataset[from] === no).map((edge) => cardOf(edge.dataset[to]));
    const column = (a, side) => cards.filter((b) => place(b).x === place(a).x && side * (place(b).y - place(a).y) > 0);
    const ARROWS = {
      ArrowLeft: (a) => chainFrom(a.dataset.no, "to", "from"),
      ArrowRight: (a) => chainFrom(a.dataset.no, "from", "to"),
      ArrowUp: (a) => column(a, -1),
      ArrowDown: (a) => column(a, 1),
    };
    const nearest = (a, others) => others.sort((b, c) => Math.abs(place(b).y - place(a).y) - Math.abs(place(c).y - place(a).y))[0];
    box.addEventListener("keydown", (e) => {
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      const act = { "+": ways.in, "=": ways.in, "-": ways.out, 0: ways.fit, 1: ways.whole }[e.key];
      const card = e.target.closest("a[data-no]"), arrow = card && ARROWS[e.key];
      if (!act && !arrow) return;
      e.preventDefault();
      if (act) act(); else nearest(card, arrow(card))?.focus();
    });

    const chain = (no, from, to, seen) => {
      if (seen.has(no)) return;
      seen.add(no);
      for (const edge of edges) if (edge.dataset[from] === no) { seen.add(edge); chain(edge.dataset[to], from, to, seen); }
    };
    const light = (no) => {
      if (svg.querySelector(".ghost")) return;
      const after = new Set(), before = new Set();
      chain(no, "from", "to", after);
      chain(no, "to", "from", before);
      const on = new Set([...after, ...before]);
      svg.classList.toggle("lit", on.size > 1);
      edges.forEach((edge) => edge.classList.toggle("on", on.has(edge)));
      cards.forEach((a) => a.querySelector(".card").classList.toggle("on", on.has(a.dataset.no)));
    };
    const dark = () => svg.classList.remove("lit");
    for (const a of cards) {
      for (const kind of ["mouseenter", "focus"]) a.addEventListener(kind, () => light(a.dataset.no));
      for (const kind of ["mouseleave", "blur"]) a.addEventListener(kind, dark);
      a.addEventListener("dragstart", (e) => e.preventDefault());
    }

    // A line is thin; what takes the click is a wider one over it.
    for (const edge of edges) {
      const hit = made("path", { class: "hit", d: edge.getAttribute("d") }), { from, to } = edge.dataset;
      hit.addEventListener("click", () => open(`${box.dataset.at}&edge=${from}-${to}`));
      edge.after(hit);
    }

    const join = (from, to) => {
      const form = document.querySelector("#add-dependency");
      const choose = (name, no) => { form.elements[name].value = [...form.elements[name].options].find((option) => option.text.split(" ")[0] === no).value; };
      choose("predecessor_id", from);
      choose("successor_id", to);
      send(form);
    };
    const drawFrom = (no, start) => {
      dark();
      const { x, y } = place(cardOf(no)), line = svg.appendChild(made("path", { class: "edge ghost" }));
      let aim = null;
      const point = (card) => {
        aim?.querySelector(".card").classList.remove("aim");
        aim = card;
        aim?.querySelector(".card").classList.add("aim");
      };
      drag(start, (e) => {
        const to = new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());
        line.setAttribute("d", `M${x + size.width} ${y + size.height / 2}L${to.x} ${to.y}`);
        const under = document.elementFromPoint(e.clientX, e.clientY)?.closest(".plan [data-no]");
        point(under && under.dataset.no !== no ? cardOf(under.dataset.no) : null);
      }, (e) => {
        line.remove();
        const to = e && aim?.dataset.no;
        point(null);
        if (to) join(no, to);
      });
    };
    const draws = "draws" in box.dataset;
    if (draws) for (const a of cards) {
      const { x, y } = place(a);
      svg.append(made("circle", { class: "port", cx: x + size.width, cy: y + size.height / 2, r: PORT, "data-no": a.dataset.no }));
    }
    svg.addEventListener("pointerdown", (e) => {
      const at = e.target.closest("[data-no]"), mouse = e.pointerType === "mouse";
      if (e.button || (!mouse && !e.target.closest(".port"))) return;
      if (at) return draws && drawFrom(at.dataset.no, e);
      const { scrollLeft, scrollTop } = box;
      drag(e, (to) => {
        box.classList.add("panning");
        box.scrollTo(scrollLeft + e.clientX - to.clientX, scrollTop + e.clientY - to.clientY);
      }, () => box.classList.remove("panning"));
    });

    const picked = svg.querySelector("a[aria-current]");
    if (picked) {
      const { x, y } = place(picked), middle = (at, all, shown) => (at + all / 2) * scale - shown / 2;
      box.scrollTo(middle(x, size.width, box.clientWidth), middle(y, size.height, box.clientHeight));
    }
  };
})();
