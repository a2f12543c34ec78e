/* Directed paths between two genes. Depth rises along every edge, so genes in the order of depth are met causes first,
   and the best paths to a gene extend the best ones to its causes. */

const MOST_PATHS = 20;
const edgeCost = (edge) => -Math.log(Math.max(edges.score[edge], 1e-9));

/* The best paths from `start` to every gene that follows it, or, upwards, from every gene that leads to it: each the
   chain of its steps, the last one first; at most `most` to a gene. */

function bestPaths(start, most, isUp = false) {
  const [lists, end] = isUp ? [edgesInto, edges.source] : [edgesOutOf, edges.target];
  const found = new Map([[start, [{ cost: 0, steps: 0 }]]]);
  const line = [start];
  for (let k = 0; k < line.length; k++)
    for (const edge of lists[line[k]])
      if (!found.has(end[edge])) {
        found.set(end[edge], []);
        line.push(end[edge]);
      }
  line.sort((a, b) => (isUp ? nodes.depth[b] - nodes.depth[a] : nodes.depth[a] - nodes.depth[b]));
  for (const gene of line) {
    const best = found
      .get(gene)
      .sort((a, b) => a.cost - b.cost || a.steps - b.steps)
      .slice(0, most);
    found.set(gene, best);
    for (const edge of lists[gene])
      found
        .get(end[edge])
        .push(...best.map((before) => ({ cost: before.cost + edgeCost(edge), steps: before.steps + 1, edge, before })));
  }
  return found;
}

/* A chain as its edges, causes first. */

function unrolled(chain, isUp = false) {
  const along = [];
  for (let step = chain; step.before; step = step.before) along.push(step.edge);
  return { cost: chain.cost, edges: isUp ? along : along.reverse() };
}

const pathsBetween = (source, target) =>
  bestPaths(source, MOST_PATHS)
    .get(target)
    ?.map((chain) => unrolled(chain));

const weightAlong = (path) => path.edges.reduce((product, edge) => product * edges.weight[edge], 1);
const namesAlong = (path) => [edges.source[path.edges[0]], ...path.edges.map((edge) => edges.target[edge])];

function pathCell(path) {
  const parts = [geneLink(edges.source[path.edges[0]])];
  for (const edge of path.edges)
    parts.push(" ", edgeLink(edge, edges.weight[edge] >= 0 ? "→" : "⊣"), " ", geneLink(edges.target[edge]));
  return node("td", { class: "path" }, ...parts);
}

function pathTable(paths, name) {
  const rows = paths.map((path) => () => [
    pathCell(path),
    numberCell(path.edges.length, 0),
    weightCell(weightAlong(path)),
    numberCell(Math.exp(-path.cost)),
  ]);
  const text = () => [
    ["path", "steps", "weight", "score"],
    ...paths.map((path) => [
      namesAlong(path)
        .map((gene) => genes[gene])
        .join(" > "),
      path.edges.length,
      weightAlong(path),
      Math.exp(-path.cost),
    ]),
  ];
  return [...longTable(["Path", "#Steps", "#Weight", "#Score"], rows, name), tableBar(text, () => name)];
}

/* Genes that lead to both: the nearest by the scores of the best paths. */

function commonCauses(a, b) {
  const [toA, toB] = [bestPaths(a, 1, true), bestPaths(b, 1, true)];
  const both = [...toA.keys()]
    .filter((gene) => toB.has(gene))
    .map((gene) => {
      const [there, beside] = [toA.get(gene)[0], toB.get(gene)[0]];
      return { gene, cost: there.cost + beside.cost, toA: unrolled(there, true), toB: unrolled(beside, true) };
    });
  return both.sort((x, y) => x.cost - y.cost).slice(0, MOST_PATHS);
}

function commonTable(a, b) {
  const found = commonCauses(a, b),
    name = `Common causes of ${labels[a]} and ${labels[b]}`;
  if (!found.length)
    return [`No path joins ${labels[a]} and ${labels[b]}, and they have no cause in common in this network.`, []];
  const rows = found.map((one) => () => [
    geneCell(one.gene),
    pathCell(one.toA),
    pathCell(one.toB),
    numberCell(Math.exp(-one.cost)),
  ]);
  return [
    `No path leads from one to the other; ${plural(found.length, "common cause")}, the surest first.`,
    longTable(["Cause of both", `To ${labels[a]}`, `To ${labels[b]}`, "#Score"], rows, name),
  ];
}

function showPaths(source, target) {
  byId("paths-source").value = labels[source];
  byId("paths-target").value = labels[target];
  const there = pathsBetween(source, target),
    back = there ? undefined : pathsBetween(target, source);
  const found = there || back;
  const [from, to] = there ? [source, target] : [target, source];
  const most =
    found && found.length === MOST_PATHS ? `the ${MOST_PATHS} surest paths` : found && plural(found.length, "path");
  const total = found && decimal(changesAlong(ownChildren(), from, 1, false).get(to));
  const [said, answer] = found
    ? [
        `${there ? "" : "No path leads there, but back: "}${most} from ${labels[from]} to ${labels[to]}. Along all paths, one standard deviation more of ${labels[from]} gives ${total} of ${labels[to]}.`,
        pathTable(found, `Paths from ${labels[from]} to ${labels[to]}`),
      ]
    : commonTable(source, target);
  byId("paths-note").textContent = said + (data.total > nEdges ? ` Of the best ${count(nEdges)} edges.` : "");
  byId("paths-answer").replaceChildren(...answer);
}

/* To begin with, what the gene at the top leads to in two steps, or in one. */

function firstPath(gene) {
  const [far] = twoAway(gene, false);
  return far ? far.gene : edges.target[edgesOutOf[gene][0]];
}

const startPaths = () => askForTwo("path", [byId("paths-source"), byId("paths-target")], byId("paths-note"));
