// The page around the model: what the reader moves, and what is drawn then.

"use strict";
const $ = (id) => document.getElementById(id);
const about = JSON.parse($("about").textContent);
const [H, W, C] = about.shape, D = H * W * C;
const SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"; // a class is drawn as its sign, so nobody needs the colours
const STRIP = 9; // pictures between two images
const MAP = 15; // pictures on a side of the map
const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const isDark = matchMedia("(prefers-color-scheme: dark)");

// What the reader has chosen. The address holds it, so that a place can be sent.
const state = { run: 0, axes: [0, 1], z: null, x: null, image: 0, label: 0, from: 0, to: 1, far: 0, path: "straight" };
let q = null; // of the image on the paper: { mu, logvar }
let isWhole = false; // whether all arrays are here; before, the page can move a point, decode it, and nothing else

// --- from bytes to arrays ------------------------------------------------------------------------------------------

// Unpack one of the two blocks of the page, and put its arrays where the header describes them.
async function unpack(block) {
  const letters = atob($(block).firstChild.data); // a comment, which a browser reads faster than a long text
  const packed = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) packed[i] = letters.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = await new Response(stream).arrayBuffer();
  const kinds = { Int8Array, Uint8Array, Int16Array, Uint16Array, Float32Array };
  const fill = (part) => {
    for (const [name, value] of Object.entries(part))
      if (value?.block === block) {
        const { kind, at, shape } = value;
        part[name] = new kinds[kind](bytes, at, shape.reduce((a, b) => a * b, 1));
      } else if (value && !value.block && typeof value === "object" && !ArrayBuffer.isView(value)) fill(value);
  };
  fill(about);
  for (const run of runs)
    if (run.codes instanceof Int16Array)
      run.codes = Float32Array.from(run.codes, (whole, i) => whole * run.codeScale[i % run.latent]);
}

// --- the model that is chosen --------------------------------------------------------------------------------------

const { runs, count } = about;
for (const { likelihood } of runs) {
  const functions = LIKELIHOODS[likelihood.name](likelihood);
  Object.assign(likelihood, likelihood.rescales ? rescaled(functions) : functions);
}
const run = () => runs[state.run];
const withLabel = (a, label, r) => (r.labels ? [...a, ...Array.from({ length: r.labels }, (_, k) => +(k === label))] : a);
const output = (z, label = state.label, r = run()) => network(withLabel(z, label, r), r.decoder);
const mean = (output, r = run()) => output.map((l) => r.likelihood.mean(l));

function encode(x, label = state.label, r = run()) {
  const seen = r.likelihood.rescales ? x.map((v) => 2 * v - 1) : x;
  const y = network(withLabel(seen, label, r), r.encoder);
  return { mu: y.slice(0, r.latent), logvar: r.hasBound ? y.slice(r.latent) : null };
}

const image = (n) =>
  Float32Array.from(about.images.subarray(n * D, (n + 1) * D), (v) => about.low + ((about.high - about.low) * v) / 255);
const codeOf = (n) => run().codes.slice(n * run().latent, (n + 1) * run().latent);
const nameOf = (n) => (about.labels ? about.names[about.labels[n]] : "");
const described = (n) => `test image ${n}${about.labels ? `, class ${nameOf(n)}` : ""}`;

// The image whose code is nearest to z, over the dimensions that the codes use.
function nearest(z) {
  const { codes, used, spread, latent } = run();
  let best = 0, least = Infinity;
  for (let n = 0; n < count; n++) {
    let far = 0;
    for (const j of used) far += ((codes[n * latent + j] - z[j]) / spread[j]) ** 2;
    if (far < least) [best, least] = [n, far];
  }
  return best;
}

// How far z moves when it is decoded and encoded again, in units of what 19 of 20 real images stay below.
function roundTrip(z, picture) {
  const { used, spread, knownWithin } = run();
  if (!used.length) return null;
  const back = encode(run().clips ? picture.map((v) => Math.min(about.high, Math.max(about.low, v))) : picture).mu;
  const squares = used.map((j) => ((back[j] - z[j]) / spread[j]) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b) / used.length) / knownWithin;
}

