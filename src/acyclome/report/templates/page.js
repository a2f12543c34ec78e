/* What the page carries, and the few things that every part of it uses. Columns come packed: base64 of whole numbers,
   so many to one; the least number of a signed type stands for "not known". See payload.py, which packs them. */

const data = JSON.parse(document.getElementById("network").textContent);
const ARRAYS = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i2: Int16Array };

function unpack(column) {
  if (!column) return null;
  const bytes = Uint8Array.from(atob(column.data), (letter) => letter.charCodeAt(0));
  const whole = new ARRAYS[column.type](bytes.buffer);
  if (!column.per_one) return whole;
  return Float64Array.from(whole, (code) => (code === -32768 ? NaN : code / column.per_one));
}

const unpackAll = (columns) =>
  Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, unpack(column)]));
const genes = data.genes;
const nodes = unpackAll(data.nodes);
const edges = unpackAll(data.edges);
const nEdges = edges.source.length;
const place = new Map(genes.map((gene, index) => [gene, index]));
const labels = data.symbols ? data.symbols.map((symbol, index) => symbol || genes[index]) : genes;
const folded = labels.map((label, index) =>
  (label === genes[index] ? label : `${label} ${genes[index]}`).toLowerCase(),
);

/* The edges into and out of every gene, best first, as the table of edges has them. */

function listed(side) {
  const lists = genes.map(() => []);
  for (let edge = 0; edge < nEdges; edge++) lists[edges[side][edge]].push(edge);
  return lists;
}

const edgesInto = listed("target");
const edgesOutOf = listed("source");
const edgeBetween = (source, target) => edgesInto[target].find((edge) => edges.source[edge] === source);

/* Addresses of views: #gene=LYZ, #edge=SPI1&to=LYZ, #path=SPI1&to=LYZ, #knockout=SPI1. */

const address = (view, ...indices) =>
  `#${view}=${indices.map((index) => encodeURIComponent(genes[index])).join("&to=")}`;
const geneLink = (index) => node("a", { href: address("gene", index), title: genes[index] }, labels[index]);
const edgeLink = (edge, text) => {
  const [source, target] = [edges.source[edge], edges.target[edge]];
  return node(
    "a",
    { href: address("edge", source, target), "aria-label": `${text}: ${labels[source]} to ${labels[target]}` },
    text,
  );
};
const geneCell = (index) => node("td", { class: "gene", "data-gene": genes[index] }, geneLink(index));
/* Find genes by a part of their name or symbol: equal ones first, then those that begin so, then the rest. */

function findGenes(text, most) {
  const typed = text.trim().toLowerCase();
  if (!typed) return [];
  const equal = (index) => labels[index].toLowerCase() === typed || genes[index].toLowerCase() === typed;
  const rank = (index) => (equal(index) ? 0 : folded[index].startsWith(typed) ? 1 : 2);
  const found = [];
  for (let index = 0; index < genes.length; index++) if (folded[index].includes(typed)) found.push(index);
  return found.sort((a, b) => rank(a) - rank(b) || a - b).slice(0, most);
}

function exactGene(text) {
  const written = text.trim();
  if (place.has(written)) return place.get(written);
  const bySymbol = labels.indexOf(written);
  if (bySymbol >= 0) return bySymbol;
  const [first] = findGenes(written, 1);
  const typed = written.toLowerCase();
  return first !== undefined && [labels[first], genes[first]].some((name) => name.toLowerCase() === typed)
    ? first
    : undefined;
}

const nearestGene = (text) => exactGene(text) ?? findGenes(text, 1)[0];

/* A field for a gene offers names while one types; `settle` is called when it is left, or on Enter, with one that is. */

function geneField(input, note, settle) {
  const list = byId(input.getAttribute("list"));
  input.addEventListener("input", () => {
    const near = findGenes(input.value, 40);
    list.replaceChildren(...near.map((index) => node("option", { value: labels[index] }, genes[index])));
    note.textContent = input.value.trim() && !near.length ? "No gene of this network is called like that." : "";
  });
  input.addEventListener("change", () => {
    if (exactGene(input.value) !== undefined) settle();
  });
}

function onSubmit(form, act) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}

/* The genes of a form with two fields; of a part of a name, the nearest. */

function askForTwo(view, fields, note) {
  const ask = () => {
    const [source, target] = fields.map((field) => nearestGene(field.value));
    if (source === undefined || target === undefined || source === target)
      note.textContent = "Two genes of this network are asked for.";
    else visit(view, source, target);
  };
  for (const field of fields) geneField(field, note, ask);
  onSubmit(fields[0].form, ask);
}
