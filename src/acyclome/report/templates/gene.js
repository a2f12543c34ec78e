/* One gene: the picture between its causes and its effects, all of them in tables, and those two edges away.
   The measures of the picture are those of ego.py. */

const ROWS = 14,
  PITCH = 27,
  PILL_HEIGHT = 21,
  MARGIN = 26;
const BROAD = { WIDTH: 760, PILL: 132, HUB: 150, LETTERS: 16 };
const NARROW = { WIDTH: 360, PILL: 104, HUB: 84, LETTERS: 12 }; // a phone
const isNarrow = window.matchMedia("(max-width: 40rem)");
const short = (gene, letters = BROAD.LETTERS) => (gene.length <= letters ? gene : `${gene.slice(0, letters - 1)}…`);

function chosen(list) {
  const best = [...list].sort((a, b) => edges.score[b] - edges.score[a] || a - b).slice(0, ROWS);
  return best.sort((a, b) => edges.weight[b] - edges.weight[a] || edges.score[b] - edges.score[a] || a - b);
}

/* Keys and screen readers reach edges and genes of the picture in the tables below it. */

function drawLink(edge, x1, y1, x2, y2) {
  const isPositive = edges.weight[edge] >= 0;
  const score = Math.min(Math.max(edges.score[edge] || 0, 0), 1);
  const tip = x2 - (isPositive ? 9 : 4);
  const bend = (x2 - x1) * 0.45;
  const words = `${labels[edges.source[edge]]} → ${labels[edges.target[edge]]}: weight ${decimal(edges.weight[edge])}, score ${decimal(score)}`;
  const d = `M${x1} ${y1}C${x1 + bend} ${y1} ${tip - bend} ${y2} ${tip} ${y2}`;
  return svg(
    "g",
    { class: isPositive ? "plus" : "minus", opacity: 0.75 + 0.25 * score, "data-edge": edge },
    svg("title", {}, words + (edges.reversible[edge] ? ", reversible" : "")),
    svg("path", { class: edges.reversible[edge] ? "link reversible" : "link", "stroke-width": 1 + 2.5 * score, d }),
    svg(
      "path",
      isPositive ? { class: "head", d: `M${x2 - 1} ${y2}l-9 -4.5v9z` } : { class: "bar", d: `M${x2 - 3} ${y2 - 5}v10` },
    ),
    svg("path", { class: "grip", d }),
  );
}

function drawPill(index, x, y, { PILL, LETTERS }) {
  return svg(
    "g",
    { class: "gene", "data-gene": genes[index] },
    svg("rect", { class: "pill", x, y: y - PILL_HEIGHT / 2, width: PILL, height: PILL_HEIGHT, rx: PILL_HEIGHT / 2 }),
    svg(
      "text",
      { class: "pill-name", x: x + PILL / 2, y: y + 4, "text-anchor": "middle" },
      short(labels[index], LETTERS),
    ),
  );
}

function drawSide(found, other, middle, hubHeight, isCause, size) {
  const { WIDTH, PILL, HUB } = size;
  return found.flatMap((edge, row) => {
    const offset = row - (found.length - 1) / 2;
    const y = middle + offset * PITCH;
    const port = middle + (offset * (hubHeight - 14)) / Math.max(found.length - 1, 1);
    const ends = isCause ? [PILL, y, (WIDTH - HUB) / 2, port] : [(WIDTH + HUB) / 2, port, WIDTH - PILL, y];
    return [drawLink(edge, ...ends), drawPill(edges[other][edge], isCause ? 0 : WIDTH - PILL, y, size)];
  });
}

function drawCaption(noun, total, shown, x, anchor) {
  const words = total ? plural(total, noun) + (shown < total ? `, ${shown} shown` : "") : `no ${noun}s`;
  return svg("text", { class: "axis", x, y: 16, "text-anchor": anchor }, words);
}

function drawGene(index) {
  const size = isNarrow.matches ? NARROW : BROAD;
  const { WIDTH, HUB, LETTERS } = size;
  const causes = chosen(edgesInto[index]);
  const effects = chosen(edgesOutOf[index]);
  const rows = Math.max(causes.length, effects.length, 1);
  const height = 2 * MARGIN + rows * PITCH + 16;
  const middle = MARGIN + 16 + (rows * PITCH) / 2;
  const hubHeight = Math.max(34, rows * 13);
  return svg(
    "svg",
    { class: "figure", viewBox: `0 0 ${WIDTH} ${height}`, role: "img", style: `max-width:${WIDTH}px` },
    svg("title", {}, `Causes and effects of ${labels[index]}`),
    drawCaption("cause", nodes.causes[index], causes.length, 0, "start"),
    drawCaption("effect", nodes.effects[index], effects.length, WIDTH, "end"),
    ...drawSide(causes, "source", middle, hubHeight, true, size),
    ...drawSide(effects, "target", middle, hubHeight, false, size),
    svg("rect", {
      class: "hub",
      x: (WIDTH - HUB) / 2,
      y: middle - hubHeight / 2,
      width: HUB,
      height: hubHeight,
      rx: 10,
    }),
    svg(
      "text",
      { class: "hub-name", x: WIDTH / 2, y: middle + 5, "text-anchor": "middle" },
      short(labels[index], size === NARROW ? 9 : LETTERS),
    ),
  );
}

/* What other pages know of the gene: Ensembl takes its own ids, of which the rest is found by name. */

