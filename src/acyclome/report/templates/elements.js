/* Numbers, words and elements: what knows nothing of a network. */

const byId = (id) => document.getElementById(id);

const count = (number) => number.toLocaleString("en-US");
const isKnown = (number) => Number.isFinite(number);
const decimal = (number, digits = 2) => {
  if (!isKnown(number)) return "–";
  const text = number.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
};
const share = (value) => `${Math.round(100 * value)}%`;
const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/* Elements. */

function node(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

function svg(name, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* Cells and tables. */

const numberCell = (value, digits) => node("td", { class: "number" }, decimal(value, digits));
const weightCell = (value) =>
  node(
    "td",
    { class: `number ${value >= 0 ? "plus" : "minus"}` },
    node("span", { class: "sign" }, value >= 0 ? "→" : "⊣"),
    ` ${decimal(value)}`,
  );

function table(heads, rows) {
  const head = node(
    "tr",
    {},
    ...heads.map((name) =>
      node("th", { scope: "col", ...(name.startsWith("#") ? { class: "number" } : {}) }, name.replace("#", "")),
    ),
  );
  const body = node("tbody", {}, ...rows.map((cells) => node("tr", {}, ...cells)));
  return node("table", { class: "compact" }, node("thead", {}, head), body);
}

/* A list that grows on demand: a table of its first rows and a button for the rest. */

function longTable(heads, rows, title, first = 10) {
  const box = node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title });
  const show = (shown) =>
    box.replaceChildren(
      table(
        heads,
        shown.map((row) => row()),
      ),
    );
  show(rows.slice(0, first));
  const parts = [box];
  if (rows.length > first) {
    const more = node("button", { type: "button", class: "more" }, `Show all ${count(rows.length)}`);
    more.addEventListener("click", () => {
      show(rows);
      more.remove();
    });
    parts.push(more);
  }
  return parts;
}