const costs = (x, output) => -sum(output, (l, d) => run().likelihood.logProb(l, x[d])); // −ln p(x | z), in nats
const squaredError = (x, picture) => sum(picture, (v, d) => (x[d] - v) ** 2);

// --- drawing -------------------------------------------------------------------------------------------------------

function paint(canvas, values, columns = 1) {
  const pictures = values.length / D, rows = Math.ceil(pictures / columns);
  canvas.width = W * columns, canvas.height = H * rows;
  const data = new ImageData(canvas.width, canvas.height);
  for (let i = 0; i < values.length; i++) {
    const n = Math.floor(i / D), d = i % D, row = Math.floor(d / (W * C)), column = Math.floor(d / C) % W;
    const level = (255 * (values[i] - about.low)) / (about.high - about.low);
    const at = 4 * ((Math.floor(n / columns) * H + row) * canvas.width + (n % columns) * W + column);
    if (C === 1) data.data[at] = data.data[at + 1] = data.data[at + 2] = level;
    else data.data[at + (d % C)] = level;
    data.data[at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(data, 0, 0);
}

// The map is dark like its pictures, so what is drawn upon it is bright.
const isBright = () => isDark.matches || plane.map !== null;
const colour = (k) => `hsl(${(k * 137.5) % 360} ${isBright() ? "75% 76%" : "85% 23%"})`;
const ink = () => (isBright() ? "#e8e8e8" : "#1b1b1b");

// The half side of the plane: the codes fit, and three standard deviations of the prior.
function reach(j) {
  const { codes, latent, centre, width } = run();
  let most = 3.5 * width[j];
  for (let n = 0; n < count; n++) most = Math.max(most, Math.abs(codes[n * latent + j] - centre[j]) * 1.05);
  return most;
}

const plane = { canvas: $("plane"), still: document.createElement("canvas"), map: null, half: [1, 1] };
const side = plane.canvas.width;
plane.still.width = plane.still.height = side;
plane.toX = (v) => side * (0.5 + (v - run().centre[state.axes[0]]) / (2 * plane.half[0]));
plane.toY = (v) => side * (0.5 - (v - run().centre[state.axes[1]]) / (2 * plane.half[1]));

// What does not move with the finger: the map, the codes, and the rings of the prior.
function drawStill() {
  const [a, b] = state.axes, { codes, latent, centre, width } = run();
  const halves = [reach(a), reach(b)];
  plane.half = run().hasBound ? [Math.max(...halves), Math.max(...halves)] : halves;
  const pen = plane.still.getContext("2d");
  pen.clearRect(0, 0, side, side);
  if (plane.map) pen.drawImage(plane.map, 0, 0, side, side);
  if (isWhole && $("show-codes").checked) {
    pen.font = "11px sans-serif", pen.textAlign = "center", pen.textBaseline = "middle";
    for (let n = 0; n < count; n++) {
      pen.fillStyle = about.labels ? colour(about.labels[n]) : ink();
      const x = plane.toX(codes[n * latent + a]), y = plane.toY(codes[n * latent + b]);
      pen.fillText(about.labels ? SIGNS[about.labels[n]] : "·", x, y);
    }
  }
  pen.strokeStyle = ink();
  pen.setLineDash([4, 4]);
  for (const ring of [1, 2, 3]) {
    const size = [(ring * width[a] * side) / (2 * plane.half[0]), (ring * width[b] * side) / (2 * plane.half[1])];
    pen.beginPath(), pen.ellipse(plane.toX(centre[a]), plane.toY(centre[b]), ...size, 0, 0, 2 * Math.PI), pen.stroke();
  }
}

function drawPlane() {
  const pen = plane.canvas.getContext("2d"), [a, b] = state.axes;
  pen.clearRect(0, 0, side, side);
  pen.drawImage(plane.still, 0, 0);
  pen.lineWidth = 3, pen.strokeStyle = isBright() ? "#8ab4f8" : "#0b57d0";
  if (q) {
    const size = (k, axis, sigmas) => (q.logvar ? (sigmas * Math.exp(q.logvar[k] / 2) * side) / (2 * plane.half[axis]) : 5);
    for (const sigmas of [1, 2]) {
      pen.beginPath();
      pen.ellipse(plane.toX(q.mu[a]), plane.toY(q.mu[b]), size(a, 0, sigmas), size(b, 1, sigmas), 0, 0, 2 * Math.PI);
      pen.stroke();
    }
  }
  const x = plane.toX(state.z[a]), y = plane.toY(state.z[b]);
  for (const [width, style] of [[7, isBright() ? "#000" : "#fff"], [3, ink()]]) {
    pen.lineWidth = width, pen.strokeStyle = style;
    pen.beginPath(), pen.arc(x, y, 12, 0, 2 * Math.PI), pen.moveTo(x - 20, y), pen.lineTo(x + 20, y);
    pen.moveTo(x, y - 20), pen.lineTo(x, y + 20), pen.stroke();
  }
}

// The map is decoded a few pictures at a time, so that the finger is never kept waiting.
let mapping = 0;
function drawMap() {
  const mine = ++mapping, canvas = document.createElement("canvas"), one = document.createElement("canvas");
  canvas.width = W * MAP, canvas.height = H * MAP;
  const pen = canvas.getContext("2d"), base = state.z.slice();
  let n = 0;
  const some = () => {
    if (mine !== mapping) return;
    for (const start = performance.now(); n < MAP * MAP && performance.now() - start < 8; n++) {
      const u = (n % MAP) + 0.5, v = Math.floor(n / MAP) + 0.5, z = base.slice(), { centre } = run();
      z[state.axes[0]] = centre[state.axes[0]] + plane.half[0] * ((2 * u) / MAP - 1);
      z[state.axes[1]] = centre[state.axes[1]] + plane.half[1] * (1 - (2 * v) / MAP);
      paint(one, mean(output(z)));
      pen.drawImage(one, (n % MAP) * W, Math.floor(n / MAP) * H);
    }
    plane.map = canvas;
    drawStill(), drawPlane();
    if (n < MAP * MAP) requestAnimationFrame(some);
  };
  some();
}

// --- what follows from a place -------------------------------------------------------------------------------------

// The noise of a draw stays the same while the point moves, so that only what z changes is seen to change.
let uniform, normal;
function newNoise() {
  uniform = Float64Array.from({ length: D }, Math.random), normal = Float64Array.from({ length: D }, standardNormal);
}
newNoise();

const number = (v, digits = 2) => v.toFixed(digits).replace("-", "−");
let shown = {}; // what the page says about this place

function look() {
  const { hasBound } = run(), z = state.z, l = output(z), picture = mean(l);
  paint($("picture"), picture);
  if (hasBound) paint($("drawn"), l.map((v, d) => run().likelihood.draw(v, uniform[d], normal[d])));
  $("picture-words").textContent = hasBound ? "the mean of p(x | z)" : "the picture";
  showNumbers(z);
  drawPlane();
  if (!isWhole) return;
  const near = nearest(z), trip = roundTrip(z, picture);
  paint($("nearest"), image(near)), paint($("copy"), picture);
  shown = { near, trip, picture };
  $("nearest-words").textContent = `the image with the nearest code: ${described(near)}`;
  $("picture").setAttribute("aria-label", `the decoded picture, near ${described(near)}`);
  $("nearest").setAttribute("aria-label", described(near));
  $("gauge").value = trip === null ? 0 : Math.min(3, trip);
  $("known").textContent = known(trip);
  state.axes.forEach((j, axis) => {
    const words = `z${j + 1} is ${number(z[j])}, near ${about.labels ? nameOf(near) : described(near)}`;
    $("xy"[axis]).setAttribute("aria-valuetext", words);
  });
  writeLedger(l, picture);
  say(`${state.axes.map((j) => `z${j + 1} ${number(z[j])}`).join(", ")}. Near ${described(near)}. ${known(trip)}`);
  remember();
}

// The sliders and their numbers.
function showNumbers(z) {
  state.axes.forEach((j, axis) => {
    $("xy"[axis]).value = z[j];
    $(`${"xy"[axis]}-value`).textContent = `z${j + 1} = ${number(z[j])}`;
  });
  for (const slider of $("sliders").querySelectorAll("input")) {
    const j = +slider.id.slice(1);
    slider.value = z[j], $(`z${j}-value`).textContent = number(z[j]);
  }
}

function known(trip) {
  if (trip === null) return "This decoder ignores z: every place gives the same picture.";
  const times = `Decoded and encoded again, the code moves ${number(trip)} times as far as that of a real image at the limit.`;
  const verdict = trip <= 1 ? "Yes: 19 of 20 real images stay below 1." : trip <= 2 ? "Hardly: it lies outside of what 19 of 20 real images do." : "No: the encoder reads this picture as something else.";
  return `${verdict} ${times}`;
}

// The ledger: what the image on the paper costs at this z, beside three landmarks.
function writeLedger(l, picture) {
  if (!state.x) return;
  const { hasBound, likelihood } = run(), rows = [];
  if (hasBound) {
    const rec = costs(state.x, l), divergence = kl(q), constant = (f) => costs(state.x, Float32Array.from({ length: D }, f));
    rows.push(["reconstruction, −ln p(x | z)", rec], ["KL(q ‖ p)", divergence], ["sum, −ELBO for this z", rec + divergence, "total"]);
    const within = (m) => likelihood.output(Math.min(1 - 1e-7, Math.max(1e-7, m)));
    rows.push(["landmark: all outputs 0", constant(() => 0)]);
    if (likelihood.output) rows.push(["landmark: the mean image", constant((_, d) => within(about.mean[d]))]);
    if (likelihood.output) rows.push(["landmark: a perfect copy", constant((_, d) => within(state.x[d]))]);
    const convention = likelihood.gives === "convention" ? " On grey pixels, Bernoulli nats are a convention." : "";
    $("ledger-words").textContent = `Nats of this image at this z.${convention}`;
  } else {
    rows.push(["squared error of the copy", squaredError(state.x, picture), "total"]);
    rows.push(["landmark: the mean image", squaredError(state.x, about.mean)], ["landmark: a perfect copy", 0]);
    $("ledger-words").textContent = "An autoencoder has no nats: its loss is the squared error.";
  }
  const body = $("ledger").tBodies[0];
  body.replaceChildren(...rows.map(([name, value, kind]) => {
    const row = document.createElement("tr"), head = document.createElement("th"), cell = document.createElement("td");
    head.scope = "row", head.textContent = name, cell.textContent = number(value, 1), row.className = kind || "";
    row.append(head, cell);
    return row;
  }));
}

// What a screen reader says: once, when the reader has stopped moving.
let saying;
function say(words) {
  clearTimeout(saying);
  saying = setTimeout(() => ($("said").textContent = words), 600);
}

// --- the image on the paper ----------------------------------------------------------------------------------------

function takeImage(x, words, z = null) {
  state.x = x;
  q = encode(x);
  state.z = z || Float32Array.from(q.mu);
  paint($("paper"), x);
  $("paper-words").textContent = words;
  $("paper").setAttribute("aria-label", `${words}. To draw: arrows move the pen, the space bar puts it down and lifts it.`);
  $("noise-words").textContent = "";
  look();
}

const pen = { x: Math.floor(W / 2) + 0.5, y: Math.floor(H / 2) + 0.5, isDown: false };

// A round brush; where it passes, the paper becomes white, softly at the edge.
function draw(x, y) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(x - pen.x, y - pen.y)));
  for (let s = 1; s <= steps; s++) {
    const cx = pen.x + ((x - pen.x) * s) / steps, cy = pen.y + ((y - pen.y) * s) / steps, radius = Math.max(1, W / 16, H / 16);
    for (let row = 0; row < H; row++)
      for (let column = 0; column < W; column++) {
        const level = Math.min(1, Math.max(0, radius - Math.hypot(column + 0.5 - cx, row + 0.5 - cy)));
        for (let c = 0; c < C; c++) {
          const d = (row * W + column) * C + c;
          state.x[d] = Math.max(state.x[d], about.low + (about.high - about.low) * level);
        }
      }
  }
  pen.x = x, pen.y = y;
}

