// From bytes to arrays, and the model that is chosen.

"use strict";
const $ = (id) => document.getElementById(id);
let about, runs, count; // what the page knows: the header, its runs, and how many images there are
let H, W, C, D;
let isWhole = false; // whether all arrays are here; before, the page can move a point, decode it, and nothing else

// What the reader has chosen. The address holds it, so that a place can be sent.
const state = { run: 0, axes: [0, 1], z: null, x: null, image: 0, label: 0, from: 0, to: 1, far: 0, path: "straight" };
let q = null; // of the image on the paper: { mu, logvar }

function readHeader() {
  about = JSON.parse($("about").textContent);
  ({ runs, count } = about);
  [H, W, C] = about.shape, D = H * W * C;
  for (const { likelihood } of runs) {
    const functions = LIKELIHOODS[likelihood.name](likelihood);
    Object.assign(likelihood, likelihood.rescales ? rescaled(functions) : functions);
  }
}

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

const run = () => runs[state.run];
const oneHot = (label, r) => Array.from({ length: r.labels }, (_, k) => +(k === label));
const withLabel = (a, label, r) => (r.labels ? [...a, ...oneHot(label, r)] : a);
const output = (z, label = state.label, r = run()) => network(withLabel(z, label, r), r.decoder);
const mean = (output, r = run()) => output.map((l) => r.likelihood.mean(l));

function encode(x, label = state.label, r = run()) {
  const seen = r.likelihood.rescales ? x.map((v) => 2 * v - 1) : x;
  const y = network(withLabel(seen, label, r), r.encoder);
  return { mu: y.slice(0, r.latent), logvar: r.hasBound ? y.slice(r.latent) : null };
}

// An image is stored in whole numbers, from 0 for `low` to the largest for `high`.
function image(n) {
  const { images, low, high } = about, most = images instanceof Uint8Array ? 255 : 65535;
  return Float32Array.from(images.subarray(n * D, (n + 1) * D), (v) => low + ((high - low) * v) / most);
}

const codeOf = (n) => run().codes.slice(n * run().latent, (n + 1) * run().latent);
const nameOf = (n) => about.names[about.labels[n]];
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

// How far z moves when it is decoded and encoded again, in units of the distance that 19 of 20 real images stay below.
function roundTrip(z, picture) {
  const { used, spread, knownWithin, clips } = run();
  if (!used.length) return null;
  const back = encode(clips ? picture.map((v) => Math.min(about.high, Math.max(about.low, v))) : picture).mu;
  const squares = used.map((j) => ((back[j] - z[j]) / spread[j]) ** 2);
  return Math.sqrt(squares.reduce((a, b) => a + b) / used.length) / knownWithin;
}

const costs = (x, output) => -sum(output, (l, d) => run().likelihood.logProb(l, x[d])); // −ln p(x | z), in nats
const squaredError = (x, picture) => sum(picture, (v, d) => (x[d] - v) ** 2);
