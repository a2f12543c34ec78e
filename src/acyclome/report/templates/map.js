/* The map of the whole network on a canvas. Places were computed when the page was made (layout.py). While it moves, the
   last picture is moved, as a whole, and drawn anew when it rests: so it moves smoothly however large it is. */

const REST = 120; // ms without a movement, after which the map is drawn anew
const NAMED = 24; // hubs that have their names on the whole map; closer up, genes in sight
const REACH = 12; // pixels around a gene that count as on it

const atlas = { x: nodes.x, y: nodes.y, scale: 1, midX: 0, midY: 0, chosen: null, least: 0, isMoving: false, timer: 0, frame: 0, picture: null };
const onMap = [...genes.keys()].filter((index) => isKnown(nodes.x[index]));
const hubs = [...onMap].sort((a, b) => nodes.effects[b] - nodes.effects[a] || a - b);
const radius = (index) => Math.min(1.5 + 0.6 * Math.sqrt(nodes.effects[index]), 9);

const mapColours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["ink", "quiet", "paper", "accent", "plus", "minus", "rule"].map((name) => [name, style.getPropertyValue(`--${name}`)]));
};

/* From the world, -1 to 1, to pixels of the canvas as it is shown. */

function mapView() {
  const canvas = byId("map-canvas"), { clientWidth: width, clientHeight: height } = canvas;
  const unit = (Math.min(width, height) / 2.2) * atlas.scale;
  const [left, top] = [width / 2 - atlas.midX * unit, height / 2 - atlas.midY * unit]; // of the middle of the world
  return { canvas, width, height, unit, left, top, at: (index) => [left + atlas.x[index] * unit, top + atlas.y[index] * unit] };
}

function drawEdges(pen, { left, top, unit }, shown, colour, wide) {
  const { x, y } = atlas, { source, target } = edges;
  pen.strokeStyle = colour;
  pen.lineWidth = wide;
  pen.beginPath();
  for (const edge of shown) {
    pen.moveTo(left + x[source[edge]] * unit, top + y[source[edge]] * unit);
    pen.lineTo(left + x[target[edge]] * unit, top + y[target[edge]] * unit);
  }
  pen.stroke();
}

function drawGenes(pen, { left, top, unit, width, height }, shown, colour, grow) {
  pen.fillStyle = colour;
  pen.beginPath();
  for (const index of shown) {
    const x = left + atlas.x[index] * unit, y = top + atlas.y[index] * unit, size = radius(index) * grow;
    if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
    pen.moveTo(x + size, y);
    pen.arc(x, y, size, 0, 7);
  }
  pen.fill();
}

function drawNames(pen, { at, width, height }, shown, colours) {
  pen.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  pen.lineWidth = 3;
  pen.strokeStyle = colours.paper;
  pen.fillStyle = colours.ink;
  const taken = [];
  for (const index of shown) {
    const [x, y] = at(index);
    if (x < 0 || y < 0 || x > width || y > height) continue;
    const left = x + radius(index) + 3, wide = labels[index].length * 7;
    if (taken.some(([l, t, w]) => l < left + wide && left < l + w && Math.abs(t - y) < 14)) continue;
    taken.push([left, y, wide]);
    pen.strokeText(labels[index], left, y + 4);
    pen.fillText(labels[index], left, y + 4);
    if (taken.length >= 2 * NAMED) break;
  }
}

/* Everything between causes and effects of the chosen gene. */

const around = (index) => [...edgesInto[index], ...edgesOutOf[index]].filter((edge) => edges.score[edge] >= atlas.least);

