# %% [markdown]
# # 10. What is a pixel?
#
# The decoder gives a number for each pixel, and something must turn it into a distribution.
# Chapter 6 put grey values into the Bernoulli formula, and called the result a convention.
# This chapter trains that choice and four others on the same digits, and asks each what it
# believes about a single pixel. Is the number that a program reports a probability, a
# density, or neither? In which unit is it? And which model stands behind a loss like "mean
# squared error plus a little KL"?
#
# After this chapter you can
#
# - say which losses are log-likelihoods, and of what;
# - derive the best variance of a Gaussian, and say what a variance that goes to 0 does;
# - convert nats per image into bits per pixel, and densities into probabilities of 256
#   levels;
# - say what static, dynamic and threshold binarization measure;
# - compute the $\beta$ and the $\sigma$ that hide in a published loss.
#
# You need: chapters 4 and 6. The symbols are on [one page](notation.md).

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from npvae import datasets, figures, learn
from npvae.autodiff import no_grad
from npvae.models import VAE
from npvae.nn import optim
from npvae.probability import Bernoulli, DiagonalGaussian, DiscretizedLogistic, KLTerm
from npvae.probability.continuous_bernoulli import log_normalizer
from npvae.training.evaluation import mean_loss

SEED = 0
data = datasets.load("mnist")
x_train, x_test = data.x_train, data.x_test[:2000]       # 60,000 and 2,000 rows of 784
D = data.data_dim

# %% [markdown]
# ## 10.1 A formula for black and white, used on grey
#
# A Bernoulli variable is 1 with probability $p = \sigma(l)$ and 0 otherwise. Both cases fit
# into one formula, $p^x (1 - p)^{1 - x}$, whose logarithm is $x l - \zeta(l)$ with
# $\zeta(l) = \ln(1 + e^l)$. Nothing stops you from putting $x = 0.3$ into it. But a density
# of grey values must integrate to 1 over $[0, 1]$.
#
# > **Predict.** What is the integral of $p^x (1 - p)^{1 - x}$ over $0 \le x \le 1$ if
# > $p = \tfrac12$? And does it rise or fall as $p$ goes to 1?

# %% tags=["hide-output"]
GRID = np.linspace(0, 1, 100_001)


def bernoulli_formula(l, x):
    return np.exp(x * l - np.logaddexp(0, l))


areas = {}
for p in (0.5, 0.7, 0.9, 0.99, 0.999):
    l = np.log(p / (1 - p))
    areas[p] = np.trapezoid(bernoulli_formula(l, GRID), GRID)
    print(f"p = {p:5}   logit {l:5.2f}   integral {areas[p]:.4f}")

# %% tags=["hide-input"]
for p, area in areas.items():
    l = np.log(p / (1 - p))
    assert abs(area - (np.tanh(l / 2) / l if l else 0.5)) < 1e-6
assert list(areas.values()) == sorted(areas.values(), reverse=True)

# %% [markdown]
# <details><summary>Answer</summary>
#
# At $p = \tfrac12$ the formula is $\tfrac12$ for every $x$, and so is its integral. From
# there it falls: $\int_0^1 e^{xl}\, dx / (1 + e^l) = (e^l - 1) / (l\, (1 + e^l))$, which is
# $\tanh(l/2) / l$. By symmetry, the same happens as $p$ goes to 0.
#
# </details>
#
# So it is no density, and no constant repairs it, because the missing factor depends on $l$.
# It is a **convention**. As a loss it makes sense: its slope in $l$ is $x - \sigma(l)$, so
# the best $\sigma(l)$ is the mean of the grey values. Section 10.6 finds out what its
# *number* means.
#
# ## 10.2 The continuous Bernoulli
#
# Divide by the integral, and it is a density. The factor $1 + e^l$ cancels, and
#
# $$ \begin{aligned}
# \ln p(x \mid l) &= x l - A(l), \\
# A(l) &= \ln \int_0^1 e^{xl}\, dx = \ln \frac{e^l - 1}{l}.
# \end{aligned} $$
#
# This is the **continuous Bernoulli**. All that changed is $A$ in place of $\zeta$. But in
# a family $e^{xl - A(l)}$ the mean of $x$ is $A'(l)$ (differentiate $\int e^{xl - A}\, dx = 1$):
#
# $$ \mathbb E[x] = A'(l) = \frac{1}{1 - e^{-l}} - \frac1l. $$
#
# > **Predict.** A decoder gives $l = \ln 9$, so that $\sigma(l) = 0.9$. Is the mean of this
# > pixel 0.9, more, or less?

# %% tags=["hide-output"]
for l in (0.01, np.log(9), 10.0, 100.0):
    A, mean = log_normalizer(np.array([l]))
    density = np.exp(l * GRID - A)
    area, by_integral = (np.trapezoid(y, GRID) for y in (density, GRID * density))
    print(f"l = {l:6.2f}   σ(l) = {1 / (1 + np.exp(-l)):.4f}   mean {mean[0]:.4f}",
          f"  density at x = 1: {density[-1]:6.2f}")
    assert abs(area - 1) < 1e-6 and abs(by_integral - mean[0]) < 1e-6
