/* The differences between groups: search, a level, the group in which an edge is the strongest. */

const data = JSON.parse(byId("differential").textContent);
const rows = data.rows;
const labelOf = (gene) => data.symbols[gene] || gene;
const weightIn = (row, label) => rows[`weight_${label}`][row];

/* The group in which the weight is the largest, whatever its sign. */

function strongest(row) {
  const sizes = data.labels.map((label) => Math.abs(weightIn(row, label) ?? 0));
  return data.labels[sizes.indexOf(Math.max(...sizes))];
}

function keptRows() {
  const wanted = byId("difference-search").value.trim().toLowerCase();
  const most = Number(byId("difference-q").value),
    group = byId("difference-group").value;
  const names = (row) =>
    [rows.source[row], rows.target[row]]
      .flatMap((gene) => [gene, labelOf(gene)])
      .join(" ")
      .toLowerCase();
  return [...rows.source.keys()].filter(
    (row) =>
      (rows.q[row] ?? 1) <= most && (!wanted || names(row).includes(wanted)) && (!group || strongest(row) === group),
  );
}

const known = (value) => value ?? NaN;

function weightAndError(row, label) {
  const [weight, error] = [weightIn(row, label), rows[`error_${label}`][row]].map(known);
  if (!isKnown(weight)) return numberCell(NaN);
  const cell = weightCell(weight);
  cell.append(isKnown(error) ? ` ± ${decimal(error)}` : "");
  return cell;
}

function significant(value) {
  if (!isKnown(value)) return "–";
  return value > 0 && value < 0.001 ? value.toExponential(0).replace("e-", "×10^−") : decimal(value, 3);
}

function showDifferences() {
  const kept = keptRows();
  const cells = (row) => [
    node("td", { class: "gene", title: rows.source[row] }, labelOf(rows.source[row])),
    node("td", { class: "gene", title: rows.target[row] }, labelOf(rows.target[row])),
    ...data.labels.map((label) => weightAndError(row, label)),
    numberCell(known(rows.difference[row])),
    node("td", { class: "number" }, significant(known(rows.q[row]))),
    node("td", {}, rows.shared[row] ? "yes" : "no"),
  ];
  const heads = ["Cause", "Effect", ...data.labels.map((label) => `#${label}`), "#Difference", "#q", "Shared"];
  byId("difference-note").textContent =
    `${plural(kept.length, "row")}${data.total > rows.source.length ? ` of the ${count(rows.source.length)} most different of ${count(data.total)}` : ""}`;
  byId("difference-rows").replaceChildren(
    ...(kept.length
      ? longTable(
          heads,
          kept.map((row) => () => cells(row)),
          "Differences",
          25,
        )
      : []),
  );
}

function savedDifferences() {
  const names = Object.keys(rows);
  return [names, ...keptRows().map((row) => names.map((name) => rows[name][row] ?? ""))];
}

document.documentElement.classList.add("live");
startSaving();
if (rows) {
  for (const id of ["difference-search", "difference-q", "difference-group"])
    byId(id).addEventListener("input", showDifferences);
  byId("difference-form").addEventListener("submit", (event) => event.preventDefault());
  byId("difference-save").addEventListener("click", () => saveTable(savedDifferences(), "differences"));
  showDifferences();
}