const drawn = () => takeImage(state.x, "your image");

function onPaper(event) {
  const box = $("paper").getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * W, y = ((event.clientY - box.top) / box.height) * H;
  if (event.type === "pointerdown") {
    $("paper").setPointerCapture(event.pointerId);
    if ($("paper-words").textContent !== "your image") state.x = new Float32Array(D).fill(about.low);
    pen.x = x, pen.y = y;
  }
  if (event.type === "pointerdown" || event.buttons) soon(() => (draw(x, y), drawn()));
}

function onPaperKey(event) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step && event.key !== " ") return;
  event.preventDefault();
  if (event.key === " ") {
    pen.isDown = !pen.isDown;
    if (pen.isDown && $("paper-words").textContent !== "your image") state.x = new Float32Array(D).fill(about.low);
  }
  const [x, y] = step ? [pen.x + step[0], pen.y + step[1]] : [pen.x, pen.y];
  const inside = [Math.min(W - 0.5, Math.max(0.5, x)), Math.min(H - 0.5, Math.max(0.5, y))];
  if (pen.isDown) draw(...inside), drawn();
  else [pen.x, pen.y] = inside;
  const where = $("paper").getContext("2d");
  where.fillStyle = "#f44", where.fillRect(Math.floor(pen.x), Math.floor(pen.y), 1, 1);
  say(`pen ${pen.isDown ? "down" : "up"}, column ${Math.ceil(pen.x)}, row ${Math.ceil(pen.y)}`);
}

