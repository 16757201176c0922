// Everything can be read without this script. It shows one model at a time,
// searches, and highlights what a model reads and what reads it in the graph.
(function () {
  "use strict";
  const byId = (id) => document.getElementById(id);
  const search = byId("search"), list = byId("list"), graph = byId("graph");
  const articles = [...document.querySelectorAll("article")];
  const items = [...list.querySelectorAll("li")];
  const narrow = matchMedia("(max-width: 50rem)");
  document.body.classList.add("scripted");
  search.disabled = false;

  // What the address says: "" or #top, #model, #model.column, #graph/model.
  function route() {
    const hash = decodeURIComponent(location.hash.slice(1));
    const chosen = hash.startsWith("graph/") ? hash.slice(6) : "";
    const target = byId(hash);
    const article = (target && !chosen && target.closest("article")) || byId("overview");
    for (const a of articles) a.classList.toggle("shown", a === article);
    for (const item of items) {
      const link = item.firstElementChild;
      if (item.dataset.id === article.id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const row of document.querySelectorAll("tr.target")) row.classList.remove("target");
    if (graph) choose(chosen);
    document.title = (article.id === "overview" ? "" : article.id + " · ") + title;
    if (target && target !== article && target.matches("tr")) {
      target.classList.add("target");
      const lineage = target.querySelector("details");
      if (lineage) lineage.open = true;
      target.scrollIntoView({ block: "center" });
    } else if (!chosen) {
      scrollTo(0, 0);
    }
    if (narrow.matches && hash) list.open = false;
  }
  const title = document.title;

  // The graph: what is reached over lines from a box, in one direction.
  const boxes = graph ? [...graph.querySelectorAll(".box")] : [];
  const lines = graph ? [...graph.querySelectorAll(".lines path")] : [];
  function reach(start, from, to) {
    const found = new Set([start]);
    for (const box of found) {
      for (const line of lines) if (line.dataset[from] === box) found.add(line.dataset[to]);
    }
    return found;
  }
  function choose(id) {
    const self = boxes.find((b) => b.dataset.id === id);
    graph.classList.toggle("chosen-one", Boolean(self));
    byId("chosen").hidden = !self;
    if (!self) return;
    const up = reach(self.dataset.box, "to", "from"), down = reach(self.dataset.box, "from", "to");
    for (const b of boxes) {
      b.classList.toggle("self", b === self);
      b.classList.toggle("near", up.has(b.dataset.box) || down.has(b.dataset.box));
    }
    for (const l of lines) {
      l.classList.toggle("near", (up.has(l.dataset.from) && up.has(l.dataset.to)) || (down.has(l.dataset.from) && down.has(l.dataset.to)));
    }
    const open = byId("open");
    open.textContent = "Open " + id;
    open.href = "#" + id;
    byId("around").textContent = `reads ${up.size - 1} tables and is read by ${down.size - 1}, directly or through others.`;
    const frame = graph.parentElement, seen = frame.getBoundingClientRect(), box = self.getBoundingClientRect();
    if (box.left < seen.left || box.right > seen.right) frame.scrollLeft += (box.left + box.right - seen.left - seen.right) / 2;
    if (box.top < seen.top || box.bottom > seen.bottom) frame.scrollTop += (box.top + box.bottom - seen.top - seen.bottom) / 2;
  }
  if (graph) {
    graph.addEventListener("click", (event) => {
      const box = event.target.closest(".box");
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (!box) location.hash = "top";
      else location.hash = box.classList.contains("self") && graph.classList.contains("chosen-one") ? box.dataset.id : "graph/" + box.dataset.id;
    });
    byId("clear").addEventListener("click", () => { location.hash = "top"; });
  }

  // The search: every word must be somewhere; what matches by name comes first.
  const words = new Map(JSON.parse(byId("words").textContent).map((w) => [w.id, w.text]));
  function find(text, terms) {
    let where = 0, hit = "";
    for (const term of terms) {
      const at = text.findIndex((t) => t.toLowerCase().includes(term));
      if (at < 0) return null;
      if (at > where) { where = at; hit = text[at]; }
    }
    return { where, hit };
  }
  function filter() {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const item of items) {
      const found = find(words.get(item.dataset.id) || [item.dataset.id], terms);
      item.hidden = !found;
      item.querySelector(".hit").textContent = found ? found.hit.slice(0, 120) : "";
      if (found) count++;
    }
    for (const layer of list.querySelectorAll("[data-layer]")) layer.hidden = !layer.querySelector("li:not([hidden])");
    byId("none").hidden = count > 0;
    byId("count").textContent = String(terms.length ? count : items.filter((i) => !i.hidden).length);
    if (terms.length) list.open = true;
  }
  search.addEventListener("input", filter);

  // Keys: / searches, up and down walk the list, Enter in the search opens the first hit, Escape leaves.
  const shown = () => items.filter((i) => !i.hidden).map((i) => i.firstElementChild);
  addEventListener("keydown", (event) => {
    const typing = event.target === search;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape") {
      if (search.value) { search.value = ""; filter(); }
      else if (location.hash.startsWith("#graph/")) location.hash = "top";
      if (typing) search.blur();
    } else if (typing && event.key === "Enter" && shown()[0]) {
      location.hash = shown()[0].hash;
      search.blur();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (typing || list.contains(event.target))) {
      const links = shown();
      const at = links.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
      if (at < 0 || links.length === 0) search.focus();
      else links[Math.min(at, links.length - 1)].focus();
    }
  });

  addEventListener("hashchange", route);
  if (narrow.matches) list.open = false;
  route();
})();
