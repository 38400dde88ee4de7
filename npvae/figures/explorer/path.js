// From one image to another, through their codes.

const STRIP = 9; // pictures between two images

// The point of the path from a to b after the share t. Most of N(0, I) lies near the radius √J, and the straight line
// between two such codes cuts inside it; the path along the sphere turns from one to the other (Shoemake's slerp).
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
  const label = run().labels ? ` The label is ${about.names[state.label]}.` : "";
  const far = `${number(middle)} from the origin; a typical draw from N(0, I) is ${number(Math.sqrt(run().latent))}`;
  const words = `The original, ${STRIP} pictures ${path} between the codes, the other original.${label} `
    + `The middle of the path is ${far}.`;
  $("strip-words").textContent = words;
  $("strip").setAttribute("aria-label", words);
}

function walk() {
  endNoise();
  state.far = +$("far").value;
  $("far-value").textContent = number(state.far), $("far").setAttribute("aria-valuetext", number(state.far));
  state.z = Float32Array.from(between(codeOf(state.from), codeOf(state.to), state.far, state.path));
  soon("look", look);
}
