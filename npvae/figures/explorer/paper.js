// The image on the paper: drawn, or one of the test set; its code, the noise, and what it costs.

const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
const OWN = "your image";
const pen = { x: 0, y: 0, isDown: false };

// Put an image on the paper, and encode it; the point moves to its code, unless another z is given.
function takeImage(x, words, z = null) {
  endNoise();
  state.x = x;
  q = encode(x);
  state.z = z || Float32Array.from(q.mu);
  paint($("paper"), x);
  $("paper-words").textContent = words;
  const how = "To draw: arrows move the pen, the space bar puts it down and lifts it.";
  $("paper").setAttribute("aria-label", `${words}. ${how}`);
  look();
}

const emptyPaper = () => new Float32Array(D).fill(about.low);
const takeTestImage = () => takeImage(image(state.image), described(state.image));

// A round brush from the last place to (x, y). Where it passes, the paper becomes white, softly at the edge.
function brush(x, y) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(x - pen.x, y - pen.y))), radius = Math.max(1, W / 16, H / 16);
  for (let s = 1; s <= steps; s++) {
    const cx = pen.x + ((x - pen.x) * s) / steps, cy = pen.y + ((y - pen.y) * s) / steps;
    for (let row = 0; row < H; row++)
      for (let column = 0; column < W; column++) {
        const near = Math.min(1, Math.max(0, radius - Math.hypot(column + 0.5 - cx, row + 0.5 - cy)));
        const level = about.low + ((about.high - about.low) * Math.round(255 * near)) / 255; // as images in bytes have
        for (let c = 0; c < C; c++) {
          const d = (row * W + column) * C + c;
          state.x[d] = Math.max(state.x[d], level);
        }
      }
  }
  pen.x = x, pen.y = y;
}

// The first stroke on a test image begins an image of one's own.
function beginStroke() {
  if ($("paper-words").textContent !== OWN) state.x = emptyPaper();
}

function onPaper(event) {
  const box = $("paper").getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * W, y = ((event.clientY - box.top) / box.height) * H;
  if (event.type === "pointerdown") {
    $("paper").setPointerCapture(event.pointerId);
    beginStroke();
    pen.x = x, pen.y = y;
  } else if (!$("paper").hasPointerCapture(event.pointerId)) return;
  brush(x, y);
  soon("paper", () => takeImage(state.x, OWN));
}

function showPen() {
  const mark = $("paper").getContext("2d");
  mark.fillStyle = "#f44", mark.fillRect(Math.floor(pen.x), Math.floor(pen.y), 1, 1);
}

function onPaperKey(event) {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!step && event.key !== " ") return;
  event.preventDefault();
  const [x, y] = step ? [pen.x + step[0], pen.y + step[1]] : [pen.x, pen.y];
  const inside = [Math.min(W - 0.5, Math.max(0.5, x)), Math.min(H - 0.5, Math.max(0.5, y))];
  if (!step) pen.isDown = !pen.isDown;
  if (!step && pen.isDown) beginStroke();
  if (pen.isDown) brush(...inside), takeImage(state.x, OWN);
  else [pen.x, pen.y] = inside, paint($("paper"), state.x);
  showPen();
  say(`pen ${pen.isDown ? "down" : "up"}, column ${Math.ceil(pen.x)}, row ${Math.ceil(pen.y)}`);
}

// z = μ + σ ⊙ ε, from μ outwards. Whatever else moves the point ends the motion.
let noising = 0;
function endNoise() {
  noising++;
  $("noise-words").textContent = "";
}

function drawNoise() {
  const eps = Array.from(q.mu, standardNormal), start = performance.now(), mine = ++noising;
  const words = eps.slice(0, 8).map((e) => number(e)).join(", ") + (eps.length > 8 ? ", …" : "");
  $("noise-words").textContent = `ε = (${words}), z = μ + σ ⊙ ε`;
  const step = () => {
    if (mine !== noising) return;
    const t = isCalm.matches ? 1 : Math.min(1, (performance.now() - start) / 700);
    state.z = Float32Array.from(reparameterize(q, eps.map((e) => e * t)));
    look();
    if (t < 1) requestAnimationFrame(step);
  };
  step();
}

// The ledger: what the image on the paper costs at this z, beside three landmarks.
function writeLedger(l, picture) {
  const { hasBound, likelihood } = run(), rows = [];
  if (hasBound) {
    const rec = costs(state.x, l), divergence = kl(q);
    const constant = (f) => costs(state.x, Float32Array.from({ length: D }, f));
    rows.push(["reconstruction, −ln p(x | z)", rec], ["KL(q ‖ p)", divergence], ["sum", rec + divergence, "total"]);
    rows.push(["landmark: every output 0", constant(() => 0)]);
    const copyOf = (picture) => constant((_, d) => likelihood.output(picture[d]));
    if (likelihood.output) rows.push(["landmark: the mean image", copyOf(about.mean)]);
    if (likelihood.output) rows.push(["landmark: a perfect copy", copyOf(state.x)]);
    const convention = likelihood.gives === "convention" ? " On grey pixels, Bernoulli nats are a convention." : "";
    const once = "If z is a draw from q(z | x) (press “draw ε”), the sum estimates −ELBO; at any other z it does not.";
    $("ledger-words").textContent = `Nats of this image at this z. ${once}${convention}`;
  } else {
    rows.push(["squared error of the copy", squaredError(state.x, picture), "total"]);
    rows.push(["landmark: the mean image", squaredError(state.x, about.mean)], ["landmark: a perfect copy", 0]);
    $("ledger-words").textContent = "An autoencoder has no nats: its loss is the squared error.";
  }
  $("ledger").tBodies[0].replaceChildren(...rows.map(([name, value, kind]) => {
    const row = element("tr", { className: kind || "" });
    row.append(element("th", { scope: "row", textContent: name }), element("td", { textContent: number(value, 1) }));
    return row;
  }));
}
