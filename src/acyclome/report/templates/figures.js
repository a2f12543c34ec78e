/* Figures of points, and what saves a figure or a table as a file. */

/* Hexagons that count the observations in them: darker, more. Axes in standard deviations from the mean. */

const PLOT = { width: 420, height: 340, left: 60, right: 14, top: 14, bottom: 46, across: 22 };

function niceTicks(low, high) {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step); tick * step <= high * 1 + 1e-9; tick++) ticks.push(tick * step);
  return ticks;
}

function span(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values)
    if (isKnown(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  if (low > high) return [-1, 1];
  const edge = (high - low || 1) * 0.04;
  return [low - edge, high + edge];
}

function hexagons(x, y, size) {
  const counts = new Map();
  const [stepX, stepY] = [size * Math.sqrt(3), size * 1.5];
  for (let k = 0; k < x.length; k++) {
    if (!isKnown(x[k]) || !isKnown(y[k])) continue;
    let row = Math.round(y[k] / stepY);
    let column = Math.round(x[k] / stepX - (row & 1) / 2);
    const off = (r, c) => (x[k] - (c + (r & 1) / 2) * stepX) ** 2 + (y[k] - r * stepY) ** 2;
    for (const r of [row - 1, row + 1]) {
      const c = Math.round(x[k] / stepX - (r & 1) / 2);
      if (off(r, c) < off(row, column)) [row, column] = [r, c];
    }
    const key = `${row} ${column}`;
    counts.set(key, (counts.get(key) || 0) + 1);
  }
  return [...counts].map(([key, number]) => {
    const [row, column] = key.split(" ").map(Number);
    return { x: (column + (row & 1) / 2) * stepX, y: row * stepY, number };
  });
}

function hexPlot(x, y, { title, nameX, nameY, slope }) {
  const { width, height, left, right, top, bottom, across } = PLOT;
  const [lowX, highX] = span(x),
    [lowY, highY] = span(y);
  const atX = (value) => left + ((value - lowX) / (highX - lowX)) * (width - left - right);
  const atY = (value) => height - bottom - ((value - lowY) / (highY - lowY)) * (height - top - bottom);
  const size = (width - left - right) / across / Math.sqrt(3);
  const cells = hexagons(Array.from(x, atX), Array.from(y, atY), size);
  const most = Math.max(1, ...cells.map((cell) => cell.number));
  const corner = (k) =>
    `${(size * Math.sin((k * Math.PI) / 3)).toFixed(2)} ${(size * Math.cos((k * Math.PI) / 3)).toFixed(2)}`;
  const shape = `M${[0, 1, 2, 3, 4, 5].map(corner).join("L")}Z`;
  const grid = [
    ...niceTicks(lowX, highX).flatMap((tick) => [
      svg("path", { class: "grid", d: `M${atX(tick)} ${top}V${height - bottom}` }),
      svg("text", { class: "tick", x: atX(tick), y: height - bottom + 18, "text-anchor": "middle" }, decimal(tick, 1)),
    ]),
    ...niceTicks(lowY, highY).flatMap((tick) => [
      svg("path", { class: "grid", d: `M${left} ${atY(tick)}H${width - right}` }),
      svg("text", { class: "tick", x: left - 8, y: atY(tick) + 4, "text-anchor": "end" }, decimal(tick, 1)),
    ]),
  ];
  const hexes = cells.map((cell) =>
    svg(
      "path",
      {
        class: "hex",
        d: shape,
        transform: `translate(${cell.x.toFixed(2)} ${cell.y.toFixed(2)})`,
        "fill-opacity": (0.18 + 0.82 * (Math.log(cell.number + 1) / Math.log(most + 1))).toFixed(3),
      },
      svg("title", {}, plural(cell.number, "observation")),
    ),
  );
  const clip = (end) => Math.min(Math.max(end, lowY), highY);
  const ends = slope === 0 ? [lowX, highX] : [clip(slope * lowX) / slope, clip(slope * highX) / slope];
  const line = svg("path", {
    class: "fit",
    d: `M${atX(ends[0])} ${atY(slope * ends[0])}L${atX(ends[1])} ${atY(slope * ends[1])}`,
  });
  const middle = (top + height - bottom) / 2;
  return svg(
    "svg",
    { class: "figure", viewBox: `0 0 ${width} ${height}`, role: "img", style: `max-width:${width}px` },
    svg("title", {}, title),
    ...grid,
    ...hexes,
    ...(isKnown(slope) ? [line] : []),
    svg("text", { class: "axis", x: (left + width - right) / 2, y: height - 8, "text-anchor": "middle" }, nameX),
    svg(
      "text",
      { class: "axis", x: 12, y: middle, "text-anchor": "middle", transform: `rotate(-90 12 ${middle})` },
      nameY,
    ),
  );
}

/* Saving. A figure takes its colours from the style sheet, by names that other programs do not know: the saved one has
   them written into every element, those of the light theme. */

function saveFile(name, content, type) {
  const link = node("a", {
    href: URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type })),
    download: name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const STYLED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "font-size",
  "font-weight",
  "font-family",
  "text-anchor",
];

