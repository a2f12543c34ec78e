"use strict";
(() => {
  const data = JSON.parse(document.getElementById("network").textContent);
  const { genes, edges } = data;
  const PAGE = 25;
  const byId = (id) => document.getElementById(id);
  const place = new Map(genes.map((gene, index) => [gene, index]));
  const labels = data.symbols ? data.symbols.map((symbol, index) => symbol || genes[index]) : genes;
  const folded = labels.map((label, index) => (label === genes[index] ? label : `${label} ${genes[index]}`).toLowerCase());
  document.documentElement.classList.add("live");

  const count = (number) => number.toLocaleString("en-US");
  const decimal = (number) => (number === null ? "–" : number.toFixed(2).replace("-", "−"));
  const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

  function node(name, attributes, text) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /* The table of edges. */

  const table = { order: null, rows: [], page: 0, key: null, down: true };
  const columns = [...document.querySelectorAll("#edge-table th")].map((head) => head.dataset.key);

  function matches(edge, wanted, role) {
    if (!wanted) return true;
    const isCause = role !== "target" && folded[edges.source[edge]].includes(wanted);
    return isCause || (role !== "source" && folded[edges.target[edge]].includes(wanted));
  }

  function filterRows() {
    const wanted = byId("edge-search").value.trim().toLowerCase();
    const role = byId("edge-role").value;
    const least = Number(byId("edge-least").value) - 1e-6;
    const measure = edges.stability || edges.score;
    table.rows = [...edges.source.keys()].filter((edge) => measure[edge] >= least && matches(edge, wanted, role));
    sortRows();
    table.page = 0;
    showRows();
  }

  function sortRows() {
    if (!table.key) return;
    const isName = table.key === "source" || table.key === "target";
    const values = isName ? edges[table.key].map((index) => folded[index]) : edges[table.key];
    const sign = table.down ? -1 : 1;
    table.rows.sort((a, b) => {
      const [left, right] = [values[a], values[b]];
      return left === right ? a - b : sign * (left < right ? -1 : 1);
    });
  }

  function cell(edge, key) {
    const value = edges[key][edge];
    if (key === "source" || key === "target") return node("td", { class: "gene", "data-gene": genes[value], title: genes[value] }, labels[value]);
    if (key === "reversible" || key === "settled") return node("td", {}, value ? "yes" : "no");
    if (key !== "weight") return node("td", { class: "number" }, decimal(value));
    const made = node("td", { class: `number ${value >= 0 ? "plus" : "minus"}` });
    made.append(node("span", { class: "sign" }, value >= 0 ? "→" : "⊣"), ` ${decimal(value)}`);
    return made;
  }

  function showRows() {
    const first = table.page * PAGE;
    const shown = table.rows.slice(first, first + PAGE);
    const body = node("tbody");
    for (const edge of shown) {
      const row = node("tr");
      row.append(...columns.map((key) => cell(edge, key)));
      body.append(row);
    }
    document.querySelector("#edge-table tbody").replaceWith(body);
    const last = first + shown.length;
    byId("edge-place").textContent = shown.length ? `${count(first + 1)} to ${count(last)} of ${count(table.rows.length)}` : "no edge matches";
    byId("edge-back").disabled = first === 0;
    byId("edge-next").disabled = last >= table.rows.length;
  }

  function sortBy(head) {
    const isName = head.dataset.key === "source" || head.dataset.key === "target";
    table.down = table.key === head.dataset.key ? !table.down : !isName;
    table.key = head.dataset.key;
    for (const other of document.querySelectorAll("#edge-table th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", table.down ? "descending" : "ascending");
    sortRows();
    table.page = 0;
    showRows();
  }

  function saveRows() {
    const text = (edge, key) => (key === "source" || key === "target" ? genes[edges[key][edge]] : edges[key][edge] ?? "");
    const lines = [columns, ...table.rows.map((edge) => columns.map((key) => text(edge, key)))];
    const content = new Blob([lines.map((line) => line.join("\t")).join("\n") + "\n"], { type: "text/tab-separated-values" });
    const link = node("a", { href: URL.createObjectURL(content), download: "edges.tsv" });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  function startTable() {
    for (const head of document.querySelectorAll("#edge-table th")) {
      head.tabIndex = 0;
      head.addEventListener("click", () => sortBy(head));
      head.addEventListener("keydown", (event) => { if (event.key === "Enter") sortBy(head); });
    }
    for (const id of ["edge-search", "edge-role", "edge-least"]) byId(id).addEventListener("input", filterRows);
    byId("edge-form").addEventListener("submit", (event) => event.preventDefault());
    byId("edge-back").addEventListener("click", () => { table.page -= 1; showRows(); });
    byId("edge-next").addEventListener("click", () => { table.page += 1; showRows(); });
    byId("edge-save").addEventListener("click", saveRows);
    filterRows();
  }

  /* The picture of one gene; the measures are those of ego.py. */

  const ROWS = 14, WIDTH = 760, PITCH = 27, PILL = 132, PILL_HEIGHT = 21, HUB = 150, MARGIN = 26, NAME_LENGTH = 16;
  const short = (gene) => (gene.length <= NAME_LENGTH ? gene : `${gene.slice(0, NAME_LENGTH - 1)}…`);

  function svg(name, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  function chosen(side, index) {
    const all = [...edges.source.keys()].filter((edge) => edges[side][edge] === index);
    const best = all.sort((a, b) => edges.score[b] - edges.score[a] || a - b).slice(0, ROWS);
    return best.sort((a, b) => edges.weight[b] - edges.weight[a] || edges.score[b] - edges.score[a] || a - b);
  }

  function link(edge, x1, y1, x2, y2) {
    const isPositive = edges.weight[edge] >= 0;
    const score = Math.min(Math.max(edges.score[edge] ?? 0, 0), 1);
    const tip = x2 - (isPositive ? 9 : 4);
    const bend = (x2 - x1) * 0.45;
    const words = `${labels[edges.source[edge]]} → ${labels[edges.target[edge]]}: weight ${decimal(edges.weight[edge])}, score ${decimal(score)}`;
    return svg("g", { class: isPositive ? "plus" : "minus", opacity: 0.35 + 0.65 * score },
      svg("title", {}, words + (edges.reversible[edge] ? ", reversible" : "")),
      svg("path", { class: edges.reversible[edge] ? "link reversible" : "link", "stroke-width": 1 + 2.5 * score,
        d: `M${x1} ${y1}C${x1 + bend} ${y1} ${tip - bend} ${y2} ${tip} ${y2}` }),
      svg("path", isPositive ? { class: "head", d: `M${x2 - 1} ${y2}l-9 -4.5v9z` } : { class: "bar", d: `M${x2 - 3} ${y2 - 5}v10` }));
  }

  function pill(gene, x, y) {
    return svg("g", { class: "gene", "data-gene": gene, tabindex: 0 },
      svg("rect", { class: "pill", x, y: y - PILL_HEIGHT / 2, width: PILL, height: PILL_HEIGHT, rx: PILL_HEIGHT / 2 }),
      svg("text", { class: "pill-name", x: x + PILL / 2, y: y + 4, "text-anchor": "middle" }, short(labels[place.get(gene)])));
  }

  function sideOf(found, other, middle, hubHeight, isCause) {
    return found.flatMap((edge, row) => {
      const offset = row - (found.length - 1) / 2;
      const y = middle + offset * PITCH;
      const port = middle + (offset * (hubHeight - 14)) / Math.max(found.length - 1, 1);
      const gene = genes[edges[other][edge]];
      const ends = isCause ? [PILL, y, (WIDTH - HUB) / 2, port] : [(WIDTH + HUB) / 2, port, WIDTH - PILL, y];
      return [link(edge, ...ends), pill(gene, isCause ? 0 : WIDTH - PILL, y)];
    });
  }

  function caption(noun, total, shown, x, anchor) {
    const words = total ? plural(total, noun) + (shown < total ? `, ${shown} shown` : "") : `no ${noun}s`;
    return svg("text", { class: "axis", x, y: 16, "text-anchor": anchor }, words);
  }

  function draw(index) {
    const causes = chosen("target", index);
    const effects = chosen("source", index);
    const rows = Math.max(causes.length, effects.length, 1);
    const height = 2 * MARGIN + rows * PITCH + 16;
    const middle = MARGIN + 16 + (rows * PITCH) / 2;
    const hubHeight = Math.max(34, rows * 13);
    return svg("svg", { class: "figure", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", style: `max-width:${WIDTH}px` },
      svg("title", {}, `Causes and effects of ${labels[index]}`),
      caption("cause", data.causes[index], causes.length, 0, "start"),
      caption("effect", data.effects[index], effects.length, WIDTH, "end"),
      ...sideOf(causes, "source", middle, hubHeight, true),
      ...sideOf(effects, "target", middle, hubHeight, false),
      svg("rect", { class: "hub", x: (WIDTH - HUB) / 2, y: middle - hubHeight / 2, width: HUB, height: hubHeight, rx: 10 }),
      svg("text", { class: "hub-name", x: WIDTH / 2, y: middle + 5, "text-anchor": "middle" }, short(labels[index])));
  }

  function note(index) {
    const missing = data.total > edges.source.length ? ` Drawn from the best ${count(edges.source.length)} edges of the network.` : "";
    const none = data.causes[index] + data.effects[index] ? "" : " It has no edge in the network.";
    const id = labels[index] === genes[index] ? "" : `${genes[index]}. `;
    return `${id}Depth ${data.depth[index]}.${none}${missing}`;
  }

  function explore(gene) {
    const index = place.get(gene);
    if (index === undefined) return;
    byId("explore-gene").value = labels[index];
    byId("explore-note").textContent = note(index);
    byId("explore-picture").replaceChildren(draw(index));
  }

  function suggest() {
    const typed = byId("explore-gene").value.trim().toLowerCase();
    const written = byId("explore-gene").value.trim();
    const equal = (index) => [labels[index], genes[index]].some((name) => name.toLowerCase() === typed);
    const found = typed ? [...genes.keys()].filter((index) => folded[index].includes(typed)) : [];
    const rank = (index) => (equal(index) ? 0 : folded[index].startsWith(typed) ? 1 : 2);
    const near = found.sort((a, b) => rank(a) - rank(b) || a - b).slice(0, 40).map((index) => genes[index]);
    byId("explore-names").replaceChildren(...near.map((gene) => node("option", { value: labels[place.get(gene)] }, gene)));
    const exact = place.has(written) ? place.get(written) : labels.includes(written) ? labels.indexOf(written) : found.find(equal);
    if (exact !== undefined) explore(genes[exact]);
    else byId("explore-note").textContent = typed && !near.length ? "No gene of this network is called like that." : "";
    return near;
  }

  function startExplorer() {
    byId("explore-gene").addEventListener("input", suggest);
    byId("explore-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const near = suggest();
      if (near.length) explore(near[0]);
    });
    const follow = (event) => {
      const origin = event.target.closest("[data-gene]");
      if (!origin) return;
      explore(origin.dataset.gene);
      if (!byId("explore").contains(origin)) byId("explore").scrollIntoView();
    };
    document.addEventListener("click", follow);
    document.addEventListener("keydown", (event) => { if (event.key === "Enter") follow(event); });
    const first = byId("explore-gene").value;
    explore(place.has(first) ? first : genes[labels.indexOf(first)]);
  }

  /* The contents at the side, and the paragraph for a paper. */

  function startContents() {
    const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
    const seen = new Set();
    const watcher = new IntersectionObserver((entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) link.classList.toggle("here", id === first);
    }, { rootMargin: "-15% 0px -60% 0px" });
    for (const id of links.keys()) watcher.observe(byId(id));
  }

  function startCopy() {
    const button = byId("methods-copy");
    button.addEventListener("click", () => {
      const range = document.createRange();
      range.selectNodeContents(byId("methods-text"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy it with your keyboard";
    });
  }

  startTable();
  if (byId("explore-form")) startExplorer();
  startContents();
  startCopy();
})();