black = np.mean(x_train.values == 0)
print(f"pixels that are exactly 0: {100 * black:.0f} %")

# %% tags=["hide-input"]
assert abs(log_normalizer(np.array([np.log(9)]))[1][0] - 0.67) < 0.005
assert abs(black - 0.8) < 0.02 and abs(density[-1] / l - 1) < 1e-6

# %% [markdown]
# <details><summary>Answer</summary>
#
# Less: 0.67. The density is proportional to $9^x$, which spreads over the whole interval; a
# Bernoulli variable sits on 0 and 1. A program that shows $\sigma(l)$ as the picture shows
# too much contrast.
#
# </details>
#
# Look at the last column too: for large $l$, the density at 1 is about $l$, and it has no
# upper limit. Four of five pixels of MNIST are exactly 0. A model that knows one of them can
# raise its log-likelihood for ever, by sending $l$ to $-\infty$.
#
# ## 10.3 The Gaussian, and its σ
#
# For real numbers, take $p(x \mid z) = \mathcal N(\hat x, \sigma^2 I)$, where $\hat x$ is
# what the decoder gives:
#
# $$ -\ln p(x \mid z) = \frac{\Vert x - \hat x \Vert^2}{2 \sigma^2} + \frac D2 \ln 2\pi\sigma^2. $$
#
# With $\sigma^2 = \tfrac12$ the first term is $\Vert x - \hat x \Vert^2$, and the second the
# constant $\tfrac D2 \ln \pi$. **If you minimise the squared error plus the KL, you have
# chosen a Gaussian with $\sigma = 0.71$**, more than half of the range from black to white.
#
# Better, learn $\sigma$. Set the derivative with respect to $\ln \sigma^2$ to zero:
#
# $$ \frac D2 - \frac{\Vert x - \hat x \Vert^2}{2\sigma^2} = 0 \quad\Longrightarrow\quad
# \sigma^2 = \frac1D \Vert x - \hat x \Vert^2. $$
#
# **The best variance is the mean squared error**, averaged over pixels and examples. Put it
# back: what training minimises is then $\tfrac D2 \ln(2\pi e \cdot \text{mean squared error})$
# plus the KL. Write the log-likelihood with its derivatives; for `dlogvar`, the line above
# is half of the work.

# %%
def gaussian_log_likelihood(x, mu, logvar):  # x, mu, logvar (N, D)  ->  y (N,)
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dx(dy):
        raise NotImplementedError("dx: return the gradient with respect to x")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient with respect to logvar")
    return y, dx, dmu, dlogvar


learn.check(gaussian_log_likelihood)

# %% [markdown]
# Now go one step too far: let *every pixel* have its own $\sigma_d$. Take the simplest model,
# one constant image, with the best $\hat x_d$ and $\sigma_d^2$ of 10,000 training images, and
# with a floor under $\sigma_d$, so that nothing divides by zero.
#
# > **Predict.** The constant image stays the same, and only the floor is lowered, from
# > $10^{-1}$ to $10^{-4}$. What does $\ln p$ of the training images do? Of the test set?

# %% tags=["hide-output"]
train_part = x_train[:10_000].astype(np.float64)
mean, variance = train_part.mean(axis=0), train_part.var(axis=0)
found = []
for floor in (1e-1, 1e-2, 1e-3, 1e-4):
    constant = DiagonalGaussian(mean, np.log(np.maximum(variance, floor**2)))
    found.append([constant.log_prob(x.astype(np.float64)).data.mean()
                  for x in (train_part, data.x_test)])
    print(f"σ ≥ {floor:6}   ln p: training {found[-1][0]:8.1f}, test {found[-1][1]:12.1f}")
black = (variance == 0).sum()
print(f"{black} pixels are black in all {len(train_part):,} images")

# %% tags=["hide-input"]
train_gain, test_gain = np.diff(found, axis=0).T
assert np.all(train_gain > 0) and abs(train_gain[-1] - black * np.log(10)) < 30
assert test_gain[-1] < -1000

# %% [markdown]
# <details><summary>Answer</summary>
#
# On the training images it rises without limit: each factor of ten in the floor adds
# $\ln 10$ for each pixel that is always black. The model has learned nothing about digits. On
# the test set, a few images have ink in such a pixel, and each of them is a catastrophe.
#
# </details>
#
# A density rewards certainty about an exact value without limit. One $\sigma$ for all pixels
# is safe from black borders; but if the copies become perfect, it goes to 0 as well, and
# $\ln p$ to infinity. (That limit is an autoencoder: chapter 9.)
#
# ## 10.4 Levels: a probability
#
# A pixel of MNIST is not a real number. It is a byte, one of 256 levels. A distribution of
# bytes gives each level a probability, so $-\ln P \ge 0$, and nothing can run away. The
# **discretized logistic** cuts the real line halfway between neighbouring levels, and gives
# each level the mass of its interval under a logistic density with mean $\mu$ and scale $s$:
#
# $$ P(x) = \sigma\!\Big(\frac{x + h - \mu}{s}\Big) - \sigma\!\Big(\frac{x - h - \mu}{s}\Big). $$
#
# Here $h = \tfrac{1}{510}$ is half the distance of two levels. At $x = 1$ the first term is 1, and at $x = 0$ the second is 0: the two intervals at the
# ends reach to infinity.

