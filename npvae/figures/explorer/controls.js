// What the reader moves, what follows from it, and what is said.

// The noise of a draw stays the same while the point moves, so that only what z changes is seen to change.
let uniform, normal;
function newNoise() {
  uniform = Float64Array.from({ length: D }, Math.random), normal = Float64Array.from({ length: D }, standardNormal);
}

const number = (v, digits = 2) => v.toFixed(digits).replace("-", "−");

// Arrows move dimension j by a twentieth of the prior's width, rounded to 1, 2 or 5; that is 0.05 for N(0, 1).
function stepOf(j) {
  const wanted = run().width[j] / 20, power = 10 ** Math.floor(Math.log10(wanted || 0.05));
  return power * [1, 2, 5, 10].find((times) => times * power >= 0.999 * wanted);
}
const coordinate = (j, v) => number(v, Math.max(2, Math.ceil(-Math.log10(stepOf(j)))));

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// What a screen reader says: once, when the reader of the page has stopped moving.
let saying;
function say(words) {
  clearTimeout(saying);
  saying = setTimeout(() => ($("said").textContent = words), 600);
}

// Run each kind of action at most once a frame, the latest.
const waiting = new Map();
function soon(kind, action) {
  if (!waiting.size)
    requestAnimationFrame(() => {
      const actions = [...waiting.values()];
      waiting.clear();
      for (const each of actions) each();
    });
  waiting.set(kind, action);
}

// --- what follows from a place -------------------------------------------------------------------------------------

let shown = {}; // the nearest image, the round trip and the picture of this place

function look() {
  const { hasBound } = run(), z = state.z, l = output(z), picture = mean(l);
  paint($("picture"), picture), paint($("mini"), picture);
  if (hasBound) paint($("drawn"), l.map((v, d) => run().likelihood.draw(v, uniform[d], normal[d])));
  $("picture-words").textContent = hasBound ? "the mean of p(x | z)" : "the picture";
  showNumbers();
  drawPlane();
  if (!isWhole || !state.x) return; // the rest of the page is not there yet
  const near = nearest(z), trip = roundTrip(z, picture);
  shown = { near, trip, picture };
  paint($("nearest"), image(near)), paint($("copy"), picture);
  $("nearest-words").textContent = `the image with the nearest code: ${described(near)}`;
  $("picture").setAttribute("aria-label", `the decoded picture, near ${described(near)}`);
  $("nearest").setAttribute("aria-label", described(near));
  $("gauge").value = trip === null ? 0 : Math.min(3, trip);
  $("known").textContent = known(trip);
  writeLedger(l, picture);
  const words = about.labels ? nameOf(near) : described(near);
  state.axes.forEach((j, axis) => {
    $("xy"[axis]).setAttribute("aria-valuetext", `z${j + 1} is ${coordinate(j, z[j])}, near ${words}`);
  });
  say(`${state.axes.map((j) => `z${j + 1} ${coordinate(j, z[j])}`).join(", ")}. Near ${described(near)}. ${known(trip)}`);
  soon("map", refreshMap);
  remember();
}

// The sliders and their numbers.
function showNumbers() {
  const { z } = state;
  state.axes.forEach((j, axis) => {
    $("xy"[axis]).value = z[j];
    $(`${"xy"[axis]}-value`).textContent = `z${j + 1} = ${coordinate(j, z[j])}`;
  });
  for (const slider of $("sliders").querySelectorAll("input")) {
    const j = +slider.id.slice(1), words = coordinate(j, z[j]);
    slider.value = z[j], $(`z${j}-value`).textContent = words;
    slider.setAttribute("aria-valuetext", words);
  }
}

function known(trip) {
  if (trip === null) return "The codes say nothing about the images: no mean μ varies, so there is no round trip to measure.";
  const verdict = trip <= 1 ? "Yes" : trip <= 2 ? "Doubtful" : "No";
  return `${verdict}. Decoded and encoded again, the code has moved ${number(trip)} times the distance that 19 of 20 real images stay below.`;
}

function moveTo(j, value) {
  endNoise();
  state.z[j] = value;
  soon("look", look);
}

function placeAt(z) {
  endNoise();
  state.z = Float32Array.from(z);
  look();
}

// --- the run that is chosen ----------------------------------------------------------------------------------------