function paintMap(pen, view, colours) {
  const { width, height } = view;
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  const shown = [];
  for (let edge = 0; edge < nEdges; edge++) if (edges.score[edge] >= atlas.least) shown.push(edge);
  const near = atlas.chosen === null ? [] : around(atlas.chosen);
  pen.globalAlpha = near.length ? 0.25 : Math.min(0.9, 0.25 + 400 / (shown.length + 400) + 0.1 * Math.log2(atlas.scale));
  drawEdges(pen, view, shown, colours.quiet, 0.6);
  pen.globalAlpha = near.length ? 0.4 : 0.9;
  const grow = Math.max(0.6, Math.min(1, 60 / Math.sqrt(onMap.length))) * Math.min(2, Math.sqrt(atlas.scale));
  drawGenes(pen, view, onMap, colours.accent, grow);
  pen.globalAlpha = 1;
  drawEdges(pen, view, near.filter((edge) => edges.weight[edge] >= 0), colours.plus, 1.6);
  drawEdges(pen, view, near.filter((edge) => edges.weight[edge] < 0), colours.minus, 1.6);
  const lit = atlas.chosen === null ? [] : [atlas.chosen, ...near.flatMap((edge) => [edges.source[edge], edges.target[edge]])];
  drawGenes(pen, view, lit, colours.ink, grow);
  const inSight = atlas.scale > 2 ? hubs : hubs.slice(0, NAMED);
  drawNames(pen, view, [...lit, ...inSight], colours);
}

/* The last picture where it belongs now. */

function movePicture(pen, { width, height, unit, left, top }, paper) {
  const { picture } = atlas, grown = unit / picture.unit;
  pen.fillStyle = paper;
  pen.fillRect(0, 0, width, height);
  pen.drawImage(picture.image, left - picture.left * grown, top - picture.top * grown, picture.width * grown, picture.height * grown);
}

function drawMap() {
  atlas.frame = 0;
  const view = mapView(), { canvas, width, height } = view;
  if (!width) return;
  const dense = Math.min(window.devicePixelRatio || 1, 2);
  const [across, down] = [Math.round(width * dense), Math.round(height * dense)];
  const isSame = canvas.width === across && canvas.height === down;
  if (!isSame) [canvas.width, canvas.height] = [across, down];
  const pen = canvas.getContext("2d"), colours = mapColours();
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  if (atlas.isMoving && isSame && atlas.picture) return movePicture(pen, view, colours.paper);
  paintMap(pen, view, colours);
  const image = atlas.picture?.image || node("canvas");
  [image.width, image.height] = [across, down];
  image.getContext("2d").drawImage(canvas, 0, 0);
  atlas.picture = { ...view, image };
}

const askForFrame = () => { atlas.frame ||= requestAnimationFrame(drawMap); };

function moving() {
  atlas.isMoving = true;
  clearTimeout(atlas.timer);
  atlas.timer = setTimeout(() => { atlas.isMoving = false; askForFrame(); }, REST);
  askForFrame();
}

/* Zoom by a factor, so that what is under a point stays there. */

function zoomMap(factor, x, y) {
  const { unit, width, height } = mapView();
  const scale = Math.min(Math.max(atlas.scale * factor, 0.5), 60);
  const keep = (1 / unit) * (1 - atlas.scale / scale);
  atlas.midX += (x - width / 2) * keep;
  atlas.midY += (y - height / 2) * keep;
  atlas.scale = scale;
  moving();
}

const zoomMiddle = (factor) => { const { width, height } = mapView(); zoomMap(factor, width / 2, height / 2); };

function moveMap(byX, byY) {
  const { unit } = mapView();
  atlas.midX -= byX / unit;
  atlas.midY -= byY / unit;
  moving();
}

function nearestOnMap(x, y) {
  const { at } = mapView();
  let [best, least] = [null, REACH ** 2];
  for (const index of onMap) {
    const [left, top] = at(index), far = (left - x) ** 2 + (top - y) ** 2;
    if (far < least) [best, least] = [index, far];
  }
  return best;
}

function chooseOnMap(index) {
  atlas.chosen = index;
  const note = byId("map-note");
  if (index === null) note.textContent = "";
  else note.replaceChildren(geneLink(index), `: ${plural(nodes.causes[index], "cause")}, ${plural(nodes.effects[index], "effect")}.${isKnown(nodes.x[index]) ? "" : " It has no edge here, so it is not on the map."}`);
  askForFrame();
}

function showOnMap(index) {
  byId("map-gene").value = labels[index];
  if (isKnown(nodes.x[index])) [atlas.midX, atlas.midY, atlas.scale] = [atlas.x[index], atlas.y[index], Math.max(atlas.scale, 3)];
  chooseOnMap(index);
}