# %%
LEVELS = np.arange(256) / 255
some = DiscretizedLogistic(np.full((256, 1), 0.02), np.log(0.05))
P = np.exp(some.log_prob(LEVELS[:, None]).data)          # of all 256 levels
print(f"sum over the levels {P.sum():.10f}")
print(f"P(0) = {P[0]:.3f}, P(1/255) = {P[1]:.3f}, P(2/255) = {P[2]:.3f}")

assert abs(P.sum() - 1) < 1e-12 and abs(P[0] - 0.4) < 0.02 and P[0] > 10 * P[1]

# %% [markdown]
# The end collects everything that the density has below 0: a spike of 40 % at exact black,
# from a smooth curve.
#
# **Units.** A density is a probability *per unit of $x$*. Stretch the pixels from $[0, 1]$ to
# $[0, 255]$, and the same beliefs have a density 255 times smaller for each pixel, so
# $-\ln p$ grows by $D \ln 255$. A probability of levels has no unit. To get one from a
# density on $[0, 1]$, multiply by the width of a level, *if the density hardly changes within
# a level*:
#
# $$ P(\text{level}) \approx \tfrac{1}{256}\, p(x) \quad\Longrightarrow\quad
# -\ln P \approx -\ln p + D \ln 256. $$
#
# Divided by $D \ln 2$, that is **bits per pixel** (or per dimension). An uncompressed file
# has 8.

# %%
def bits_per_pixel(nats, is_density=False):
    """From nats per image to bits per pixel; a density becomes that of 256 levels."""
    return (nats + is_density * D * np.log(256)) / (D * np.log(2))


narrow = DiagonalGaussian(np.full((1, D), 0.5), 2 * np.log(0.2))
stretched = DiagonalGaussian(255 * narrow.mu, narrow.logvar + 2 * np.log(255))
x = x_test[:1].astype(np.float64)
one, other = (-float(p.log_prob(a).data[0]) for p, a in ((narrow, x), (stretched, 255 * x)))
print(f"the same model, pixels in [0, 1]: {one:.1f} nats, in [0, 255]: {other:.1f} nats")
print(f"difference {other - one:.1f} = {D} ln 255 = {D * np.log(255):.1f}")
print(f"uniform density on [0, 1]: 0 nats, {bits_per_pixel(0, True):.0f} bits per pixel")

assert abs(other - one - D * np.log(255)) < 1e-6 and bits_per_pixel(0, True) == 8

# %% [markdown]
# So "$-300$ nats" and "$+4{,}000$ nats" on grey MNIST may be the same result. A loss below 0
# is no error: it belongs to a density.
#
# ## 10.5 Five likelihoods on the same digits
#
# The same network, 784-128-10-128-784, the same images in the same order, and five
# likelihoods. Two of them learn a scale, one number for all pixels. Adam moves a number by
# about its learning rate in each step (3.2), and $\ln \sigma^2$ has a long way to go, from 0
# to about $-3.6$. So it gets an optimiser with a larger rate.

# %%
def train(likelihood, steps=600, beta=1.0, x=x_train, transform=lambda x, rng: x):
    """A VAE after some steps of Adam with minibatches of 50."""
    rng = np.random.default_rng(SEED)
    model = VAE(D, 10, [128], rng, likelihood=likelihood, kl_term=KLTerm(beta=beta))
    scale = model.likelihood.parameters()                # [], or one number
    networks = [p for name, p in model.named_parameters() if "likelihood" not in name]
    optimizers = [optim.Adam(networks, lr=2e-3)]
    optimizers += [optim.Adam(scale, lr=2e-2)] if scale else []
    batches = datasets.Minibatches(len(x), 50, rng)
    for _ in range(steps):
        loss, _ = model.loss(transform(x[next(batches)], rng), rng)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
    return model


names = ["bernoulli", "continuous-bernoulli", "squared-error", "gaussian",
         "discretized-logistic"]
models = {name: train(name) for name in names}

# %% [markdown]
# The reported losses cannot be compared: one is a convention, three are densities, one is a
# probability. But every density gives each level a probability, its integral over the
# level's 256th of $[0, 1]$. As in 10.4, the ends collect what lies outside. With that in
# place of $p(x \mid z)$, the bound is one on the log-probability of the bytes, and
# comparable. For the continuous Bernoulli, the integral over $[a, a + \tfrac{1}{256}]$ gives
# $\ln P = a l + A(l / 256) - A(l) - \ln 256$. For the Gaussian it is a difference of two
# values of its distribution function.