function outsideLinks(index) {
  const gene = genes[index],
    isEnsembl = /^ENS[A-Z]*G\d{11}(\.\d+)?$/.test(gene);
  const name = encodeURIComponent(isEnsembl ? gene.split(".")[0] : labels[index]);
  const pages = {
    Ensembl: isEnsembl
      ? `https://www.ensembl.org/id/${name}`
      : `https://www.ensembl.org/Multi/Search/Results?q=${name};site=ensembl`,
    UniProt: `https://www.uniprot.org/uniprotkb?query=${isEnsembl ? `xref:ensembl-${name}` : `gene:${name}`}`,
  };
  const knockout = node("a", { href: address("knockout", index) }, "knock it out"),
    map = node("a", { href: address("map", index) }, "on the map");
  return [
    ...Object.entries(pages).flatMap(([page, href]) => [
      node("a", { href, target: "_blank", rel: "noreferrer" }, page),
      " · ",
    ]),
    knockout,
    " · ",
    map,
  ];
}

function noteOn(index) {
  const id = labels[index] === genes[index] ? "" : `${genes[index]}. `;
  const explained =
    isKnown(nodes.r2[index]) && nodes.causes[index]
      ? ` Its causes explain ${Math.round(100 * nodes.r2[index])}% of its variance.`
      : "";
  const none = nodes.causes[index] + nodes.effects[index] ? "" : " It has no edge in the network.";
  const missing = data.total > nEdges ? ` Drawn from the best ${count(nEdges)} edges of the network.` : "";
  return `${id}Depth ${nodes.depth[index]}.${explained}${none}${missing} `;
}

/* Tables: causes, effects, and genes two edges away. */

const MEASURES = ["score", ...(data.resamples ? ["stability", "direction"] : [])];
const HEADS = [
  "#Weight",
  ...MEASURES.map((name) => `#${name[0].toUpperCase()}${name.slice(1)}`),
  "Reversible",
  "Evidence",
];
const edgeCells = (edge) => [
  weightCell(edges.weight[edge]),
  ...MEASURES.map((name) => numberCell(edges[name][edge])),
  node("td", {}, edges.reversible[edge] ? "yes" : "no"),
  node("td", {}, edgeLink(edge, "evidence")),
];

function neighborTable(index, list, other, noun) {
  if (!list.length)
    return [node("p", { class: "small" }, `No ${noun.toLowerCase()} of ${labels[index]} is in the network.`)];
  const rows = list.map((edge) => () => [geneCell(edges[other][edge]), ...edgeCells(edge)]);
  const text = () => [
    ["gene", "symbol", "weight", ...MEASURES, "reversible"],
    ...list.map((edge) => {
      const gene = edges[other][edge];
      return [
        genes[gene],
        labels[gene],
        edges.weight[edge],
        ...MEASURES.map((name) => edges[name][edge]),
        edges.reversible[edge] ? "yes" : "no",
      ];
    }),
  ];
  const name = () => `${noun}s of ${labels[index]}`;
  return [...longTable([noun, ...HEADS], rows, name()), tableBar(text, name)];
}

/* Pairs of edges that lead on from the gene, the most certain first: the score of a pair is that of both. */

function twoAway(index, isUp) {
  const [lists, end] = isUp ? [edgesInto, "source"] : [edgesOutOf, "target"];
  const best = new Map();
  for (const near of lists[index])
    for (const far of lists[edges[end][near]]) {
      const gene = edges[end][far],
        score = edges.score[near] * edges.score[far];
      if (!best.has(gene) || best.get(gene).score < score) best.set(gene, { gene, near, far, score });
    }
  return [...best.values()].sort((a, b) => b.score - a.score || a.gene - b.gene);
}

function secondTable(index, isUp) {
  const found = twoAway(index, isUp),
    noun = isUp ? "Cause of a cause" : "Effect of an effect";
  if (!found.length) return [node("p", { class: "small" }, `${noun}: none.`)];
  const via = (one) => edges[isUp ? "source" : "target"][one.near];
  const weight = (one) => edges.weight[one.near] * edges.weight[one.far];
  const rows = found.map((one) => () => [
    geneCell(one.gene),
    geneCell(via(one)),
    weightCell(weight(one)),
    numberCell(one.score),
  ]);
  const text = () => [
    ["gene", "through", "weight", "score"],
    ...found.map((one) => [genes[one.gene], genes[via(one)], weight(one), one.score]),
  ];
  const name = () => `${noun}: ${labels[index]}`;
  return [
    node("p", { class: "small" }, `${noun}: ${plural(found.length, "gene")}.`),
    ...longTable([noun, "Through", "#Weight", "#Score"], rows, name(), 5),
    tableBar(text, name),
  ];
}

let shownGene = null;

function showGene(index) {
  shownGene = index;
  byId("explore-gene").value = labels[index];
  byId("explore-note").replaceChildren(noteOn(index), ...outsideLinks(index));
  byId("explore-picture").replaceChildren(
    drawGene(index),
    figureBar(
      () => byId("explore-picture").querySelector("svg"),
      () => `Causes and effects of ${labels[index]}`,
    ),
  );
  byId("explore-causes").replaceChildren(...neighborTable(index, edgesInto[index], "source", "Cause"));
  byId("explore-effects").replaceChildren(...neighborTable(index, edgesOutOf[index], "target", "Effect"));
  const second = byId("explore-second");
  const fill = () =>
    second.open && second.lastElementChild.replaceChildren(...secondTable(index, true), ...secondTable(index, false));
  second.ontoggle = fill;
  fill();
}

function startGene() {
  isNarrow.addEventListener("change", () => showGene(shownGene));
  const field = byId("explore-gene"),
    note = byId("explore-note");
  const go = () => {
    const index = nearestGene(field.value);
    if (index !== undefined) visit("gene", index);
  };
  geneField(field, note, go);
  field.addEventListener("input", () => {
    if (exactGene(field.value) !== undefined) showGene(exactGene(field.value));
  });
  onSubmit(field.form, go);
}