// z = μ + σ ⊙ ε, from μ outwards.
function drawNoise() {
  if (!q.logvar) return;
  const eps = Array.from(q.mu, standardNormal), start = performance.now();
  const words = eps.slice(0, 8).map((e) => number(e)).join(", ") + (eps.length > 8 ? ", …" : "");
  $("noise-words").textContent = `ε = (${words}), z = μ + σ ⊙ ε`;
  const step = () => {
    const t = isCalm.matches ? 1 : Math.min(1, (performance.now() - start) / 700);
    state.z = Float32Array.from(reparameterize(q, eps.map((e) => e * t)));
    look();
    if (t < 1) requestAnimationFrame(step);
  };
  step();
}

// --- from one image to another -------------------------------------------------------------------------------------

function between(a, b, t, path) {
  if (path === "straight") return a.map((v, j) => (1 - t) * v + t * b[j]);
  const length = (v) => Math.sqrt(sum(v, (w) => w * w));
  const cosine = sum(a, (v, j) => v * b[j]) / (length(a) * length(b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  if (!(Math.sin(angle) > 1e-6)) return between(a, b, t, "straight"); // in one line with the origin
  return a.map((v, j) => (Math.sin((1 - t) * angle) * v + Math.sin(t * angle) * b[j]) / Math.sin(angle));
}

function drawStrip() {
  const [a, b] = [codeOf(state.from), codeOf(state.to)], pictures = new Float32Array((STRIP + 2) * D);
  for (let n = 0; n < STRIP; n++)
    pictures.set(mean(output(between(a, b, n / (STRIP - 1), state.path))), (n + 1) * D);
  pictures.set(image(state.from), 0), pictures.set(image(state.to), (STRIP + 1) * D);
  paint($("strip"), pictures, STRIP + 2);
  const path = state.path === "straight" ? "on the straight line" : "along the sphere";
  const middle = Math.sqrt(sum(between(a, b, 0.5, state.path), (v) => v * v));
  const words = `The original, ${STRIP} pictures ${path} between the codes, the other original. The middle lies ${number(middle)} from the origin.`;
  $("strip-words").textContent = words;
  $("strip").setAttribute("aria-label", words);
}

// --- the controls --------------------------------------------------------------------------------------------------

// At most once a frame, the last of what was asked for.
let waiting = null;
function soon(action) {
  if (!waiting) requestAnimationFrame(() => { const last = waiting; waiting = null; last(); });
  waiting = action;
}

function moveTo(j, value) {
  state.z[j] = value;
  soon(look);
}

// Arrows move a slider by its step, 0.05; with Shift they move it by 0.5.
function withShift(slider) {
  slider.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way || !event.shiftKey) return;
    event.preventDefault();
    slider.value = +slider.value + way * 0.5;
    slider.dispatchEvent(new Event("input"));
  });
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Everything that depends on the run: sliders, axes, ranges.
function showRun() {
  const { latent, hasBound, worth, used, centre } = run();
  const order = [...worth.keys()].sort((i, j) => worth[j] - worth[i]);
  if (!state.z || state.z.length !== latent) state.z = Float32Array.from(centre);
  if (state.axes.some((j) => j >= latent)) state.axes = [0, Math.min(1, latent - 1)];
  const unit = (j) => (hasBound ? `KL ${number(worth[j])} nats` : `variance ${number(worth[j])}`);
  $("axes").replaceChildren();
  if (latent > 2)
    ["across", "up"].forEach((name, axis) => {
      const options = order.map((j) => element("option", { value: j, selected: state.axes[axis] === j }, `z${j + 1}, ${unit(j)}`));
      const select = element("select", { id: `axis-${axis}` }, ...options);
      select.addEventListener("change", () => {
        state.axes[axis] = +select.value;
        drawRange(), refreshStill(), look();
      });
      $("axes").append(element("label", { className: "buttons" }, `${name}: `, select));
    });
  $("dimensions").hidden = latent <= 2;
  $("dimensions-words").textContent = hasBound
    ? `${used.length} of ${latent} dimensions are used. One with a KL near 0 says nothing about the image: its slider changes nothing.`
    : `Sorted by the variance of the codes. ${used.length} of ${latent} dimensions are used.`;
  $("sliders").replaceChildren(...(latent > 2 ? order.map((j) => dimension(j, unit(j))) : []));
  $("encode").textContent = hasBound ? "z = μ" : "z = its code";
  $("draw-noise").hidden = !hasBound;
  $("drawn").closest("figure").hidden = $("draw-pixels").hidden = !hasBound;
  $("legend").textContent = (hasBound ? "Dashed: 1, 2 and 3 standard deviations of the prior. " : "Dashed: 1, 2 and 3 standard deviations of the codes. ")
    + (about.labels ? `Signs: ${about.names.map((name, k) => (SIGNS[k] === name ? name : `${SIGNS[k]} ${name}`)).join(", ")}.` : "Dots: the codes of images.")
    + " Blue: the code of the image on the paper, with 1 and 2 of its σ.";
  drawRange();
}

