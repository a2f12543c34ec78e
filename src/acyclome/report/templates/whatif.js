/* What if a gene were knocked out: the linear answer of every network, as `acyclome predict` gives it. The total effects
   of the gene are pushed along the edges from causes to effects; no gene falls below where a knock-out would put it. The
   mean over the resamples is the answer, and the interval is theirs. Where interventions or more resamples than the page
   carries have a say, answers were computed when the page was made. */

const whatIf = data.what_if;
const answers = new Map((whatIf.answers || []).map((one) => [one.source, { ...one, ...unpackAll(one.columns) }]));

/* Genes that follow `start` in a network, every cause before its effects. */

function following(children, start) {
  const order = [],
    seen = new Set([start]),
    path = [[start, 0]];
  while (path.length) {
    const last = path[path.length - 1];
    const next = (children.get(last[0]) || [])[last[1]++];
    if (next === undefined) order.push(path.pop()[0]);
    else if (!seen.has(next.gene)) {
      seen.add(next.gene);
      path.push([next.gene, 0]);
    }
  }
  return order.reverse();
}

function childrenOf({ source, target, weight }) {
  const children = new Map();
  for (let k = 0; k < source.length; k++) {
    if (!children.has(source[k])) children.set(source[k], []);
    children.get(source[k]).push({ gene: target[k], weight: weight[k] });
  }
  return children;
}

/* The change of every gene that follows when `gene` is held at `amount`; a floor is where a knock-out would put it. */

function changesAlong(children, gene, amount, hasFloor = true) {
  const effect = new Map([[gene, 1]]);
  for (const one of following(children, gene))
    for (const next of children.get(one) || [])
      effect.set(next.gene, (effect.get(next.gene) || 0) + effect.get(one) * next.weight);
  const floor = (one) => (hasFloor && isKnown(nodes.lowest[one]) ? nodes.lowest[one] : -Infinity);
  return new Map(
    [...effect].map(([one, total]) => [one, one === gene ? amount : Math.max(total * amount, floor(one))]),
  );
}

let own = null;
const ownChildren = () => (own ??= childrenOf(edges));
const networks = [];
function allNetworks() {
  if (!networks.length && members)
    for (let k = 0; k < members.number; k++) networks.push(childrenOf(members.edgesOf(k)));
  if (!networks.length) networks.push(ownChildren());
  return networks;
}

/* Quantile between sorted values by the positions q (n + 1) (Weibull 1939). */