// Everything that depends on the run: sliders, axes, ranges, labels.
function showRun() {
  const { latent, hasBound, worth, used, centre } = run(), order = byWorth();
  if (!state.z || state.z.length !== latent) state.z = Float32Array.from(centre);
  if (state.axes.some((j) => j >= latent) || (latent > 1 && state.axes[0] === state.axes[1])) state.axes = usualAxes();
  const unit = (j) => (hasBound ? `KL ${number(worth[j])} nats` : `variance ${worth[j].toPrecision(3)}`);
  $("axes").replaceChildren(...(latent > 2 ? ["across", "up"].map((name, axis) => axisChoice(name, axis, order, unit)) : []));
  $("dimensions").hidden = latent <= 2;
  $("dimensions-words").textContent = hasBound
    ? `${used.length} of ${latent} dimensions are used: their mean μ varies between images, with a variance above 0.01. From the others the decoder has learned little.`
    : "Sorted by the variance of the codes.";
  $("sliders").replaceChildren(...(latent > 2 ? order.map((j) => dimension(j, unit(j))) : []));
  $("encode").textContent = hasBound ? "z = μ" : "z = its code";
  $("to-sample").textContent = hasBound ? "a draw from the prior" : "a draw from a Gaussian like the codes";
  $("draw-noise").hidden = $("drawn").closest("figure").hidden = $("draw-pixels").hidden = !hasBound;
  const rings = hasBound ? "the prior" : "a Gaussian fitted to the codes";
  const signs = about.labels && about.names.length <= SIGNS.length;
  const names = signs ? about.names.map((name, k) => (SIGNS[k] === name ? name : `${SIGNS[k]} ${name}`)).join(", ") : "";
  $("legend").textContent = `Dashed: 1, 2 and 3 standard deviations of ${rings}. `
    + `${signs ? `Signs: ${names}.` : "Dots: the codes of images."} Blue: the code of the image on the paper`
    + `${hasBound ? ", with 1 and 2 of its σ" : ""}.`;
  showLabels();
  showPlane();
}

const byWorth = () => [...run().worth.keys()].sort((i, j) => run().worth[j] - run().worth[i]);
const usualAxes = () => (run().latent > 2 ? byWorth().slice(0, 2) : [0, run().latent - 1]);

function axisChoice(name, axis, order, unit) {
  const options = order.map((j) => element("option", { value: j, selected: state.axes[axis] === j, textContent: `z${j + 1}, ${unit(j)}` }));
  const select = element("select", { id: `axis-${axis}` }, ...options);
  select.addEventListener("change", () => {
    if (state.axes[1 - axis] === +select.value) state.axes[1 - axis] = state.axes[axis]; // two equal axes are a line
    state.axes[axis] = +select.value;
    for (const other of [0, 1]) $(`axis-${other}`).value = state.axes[other];
    showPlane(), look();
  });
  return element("label", { className: "buttons" }, `${name}: `, select);
}

function dimension(j, unit) {
  const slider = element("input", { type: "range", id: `z${j}` });
  setRange(slider, j, Math.max(4 * run().width[j], reach(j)));
  slider.addEventListener("input", () => moveTo(j, +slider.value));
  withShift(slider, j);
  const words = element("span", {}, `z${j + 1}, ${unit} `), value = element("span", { id: `z${j}-value` });
  return element("label", { className: "slider" }, words, value, slider);
}

// From `far` below the centre to `far` above it, in whole steps, so that a code of the plane is a place of the slider.
function setRange(slider, j, far) {
  const step = stepOf(j), { centre } = run();
  slider.step = step;
  slider.min = Math.floor((centre[j] - far) / step) * step;
  slider.max = Math.ceil((centre[j] + far) / step) * step;
}

// Arrows move a slider by its step; with Shift they move it by ten.
function withShift(slider) {
  slider.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!way || !event.shiftKey) return;
    event.preventDefault();
    slider.value = +slider.value + way * 10 * slider.step;
    slider.dispatchEvent(new Event("input"));
  });
}

// The plane of the two axes; its sliders reach as far as the plane.
function showPlane() {
  measurePlane(), drawSigns();
  state.axes.forEach((j, axis) => {
    setRange($("xy"[axis]), j, plane.half[axis]);
    $(`${"xy"[axis]}-words`).textContent = `${["across", "up"][axis]}: z${j + 1}`;
  });
  $("y").closest("label").hidden = run().latent < 2;
}