function dimension(j, unit) {
  const far = Math.max(4, reach(j)), { centre } = run();
  const slider = element("input", { type: "range", id: `z${j}`, step: 0.05, min: centre[j] - far, max: centre[j] + far });
  slider.addEventListener("input", () => moveTo(j, +slider.value));
  slider.addEventListener("change", refreshStill); // the map shows the other dimensions as they are
  withShift(slider);
  return element("label", { className: "slider" }, `z${j + 1}, ${unit} `, element("output", { id: `z${j}-value` }), slider);
}

// The two sliders of the plane reach as far as the plane.
function drawRange() {
  drawStill();
  state.axes.forEach((j, axis) => {
    const slider = $("xy"[axis]), { centre } = run();
    slider.min = Math.floor((centre[j] - plane.half[axis]) * 20) / 20;
    slider.max = Math.ceil((centre[j] + plane.half[axis]) * 20) / 20;
    slider.setAttribute("aria-label", `${["across", "up"][axis]}: z${j + 1}`);
  });
  $("y").closest("label").hidden = run().latent < 2;
}

function refreshStill() {
  plane.map = null;
  mapping++;
  drawStill(), drawPlane();
  if ($("show-map").checked) drawMap();
}

function chooseRun(index) {
  const before = { ...shown, name: run().name, z: state.z };
  state.run = index;
  showRun(), refreshStill();
  if (state.x) q = encode(state.x);
  look(), drawStrip(), check();
  const moved = sum(shown.picture, (v, d) => Math.abs(v - before.picture[d])) / D / (about.high - about.low);
  const near = before.near === shown.near ? "The nearest image is the same." : `The nearest image was ${described(before.near)}, now ${described(shown.near)}.`;
  $("changed").hidden = false;
  $("changed").textContent = `At ${before.z === state.z ? "the same z" : "the centre, since the dimensions differ"}, from ${before.name} to ${run().name}: pixels change by ${number(moved, 3)} on average. ${near} ${known(shown.trip)}`;
}