function startPointers(canvas) {
  const held = new Map();
  let moved = 0;
  const place = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const apart = () => { const [a, b] = [...held.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
  canvas.addEventListener("pointerdown", (event) => { held.set(event.pointerId, place(event)); moved = 0; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const [before, now] = [held.get(event.pointerId), place(event)];
    const far = held.size === 2 ? apart() : 0;
    held.set(event.pointerId, now);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (held.size === 2) zoomMap(apart() / far, ...now);
    else moveMap(now[0] - before[0], now[1] - before[1]);
  });
  canvas.addEventListener("pointerup", (event) => { if (held.delete(event.pointerId) && moved < 4) chooseOnMap(nearestOnMap(...place(event))); });
  canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    zoomMap(Math.exp(-event.deltaY / 300), ...place(event));
  }, { passive: false });
}

function startMapKeys(canvas) {
  const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  canvas.addEventListener("keydown", (event) => {
    if (steps[event.key]) moveMap(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") zoomMiddle(1.5);
    else if (event.key === "-") zoomMiddle(1 / 1.5);
    else if (event.key === "0") wholeMap();
    else if (event.key === "Enter" && atlas.chosen !== null) { visit("gene", atlas.chosen); byId("explore").scrollIntoView(); }
    else return;
    event.preventDefault();
  });
}

function wholeMap() {
  [atlas.scale, atlas.midX, atlas.midY] = [1, 0, 0];
  chooseOnMap(null);
  moving();
}

/* The part of the network in sight as a drawing for a paper. */

function mapFigure() {
  const view = mapView(), { width, height, at } = view;
  const inside = (index) => { const [x, y] = at(index); return x > 0 && y > 0 && x < width && y < height; };
  const lines = [...edges.source.keys()].filter((edge) => edges.score[edge] >= atlas.least && inside(edges.source[edge]) && inside(edges.target[edge]));
  const path = (list) => list.map((edge) => `M${at(edges.source[edge]).map((value) => value.toFixed(1)).join(" ")}L${at(edges.target[edge]).map((value) => value.toFixed(1)).join(" ")}`).join("");
  const seen = onMap.filter(inside);
  const figure = svg("svg", { class: "figure", viewBox: `0 0 ${width} ${height}` }, svg("title", {}, "Map of the network"),
    svg("path", { class: "map-plus", d: path(lines.filter((edge) => edges.weight[edge] >= 0)) }), svg("path", { class: "map-minus", d: path(lines.filter((edge) => edges.weight[edge] < 0)) }),
    ...seen.map((index) => svg("circle", { class: "dot", cx: at(index)[0].toFixed(1), cy: at(index)[1].toFixed(1), r: radius(index).toFixed(1) })),
    ...hubs.filter(inside).slice(0, NAMED).map((index) => svg("text", { class: "pill-name", x: at(index)[0] + radius(index) + 3, y: at(index)[1] + 4 }, labels[index])));
  byId("map-saving").append(figure); // styles are those of the page
  setTimeout(() => figure.remove());
  return figure;
}

function startMap() {
  const canvas = byId("map-canvas");
  startPointers(canvas);
  startMapKeys(canvas);
  const go = () => { const index = nearestGene(byId("map-gene").value); if (index !== undefined) visit("map", index); };
  geneField(byId("map-gene"), byId("map-note"), go);
  onSubmit(byId("map-form"), go);
  byId("map-score").addEventListener("input", () => { atlas.least = Number(byId("map-score").value) - 1e-6; askForFrame(); });
  byId("map-in").addEventListener("click", () => zoomMiddle(1.5));
  byId("map-out").addEventListener("click", () => zoomMiddle(1 / 1.5));
  byId("map-all").addEventListener("click", wholeMap);
  byId("map-saving").append(figureBar(mapFigure, () => "Map of the network"));
  new ResizeObserver(askForFrame).observe(canvas);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", askForFrame);
  const onPaper = (isPrinting) => () => { document.documentElement.toggleAttribute("data-saving", isPrinting); drawMap(); };
  window.addEventListener("beforeprint", onPaper(true));
  window.addEventListener("afterprint", onPaper(false));
}
