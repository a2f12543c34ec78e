/* The map of the whole network on a canvas. Places were computed when the page was made (layout.py). While it moves, the
   last picture is moved, as a whole, and drawn anew when it rests: so it moves smoothly however large it is. */

const REST = 120; // ms without a movement, after which the map is drawn anew
const NAMED = 24; // hubs that have their names on the whole map; closer up, and of few genes, twice as many in sight

const atlas = {
  x: nodes.x,
  y: nodes.y,
  scale: 1,
  midX: 0,
  midY: 0,
  chosen: null,
  least: 0,
  isMoving: false,
  timer: 0,
  frame: 0,
  picture: null,
};
const onMap = [...genes.keys()].filter((index) => isKnown(nodes.x[index]));
const hubs = [...onMap].sort((a, b) => nodes.effects[b] - nodes.effects[a] || a - b);
const radius = (index) => Math.min(1.5 + 0.6 * Math.sqrt(nodes.effects[index]), 9);

const mapColours = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    ["ink", "quiet", "paper", "accent", "plus", "minus", "rule"].map((name) => [
      name,
      style.getPropertyValue(`--${name}`),
    ]),
  );
};

/* From the world, -1 to 1, to pixels of the canvas as it is shown. */

function mapView() {
  const canvas = byId("map-canvas"),
    { clientWidth: width, clientHeight: height } = canvas;
  const unit = (Math.min(width, height) / 2.2) * atlas.scale;
  const [left, top] = [width / 2 - atlas.midX * unit, height / 2 - atlas.midY * unit]; // of the middle of the world
  return {
    canvas,
    width,
    height,
    unit,
    left,
    top,
    at: (index) => [left + atlas.x[index] * unit, top + atlas.y[index] * unit],
  };
}

function drawEdges(pen, { left, top, unit }, shown, colour, wide) {
  const { x, y } = atlas,
    { source, target } = edges;
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
    const x = left + atlas.x[index] * unit,
      y = top + atlas.y[index] * unit,
      size = radius(index) * grow;
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
  const names = [];
  const dots = onMap
    .map((index) => [...at(index), radius(index)])
    .filter(([x, y]) => x > 0 && y > 0 && x < width && y < height);
  const isFree = ([left, y], wide) =>
    left >= 0 &&
    left + wide <= width && // none is cut at the edge
    !names.some(([l, t, w]) => l < left + wide && left < l + w && Math.abs(t - y) < 14);
  const hidesNone = ([left, y], wide) =>
    !dots.some(([x, up, size]) => x + size > left && x - size < left + wide && Math.abs(up - y) < 6 + size);
  for (const index of shown) {
    const [x, y] = at(index);
    if (x < 0 || y < 0 || x > width || y > height) continue;
    const wide = pen.measureText(labels[index]).width,
      away = radius(index) + 3;
    const beside = [
      [x + away, y],
      [x - away - wide, y],
      [x - wide / 2, y - away - 6],
      [x - wide / 2, y + away + 6],
    ].filter((place) => isFree(place, wide));
    const place = beside.find((one) => hidesNone(one, wide)) || beside[0]; // among many genes each place hides some
    if (!place) continue;
    names.push([...place, wide]);
    pen.strokeText(labels[index], place[0], place[1] + 4);
    pen.fillText(labels[index], place[0], place[1] + 4);
    if (names.length >= 2 * NAMED) break;
  }
}

/* Everything between causes and effects of the chosen gene. */

const around = (index) =>
  [...edgesInto[index], ...edgesOutOf[index]].filter((edge) => edges.score[edge] >= atlas.least);

function paintMap(pen, view, colours) {
  const { width, height } = view;
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  const shown = [];
  for (let edge = 0; edge < nEdges; edge++) if (edges.score[edge] >= atlas.least) shown.push(edge);
  const near = atlas.chosen === null ? [] : around(atlas.chosen);
  pen.globalAlpha = near.length
    ? 0.25
    : Math.min(0.9, 0.25 + 400 / (shown.length + 400) + 0.1 * Math.log2(atlas.scale));
  drawEdges(pen, view, shown, colours.quiet, 0.6);
  pen.globalAlpha = near.length ? 0.4 : 0.9;
  const grow = Math.max(0.6, Math.min(1, 60 / Math.sqrt(onMap.length))) * Math.min(2, Math.sqrt(atlas.scale));
  drawGenes(pen, view, onMap, colours.accent, grow);
  pen.globalAlpha = 1;
  drawEdges(
    pen,
    view,
    near.filter((edge) => edges.weight[edge] >= 0),
    colours.plus,
    1.6,
  );
  drawEdges(
    pen,
    view,
    near.filter((edge) => edges.weight[edge] < 0),
    colours.minus,
    1.6,
  );
  const lit =
    atlas.chosen === null ? [] : [atlas.chosen, ...near.flatMap((edge) => [edges.source[edge], edges.target[edge]])];
  drawGenes(pen, view, lit, colours.ink, grow);
  const inSight = atlas.scale > 2 || hubs.length <= 2 * NAMED ? hubs : hubs.slice(0, NAMED);
  drawNames(pen, view, [...lit, ...inSight], colours);
}

/* The last picture where it belongs now. */

function movePicture(pen, { width, height, unit, left, top }, paper) {
  const { picture } = atlas,
    grown = unit / picture.unit;
  pen.fillStyle = paper;
  pen.fillRect(0, 0, width, height);
  pen.drawImage(
    picture.image,
    left - picture.left * grown,
    top - picture.top * grown,
    picture.width * grown,
    picture.height * grown,
  );
}

function drawMap() {
  atlas.frame = 0;
  const view = mapView(),
    { canvas, width, height } = view;
  if (!width) return;
  const dense = Math.min(window.devicePixelRatio || 1, 2);
  const [across, down] = [Math.round(width * dense), Math.round(height * dense)];
  const isSame = canvas.width === across && canvas.height === down;
  if (!isSame) [canvas.width, canvas.height] = [across, down];
  const pen = canvas.getContext("2d"),
    colours = mapColours();
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  if (atlas.isMoving && isSame && atlas.picture) return movePicture(pen, view, colours.paper);
  paintMap(pen, view, colours);
  const image = atlas.picture?.image || node("canvas");
  [image.width, image.height] = [across, down];
  image.getContext("2d").drawImage(canvas, 0, 0);
  atlas.picture = { ...view, image };
}

const askForFrame = () => {
  atlas.frame ||= requestAnimationFrame(drawMap);
};

function moving() {
  atlas.isMoving = true;
  clearTimeout(atlas.timer);
  atlas.timer = setTimeout(() => {
    atlas.isMoving = false;
    askForFrame();
  }, REST);
  askForFrame();
}