// The state is in the address, behind "#": nothing is sent, and nothing is stored.
let remembering;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const parts = { run: state.run, axes: state.axes, z: Array.from(state.z, (v) => +v.toFixed(3)), image: state.image,
      label: state.label, from: state.from, to: state.to, path: state.path };
    history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
  }, 300);
}

// Take from the address what makes sense; anything else keeps its usual value.
function recall() {
  const given = new URLSearchParams(location.hash.slice(1));
  const whole = (name, below, usual) => {
    const value = Number(given.get(name) ?? NaN);
    return Number.isInteger(value) && value >= 0 && value < below ? value : usual;
  };
  const many = (name) => (given.get(name) || "").split(",").filter((v) => v !== "").map(Number);
  state.run = whole("run", runs.length, 0);
  const { latent, worth } = run(), order = [...worth.keys()].sort((i, j) => worth[j] - worth[i]);
  const axes = many("axes"), z = many("z");
  const usual = latent > 2 ? order.slice(0, 2) : [0, latent - 1];
  state.axes = axes.length === 2 && axes.every((j) => Number.isInteger(j) && j >= 0 && j < latent) ? axes : usual;
  state.image = whole("image", count, 0);
  state.label = whole("label", Math.max(1, run().labels), 0);
  state.from = whole("from", count, 0), state.to = whole("to", count, Math.min(1, count - 1));
  state.path = given.get("path") === "sphere" ? "sphere" : "straight";
  state.z = Float32Array.from(z.length === latent && z.every(Number.isFinite) ? z : codeOf(state.image));
}