# %%
def log_P(p, x):
    """ln P(x) of images x (N, D) as bytes, under the distribution p of pixels: (N,)."""
    if isinstance(p, DiscretizedLogistic):
        return p.log_prob(x).data
    level = np.round(255 * x)
    if isinstance(p, DiagonalGaussian):
        sigma = np.exp(0.5 * float(p.logvar))
        def cdf(edge): return 0.5 * (1 + erf((edge - p.mean) / (sigma * np.sqrt(2))))
        above = np.where(level == 255, 1, cdf((level + 1) / 256))
        below = np.where(level == 0, 0, cdf(level / 256))
        return np.log(np.maximum(above - below, 1e-300)).sum(axis=-1)
    l = p.logits.data.astype(np.float64)
    return (level / 256 * l + log_normalizer(l / 256)[0] - log_normalizer(l)[0]
            - np.log(256)).sum(axis=-1)


erf = np.vectorize(math.erf, otypes=[float])


def measure(model, x, rng):
    """Draw one code for each image: the KL, p(x | z), and the squared error of its mean."""
    with no_grad():
        q = model.encode(x)
        p = model.decode(q.rsample(rng))
    return q.kl_divergence().data.mean(), p, np.square(x - p.mean).sum(axis=1).mean()


# %% [markdown]
# > **Predict.** Both Gaussians have the same network, one with $\sigma = 0.71$ and one that
# > learns $\sigma$. Which spends more nats on its codes (the KL), and which makes better
# > copies?

# %% tags=["hide-output"]
x = x_test[:500]
table = {}
print("                       −ELBO as                    bits per pixel")
print("                       reported     KL   error     flat  integrated")
for name, model in models.items():
    kl, p, error = measure(model, x, np.random.default_rng(SEED))
    loss = kl - p.log_prob(x).data.mean()
    kind = model.likelihood.gives
    flat = bits_per_pixel(loss, kind == "density")
    exact = bits_per_pixel(kl - log_P(p, x).mean()) if kind != "convention" else np.nan
    table[name] = loss, kl, error, flat, exact
    bits = "" if kind == "convention" else f"{flat:8.2f} {exact:11.2f}"
    print(f"{name:21} {loss:9.1f} {kl:6.1f} {error:7.1f} {bits}".rstrip())

loss, kl, error, flat, exact = (dict(zip(names, c)) for c in zip(*table.values()))
learned = np.exp(float(models["gaussian"].likelihood.logvar.data))
print(f"learned σ² {learned:.4f}, mean squared error {error['gaussian'] / D:.4f}")

# %% tags=["hide-input"]
assert kl["gaussian"] > 2 * kl["squared-error"]
assert error["gaussian"] < 0.85 * error["squared-error"]
assert abs(1 / (2 * learned) - 19) < 2
assert abs(learned / (error["gaussian"] / D) - 1) < 0.15
assert flat["squared-error"] > 8.5
assert flat["continuous-bernoulli"] < exact["continuous-bernoulli"] - 0.5
for name in ("gaussian", "squared-error"):
    assert flat[name] > exact[name] + 3
