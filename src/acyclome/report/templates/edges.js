/* The table of edges: search, filters, sorting, pages. */

const PAGE = 25;
const shownEdges = { rows: [], page: 0, key: null, down: true };
const columns = [...document.querySelectorAll("#edge-table th")].map((head) => head.dataset.key);
const isName = (key) => key === "source" || key === "target";

/* Which genes a text finds: 1 for each that holds it. */

function genesWith(text) {
  const wanted = text.trim().toLowerCase();
  return wanted ? Uint8Array.from(folded, (name) => (name.includes(wanted) ? 1 : 0)) : null;
}

function genesOfList(text) {
  const names = new Set(
    text
      .split(/[\s,;]+/)
      .filter(Boolean)
      .map((name) => name.toLowerCase()),
  );
  return names.size
    ? Uint8Array.from(genes, (gene, index) =>
        names.has(gene.toLowerCase()) || names.has(labels[index].toLowerCase()) ? 1 : 0,
      )
    : null;
}

const atEnds = (has, role, edge) =>
  (role !== "target" && has[edges.source[edge]]) || (role !== "source" && has[edges.target[edge]]);

function filterRows() {
  const [found, role] = [genesWith(byId("edge-search").value), byId("edge-role").value];
  const [list, listRole] = [genesOfList(byId("edge-list").value), byId("edge-list-role").value];
  const sign = Number(byId("edge-sign").value);
  const leasts = [
    ["score", "edge-score"],
    ["stability", "edge-stability"],
  ]
    .filter(([, id]) => byId(id))
    .map(([name, id]) => [edges[name], Number(byId(id).value) - 1e-6]);
  const keeps = (edge) =>
    leasts.every(([values, least]) => values[edge] >= least || least <= 0) &&
    (!sign || sign * edges.weight[edge] > 0) &&
    (!found || atEnds(found, role, edge)) &&
    (!list ||
      (listRole === "both" ? list[edges.source[edge]] && list[edges.target[edge]] : atEnds(list, listRole, edge)));
  const rows = [];
  for (let edge = 0; edge < nEdges; edge++) if (keeps(edge)) rows.push(edge);
  shownEdges.rows = rows;
  byId("edge-list-note").textContent = list
    ? `${plural(
        list.reduce((sum, one) => sum + one, 0),
        "gene",
      )} of the list ${list.reduce((sum, one) => sum + one, 0) === 1 ? "is" : "are"} in the network`
    : "";
  sortRows();
  shownEdges.page = 0;
  showRows();
}

function sortRows() {
  const { key, down, rows } = shownEdges;
  if (!key) return;
  const value = isName(key)
    ? (edge) => folded[edges[key][edge]]
    : (edge) => (isKnown(edges[key][edge]) ? edges[key][edge] : -Infinity);
  const values = new Map(rows.map((edge) => [edge, value(edge)]));
  const sign = down ? -1 : 1;
  rows.sort((a, b) => {
    const [left, right] = [values.get(a), values.get(b)];
    return left === right ? a - b : sign * (left < right ? -1 : 1);
  });
}

function edgeCell(edge, key) {
  if (key === undefined) return node("td", {}, edgeLink(edge, "evidence"));
  const value = edges[key][edge];
  if (isName(key)) return geneCell(value);
  if (key === "reversible" || key === "oriented_by_intervention") return node("td", {}, value ? "yes" : "no");
  return key === "weight" ? weightCell(value) : numberCell(value);
}

function showRows() {
  const first = shownEdges.page * PAGE;
  const shown = shownEdges.rows.slice(first, first + PAGE);
  const body = node("tbody", {}, ...shown.map((edge) => node("tr", {}, ...columns.map((key) => edgeCell(edge, key)))));
  document.querySelector("#edge-table tbody").replaceWith(body);
  const last = first + shown.length;
  byId("edge-place").textContent = shown.length
    ? `${count(first + 1)} to ${count(last)} of ${count(shownEdges.rows.length)}`
    : "no edge matches";
  byId("edge-back").disabled = first === 0;
  byId("edge-next").disabled = last >= shownEdges.rows.length;
}

function sortBy(head) {
  const { key } = head.dataset;
  shownEdges.down = shownEdges.key === key ? !shownEdges.down : !isName(key);
  shownEdges.key = key;
  for (const other of document.querySelectorAll("#edge-table th")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", shownEdges.down ? "descending" : "ascending");
  sortRows();
  shownEdges.page = 0;
  showRows();
}

/* The rows that are shown as those of edges.tsv.gz, with all columns that the page carries. */

function savedEdges() {
  const names = ["source", "target", ...(data.symbols ? ["source_symbol", "target_symbol"] : []), "weight", "sign"];
  const measures = Object.keys(edges).filter((name) => !names.includes(name) && name !== "prior" && edges[name]);
  const row = (edge) => {
    const ends = [edges.source[edge], edges.target[edge]];
    const symbols = data.symbols ? ends.map((index) => data.symbols[index]) : [];
    const value = (name) =>
      name === "reversible" || name === "oriented_by_intervention"
        ? Boolean(edges[name][edge])
        : isKnown(edges[name][edge])
          ? Number(edges[name][edge].toFixed(4))
          : "";
    return [
      ...ends.map((index) => genes[index]),
      ...symbols,
      Number(edges.weight[edge].toFixed(4)),
      edges.weight[edge] >= 0 ? "+" : "-",
      ...measures.map(value),
      data.priors[edges.prior[edge]],
    ];
  };
  return [[...names, ...measures, "prior"], ...shownEdges.rows.map(row)];
}

function startTable() {
  for (const head of document.querySelectorAll("#edge-table th[data-key]")) {
    const button = node("button", { type: "button", class: "sort" }, head.textContent);
    head.replaceChildren(button);
    head.addEventListener("click", () => sortBy(head));
  }
  for (const id of [
    "edge-search",
    "edge-role",
    "edge-sign",
    "edge-score",
    "edge-stability",
    "edge-list",
    "edge-list-role",
  ])
    if (byId(id)) byId(id).addEventListener("input", filterRows);
  byId("edge-form").addEventListener("submit", (event) => event.preventDefault());
  byId("edge-form").addEventListener("reset", () => setTimeout(filterRows));
  byId("edge-back").addEventListener("click", () => {
    shownEdges.page -= 1;
    showRows();
  });
  byId("edge-next").addEventListener("click", () => {
    shownEdges.page += 1;
    showRows();
  });
  byId("edge-save").addEventListener("click", () => saveTable(savedEdges(), "edges"));
  filterRows();
}