function chooseRun(index) {
  const before = { ...shown, name: run().name, z: state.z };
  state.run = index;
  showRun();
  q = encode(state.x);
  look(), drawStrip(), check();
  const moved = sum(shown.picture, (v, d) => Math.abs(v - before.picture[d])) / D / (about.high - about.low);
  const near = before.near === shown.near ? "The nearest image is the same." : `The nearest image was ${described(before.near)}, now ${described(shown.near)}.`;
  const where = before.z === state.z ? "At the same z" : "At the centre, since the dimensions differ";
  $("changed").hidden = false;
  $("changed").textContent = `${where}, from ${before.name} to ${run().name}: pixels change by ${number(moved, 3)} on average. ${near} ${known(shown.trip)}`;
  say($("changed").textContent);
}

// A conditional model needs a label, for the picture and for the image on the paper.
function showLabels() {
  $("label-choice").hidden = !run().labels;
  if (!run().labels) return;
  $("label").replaceChildren(...about.names.map((name, k) => element("option", { value: k, textContent: name })));
  $("label").value = state.label;
}

function setLabel(k) {
  state.label = k;
  $("label").value = k;
  if (state.x) q = encode(state.x);
}

// --- the address ---------------------------------------------------------------------------------------------------

// The state is in the address, behind "#": nothing is sent, and nothing is stored.
let remembering;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const { run, axes, image, label, from, to, path } = state;
    const z = Array.from(state.z, (v) => +v.toPrecision(4));
    history.replaceState(null, "", `#${new URLSearchParams({ run, axes, z, image, label, from, to, path })}`);
  }, 300);
}

// Read what is valid in the address; keep the defaults for the rest.
async function recall() {
  const given = new URLSearchParams(location.hash.slice(1));
  const whole = (name, below, usual) => {
    const value = Number(given.get(name) ?? NaN);
    return Number.isInteger(value) && value >= 0 && value < below ? value : usual;
  };
  const many = (name) => (given.get(name) || "").split(",").map((v) => (v.trim() === "" ? NaN : Number(v)));
  state.run = whole("run", runs.length, 0);
  if (state.run) await theRest(); // the first block holds the codes of the first run only
  const { latent, centre, width } = run(), axes = many("axes"), z = many("z");
  state.axes = axes.length === 2 && axes.every((j) => Number.isInteger(j) && j >= 0 && j < latent) ? axes : usualAxes();
  state.image = whole("image", count, 0);
  state.label = whole("label", run().labels, about.labels ? about.labels[state.image] : 0);
  state.from = whole("from", count, 0), state.to = whole("to", count, Math.min(1, count - 1));
  state.path = given.get("path") === "sphere" ? "sphere" : "straight";
  const isWholePlace = z.length === latent && z.every(Number.isFinite);
  const inside = (v, j) => Math.min(centre[j] + 100 * width[j], Math.max(centre[j] - 100 * width[j], v)); // far, and finite
  state.z = isWholePlace ? Float32Array.from(z, inside) : codeOf(state.image);
}

