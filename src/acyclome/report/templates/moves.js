/* How one moves on the map: by pointers, keys, buttons and names; and the map as a drawing. */

const REACH = 12; // pixels around a gene that count as on it

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

const zoomMiddle = (factor) => {
  const { width, height } = mapView();
  zoomMap(factor, width / 2, height / 2);
};

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
    const [left, top] = at(index),
      far = (left - x) ** 2 + (top - y) ** 2;
    if (far < least) [best, least] = [index, far];
  }
  return best;
}

function chooseOnMap(index) {
  atlas.chosen = index;
  const note = byId("map-note");
  if (index === null) note.textContent = "";
  else
    note.replaceChildren(
      geneLink(index),
      `: ${plural(nodes.causes[index], "cause")}, ${plural(nodes.effects[index], "effect")}.${isKnown(nodes.x[index]) ? "" : " It has no edge here, so it is not on the map."}`,
    );
  askForFrame();
}

function showOnMap(index) {
  byId("map-gene").value = labels[index];
  if (isKnown(nodes.x[index]))
    [atlas.midX, atlas.midY, atlas.scale] = [atlas.x[index], atlas.y[index], Math.max(atlas.scale, 3)];
  chooseOnMap(index);
}

function startPointers(canvas) {
  const held = new Map();
  let moved = 0;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const apart = () => {
    const [a, b] = [...held.values()];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    held.set(event.pointerId, place(event));
    moved = 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) return;
    const [before, now] = [held.get(event.pointerId), place(event)];
    const far = held.size === 2 ? apart() : 0;
    held.set(event.pointerId, now);
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (held.size === 2) zoomMap(apart() / far, ...now);
    else moveMap(now[0] - before[0], now[1] - before[1]);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (held.delete(event.pointerId) && moved < 4) chooseOnMap(nearestOnMap(...place(event)));
  });
  canvas.addEventListener("pointercancel", (event) => held.delete(event.pointerId));
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== canvas && !event.ctrlKey) return; // the page scrolls
      event.preventDefault();
      zoomMap(Math.exp(-event.deltaY / 300), ...place(event));
    },
    { passive: false },
  );
}

function startMapKeys(canvas) {
  const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  canvas.addEventListener("keydown", (event) => {
    if (steps[event.key]) moveMap(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") zoomMiddle(1.5);
    else if (event.key === "-") zoomMiddle(1 / 1.5);
    else if (event.key === "0") wholeMap();
    else if (event.key === "Enter" && atlas.chosen !== null) {
      visit("gene", atlas.chosen);
      byId("explore").scrollIntoView();
    } else return;
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
  const view = mapView(),
    { width, height, at } = view;
  const inside = (index) => {
    const [x, y] = at(index);
    return x > 0 && y > 0 && x < width && y < height;
  };
  const lines = [...edges.source.keys()].filter(
    (edge) => edges.score[edge] >= atlas.least && inside(edges.source[edge]) && inside(edges.target[edge]),
  );
  const path = (list) =>
    list
      .map(
        (edge) =>
          `M${at(edges.source[edge])
            .map((value) => value.toFixed(1))
            .join(" ")}L${at(edges.target[edge])
            .map((value) => value.toFixed(1))
            .join(" ")}`,
      )
      .join("");
  const seen = onMap.filter(inside);
  const figure = svg(
    "svg",
    { class: "figure", viewBox: `0 0 ${width} ${height}` },
    svg("title", {}, "Map of the network"),
    svg("path", { class: "map-plus", d: path(lines.filter((edge) => edges.weight[edge] >= 0)) }),
    svg("path", { class: "map-minus", d: path(lines.filter((edge) => edges.weight[edge] < 0)) }),
    ...seen.map((index) =>
      svg("circle", {
        class: "dot",
        cx: at(index)[0].toFixed(1),
        cy: at(index)[1].toFixed(1),
        r: radius(index).toFixed(1),
      }),
    ),
    ...hubs
      .filter(inside)
      .slice(0, NAMED)
      .map((index) =>
        svg("text", { class: "pill-name", x: at(index)[0] + radius(index) + 3, y: at(index)[1] + 4 }, labels[index]),
      ),
  );
  byId("map-saving").append(figure); // styles are those of the page
  setTimeout(() => figure.remove());
  return figure;
}

function startMap() {
  const canvas = byId("map-canvas");
  startPointers(canvas);
  startMapKeys(canvas);
  const go = () => {
    const index = nearestGene(byId("map-gene").value);
    if (index !== undefined) visit("map", index);
  };
  geneField(byId("map-gene"), byId("map-note"), go);
  onSubmit(byId("map-form"), go);
  byId("map-score").addEventListener("input", () => {
    atlas.least = Number(byId("map-score").value) - 1e-6;
    askForFrame();
  });
  byId("map-in").addEventListener("click", () => zoomMiddle(1.5));
  byId("map-out").addEventListener("click", () => zoomMiddle(1 / 1.5));
  byId("map-all").addEventListener("click", wholeMap);
  byId("map-saving").append(figureBar(mapFigure, () => "Map of the network"));
  new ResizeObserver(askForFrame).observe(canvas);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", askForFrame);
  const onPaper = (isPrinting) => () => {
    document.documentElement.toggleAttribute("data-saving", isPrinting);
    drawMap();
  };
  window.addEventListener("beforeprint", onPaper(true));
  window.addEventListener("afterprint", onPaper(false));
}
