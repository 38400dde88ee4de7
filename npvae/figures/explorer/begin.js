// The address, the comparison with NumPy, and the beginning of everything.

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
  const inside = (v, j) => centre[j] + width[j] * Math.min(100, Math.max(-100, (v - centre[j]) / width[j])); // so finite
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
      const theirs = checkedRange[0] + (checkedRange[1] * checkedPictures[i * D + d]) / 65535;
      const difference = Math.abs(picture[d] - theirs);
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
  const found = `at most ${most.toFixed(4)} in a pixel and ${(total / n / D).toFixed(5)} on average${inNats}`;
  const pictures = n > 1 ? `${n} pictures differ` : "one picture differs";
  const sizes = [...new Set(bits)].sort((a, b) => a - b).join(" or ");
  $("checked").textContent = `${verdict}: ${pictures} from NumPy's by ${found}. Weights have ${sizes} bits.`;
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

function showImage(name) {
  const words = described(state[name]);
  $(`${name}-value`).textContent = words, $(name).setAttribute("aria-valuetext", words);
}

// What the address says about images, path and run, on the controls, which the reader may have moved since.
function showState() {
  for (const name of ["image", "from", "to"]) {
    $(name).max = count - 1, $(name).value = state[name];
    showImage(name);
  }
  for (const radio of document.getElementsByName("path")) radio.checked = radio.value === state.path;
  document.getElementsByName("run")[state.run].checked = true;
}

function connectRest() {
  [pen.x, pen.y] = [Math.floor(W / 2) + 0.5, Math.floor(H / 2) + 0.5];
  for (const event of ["pointerdown", "pointermove"]) on("paper", event, onPaper);
  on("paper", "keydown", onPaperKey), on("paper", "focus", showPen);
  on("take-nearest", "click", () => { $("image").value = shown.near; $("image").dispatchEvent(new Event("input")); });
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
    showState(), showRun(), takeImage(image(state.image), described(state.image), state.z), drawStrip(), check();
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
  for (const radio of document.getElementsByName("path"))
    radio.addEventListener("change", () => { state.path = radio.value; drawStrip(), walk(); });
  on("label", "change", () => { setLabel(+$("label").value); look(), drawStrip(); });
  isDark.addEventListener("change", () => (drawSigns(), drawPlane()));
  $("javascript").textContent = $("model").textContent.trim();
  $("runs").hidden = runs.length < 2;
  const isSeen = new IntersectionObserver(([seen]) => ($("mini").hidden = seen.isIntersecting));
  isSeen.observe($("picture"));
  runs.forEach((r, i) => {
    const radio = element("input", { type: "radio", name: "run" });
    radio.addEventListener("change", () => chooseRun(i));
    const beta = r.beta === null ? "" : `, β = ${r.beta}`;
    $("runs").append(element("label", {}, radio, `${r.name}: ${r.model}${beta}`));
  });
  showState();
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
  if (document.readyState === "loading")
    await new Promise((then) => document.addEventListener("DOMContentLoaded", then));
  await unpack("rest");
  isWhole = true;
}

begin().catch((error) => {
  $("broken").hidden = false;
  const why = `This page is damaged, or the browser is too old for it (${error.message})`;
  $("broken").textContent = `${why}: write it again with npvae explore.`;
});
