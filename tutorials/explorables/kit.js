// What all figures that answer share: plots in SVG, sliders, and words for those who listen.
"use strict";
const $ = (id) => document.getElementById(id);
const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const number = (v, digits = 2) => v.toFixed(digits).replace("-", "−");
const logNormal = (v, mu, sigma) => -0.5 * Math.log(2 * Math.PI) - Math.log(sigma) - 0.5 * ((v - mu) / sigma) ** 2;
const range = (from, to, n) => Array.from({ length: n }, (_, i) => from + ((to - from) * i) / (n - 1));

function svg(tag, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}

// A plot with axes from x to y, in the element with this id; `line`, `area` and `text` draw in the units of the axes.
class Plot {
  constructor(id, { x, y, width = 640, height = 300, xTicks, yTicks, xLabel = "", yLabel = "" }) {
    Object.assign(this, { x, y, width, height, element: $(id) });
    this.left = 56, this.bottom = height - 44, this.right = width - 12, this.top = 12;
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.element.setAttribute("role", "img");
    const inner = { x: this.left, y: this.top, width: this.right - this.left, height: this.bottom - this.top };
    this.still = svg("g", {}), this.moving = svg("g", {});
    this.still.append(svg("rect", { class: "axis", ...inner }));
    const tick = (t, x, y, anchor) => svg("text", { x, y, "text-anchor": anchor }, number(t, t % 1 ? 1 : 0));
    for (const t of xTicks) this.still.append(tick(t, this.toX(t), this.bottom + 18, "middle"));
    for (const t of yTicks) this.still.append(tick(t, this.left - 6, this.toY(t) + 5, "end"));
    const middle = (this.left + this.right) / 2;
    this.still.append(svg("text", { x: middle, y: height - 6, "text-anchor": "middle" }, xLabel));
    const at = { x: 14, y: (this.top + this.bottom) / 2, "text-anchor": "middle" };
    this.still.append(svg("text", { ...at, transform: `rotate(-90 ${at.x} ${at.y})` }, yLabel));
    this.element.append(this.still, this.moving);
  }
  toX(v) { return this.left + ((v - this.x[0]) / (this.x[1] - this.x[0])) * (this.right - this.left); }
  toY(v) { return this.bottom - ((v - this.y[0]) / (this.y[1] - this.y[0])) * (this.bottom - this.top); }
  fromX(pixel) { return this.x[0] + ((pixel - this.left) / (this.right - this.left)) * (this.x[1] - this.x[0]); }
  fromY(pixel) { return this.y[0] + ((this.bottom - pixel) / (this.bottom - this.top)) * (this.y[1] - this.y[0]); }
  inside(y) { return Math.min(this.bottom, Math.max(this.top, this.toY(y))).toFixed(1); }
  path(xs, ys) { return xs.map((v, i) => `${i ? "L" : "M"}${this.toX(v).toFixed(1)} ${this.inside(ys[i])}`).join(""); }
  clear() { this.moving.replaceChildren(); }
  line(xs, ys, kind, where = this.moving) { where.append(svg("path", { class: kind, d: this.path(xs, ys) })); }
  area(xs, ys, kind, where = this.moving) {
    const floor = this.inside(Math.max(0, this.y[0]));
    const d = `${this.path(xs, ys)}L${this.toX(xs.at(-1))} ${floor}L${this.toX(xs[0])} ${floor}Z`;
    where.append(svg("path", { class: kind, d }));
  }
  text(x, y, words, where = this.moving, anchor = "start") {
    where.append(svg("text", { x: this.toX(x), y: this.toY(y), "text-anchor": anchor }, words));
  }
  dot(x, y, kind = "plain", r = 6) {
    this.moving.append(svg("circle", { class: kind, cx: this.toX(x), cy: this.toY(y), r }));
  }

  // Call `move` with the place of a finger or of the mouse, in the units of the axes.
  onDrag(move) {
    const act = (event) => {
      if (event.type === "pointerdown") this.element.setPointerCapture(event.pointerId);
      else if (!this.element.hasPointerCapture(event.pointerId)) return;
      const box = this.element.getBoundingClientRect(), scale = this.width / box.width;
      move(this.fromX((event.clientX - box.left) * scale), this.fromY((event.clientY - box.top) * scale));
    };
    for (const event of ["pointerdown", "pointermove"]) this.element.addEventListener(event, act);
  }
}

// A slider that has the words `name`, shows its value, and calls `change`.
function slider(id, change, show = (v) => number(v)) {
  const input = $(id), output = $(`${id}-value`);
  const set = (value) => {
    input.value = value;
    output.textContent = show(+input.value);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { set(input.value); change(+input.value); });
  set(input.value);
  return { set, get value() { return +input.value; } };
}

// A table of rows [name, number], written anew.
function fillTable(id, rows) {
  $(id).replaceChildren(...rows.map(([name, value]) => {
    const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
    head.scope = "row", head.textContent = name, cell.textContent = value;
    row.append(head, cell);
    return row;
  }));
}

let saying;
function say(words) {
  clearTimeout(saying);
  saying = setTimeout(() => ($("said").textContent = words), 600);
}

// The chapter's page makes room for the figure.
function tellHeight() {
  const tell = () => parent.postMessage({ height: document.documentElement.offsetHeight }, "*");
  new ResizeObserver(tell).observe(document.documentElement);
  tell();
}