function quantile(sorted, q) {
  const at = Math.min(Math.max(q * (sorted.length + 1) - 1, 0), sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
}

function predictChanges(gene, amount) {
  const drawn = allNetworks().map((children) => changesAlong(children, gene, amount));
  const moved = [...new Set(drawn.flatMap((one) => [...one.keys()]))];
  const rows = moved.map((one) => {
    const values = drawn.map((changes) => changes.get(one) || 0).sort((a, b) => a - b);
    const change = values.reduce((sum, value) => sum + value, 0) / values.length;
    if (!members) return { gene: one, change, low: NaN, high: NaN, agreement: NaN };
    const { reach, wider } = whatIf;
    const bound = (q) => change - wider * (change - quantile(values, q));
    const agreement = values.filter((value) => Math.sign(value) === Math.sign(change)).length / values.length;
    return { gene: one, change, low: bound((1 - reach) / 2), high: bound((1 + reach) / 2), agreement };
  });
  return rows.filter((row) => row.change !== 0);
}

function prepared(gene) {
  const found = answers.get(gene);
  return [...found.gene].map((one, k) => ({
    gene: one,
    change: found.change[k],
    low: found.low[k],
    high: found.high[k],
    agreement: found.agreement[k],
  }));
}

/* The largest changes as points with their intervals. */

function drawChanges(rows, title) {
  const shown = rows.slice(0, 20),
    right = 20,
    pitch = 20,
    top = 12;
  const [width, left] = isNarrow.matches ? [360, 112] : [760, 150];
  const height = top + shown.length * pitch + 44;
  const ends = shown.flatMap((row) => [row.change, row.low, row.high, 0]).filter(isKnown);
  const [low, high] = span(ends);
  const at = (value) => left + ((value - low) / (high - low)) * (width - left - right);
  const y = (row) => top + row * pitch + pitch / 2;
  const grid = niceTicks(low, high).flatMap((tick) => [
    svg("path", { class: "grid", d: `M${at(tick)} ${top}V${height - 40}` }),
    svg("text", { class: "tick", x: at(tick), y: height - 24, "text-anchor": "middle" }, decimal(tick)),
  ]);
  const lines = shown.flatMap((row, k) => [
    svg(
      "text",
      { class: "pill-name", x: left - 12, y: y(k) + 4, "text-anchor": "end" },
      short(labels[row.gene], isNarrow.matches ? NARROW.LETTERS : BROAD.LETTERS),
    ),
    ...(isKnown(row.low) ? [svg("path", { class: "interval", d: `M${at(row.low)} ${y(k)}H${at(row.high)}` })] : []),
    svg(
      "circle",
      { class: "dot", cx: at(row.change), cy: y(k), r: 4 },
      svg("title", {}, `${labels[row.gene]}: ${decimal(row.change)}`),
    ),
  ]);
  return svg(
    "svg",
    { class: "figure", viewBox: `0 0 ${width} ${height}`, role: "img", style: `max-width:${width}px` },
    svg("title", {}, title),
    ...grid,
    svg("path", { class: "mark", d: `M${at(0)} ${top}V${height - 40}` }),
    ...lines,
    svg(
      "text",
      { class: "axis", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" },
      "change, in standard deviations",
    ),
  );
}

/* What is known of the answer, and what is not. */

function basisOf(gene, isPrepared) {
  if (isPrepared) return answers.get(gene).said;
  const most = "Along the network, linear, so it holds near what was observed.";
  if (whatIf.is_whole)
    return `${most} ${members ? `Not checked: no targets were held out, and the interval of ${share(whatIf.interval)} spans ${members.number} resamples alone.` : "Without resamples there is no interval."}`;
  return `${most} ${whatIf.lacks} No interval is known here: ask acyclome predict, which has all.`;
}

function showWhatIf(gene) {
  byId("whatif-gene").value = labels[gene];
  const isHeld = byId("whatif-act").value !== "",
    given = Number(byId("whatif-value").value);
  const amount = isHeld ? given : nodes.lowest[gene];
  const note = byId("whatif-note"),
    box = byId("whatif-answer");
  if (!isKnown(amount)) {
    note.textContent = `This network does not know where a knock-out puts ${labels[gene]}; hold it at a value instead.`;
    return box.replaceChildren();
  }
  const isPrepared = !isHeld && answers.has(gene);
  const byChange = (isPrepared ? prepared(gene) : predictChanges(gene, amount)).sort(
    (a, b) => Math.abs(b.change) - Math.abs(a.change) || a.gene - b.gene,
  );
  const rows = byChange.filter((row) => row.gene !== gene);
  note.textContent = `${labels[gene]} is held at ${decimal(amount)}; ${isPrepared ? `the ${count(rows.length)} largest changes` : `${plural(rows.length, "gene")} ${rows.length === 1 ? "changes" : "change"}`}. ${basisOf(gene, isPrepared)}`;
  if (!rows.length) return box.replaceChildren();
  const title = () => `${labels[gene]} ${isHeld ? `held at ${given}` : "knocked out"}`;
  // of no resamples there are no intervals, and no empty columns
  const more = rows.some((row) => isKnown(row.low)) ? ["low", "high", "agreement"] : [];
  const cells = (row) => [geneCell(row.gene), ...["change", ...more].map((name) => numberCell(row[name]))];
  const text = () => [
    ["gene", "symbol", "change", ...more],
    ...rows.map((row) => [
      genes[row.gene],
      labels[row.gene],
      row.change,
      ...more.map((name) => (isKnown(row[name]) ? row[name] : "")),
    ]),
  ];
  const figure = node("figure", {}, drawChanges(rows, title()));
  figure.append(figureBar(() => figure.querySelector("svg"), title));
  return box.replaceChildren(
    figure,
    ...longTable(
      ["Gene", "#Change", ...more.map((name) => `#${name[0].toUpperCase()}${name.slice(1)}`)],
      rows.map((row) => () => cells(row)),
      title(),
    ),
    tableBar(text, title),
  );
}

function startWhatIf() {
  const go = () => {
    const gene = nearestGene(byId("whatif-gene").value);
    if (gene !== undefined) visit("knockout", gene);
  };
  const toggle = () => {
    byId("whatif-value").parentElement.hidden = byId("whatif-act").value === "";
  };
  geneField(byId("whatif-gene"), byId("whatif-note"), go);
  onSubmit(byId("whatif-form"), go);
  for (const id of ["whatif-act", "whatif-value"])
    byId(id).addEventListener("input", () => {
      toggle();
      go();
    });
  toggle();
}
