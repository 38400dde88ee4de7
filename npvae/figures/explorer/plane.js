// The plane of codes: a map of pictures, the codes of images, the rings of the prior, the posterior, the point.

const SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"; // a class is drawn as its sign, so nobody needs the colours
const MAP = 15; // pictures on a side of the map
const isDark = matchMedia("(prefers-color-scheme: dark)");
const side = $("plane").width;
const layer = () => Object.assign(document.createElement("canvas"), { width: side, height: side });
const plane = { canvas: $("plane"), signs: layer(), map: null, mapOf: "", half: [1, 1] };
plane.toX = (v) => side * (0.5 + (v - run().centre[state.axes[0]]) / (2 * plane.half[0]));
plane.toY = (v) => side * (0.5 - (v - run().centre[state.axes[1]]) / (2 * plane.half[1]));

// Pictures in rows, as large as they are; the browser enlarges them.
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

// On a map, what is drawn must differ from its pictures, which are dark or light whatever the page is.
function isBright() {
  if (!plane.map) return isDark.matches;
  return sum(about.mean, (v) => v - about.low) / D < (about.high - about.low) / 2;
}
const colour = (k) => `hsl(${(k * 137.5) % 360} ${isBright() ? "75% 76%" : "85% 23%"})`;
const ink = () => (isBright() ? "#e8e8e8" : "#1b1b1b");
const blue = () => (isBright() ? "#8ab4f8" : "#0b57d0");

// How far the plane reaches from the centre: to the codes, and to three standard deviations of the prior.
function reach(j) {
  const { codes, latent, centre, width } = run();
  let most = 3.5 * width[j];
  for (let n = 0; n < count; n++) most = Math.max(most, Math.abs(codes[n * latent + j] - centre[j]) * 1.05);
  return most;
}

function measurePlane() {
  const halves = state.axes.map(reach), most = Math.max(...halves);
  plane.half = run().hasBound ? [most, most] : halves;
}

function drawSigns() {
  const [a, b] = state.axes, { codes, latent } = run(), pen = plane.signs.getContext("2d");
  pen.clearRect(0, 0, side, side);
  if (!isWhole || !$("show-codes").checked) return;
  pen.font = "11px sans-serif", pen.textAlign = "center", pen.textBaseline = "middle";
  for (let n = 0; n < count; n++) {
    const k = about.labels ? about.labels[n] : null;
    pen.fillStyle = k === null ? ink() : colour(k);
    pen.fillText((k !== null && SIGNS[k]) || "·", plane.toX(codes[n * latent + a]), plane.toY(codes[n * latent + b]));
  }
}

function drawPlane() {
  const pen = plane.canvas.getContext("2d"), [a, b] = state.axes, { centre, width } = run();
  pen.clearRect(0, 0, side, side);
  if (plane.map) pen.drawImage(plane.map, 0, 0, side, side);
  pen.drawImage(plane.signs, 0, 0);
  const ellipse = (x, y, rx, ry) => {
    pen.beginPath(), pen.ellipse(plane.toX(x), plane.toY(y), rx, ry, 0, 0, 2 * Math.PI), pen.stroke();
  };
  const pixels = (length, axis) => (length * side) / (2 * plane.half[axis]);
  pen.lineWidth = 1, pen.strokeStyle = ink(), pen.setLineDash([4, 4]);
  for (const ring of [1, 2, 3]) ellipse(centre[a], centre[b], pixels(ring * width[a], 0), pixels(ring * width[b], 1));
  pen.setLineDash([]), pen.lineWidth = 3, pen.strokeStyle = blue();
  if (q) {
    const size = (j, axis, sigmas) => (q.logvar ? pixels(sigmas * Math.exp(q.logvar[j] / 2), axis) : 5);
    for (const sigmas of [1, 2]) ellipse(q.mu[a], q.mu[b], size(a, 0, sigmas), size(b, 1, sigmas));
  }
  const x = plane.toX(state.z[a]), y = plane.toY(state.z[b]);
  for (const [thick, style] of [[7, isBright() ? "#000" : "#fff"], [3, ink()]]) {
    pen.lineWidth = thick, pen.strokeStyle = style;
    pen.beginPath(), pen.arc(x, y, 12, 0, 2 * Math.PI), pen.moveTo(x - 20, y), pen.lineTo(x + 20, y);
    pen.moveTo(x, y - 20), pen.lineTo(x, y + 20), pen.stroke();
  }
}

// The map shows the plane through the point: it is made again when another coordinate, the label or the run changes.
// It is decoded a few pictures at a time, so that the finger is never kept waiting.
let mapping = 0;
function refreshMap() {
  const wanted = $("show-map").checked;
  const others = Array.from(state.z, (v, j) => (state.axes.includes(j) ? "" : v.toFixed(3)));
  const of = wanted ? JSON.stringify([state.run, state.axes, state.label, others]) : "";
  if (of === plane.mapOf) return;
  plane.mapOf = of, mapping++;
  if (!wanted) {
    plane.map = null;
    drawSigns(), drawPlane();
    return;
  }
  const mine = mapping, canvas = document.createElement("canvas"), one = document.createElement("canvas");
  canvas.width = W * MAP, canvas.height = H * MAP;
  const pen = canvas.getContext("2d"), base = state.z.slice(), wasPlain = !plane.map;
  let n = 0;
  const some = () => {
    if (mine !== mapping) return;
    for (const start = performance.now(); n < MAP * MAP && performance.now() - start < 8; n++) {
      const z = base.slice(), { centre } = run(), [a, b] = state.axes;
      z[b] = centre[b] + plane.half[1] * (1 - (2 * Math.floor(n / MAP) + 1) / MAP);
      z[a] = centre[a] + plane.half[0] * ((2 * (n % MAP) + 1) / MAP - 1);
      paint(one, mean(output(z)));
      pen.drawImage(one, (n % MAP) * W, Math.floor(n / MAP) * H);
    }
    plane.map = canvas;
    if (n < MAP * MAP) requestAnimationFrame(some);
    if (wasPlain) drawSigns();
    drawPlane();
  };
  some();
}