assert all(exact["discretized-logistic"] < exact[name] - 0.4 for name in names[1:4])
assert abs(flat["discretized-logistic"] - exact["discretized-logistic"]) < 1e-9
assert kl["continuous-bernoulli"] > 4 * max(kl[name] for name in names if name[0] != "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# The one that learns $\sigma$, on both counts. Its squared error costs
# $1 / 2\sigma^2 \approx 19$ nats per unit in place of 1, so it pays to tell the decoder more
# about the image. And $\sigma^2$ ends where 10.3 says, at the mean squared error.
#
# </details>
#
# *Flat* is the conversion by $D \ln 256$ of 10.4, as if each density were flat within a level.
# For all three densities it is far from the integral.
#
# - The Gaussians look far worse than they are: at a black pixel, half of the bell lies below
#   0, where no byte is. The squared error even needs more than the 8 bits of a uniform
#   density, which knows nothing.
# - The continuous Bernoulli looks *better* than it is. Its density at 0 is so steep that it
#   falls within one level, and divided by 256 it exceeds 1. In the race for the exact 0, it
#   also spends several times the KL of any other.
# - The discretized logistic was trained on the very number by which we compare, and it is the
#   best.
#
# (The densities were not trained for bytes. If you need a comparable number, train for it; or
# add noise from $[0, 1)$ to each byte before you divide by 256: then $-\ln p + D \ln 256$ is
# an upper bound on $-\ln P$, exercise 3.)
#
# ### One pixel, five beliefs
#
# Figure 10.1 shows what the five models believe about two pixels of the first test image:
# the one whose grey value is nearest to ½, on the edge of a stroke, and the pixel in the
# upper left corner, which is black.

# %% tags=["hide-input"]
AXIS = np.linspace(-0.6, 1.6, 2201)
INSIDE = (AXIS >= 0) & (AXIS <= 1)
pixels = {"on an edge": int(np.abs(x_test[0] - 0.5).argmin()), "in the corner": 0}
titles = ["Bernoulli", "continuous Bernoulli", "squared error", "Gaussian, learned σ",
          "discretized logistic"]


def belief(ax, name, output):
    """Draw what a model believes about a pixel for which its decoder gives this output."""
    likelihood, l = models[name].likelihood, np.array([output])
    if name == "bernoulli":
        white, area = 1 / (1 + np.exp(-output)), np.tanh(output / 2) / output
        ax.vlines([0, 1], 0, [1 - white, white], color="black", linewidth=3)
        ax.plot(AXIS[INSIDE], bernoulli_formula(output, AXIS[INSIDE]), ":", color="0.5")
        ax.text(0.98, 0.85, f"area {area:.2f}", transform=ax.transAxes, ha="right")
        ax.set_ylim(0, 1.3)
        return area
    if name == "continuous-bernoulli":
        y = np.exp(AXIS[INSIDE] * output - log_normalizer(l)[0])
        ax.plot([0, *AXIS[INSIDE], 1], [0, *y, 0], color="black")
        ax.set_ylim(0, None)
        return y[0]
    if name == "discretized-logistic":
        scale = float(likelihood.log_scale.data)
        P = np.exp(DiscretizedLogistic(np.tile(l, (256, 1)), scale)
                   .log_prob(LEVELS[:, None]).data)
        ax.vlines(LEVELS, 1e-4, np.maximum(P, 1e-4), color="black", linewidth=0.7)
        ends = [k for k in (0, 255) if P[k] > 1e-4]
        ax.plot(LEVELS[ends], P[ends], "o", color="black", markersize=6)
        ax.set(yscale="log", ylim=(1e-4, 3))
        return P[0]
    logvar = float(getattr(likelihood.logvar, "data", likelihood.logvar))
    y = np.exp(DiagonalGaussian(np.tile(l, (len(AXIS), 1)), logvar)
               .log_prob(AXIS[:, None]).data)
    ax.plot(AXIS, y, color="black")
    ax.fill_between(AXIS, 0, np.where(INSIDE, 0, y), color="0.5", hatch="//", alpha=0.5)
    ax.set_ylim(0, None)
    return y[np.searchsorted(AXIS, 0)]


fig, axes = plt.subplots(5, 2, figsize=(6, 9), sharex=True, layout="constrained")
at_black = {}
for row, (name, title) in enumerate(zip(names, titles)):
    with no_grad():
        output = models[name].decoder(models[name].encode(x_test[:1]).mu).data[0]
    for column, (where, d) in enumerate(pixels.items()):
        ax = axes[row, column]
        at_black[name, where] = belief(ax, name, float(output[d]))
        ax.axvline(x_test[0, d], color="tab:red", linestyle="--", linewidth=1.2)
        ax.set_title(f"{where}\n{title}" if row == 0 else title, loc="left", fontsize=10)
    gives = models[name].likelihood.gives
    axes[row, 0].set_ylabel("probability" if gives == "convention" else gives)
for ax in axes[-1]:
    ax.set_xlabel("grey value x")
figures.show(fig, "10.1")
certain = at_black["discretized-logistic", "in the corner"]
steep = at_black["continuous-bernoulli", "in the corner"]
print(f"in the corner: P(0) of the discretized logistic {certain:.3f},")
print(f"density of the continuous Bernoulli at 0 {steep:.0f}")

assert certain > 0.95 and steep > 300

# %% [markdown]
# *Figure 10.1. Five rows of two panels: what each model believes about a grey pixel on an
# edge, left, and a black one in the corner, right, over the grey value from −0.6 to 1.6. A
# dashed vertical line marks the true value. Bernoulli: two bars at 0 and 1, and as a dotted
# curve between them the formula, with its area, which is below ½. Continuous Bernoulli: a
# curve that climbs towards one end, and for the corner a spike at 0 more than 300 high.
# Squared error: a bell so wide that much of it, hatched, lies outside of [0, 1]. Gaussian with
# a learned σ: a narrower bell, and in the corner half of it lies below 0. Discretized
# logistic, on a logarithmic scale: a line for each level, with dots on the two ends, and in
# the corner nearly all probability is at 0.*
#
# Papers show the mean of $p(x \mid z)$ as the sample, and so did chapter 6. A true sample
# needs one more step: a draw of every pixel from its distribution.
#
# > **Predict.** Each model encodes the same images, draws a code, decodes, and draws the
# > pixels. For which of the five can you still read the digit? Call a picture rough if
# > neighbouring pixels differ. Are the means rougher than the data? Are the draws?

# %% tags=["hide-output"]
def draw(p, rng):
    """A draw of every pixel from the distribution p: (N, D)."""
    if isinstance(p, Bernoulli):
        return p.sample(rng)
    if isinstance(p, DiagonalGaussian):
        return p.rsample(rng).data
    u = rng.random(p.mean.shape)                         # invert the distribution function
    if isinstance(p, DiscretizedLogistic):
        y = p.mu.data + np.exp(float(p.log_scale.data)) * np.log(u / (1 - u))
        return np.clip(np.round(255 * y), 0, 255) / 255
    l = p.logits.data                                    # (e^{xl} − 1) / (e^l − 1) = u
    return np.logaddexp(np.log(1 - u), np.log(u) + l) / l


def roughness(x):
    """The mean difference between a pixel and its right neighbour, in [0, 1]."""
    return np.abs(np.diff(np.clip(x, 0, 1).reshape(-1, 28, 28), axis=2)).mean()


rng = np.random.default_rng(SEED)
sheet, rough = [], {}
for name, model in models.items():
    _, p, _ = measure(model, x, rng)
    drawn = draw(p, rng)
    rough[name] = roughness(p.mean), roughness(drawn)
    sheet += [picture for i in range(3) for picture in (x[i], p.mean[i], drawn[i])]
rows = [title.replace(" ", "\n", 1) for title in titles]
figures.show(
    figures.image_sheet(np.reshape(sheet, (-1, 28, 28, 1)), 9, row_names=rows,
                        column_names=["data", "mean", "draw"] * 3),
    "10.2",
)
print(f"roughness of the data {roughness(x):.3f}")
for name, (of_means, of_draws) in rough.items():
    print(f"{name:21} means {of_means:.3f}, draws {of_draws:.3f}")

# %% tags=["hide-input"]
for of_means, of_draws in rough.values():
    assert of_means < 0.9 * roughness(x) and of_draws > 1.15 * roughness(x)
assert rough["squared-error"][1] > 4 * roughness(x)

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 10.2. Five rows for the five models; in each, for a 7, a 2 and a 1, the data, the
# mean and a draw. All means are smooth digits. The draws differ: black and white with ragged
# edges (Bernoulli), speckled inside of the strokes only (continuous Bernoulli, discretized
# logistic), under grey snow (Gaussian with a learned σ), and snow with hardly a trace of the
# digit (squared error).*
#
# In Figure 10.2 you can read four of the five. The squared error leaves hardly anything: it
# believes that each pixel is off by 0.71. All means are smoother than the data. All draws are
# rougher, because each pixel is drawn separately, whatever its neighbours are.
#
# </details>
#
# Show means if you like, and say so. They are not samples of the model whose bound you
# report.
#
# ## 10.6 Binarization: three meanings of black and white
#
# The Bernoulli formula is a probability if the data are zeros and ones. To make them:
#
# - **threshold**: 1 where $x > \tfrac12$;
# - **static**: draw $b_d \in \{0, 1\}$ with $P(b_d = 1) = x_d$ once, and keep the images
#   ([binarize](../npvae/datasets/binarization.py));
# - **dynamic**: draw again whenever a minibatch contains the image.
#
# The draw adds noise: $H = -\sum_d [x_d \ln x_d + (1 - x_d) \ln(1 - x_d)]$ nats, and on
# average no model can need fewer. You know the number: it is the perfect copy of 6.1.
#
# > **Predict.** Two models learn from the same 500 images, 60 epochs each, one with static
# > and one with dynamic binarization. Both are tested on the same drawn images. Which has
# > the larger difference between training and test loss, and which the better test loss?

# %% tags=["hide-output"]
few, rng = x_train[:500], np.random.default_rng([SEED, 1])
drawn_once, test_drawn = datasets.binarize(few, rng), datasets.binarize(x_test, rng)
static = train("bernoulli", x=drawn_once)
dynamic = train("bernoulli", x=few, transform=datasets.binarize)
nats = {}
for way, model, seen in [("static", static, drawn_once),
                         ("dynamic", dynamic, datasets.binarize(few, rng))]:
    nats[way] = [mean_loss(model, a, SEED)["loss"] for a in (seen, test_drawn)]
    print(f"{way:8} −ELBO: training {nats[way][0]:6.1f}, test {nats[way][1]:6.1f}")

# %% tags=["hide-input"]
assert np.diff(nats["static"]) > 1.2 * np.diff(nats["dynamic"])
assert nats["dynamic"][1] < nats["static"][1] - 2

# %% [markdown]
# <details><summary>Answer</summary>
#
# Static has the larger difference: the model learns the noise of the one draw by heart.
# Dynamic hardly ever shows the same image twice, which acts like more data. It has the
# better test loss.
#
# </details>
#
# Static and dynamic are two ways to train for the same test. A threshold is another test:

# %%
sharp = train("bernoulli", transform=lambda x, rng: (x > 0.5).astype(np.float32))
on_sharp = mean_loss(sharp, (x_test > 0.5).astype(np.float32), SEED)["loss"]
grey = models["bernoulli"]
on_grey, on_drawn = (mean_loss(grey, a, SEED)["loss"] for a in (x_test, test_drawn))
g = np.clip(x_test.astype(np.float64), 1e-12, 1 - 1e-12)
H = -(g * np.log(g) + (1 - g) * np.log(1 - g)).sum(axis=1).mean()
print(f"trained and tested with a threshold     {on_sharp:6.1f} nats")
print(f"trained on grey, tested on drawn images {on_drawn:6.1f} nats")
print(f"the same, tested on grey                {on_grey:6.1f} nats")
print(f"information in a draw                   {H:6.1f} nats")

assert on_sharp < on_drawn - 2 and 40 < H < 50

# %% [markdown]
# The threshold wins by some nats, with the same network and as many steps. It asks an easier
# question: no noise was added.
#
# And the grey convention? The formula is *linear in $x$*, and the mean of $b$ is $x$:
#
# $$ \mathbb E_b\big[b\, l - \zeta(l)\big] = x\, l - \zeta(l). $$
#
# The bound holds for every $q$, also for one that sees $x$ and not $b$. So the number that
# chapter 6 reports has a meaning after all: **it is the mean over draws $b$ of the bound on
# $\ln p(b)$, with an encoder that was shown $x$**. It is a bound for *binarized* images, and
# says nothing about grey values. Check it, with the same codes for all draws:

# %%
with no_grad():
    few, rng = x_test[:200], np.random.default_rng(SEED)
    p = grey.decode(grey.encode(few).rsample(rng))
    of_grey = p.log_prob(few).data.mean()
    of_draws = [p.log_prob(datasets.binarize(few, rng)).data.mean() for _ in range(200)]
wobble = np.std(of_draws) / np.sqrt(len(of_draws))       # the standard error of their mean
print(f"grey formula {of_grey:.2f}, mean over draws {np.mean(of_draws):.2f} ± {wobble:.2f}")

assert abs(np.mean(of_draws) - of_grey) < 5 * wobble

# %% [markdown]
# ## 10.7 Which model is behind a published loss?
#
# Many programs minimise a squared error plus a weighted KL. Write such a loss, for one
# example, as
#
# $$ \frac{c^2}{m} \Vert x - \hat x \Vert^2 + \kappa\, \mathrm{KL}. $$
#
# Here $x$ is in $[0, 1]$, and $c$ is the width of the range that the program uses: 2 for
# $[-1, 1]$, 255 for bytes. The divisor $m$ is 1 for the *sum* over pixels, and $D$ for the
# *mean*. A constant factor does not change the minimum, so multiply by $m / c^2$:
#
# $$ \Vert x - \hat x \Vert^2 + \beta\, \mathrm{KL}, \qquad \beta = \frac{m \kappa}{c^2}. $$
#
# This is the squared-error likelihood, $\sigma^2 = \tfrac12$, with a $\beta$. Or divide by
# $\beta$, and it is a plain bound, $\beta = 1$, with another Gaussian:
#
# $$ \frac{\Vert x - \hat x \Vert^2}{2\sigma^2} + \mathrm{KL}, \qquad \sigma^2 = \frac{\beta}{2}. $$
#
# **To training, a weight on the KL and a fixed variance of the pixels are the same thing.**
#
# A widely copied loss takes the *mean* of the squared error over pixels and $\kappa = M/N$,
# the size of the minibatch divided by that of the training set. That factor is right for
# something that all examples share, such as the weights of a Bayesian network: its KL counts
# once for all $N$, and a minibatch carries $M/N$ of it. But each example has its own code,
# and pays for it in full (8.2).
#
# > **Predict.** MNIST, $M = 100$. How far is such a program from the squared-error likelihood
# > with $\beta = 1$? And what happens to the codes if you change nothing but the size of the
# > minibatch, to 1,000?

# %% tags=["hide-output"]
def hidden(m, kappa, c=1):
    """The β beside σ² = ½, and the σ beside β = 1, of a loss with these three numbers."""
    beta = m * kappa / c**2
    return beta, np.sqrt(beta / 2)


CELEBA = 64 * 64 * 3                                     # numbers in an image
choices = {                                              # m, κ, and c unless it is 1
    "MNIST: sum of squares + KL": (1, 1),
    "the same, pixels from 0 to 255": (1, 1, 255),
    "mean of squares + KL": (D, 1),
    "mean of squares + mean of KL over 10 dimensions": (D, 1 / 10),
    "mean of squares + M/N KL, M = 100": (D, 100 / 60_000),
    "the same, M = 1000": (D, 1000 / 60_000),
    "CelebA: mean of squares + M/N KL, M = 144, [−1, 1]": (CELEBA, 144 / 162_770, 2),
    "CelebA: mean of squares + 0.00025 KL, [0, 1]": (CELEBA, 0.00025),
    "learned σ (10.5), as a β": (1, 2 * learned),
}
print("                                                           β        σ")
for name, numbers in choices.items():
    print("{:50} {:9.3g} {:8.3g}".format(name, *hidden(*numbers)))

beta = {M: hidden(D, M / 60_000)[0] for M in (100, 1000)}
larger = train("squared-error", beta=beta[1000])
kl_larger, _, error_larger = measure(larger, x_test[:500], np.random.default_rng(SEED))
print(f"β = 1:    KL {kl['squared-error']:.2f}, error {error['squared-error']:.1f}")
print(f"M = 1000: KL {kl_larger:.2f}, error {error_larger:.1f}")
widest = np.linalg.eigvalsh(np.cov(train_part, rowvar=False))[-1]
print(f"variance of the digits, in the direction of the largest: {widest:.2f}")
print(f"M = 1000: σ² {beta[1000] / 2:.2f}")

# %% tags=["hide-input"]
assert 1.2 < beta[100] < 1.4 and np.isclose(beta[1000], 10 * beta[100])
of_mean_image = np.square(x_test[:500] - x_train[:].mean(axis=0)).sum(axis=1).mean()
assert kl_larger < 0.2 and abs(error_larger / of_mean_image - 1) < 0.05
assert abs(widest - 5.4) < 0.05 and widest < beta[1000] / 2
assert abs(hidden(*choices["CelebA: mean of squares + 0.00025 KL, [0, 1]"])[0] - 3) < 0.1

# %% [markdown]
# <details><summary>Answer</summary>
#
# With $M = 100$ it is close: $\beta = 784 / 600 = 1.3$, by accident. With $M = 1000$ it is
# ten times that, and the codes are gone: the KL is 0, and every copy is the mean image. The
# model believes in noise of variance $\sigma^2 = 6.5$ in each direction, while digits vary by
# 5.4 in the direction in which they vary most. All of it may as well be noise. (A linear
# decoder provably switches off every direction with less variance than $\sigma^2$.) The size
# of the minibatch, which should decide only how noisy the gradient is, has decided what the
# model is.
#
# </details>
#
# The values of $\beta$ run from $10^{-5}$ to nearly $10^3$, and every row is called a VAE. A
# weight of 0.00025 looks like almost no KL at all, but the mean hides a factor of
# $D = 12{,}288$, and $\beta$ is 3. If you do not know which $\sigma$ to take, learn it: then
# there is nothing to tune, and the bound is one on $\ln p(x)$.
#
# Check the conversion on a model: $D$ times the published loss, plus a constant, is the
# engine's objective.

# %%
x = x_test[:50]
objective = larger.loss(x, np.random.default_rng(SEED))[1]["objective"]
with no_grad():
    q = larger.encode(x)
    copies = larger.decode(q.rsample(np.random.default_rng(SEED))).mean    # the same noise
published = np.mean((x - copies) ** 2) + 1000 / 60_000 * q.kl_divergence().data.mean()
print(f"D × published + D/2 ln π = {D * published + D / 2 * np.log(np.pi):.4f}")
print(f"the engine's objective     {objective:.4f}")

assert np.isclose(D * published + D / 2 * np.log(np.pi), objective, rtol=1e-5)

# %% [markdown]
# ## What can go wrong
#
# **A density compared with a probability**, or densities of pixels in different units.
# `npvae evaluate` says when a number is a density or a convention.
#
# **Grey values for a model that was trained on black and white**, or the reverse. The
# formula accepts both, and does not complain.
#
# **A variance without a floor.** If $\ln p$ rises and the pictures do not improve, look at
# the smallest $\sigma$.
#
# **A scale that learns at the rate of the weights.** A single $\ln \sigma^2$ may need
# thousands of steps. Until then, you train with the wrong $\beta$.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | likelihoods, and what each `gives` | [LogitLikelihood](../npvae/probability/likelihoods.py), [GaussianLikelihood](../npvae/probability/likelihoods.py) | |
# | continuous Bernoulli | [log_normalizer](../npvae/probability/continuous_bernoulli.py), [ContinuousBernoulli](../npvae/probability/continuous_bernoulli.py) | [Loaiza-Ganem and Cunningham 2019](https://arxiv.org/abs/1907.06845) |
# | the learned variance | [GaussianLikelihood](../npvae/probability/likelihoods.py) | [Rybkin, Daniilidis, Levine 2021](https://arxiv.org/abs/2006.13202) |
# | the unbounded density | | [Mattei and Frellsen 2018](https://arxiv.org/abs/1802.04826) |
# | discretized logistic | [DiscretizedLogistic](../npvae/probability/discretized_logistic.py) | [Salimans and others 2017](https://arxiv.org/abs/1701.05517), section 2.1 |
# | densities and levels | | [Theis, van den Oord, Bethge 2016](https://arxiv.org/abs/1511.01844), section 3.1 |
# | binarization | [binarize](../npvae/datasets/binarization.py) | Salakhutdinov and Murray 2008; [Burda and others 2016](https://arxiv.org/abs/1509.00519), section 5.1 |
# | mean of squares + $M/N$ KL | | [PyTorch-VAE](https://github.com/AntixK/PyTorch-VAE), `models/vanilla_vae.py` and `experiment.py` |
# | β | [KLTerm](../npvae/probability/kl_term.py) | [Higgins and others 2017](https://openreview.net/forum?id=Sy2fzU9gl), eq. 4 |
#
# ## Exercises
#
# 1. On paper: show that $\tanh(l/2)/l \le \tfrac12$, with equality only in the limit
#    $l \to 0$. What does the missing factor reward: grey predictions or certain ones?
# 2. [`gaussian`](exercises/01_gaussian.py) in a file of your own: `npvae learn check
#    gaussian`.
# 3. *Dequantization.* For $y = (k + u)/256$ with a byte $k$ and $u$ uniform on $[0, 1)$, show
#    by Jensen's inequality that $\mathbb E_u[\ln p(y)] \le \ln P(k) + \ln 256$, where $P(k)$
#    is the integral of $p$ over the level. Then train `"gaussian"` on such $y$: which column
#    of the table in 10.5 changes most?
# 4. Take the loss of a VAE program that you find, and compute its $\beta$ and $\sigma$ with
#    `hidden`. Is the mean taken over pixels? Over the latent dimensions?
# 5. Which change of the model would let neighbouring pixels of a draw agree: more latent
#    dimensions, or a decoder that sees the pixels drawn so far? What would each cost?
#
# Before: [9. What the KL is for](09_what_the_kl_is_for.ipynb). Next: [11. Tighter bounds,
# honest numbers](11_tighter_bounds.ipynb).