function standalone(figure) {
  const root = document.documentElement;
  root.dataset.saving = "";
  const copy = figure.cloneNode(true);
  const pairs = [figure, ...figure.querySelectorAll("*")].map((part, index) => [
    part,
    [copy, ...copy.querySelectorAll("*")][index],
  ]);
  for (const [part, twin] of pairs) {
    const style = getComputedStyle(part);
    if (part.localName !== "title") for (const name of STYLED) twin.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "role"]) twin.removeAttribute(name);
  }
  delete root.dataset.saving;
  const [, , width, height] = figure.getAttribute("viewBox").split(" ");
  for (const [name, value] of Object.entries({ xmlns: "http://www.w3.org/2000/svg", width, height }))
    copy.setAttribute(name, value);
  copy.prepend(svg("rect", { width, height, fill: "#ffffff" }));
  return { text: new XMLSerializer().serializeToString(copy), width: Number(width), height: Number(height) };
}

function saveSvg(figure, name) {
  saveFile(`${name}.svg`, standalone(figure).text, "image/svg+xml");
}

async function savePng(figure, name) {
  const { text, width, height } = standalone(figure);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = node("canvas", { width: width * 3, height: height * 3 });
  const pen = canvas.getContext("2d");
  pen.scale(3, 3);
  pen.drawImage(image, 0, 0, width, height);
  canvas.toBlob((blob) => saveFile(`${name}.png`, blob));
}

const tsv = (rows) =>
  `${rows.map((row) => row.map((cell) => String(cell).replace(/[\t\r\n]+/g, " ")).join("\t")).join("\n")}\n`;
const saveTable = (rows, name) => saveFile(`${name}.tsv`, tsv(rows), "text/tab-separated-values");

function rowsOf(tableElement) {
  const text = (cell) => cell.textContent.replace(/\s+/g, " ").trim().replaceAll("−", "-");
  return [...tableElement.rows].map((row) => [...row.cells].map(text));
}

/* Buttons that save the figure, or the table, that `find` gives when they are pressed. */

function saveButton(text, name, act) {
  const button = node("button", { type: "button", class: "save", "aria-label": `Save ${name()} as ${text}` }, text);
  button.addEventListener("click", act);
  return button;
}

const fileName = (text) => text.replace(/[^\w.+-]+/g, "_");
const saveBar = (...buttons) => node("p", { class: "saving" }, "Save as ", ...buttons);
const figureButtons = (find, name) => [
  saveButton("SVG", name, () => saveSvg(find(), fileName(name()))),
  saveButton("PNG", name, () => savePng(find(), fileName(name()))),
];
const figureBar = (find, name) => saveBar(...figureButtons(find, name));
const tableBar = (rows, name) => saveBar(saveButton("TSV", name, () => saveTable(rows(), fileName(name()))));

/* The figures and tables that stand in the page from the start. */

function startSaving() {
  for (const figure of document.querySelectorAll("figure > .figure"))
    figure.parentElement.append(
      figureBar(
        () => figure,
        () => figure.querySelector("title").textContent,
      ),
    );
  for (const found of document.querySelectorAll("table[data-name]"))
    (found.closest(".scroll") || found).after(
      tableBar(
        () => rowsOf(found),
        () => found.dataset.name,
      ),
    );
}