// Repeat what NumPy decoded and encoded, and show the largest differences.
function check() {
  const { checkedCodes, checkedPictures, checkedRange, latent, hasBound, nats, labels, bits } = run();
  const n = checkedCodes.length / latent;
  let most = 0, total = 0, mostNats = 0;
  for (let i = 0; i < n; i++) {
    const label = labels ? about.labels[i] : 0, z = checkedCodes.subarray(i * latent, (i + 1) * latent);
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
  const isGood = most <= 0.05 && total / n / D <= 0.002 && mostNats <= 0.005;
  const verdict = isGood ? "Checked" : "Careful, this page is not exact for this run";
  $("checked").textContent = `${verdict}: ${n} picture${n > 1 ? "s" : ""} differ${n > 1 ? "" : "s"} from NumPy's by at most ${most.toFixed(4)} in a pixel and ${(total / n / D).toFixed(5)} on average${inNats}. Weights have ${[...new Set(bits)].sort((a, b) => a - b).join(" or ")} bits.`;
  return { most, mean: total / n / D, nats: mostNats };
}

// --- connecting everything -----------------------------------------------------------------------------------------

const on = (id, event, action) => $(id).addEventListener(event, action);

function connectPlane() {
  ["x", "y"].forEach((name, axis) => {
    on(name, "input", () => moveTo(state.axes[axis], +$(name).value));
    withShift($(name));
  });
  const point = (event) => {
    if (event.type === "pointerdown") plane.canvas.setPointerCapture(event.pointerId);
    else if (!plane.canvas.hasPointerCapture(event.pointerId)) return;
    const box = plane.canvas.getBoundingClientRect(), { centre } = run(), [a, b] = state.axes;
    const u = (event.clientX - box.left) / box.width, v = (event.clientY - box.top) / box.height;
    if (b !== a) state.z[b] = centre[b] + plane.half[1] * (1 - 2 * Math.min(1, Math.max(0, v)));
    moveTo(a, centre[a] + plane.half[0] * (2 * Math.min(1, Math.max(0, u)) - 1));
  };
  for (const event of ["pointerdown", "pointermove"]) on("plane", event, point);
  on("show-codes", "change", () => (drawSigns(), drawPlane()));
  on("show-map", "change", refreshMap);
  on("draw-pixels", "click", () => { newNoise(); look(); });
  on("to-centre", "click", () => placeAt(run().centre));
  on("to-sample", "click", () => placeAt(run().centre.map((c, j) => c + run().width[j] * standardNormal())));
}

function connectRest() {
  [pen.x, pen.y] = [Math.floor(W / 2) + 0.5, Math.floor(H / 2) + 0.5];
  for (const event of ["pointerdown", "pointermove"]) on("paper", event, onPaper);
  on("paper", "keydown", onPaperKey), on("paper", "focus", showPen);
  on("take-nearest", "click", () => { $("image").value = shown.near; $("image").dispatchEvent(new Event("input")); });
  const showImage = (name) => {
    const words = described(state[name]);
    $(`${name}-value`).textContent = words, $(name).setAttribute("aria-valuetext", words);
  };
  on("image", "input", () => {
    state.image = +$("image").value;
    showImage("image");
    if (run().labels) setLabel(about.labels[state.image]);
    soon("paper", takeTestImage);
  });
  on("clear", "click", () => takeImage(emptyPaper(), OWN));
  on("encode", "click", () => placeAt(q.mu));
  on("take", "click", () => $("image").dispatchEvent(new Event("input")));
  addEventListener("hashchange", async () => {
    await recall();
    document.getElementsByName("run")[state.run].checked = true;
    showRun(), takeImage(image(state.image), described(state.image), state.z), drawStrip(), check();
  });
  on("draw-noise", "click", drawNoise);
  for (const name of ["from", "to"])
    on(name, "input", () => {
      state[name] = +$(name).value;
      showImage(name);
      soon("strip", drawStrip);
      if (state.far) walk();
    });
  on("far", "input", walk);
  for (const radio of document.getElementsByName("path")) {
    radio.checked = radio.value === state.path;
    radio.addEventListener("change", () => { state.path = radio.value; drawStrip(), walk(); });
  }
  on("label", "change", () => { setLabel(+$("label").value); look(), drawStrip(); });
  isDark.addEventListener("change", () => (drawSigns(), drawPlane()));
  $("javascript").textContent = $("model").textContent.trim();
  for (const name of ["image", "from", "to"]) {
    $(name).max = count - 1, $(name).value = state[name];
    showImage(name);
  }
  $("runs").hidden = runs.length < 2;
  const isSeen = new IntersectionObserver(([seen]) => ($("mini").hidden = seen.isIntersecting));
  isSeen.observe($("picture"));
  runs.forEach((r, i) => {
    const radio = element("input", { type: "radio", name: "run", checked: i === state.run });
    radio.addEventListener("change", () => chooseRun(i));
    const beta = r.beta === null ? "" : `, β = ${r.beta}`;
    $("runs").append(element("label", {}, radio, `${r.name}: ${r.model}${beta}`));
  });
}

// The first block is enough to move a point and to decode it; the rest follows.
async function begin() {
  readHeader();
  newNoise();
  await unpack("first");
  await recall();
  connectPlane(), showRun();
  $("main").hidden = false;
  look();
  document.documentElement.dataset.ready = Math.round(performance.now());
  await theRest();
  connectRest();
  takeImage(image(state.image), described(state.image), state.z);
  drawSigns(), drawPlane(), drawStrip(), check();
  document.documentElement.dataset.whole = Math.round(performance.now());
}

async function theRest() {
  if (isWhole) return;
  if (document.readyState === "loading") await new Promise((then) => document.addEventListener("DOMContentLoaded", then));
  await unpack("rest");
  isWhole = true;
}

begin().catch((error) => {
  $("broken").hidden = false;
  $("broken").textContent = `This page is damaged, or the browser is too old for it (${error.message}): write it again with npvae explore.`;
});