// Decode and encode what NumPy has decoded and encoded, and say by how much the results differ.
function check() {
  const { checkedCodes, checkedPictures, checkedRange, latent, hasBound, nats } = run();
  const n = checkedCodes.length / latent;
  let most = 0, total = 0, mostNats = 0;
  for (let i = 0; i < n; i++) {
    const label = run().labels ? about.labels[i] : 0, z = checkedCodes.subarray(i * latent, (i + 1) * latent);
    const l = output(z, label), picture = mean(l);
    for (let d = 0; d < D; d++) {
      const difference = Math.abs(picture[d] - checkedRange[0] - (checkedRange[1] * checkedPictures[i * D + d]) / 65535);
      most = Math.max(most, difference), total += difference;
    }
    if (!hasBound) continue;
    const mine = [costs(image(i), l), kl(encode(image(i), label))];
    [nats.rec[i], nats.kl[i]].forEach((theirs, k) => {
      mostNats = Math.max(mostNats, Math.abs(mine[k] - theirs) / Math.max(1, Math.abs(theirs)));
    });
  }
  const inNats = hasBound ? `, and nats by at most ${(100 * mostNats).toFixed(2)} %` : "";
  $("checked").textContent = `Checked: ${n} pictures differ from NumPy's by at most ${most.toFixed(4)} in a pixel and ${(total / n / D).toFixed(5)} in the mean${inNats}. Weights have ${[...new Set(run().bits)].sort().join(" or ")} bits.`;
  return { most, mean: total / n / D, nats: mostNats };
}

const on = (id, event, action) => $(id).addEventListener(event, action);

