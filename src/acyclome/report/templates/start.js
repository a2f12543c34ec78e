/* What is shown when: addresses and the history of the browser, the contents at the side, the paragraph for a paper. */

/* Each view has a section, what shows it, and how many genes it asks for. */
const VIEWS = {
  gene: { section: "explore", show: showGene, genes: 1 },
  edge: { section: "evidence", show: showEvidence, genes: 2 },
  path: { section: "paths", show: showPaths, genes: 2 },
  map: { section: "map", show: showOnMap, genes: 1 },
  knockout: { section: "whatif", show: showWhatIf, genes: 1 },
};

/* Show a view and note it in the history, so that Back leads to the one before. */

function visit(view, ...indices) {
  const there = address(view, ...indices);
  if (location.hash !== there) history.pushState(null, "", there);
  VIEWS[view].show(...indices);
}

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B"));
  for (const [view, { genes: wanted }] of Object.entries(VIEWS)) {
    if (!asked.has(view)) continue;
    const indices = [asked.get(view), asked.get("to")]
      .slice(0, wanted)
      .map((name) => (name === null ? undefined : exactGene(name)));
    return { view, indices, isWhole: !indices.includes(undefined) };
  }
  return null;
}

/* Show what the address asks for; say so where it names a gene that is not here. */

function followAddress() {
  const asked = readAddress();
  if (!asked) return false;
  const { section, show } = VIEWS[asked.view];
  if (asked.isWhole) show(...asked.indices);
  else byId(`${section}-note`).textContent = "No gene of this network is called like that.";
  byId(section).scrollIntoView();
  return asked.isWhole;
}

function openLink(event, view, indices) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button > 0) return; // in a tab of its own
  event.preventDefault();
  visit(view, ...indices);
  const section = byId(VIEWS[view].section);
  if (!section.contains(event.target)) section.scrollIntoView();
}

function followClick(event) {
  const link = event.target.closest("a[href^='#']");
  const edge = event.target.closest("[data-edge]");
  if (edge) return openLink(event, "edge", [edges.source[edge.dataset.edge], edges.target[edge.dataset.edge]]);
  if (link) {
    const view = Object.keys(VIEWS).find((name) => link.hash.startsWith(`#${name}=`));
    if (!view) return undefined;
    const names = new URLSearchParams(link.hash.slice(1).replaceAll("+", "%2B"));
    return openLink(
      event,
      view,
      [names.get(view), names.get("to")].slice(0, VIEWS[view].genes).map((name) => place.get(name)),
    );
  }
  const gene = event.target.closest("[data-gene]");
  return gene ? openLink(event, "gene", [place.get(gene.dataset.gene)]) : undefined;
}

function startContents() {
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target.id);
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) link.classList.toggle("here", id === first);
    },
    { rootMargin: "-15% 0px -60% 0px" },
  );
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

function startViews() {
  const top = exactGene(byId("explore-gene").value);
  startGene();
  startEvidence();
  startWhatIf();
  startPaths();
  startMap();
  showGene(top);
  showEvidence(edges.source[0], edges.target[0]);
  showWhatIf(top);
  showPaths(top, firstPath(top));
  document.addEventListener("click", followClick);
  window.addEventListener("popstate", followAddress);
  followAddress();
}

document.documentElement.classList.add("live");
for (const cell of document.querySelectorAll("td.gene[data-gene]"))
  cell.replaceChildren(geneLink(place.get(cell.dataset.gene)));
startSaving();
startTable();
if (nEdges) startViews();
startContents();
startCopy();
