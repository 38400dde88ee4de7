// The model, as NumPy computes it: layers, activations and likelihoods. The page shows this file.

const ACTIVATIONS = {
  identity: (y) => y,
  relu: (y) => Math.max(y, 0),
  leaky_relu: (y, slope) => (y > 0 ? y : slope * y),
  sigmoid: (y) => 1 / (1 + Math.exp(-y)),
  tanh: Math.tanh,
  softplus: (y) => Math.max(y, 0) + Math.log1p(Math.exp(-Math.abs(y))),
};

// y_o = Σ_i x_i W_io + b_o. W is stored row by row, and W_io = scale_o · q_io with whole numbers q, so the scale of
// an output is multiplied once, at the end. An input that is 0, as most pixels and units are, adds nothing.
function dense(x, { W, scale, b, activation, slope }) {
  const y = new Float32Array(b.length);
  for (let i = 0; i < x.length; i++) {
    if (x[i] === 0) continue;
    for (let o = 0, at = i * b.length; o < b.length; o++) y[o] += x[i] * W[at + o];
  }
  const f = ACTIVATIONS[activation];
  return y.map((total, o) => f(total * scale[o] + b[o], slope));
}

// A convolution: the same dense layer for every window of k × k pixels, s pixels apart. The transposed convolution
// goes through the same pairs of pixels, from the small image to the large one.
function convolve(x, { W, scale, b, activation, slope, window }) {
  const { kernel: k, stride: s, padding, before, after, transposed } = window;
  const [small, large] = transposed ? [before, after] : [after, before];
  const C = before[2], O = after[2], y = new Float32Array(after[0] * after[1] * O);
  for (let row = 0; row < small[0]; row++)
    for (let column = 0; column < small[1]; column++)
      for (let u = 0; u < k; u++)
        for (let v = 0; v < k; v++) {
          const r = row * s + u - padding, c = column * s + v - padding;
          if (r < 0 || c < 0 || r >= large[0] || c >= large[1]) continue; // outside, the image is 0
          const near = row * small[1] + column, far = r * large[1] + c;
          const from = (transposed ? near : far) * C, to = (transposed ? far : near) * O;
          for (let i = 0; i < C; i++) {
            if (x[from + i] === 0) continue;
            for (let o = 0, at = ((u * k + v) * C + i) * O; o < O; o++) y[to + o] += x[from + i] * W[at + o];
          }
        }
  const f = ACTIVATIONS[activation];
  return y.map((total, n) => f(total * scale[n % O] + b[n % O], slope));
}

// A network: the output of one layer is the input of the next.
const network = (x, layers) => layers.reduce((y, layer) => (layer.window ? convolve : dense)(y, layer), x);

// z = μ + σ ⊙ ε, with σ = exp(logvar / 2).
const reparameterize = ({ mu, logvar }, eps) => mu.map((m, j) => m + Math.exp(logvar[j] / 2) * eps[j]);

// KL(q ‖ N(0, I)) = ½ Σ_j [μ_j² + σ_j² − 1 − ln σ_j²], in nats.
const kl = ({ mu, logvar }) => sum(mu, (m, j) => (m * m + Math.exp(logvar[j]) - 1 - logvar[j]) / 2);

const sum = (a, f) => a.reduce((total, value, i) => total + f(value, i), 0);

// A(l) = ln [(eˡ − 1) / l], and its derivative, the mean of a continuous Bernoulli variable; near 0 by their series.
function logNormalizer(l) {
  const m = Math.abs(l), tail = -Math.expm1(-m);
  if (m < 0.03) return [l / 2 + (l * l) / 24, 0.5 + l / 12];
  const mean = 1 / tail - 1 / m;
  return [Math.max(l, 0) + Math.log(tail / m), l > 0 ? mean : 1 - mean];
}

// p(x | z), by the output l of the decoder for one pixel: its mean; ln p(x | z) in nats; a draw, from noise u, uniform
// in [0, 1), or eps, from N(0, 1); and the output for which the mean is m (for the landmarks), where it has a formula.
const LIKELIHOODS = {
  none: () => ({ mean: (l) => l }),
  bernoulli: () => ({
    mean: ACTIVATIONS.sigmoid,
    logProb: (l, x) => x * l - ACTIVATIONS.softplus(l),
    draw: (l, u) => (u < ACTIVATIONS.sigmoid(l) ? 1 : 0),
    output(m) {
      const inside = Math.min(1 - 1e-7, Math.max(1e-7, m)); // where the logit is finite
      return Math.log(inside / (1 - inside));
    },
  }),
  "continuous-bernoulli": () => ({
    mean: (l) => logNormalizer(l)[1],
    logProb: (l, x) => x * l - logNormalizer(l)[0],
    // the inverse of the distribution function (e^(l x) − 1) / (e^l − 1), by the mirror image if l > 0: no overflow
    draw(l, u) {
      const m = -Math.abs(l), x = m > -1e-3 ? u : Math.log1p(u * Math.expm1(m)) / m;
      return l > 0 ? 1 - x : x;
    },
  }),
  gaussian: ({ number: logvar }) => ({
    mean: (l) => l,
    logProb: (l, x) => -((x - l) ** 2 / Math.exp(logvar) + logvar + Math.log(2 * Math.PI)) / 2,
    draw: (l, u, eps) => l + Math.exp(logvar / 2) * eps,
    output: (m) => m,
  }),
  // The logistic distribution with mean l and scale s, cut into the 256 levels 0, 1/255, …, 1.
  "discretized-logistic": ({ number: logScale }) => {
    const s = Math.exp(logScale), half = 0.5 / 255, { softplus } = ACTIVATIONS;
    return {
      mean: (l) => Math.min(1, Math.max(0, l)),
      logProb: (l, x) =>
        (x < 1 ? -softplus(-(x + half - l) / s) : 0) +
        (x > 0 ? -softplus((x - half - l) / s) : 0) +
        (x > 0 && x < 1 ? Math.log(-Math.expm1((-2 * half) / s)) : 0),
      draw: (l, u) => Math.min(1, Math.max(0, Math.round(255 * (l + s * Math.log(u / (1 - u)))) / 255)),
      output: (m) => m,
    };
  },
};
LIKELIHOODS["squared-error"] = LIKELIHOODS.gaussian; // with the variance ½

// The likelihood of pixels in [0, 1] whose networks work on 2x − 1, in [−1, 1]; the nats are those of 2x − 1.
const rescaled = ({ mean, logProb, draw, output }) => ({
  mean: (l) => (mean(l) + 1) / 2,
  logProb: logProb && ((l, x) => logProb(l, 2 * x - 1)),
  draw: draw && ((...given) => (draw(...given) + 1) / 2),
  output: output && ((m) => output(2 * m - 1)),
});

// A number from N(0, 1), by the method of Box and Muller.
const standardNormal = () =>
  Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