function connectPlane() {
  ["x", "y"].forEach((name, axis) => {
    on(name, "input", () => moveTo(state.axes[axis], +$(name).value));
    withShift($(name));
  });
  const point = (event) => {
    if (event.type === "pointerdown") plane.canvas.setPointerCapture(event.pointerId);
    else if (!event.buttons) return;
    const box = plane.canvas.getBoundingClientRect(), { centre } = run();
    const u = (event.clientX - box.left) / box.width, v = (event.clientY - box.top) / box.height;
    const [a, b] = state.axes;
    if (b !== a) state.z[b] = centre[b] + plane.half[1] * (1 - 2 * v);
    moveTo(a, centre[a] + plane.half[0] * (2 * u - 1));
  };
  for (const event of ["pointerdown", "pointermove"]) on("plane", event, point);
  on("show-codes", "change", () => (drawStill(), drawPlane()));
  on("show-map", "change", refreshStill);
  on("draw-pixels", "click", () => { newNoise(); look(); });
  on("to-centre", "click", () => { state.z = Float32Array.from(run().centre); look(); });
  on("to-sample", "click", () => {
    state.z = Float32Array.from(run().centre, (c, j) => c + run().width[j] * standardNormal());
    look();
  });
}

function connectRest() {
  for (const event of ["pointerdown", "pointermove"]) on("paper", event, onPaper);
  on("paper", "keydown", onPaperKey);
  on("take-nearest", "click", () => { $("image").value = shown.near; $("image").dispatchEvent(new Event("input")); });
  on("image", "input", () => {
    state.image = +$("image").value;
    $("image-value").textContent = described(state.image);
    if (run().labels) state.label = about.labels[state.image];
    soon(() => takeImage(image(state.image), described(state.image)));
  });
  on("clear", "click", () => takeImage(new Float32Array(D).fill(about.low), "your image"));
  on("encode", "click", () => { state.z = Float32Array.from(q.mu); $("noise-words").textContent = ""; look(); });
  on("draw-noise", "click", drawNoise);
  for (const name of ["from", "to"])
    on(name, "input", () => {
      state[name] = +$(name).value;
      $(`${name}-value`).textContent = described(state[name]);
      soon(drawStrip);
    });
  const walk = () => {
    state.far = +$("far").value;
    $("far-value").textContent = number(state.far);
    state.z = Float32Array.from(between(codeOf(state.from), codeOf(state.to), state.far, state.path));
    soon(look);
  };
  on("far", "input", walk);
  for (const radio of document.getElementsByName("path"))
    radio.addEventListener("change", () => { state.path = radio.value; drawStrip(); walk(); });
  isDark.addEventListener("change", refreshStill);
  $("javascript").textContent = $("model").textContent.trim();
  for (const name of ["image", "from", "to"]) {
    $(name).max = count - 1, $(name).value = state[name];
    $(`${name}-value`).textContent = described(state[name]);
  }
  document.getElementsByName("path").forEach((radio) => (radio.checked = radio.value === state.path));
  $("runs").hidden = runs.length < 2 && !run().labels;
  runs.forEach((r, i) => {
    if (runs.length < 2) return;
    const radio = element("input", { type: "radio", name: "run", checked: i === state.run });
    radio.addEventListener("change", () => chooseRun(i));
    const beta = r.beta === null || r.beta === undefined ? "" : `, β = ${r.beta}`;
    $("runs").append(element("label", {}, radio, `${r.name}: ${r.model}${beta}`));
  });
  if (run().labels) {
    const options = about.names.map((name, k) => element("option", { value: k, selected: k === state.label }, name));
    const select = element("select", { id: "label" }, ...options);
    select.addEventListener("change", () => { state.label = +select.value; look(); drawStrip(); });
    $("runs").append(element("label", {}, "label of the picture ", select));
  }
}

// The first block is enough to move a point and to decode it; the rest follows.
async function begin() {
  await unpack("first");
  recall();
  if (state.run) await theRest();
  connectPlane(), showRun();
  $("main").hidden = false;
  look();
  document.documentElement.dataset.ready = Math.round(performance.now());
  if (!isWhole) await theRest();
  connectRest();
  takeImage(image(state.image), described(state.image), state.z);
  drawStill(), drawPlane(), drawStrip(), check();
  document.documentElement.dataset.whole = Math.round(performance.now());
}

async function theRest() {
  if (document.readyState === "loading") await new Promise((then) => document.addEventListener("DOMContentLoaded", then));
  await unpack("rest");
  isWhole = true;
}

begin().catch((error) => {
  $("broken").hidden = false;
  $("broken").textContent = `This page is damaged, or the browser is too old for it (${error.message}): write it again with npvae explore.`;
});
