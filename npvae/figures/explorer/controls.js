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
  const place = state.axes.map((j) => `z${j + 1} ${coordinate(j, z[j])}`).join(", ");
  say(`${place}. Near ${described(near)}. ${known(trip)}`);
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
  if (trip === null)
    return "The codes say nothing about the images: no mean μ varies, so there is no round trip to measure.";
  const verdict = trip <= 1 ? "Yes" : trip <= 2 ? "Doubtful" : "No";
  const moved = `Decoded and encoded again, the code has moved ${number(trip)} times the distance`;
  return `${verdict}. ${moved} that 19 of 20 real images stay below.`;
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
  const choices = ["across", "up"].map((name, axis) => axisChoice(name, axis, order, unit));
  $("axes").replaceChildren(...(latent > 2 ? choices : []));
  $("dimensions").hidden = latent <= 2;
  $("dimensions-words").textContent = !hasBound
    ? "Sorted by the variance of the codes."
    : `${used.length} of ${latent} dimensions are used: their mean μ varies between images, with a variance above 0.01. `
      + "From the others the decoder has learned little.";
  $("sliders").replaceChildren(...(latent > 2 ? order.map((j) => dimension(j, unit(j))) : []));
  $("encode").textContent = hasBound ? "z = μ" : "z = its code";
  $("to-sample").textContent = hasBound ? "a draw from the prior" : "a draw from a Gaussian like the codes";
  $("draw-noise").hidden = $("drawn").closest("figure").hidden = $("draw-pixels").hidden = !hasBound;
  const rings = hasBound ? "the prior" : "a Gaussian fitted to the codes";
  const signs = about.labels && about.names.length <= SIGNS.length;
  const names = (about.names || []).map((name, k) => (SIGNS[k] === name ? name : `${SIGNS[k]} ${name}`)).join(", ");
  $("legend").textContent = `Dashed: 1, 2 and 3 standard deviations of ${rings}. `
    + `${signs ? `Signs: ${names}.` : "Dots: the codes of images."} Blue: the code of the image on the paper`
    + `${hasBound ? ", with 1 and 2 of its σ" : ""}.`;
  showLabels();
  showPlane();
}

const byWorth = () => [...run().worth.keys()].sort((i, j) => run().worth[j] - run().worth[i]);
const usualAxes = () => (run().latent > 2 ? byWorth().slice(0, 2) : [0, run().latent - 1]);

function axisChoice(name, axis, order, unit) {
  const options = order.map((j) => {
    const selected = state.axes[axis] === j;
    return element("option", { value: j, selected, textContent: `z${j + 1}, ${unit(j)}` });
  });
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
  const [was, is] = [before.near, shown.near].map(described);
  const near = was === is ? "The nearest image is the same." : `The nearest image was ${was}, now ${is}.`;
  const where = before.z === state.z ? "At the same z" : "At the centre, since the dimensions differ";
  $("changed").hidden = false;
  const pixels = `pixels change by ${number(moved, 3)} on average`;
  $("changed").textContent = `${where}, from ${before.name} to ${run().name}: ${pixels}. ${near} ${known(shown.trip)}`;
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
