# %% [markdown]
# # 9. What the KL is for
#
# The loss of a VAE has two terms, and so far we have taken the second one as the bound gave
# it to us. This chapter turns its weight like a knob. At zero, the clouds shrink to points
# and the samples fail; at a thousand, all clouds become the prior and the codes say nothing.
# Between the two lies a curve, and a piece of theory that says where on it you are, and
# which dimensions are used.
#
# After this chapter you can
#
# - say what an encoder does when nothing holds it, and why shrinking is only one way;
# - read a rate–distortion curve in nats, and prove that its slope is $-\beta$;
# - predict the width of a posterior, the KL of a dimension and the $\beta$ at which it dies;
# - derive the autoencoder as a limit of the VAE;
# - tell a collapse that is right from one that is a local optimum, and leave the second by
#   a warm-up, free bits or a capacity.
#
# You need: chapters 4 to 6. The symbols are on [one page](notation.md).

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Ellipse

from npvae import datasets, figures, learn
from npvae.models import VAE, Autoencoder, ProbabilisticPCA
from npvae.nn import optim, schedules
from npvae.probability import DiagonalGaussian, GaussianLikelihood, KLTerm
from npvae.training.loop import training_step

SEED, TAU = 0, 0.1


def halved(images):
    """Images (N, 28, 28) at half the resolution, each pixel the mean of four: (N, 196)."""
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


x = halved(datasets.load("mnist").x_train[:3000])


def new_vae(kind=VAE, data_dim=196, tau=TAU):
    """A VAE with one hidden layer, two latent dimensions, and decoder noise τ."""
    rng = np.random.default_rng(SEED)
    model = kind(data_dim, 2, [64], rng, likelihood="squared-error")
    model.likelihood = GaussianLikelihood(float(2 * np.log(tau)), learned=False)
    return model


def fit(model, x, kl_term, steps, rate, watch=None):
    """Train with minibatches of 100; return loss, rec and kl of every step: (steps, 3)."""
    model.kl_term, rng, parts = kl_term, np.random.default_rng(SEED), []
    optimizer = optim.Adam(model.parameters(), rate)
    for step in range(steps):
        if watch is not None:
            watch(step)
        batch = x[rng.integers(len(x), size=100)]
        found = training_step(model, optimizer, batch, rng, step)[1]
        parts.append([found["loss"], found["rec"], found["kl"]])
    return np.array(parts)


def posteriors(model):
    """q(z | x) of the 3,000 images: μ and σ, both (3000, 2)."""
    q = model.posteriors(x)
    return q.mu, np.exp(0.5 * q.logvar)


# %% [markdown]
# The data are 3,000 digits at half the resolution. The decoder $f$ has noise of a fixed
# width, $p(x \mid z) = \mathcal N(f(z), \tau^2 I)$, because for such a decoder theory says
# exactly what should happen. We write $\tau = 0.1$ for it, since $\sigma$ is the width of a
# cloud $q(z \mid x) = \mathcal N(\mu, \mathrm{diag}\, \sigma^2)$.
#
# ## 9.1 Take the KL away
#
# What do the clouds do to the reconstruction? Near $\mu$ the decoder is nearly straight,
# $f(\mu + \sigma \odot \varepsilon) \approx f(\mu) + \sum_j \sigma_j \varepsilon_j\, \partial_j f$,
# and the mean over the noise is
#
# $$
# \begin{aligned}
# \mathbb E\, \lVert x - f(z) \rVert^2 \approx{} &\lVert x - f(\mu) \rVert^2 \\
# &+ \sum_j \sigma_j^2\, \lVert \partial_j f \rVert^2.
# \end{aligned}
# $$
#
# A wide cloud only costs. Without the KL nothing speaks for width, so each step makes
# $\sigma$ smaller. Now forbid that: hold $\sigma$ at 1 for all images.
#
# > **Predict.** There is no KL, and every cloud keeps the width 1. Can the encoder still
# > get rid of the noise? How would you see it?

# %% tags=["hide-output"]
class Pinned(VAE):
    """A VAE whose clouds all have the width 1."""

    def encode(self, x):
        q = super().encode(x)
        return DiagonalGaussian(q.mu, q.logvar * 0.0)


def watched(kind, beta, steps=600):
    """Train from scratch; return the model, and (step, rms of μ, median σ) on the way."""
    model, seen = new_vae(kind), []

    def look(step):
        if step % 20 == 0:
            mu, sigma = posteriors(model)
            seen.append((step, np.sqrt(np.square(mu).mean()), np.median(sigma)))

    fit(model, x, KLTerm(beta=beta), steps, 3e-3, look)
    look(steps)
    return model, np.array(seen)


free, free_seen = watched(VAE, 0.0)
pinned, pinned_seen = watched(Pinned, 0.0)
held, held_seen = watched(VAE, 1.0)
runs = {"no KL": free_seen, "no KL, σ = 1": pinned_seen, "KL": held_seen}
print("                 size of μ   median σ: after 300 steps, after 600")
for name, seen in runs.items():
    print(f"{name:16} {seen[-1, 1]:9.2f} {seen[15, 2]:28.4f} {seen[-1, 2]:11.4f}")

# %% tags=["hide-input", "hide-output"]
fig, axes = plt.subplots(1, 2, figsize=(6, 3.2), layout="constrained")
shown = [("no KL", 2, "-"), ("KL", 2, ":")], [("no KL, σ = 1", 1, "--"), ("KL", 1, ":")]
for ax, curves, title in zip(axes, shown, ["median σ", "size of μ"]):
    for name, column, style in curves:
        ax.plot(runs[name][:, 0], runs[name][:, column], style, color="black", label=name)
    ax.set(yscale="log", xlabel="step", ylabel=title)
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    ax.legend(frameon=False)
figures.show(fig, "9.1")
assert pinned_seen[-1, 1] > 4 * held_seen[-1, 1] and np.all(pinned_seen[:, 2] == 1)
assert free_seen[-1, 2] < 0.2 * held_seen[-1, 2]
falls = [seen[15, 2] / seen[-1, 2] for seen in (free_seen, held_seen)]
assert falls[0] > 1.7 and falls[1] < 1.5 and 0.5 < held_seen[-1, 1] < 2.5

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 9.1. Two measures against the step, on logarithmic axes. Left, the median width σ:
# without a KL (solid) it falls and falls; with the KL (dotted) it soon hardly changes.
# Right, the size of μ, its root mean square: without a KL and with σ held at 1 (dashed) it
# climbs to several times the size that it has with the KL (dotted).*
#
# It moves the clouds apart. The decoder only sees how wide a cloud is *compared with the
# distance to the next one*: multiply all $\mu$ and $\sigma$ by ten, divide the first
# weights of the decoder by ten, and every copy stays the same. So holding $\sigma$ does not
# hold the encoder, as Figure 9.1 shows, and neither would a limit on $\mu$ alone. The KL
# contains both prices, $\tfrac12 \mu^2$ for going far and $-\ln \sigma$ for being narrow.
# No change of scale avoids both.
#
# </details>
#
# A posterior is a fuzzy ball, and the KL keeps the balls so large and close that they
# overlap. A point $z$ lies *in* a cloud if $\sum_j (z_j - \mu_j)^2 / \sigma_j^2 < 4$. Count in
# how many of the 3,000 clouds a draw from one of them lies, and decode draws from the prior:

# %%
def clouds_at(z, mu, sigma):
    """In how many of the clouds, (3000, 2), each point z (M, 2) lies: (M,)."""
    steps = (z[:, None] - mu) / sigma
    return (np.square(steps).sum(axis=2) < 4).sum(axis=1)


draws = np.random.default_rng(1).standard_normal((500, 2)).astype(np.float32)
models = {"no KL": free, "no KL, σ = 1": pinned, "KL": held}
covered, overlap, variety = {}, {}, {}
print("             prior in some cloud   clouds at a draw   variance of samples")
for name, model in models.items():
    mu, sigma = posteriors(model)
    covered[name] = np.mean(clouds_at(draws, mu, sigma) > 0)
    overlap[name] = np.median(clouds_at(mu[:500] + sigma[:500] * draws, mu, sigma))
    variety[name] = model.generate(draws).var(axis=0).sum()
    print(f"{name:12} {100 * covered[name]:18.0f} % {overlap[name]:18.0f}",
          f"{variety[name]:21.2f}")

# %% tags=["hide-input"]
sheet = np.concatenate([model.generate(draws[:10]) for model in models.values()])
sheet = sheet.reshape(-1, 14, 14, 1)
figures.show(figures.image_sheet(sheet, 10, row_names=list(models)), "9.2")

assert covered["KL"] > max(0.5, 1.5 * covered["no KL"]) and overlap["no KL"] <= 2
assert overlap["KL"] > 4 and variety["no KL, σ = 1"] < 0.4 * variety["KL"]
assert 0.5 < variety["no KL"] / variety["KL"] < 2

# %% [markdown]
# *Figure 9.2. Ten samples from the prior, decoded by three networks from the same ten codes.
# Without a KL and with free widths (above) they are as varied as with the KL (below).
# Without a KL and with σ held at 1 (middle), all ten are nearly the same image.*
#
# With the KL the clouds overlap, and they cover most of the prior. With $\sigma$ held at 1
# and no KL, the map of the digits is several times as large as the prior, and all samples
# fall into its middle. With free widths the encoder need not move, since shrinking is
# quicker, and in the two dimensions of Figure 9.2 its samples still look like digits, though
# more of them fall between the clouds. In ten dimensions they fail as in 3.5:
# `npvae experiment kl` finds codes with a mean square of 70.
#
# ## 9.2 Rate and distortion
#
# Now turn the knob: minimise $D + \beta R$, with
#
# $$ \begin{aligned} R &= \mathbb E_x\, \mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big), \\
# D &= \mathbb E_x\, \mathbb E_q \lVert x - f(z) \rVert^2 / 2 \tau^2. \end{aligned} $$
#
# $R$ is the **rate** and $D$ the **distortion**, both in nats. ($D$ is *rec* without its
# constant $\tfrac{196}{2} \ln 2 \pi \tau^2$.) Why is the KL a rate? Put
# $q(z) = \mathbb E_x\, q(z \mid x)$, the mixture of all clouds, between $q(z \mid x)$ and
# the prior:
#
# $$
# \begin{aligned}
# R &= \underbrace{\mathbb E_x \mathbb E_q
# \ln \frac{q(z \mid x)}{q(z)}}_{I,\ \text{information about } x} \\
# &+ \underbrace{\mathrm{KL}\big(q(z) \,\Vert\, p(z)\big)}_{\text{misfit of the prior}}.
# \end{aligned}
# $$
#
# So the KL does two jobs: it limits how many nats a code says about its image, and it makes
# the mixture of the clouds fit the prior. With $N$ images $I \le \ln N$, the nats that name
# one of them, with equality if no two clouds overlap.
#
# To compare many $\beta$ fairly, we train one network at $\beta = 1$ for 2,000 steps, and
# each $\beta$ continues from it for 400 steps.
#
# > **Predict.** Which way does the median $\sigma$ go from $\beta = 0.1$ to 1000? By
# > about what factor does it change when $\beta$ changes by a hundred, while it is small?

# %% tags=["hide-output"]
BETAS = [0, 0.01, 0.1, 0.3, 1, 3, 10, 30, 100, 1000]


def distortion(model, draws=5):
    """E ‖x − f(z)‖² / 2τ², over the images and over draws from their clouds."""
    (mu, sigma), rng = posteriors(model), np.random.default_rng(1)
    squares = [np.square(x - model.generate(
        mu + sigma * rng.standard_normal(mu.shape, dtype=np.float32))).sum(axis=1).mean()
        for _ in range(draws)]
    return np.mean(squares) / (2 * TAU**2)


def information(mu, sigma):
    """I: the mean of ln q(z | x) − ln q(z), over one draw from each of 1,000 clouds."""
    eps = np.random.default_rng(2).standard_normal((1000, 2))
    z = mu[:1000] + sigma[:1000] * eps
    steps = (z[:, None] - mu) / sigma                          # (1000, 3000, 2)
    log_q = -0.5 * np.square(steps).sum(axis=2) - np.log(sigma).sum(axis=1)
    log_own = -0.5 * np.square(eps).sum(axis=1) - np.log(sigma[:1000]).sum(axis=1)
    return np.mean(log_own - np.log(np.exp(log_q).mean(axis=1)))


def width_by_theory(model, mu, beta, h=0.01):
    """σ_j by (W), with ∂_j f by central differences: (3000, 2)."""
    moves = h * np.eye(2, dtype=np.float32)
    slopes = [(model.generate(mu + m) - model.generate(mu - m)) / (2 * h) for m in moves]
    steep = np.square(slopes).sum(axis=2).T                    # ‖∂_j f‖² (3000, 2)
    return np.sqrt(beta / (beta + steep / TAU**2))


start = new_vae()
fit(start, x, KLTerm(), 2000, schedules.cosine(3e-3, 2000))
swept = {}
print("    β        D       R      I   median σ     by (W)   clouds at a draw")
for beta in BETAS:
    model = new_vae()
    model.load_state_dict(start.state_dict())
    fit(model, x, KLTerm(beta=float(beta)), 400, schedules.cosine(1.5e-3, 400))
    mu, sigma = posteriors(model)
    R = 0.5 * (mu**2 + sigma**2 - 1 - 2 * np.log(sigma)).sum(axis=1).mean()
    point = dict(D=distortion(model), R=R, I=information(mu, sigma), mu=mu, sigma=sigma,
                 width=np.median(sigma), theory=np.median(width_by_theory(model, mu, beta)),
                 clouds=np.mean(clouds_at(mu[:500] + sigma[:500] * draws, mu, sigma)))
    swept[beta] = point | {"model": model}
    print("{:6g} {D:8.1f} {R:7.2f} {I:6.2f} {width:10.3f} {theory:10.3f} {clouds:18.0f}"
          .format(beta, **point))

D, R = (np.array([swept[beta][name] for beta in BETAS]) for name in "DR")

# %% tags=["hide-input", "hide-output"]
SHOWN = [1000, 100, 10, 1, 0.1]
fig = plt.figure(figsize=(6, 6), layout="constrained")
axes = fig.subplot_mosaic([SHOWN, ["curve"] * 5], height_ratios=[1, 3.2])
for beta, letter in zip(SHOWN, "abcde"):
    ax, (mu, sigma) = axes[beta], (swept[beta]["mu"][:40], swept[beta]["sigma"][:40])
    for centre, width in zip(mu, sigma):
        ax.add_patch(Ellipse(centre, *2 * width, fill=False, edgecolor="tab:blue", lw=0.8))
    ax.scatter(*mu.T, s=6, color="black", linewidths=0, zorder=3)
    ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xticks=[], yticks=[])
    ax.set_title(f"{letter}: β = {beta:g}", fontsize=9)
ax = axes["curve"]
ax.plot(R, D, color="0.5", zorder=1)
for beta, d, r in zip(BETAS, D, R):
    ax.scatter(r, d, s=36, color="black", zorder=2)
    reach = min(0.9, 40 / beta if beta else 0.9)
    ends = np.array([-reach, reach])
    label = "slope −β" if beta == 10 else None
    ax.plot(r + ends, d - beta * ends, color="tab:red", lw=1.5, zorder=1, label=label)
    if beta in SHOWN:
        offset = (8, 4) if beta != 1000 else (8, 8)
        ax.annotate("abcde"[SHOWN.index(beta)], (r, d), offset, textcoords="offset points",
                    fontsize=13)
ax.set(xlabel="rate R in nats: what the codes cost", ylabel="distortion D in nats")
ax.legend(frameon=False)
figures.show(fig, "9.3")

# %% tags=["hide-input"]
assert np.all(np.diff(R) < 0.05) and np.all(np.diff(D)[2:] > -1)
for beta in (0.1, 0.3, 1, 3, 10):
    assert 0.5 < swept[beta]["width"] / swept[beta]["theory"] < 2
assert 5 < swept[10]["width"] / swept[0.1]["width"] < 20
assert all(p["I"] < min(np.log(3000), p["R"]) + 0.1 for p in swept.values())
assert R[BETAS.index(0.1)] > np.log(3000) and swept[0.1]["I"] > 6.5 > swept[1]["I"]
assert R[-1] < 0.1 < 0.15 < R[-2] and swept[1000]["width"] > 0.95
assert swept[1000]["clouds"] > 2000 and swept[0.1]["clouds"] < 10

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 9.3. Above, the clouds of forty images as ellipses of one standard deviation, for
# five β: at 1000 all are nearly the same circle (a); at 100 they are large and overlap (b);
# at 10 they are small, and at 1 and 0.1 hardly more than dots (c to e). Below, distortion
# against rate: the curve falls steeply at a and b and is flat from d on. The short red lines
# through the points have the slope −β, and touch the curve.*
#
# It grows with $\beta$, as $\sqrt\beta$ while it is small: a factor of ten for a hundred.
# To see why, keep of $D + \beta R$ only what depends on $\sigma_j$, with the
# approximation of 9.1:
#
# $$ \frac{\sigma_j^2\, \lVert \partial_j f \rVert^2}{2 \tau^2} + \frac\beta2 \big(\sigma_j^2 - \ln \sigma_j^2\big). $$
#
# Set the derivative with respect to $\sigma_j^2$ to zero:
#
# $$ \sigma_j^2 = \frac{\beta}{\beta + \lVert \partial_j f \rVert^2 / \tau^2}. \qquad \text{(W)} $$
#
# A steep decoder makes small clouds. The column *by (W)* computes this from the slopes of
# the trained decoder alone. From $\beta = 0.1$ to 10, where $\sigma$ grows about tenfold, it is
# never off by a factor of two.
#
# </details>
#
# <!-- explorable: 09_rate_distortion -->
#
# Read Figure 9.3 from the left. At a the code says nothing, and the first nats are worth
# most. From d on, a nat of code buys less than a nat of image. The last column counts
# overlaps: at a, a draw of a cloud lies in most of the 3,000; at e, in hardly any but its
# own. There $I$ is close to $\ln 3000 = 8.0$, and the rate still grows: the encoder pays for
# a precision that names nothing more. Only at $\beta = 1$ is $D + \beta R$ the negative ELBO,
# up to the constant.
#
# ## 9.3 The slope is −β
#
# Take two weights $\beta < \beta'$ and what is best for each, $(R, D)$ and $(R', D')$.
# Neither can do better with the other's network:
#
# $$ \begin{aligned} D + \beta R &\le D' + \beta R', \\ D' + \beta' R' &\le D + \beta' R. \end{aligned} $$
#
# Solve both for $D' - D$:
#
# $$ \beta\, (R - R') \;\le\; D' - D \;\le\; \beta'\, (R - R'). $$
#
# Adding up the two ends gives $R \ge R'$: more weight, less rate. And if $R > R'$, then
# **the chord between the two points has a slope between $-\beta$ and $-\beta'$**. Let
# $\beta'$ approach $\beta$, and the slope of the curve is $-\beta$. This holds for any model,
# if both points are the *best* for the same data. So we test it on the training images, and
# with it the training:

# %%
print("      β to β'       (D' − D) / (R − R')")
for i, (low, high) in enumerate(pairwise(BETAS)):
    slope = (D[i + 1] - D[i]) / (R[i] - R[i + 1])
    print(f"{low:7g} to {high:4g} {slope:16.3f}")
    if low >= 0.1 and high <= 100:
        assert 0.7 * low < slope < 1.4 * high

# %% [markdown]
# From 0.1 to 100 the slopes follow the weights: each lies between its two, up to what the
# training is short of the best. At the two ends that is as large as the differences: on the
# right the distortion hardly changes, and on the left the rate hardly changes.
#
# So $\beta$ is a price: at $\beta = 10$, the last nat of code bought ten nats of image. On
# the bound's own point, $\beta = 1$, it bought exactly one: there the KL settles. (How it
# gets there, up, down and up again, is what 6.2 measures. *The KL rises because training
# trades it for reconstruction* is not the whole story.)
#
# ## 9.4 One direction, exactly
#
# Let the decoder be linear. Then each direction of the data can be treated separately: one
# number with the variance $\lambda$, its code $\mu = m x$ with a width $\sigma$, its copy
# $s z$. Then
#
# $$
# \begin{aligned}
# D &= \frac{\lambda\, (1 - s m)^2 + s^2 \sigma^2}{2 \tau^2}, \\
# R &= \frac{m^2 \lambda + \sigma^2 - 1 - \ln \sigma^2}{2}.
# \end{aligned}
# $$
#
# Change the scale of the code, $m$ and $\sigma$ by $c$ and $s$ by $1/c$. $D$ stays, and $R$
# is smallest where $m^2 \lambda + \sigma^2 = 1$: the mixture of the clouds has the variance
# of the prior. Then the best $s$ is $m \lambda$, and what remains is
#
# $$ D + \beta R = \frac{\lambda \sigma^2}{2 \tau^2} - \frac\beta2 \ln \sigma^2. $$
#
# Its minimum over $\sigma^2 \le 1$ says everything about this direction:
#
# $$ \begin{aligned} \sigma^2 &= \min\Big(1, \frac{\beta \tau^2}{\lambda}\Big), \\
# R &= \max\Big(0, \tfrac12 \ln \frac{\lambda}{\beta \tau^2}\Big). \end{aligned} \qquad \text{(S)} $$
#
# - A direction is used if and only if $\lambda > \beta \tau^2$.
# - Each used direction keeps the same distortion, $\beta / 2$.
# - $\beta$ and $\tau^2$ appear only as a product: **β widens the decoder's noise**.
#
# (S) is Shannon's rate–distortion function of a Gaussian, and at $\beta = 1$ it is
# probabilistic PCA (4.6). So the oracle's exact posterior must have the same KL, with
# $\beta \tau^2$ for its noise:

# %%
mean = x.mean(axis=0, dtype=np.float64)
eigenvalues, directions = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
eigenvalues, directions = eigenvalues[::-1], directions[:, ::-1]
worth = eigenvalues / TAU**2                          # λ/τ²


def rate(beta, dims):
    """R of each of the first directions, by (S): (dims,)."""
    return np.maximum(0, 0.5 * np.log(worth[:dims] / beta))


for beta in (1, 10, 40):
    W = directions[:, :6] * np.sqrt(eigenvalues[:6] - beta * TAU**2)
    oracle = ProbabilisticPCA(W, mean, np.log(beta * TAU**2))
    exact = oracle.posterior(x).kl_divergence().data.mean()
    print(f"β = {beta:2}: six directions, R by (S) {rate(beta, 6).sum():.4f},",
          f"of the exact posterior {exact:.4f}")
    assert np.isclose(rate(beta, 6).sum(), exact)

# %% [markdown]
# > **Predict.** The six largest $\lambda / \tau^2$ of these digits are about 121, 85, 75,
# > 65, 59 and 52. A linear VAE with six latent dimensions has $\beta = 70$. Which
# > dimensions are used? How many nats does the first one cost?

# %% tags=["hide-output"]
print("λ/τ²        ", *(f"{value:6.1f}" for value in worth[:6]))
for beta in (1, 30, 70, 100, 130):
    print(f"β = {beta:3}, KL", *(f"{value:6.2f}" for value in rate(beta, 6)))

# %% tags=["hide-input"]
assert np.allclose(worth[:6], [121, 85, 75, 65, 59, 52], atol=0.6)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Three: those with $\lambda / \tau^2 > 70$. The first costs
# $\tfrac12 \ln (121 / 70) = 0.27$ nats. As $\beta$ grows, the dimensions die one after
# the other, and beyond 121 all are dead: the **posterior has collapsed**. A dead dimension
# is not a failure by itself. At this price it is not worth its nats.
#
# </details>
#
# A network is not linear, but that of 9.2 obeys the same rule: at $\beta = 100 < 121$ it
# still uses its codes a little, at 1000 not at all.
#
# ## 9.5 The autoencoder is the limit
#
# Multiply the loss by $2 \tau^2$, which does not move its minimum:
#
# $$ 2 \tau^2 (D + \beta R) = \mathbb E\, \lVert x - f(z) \rVert^2 + 2 \beta \tau^2 R. $$
#
# Let $\tau \to 0$ with $\beta = 1$, or $\beta \to 0$ with $\tau$ fixed: it is the same. By
# (W) $\sigma^2$ goes to zero like $\beta \tau^2$, so $R$ grows, but only like
# $\tfrac12 \ln \tfrac1{\beta \tau^2}$ per dimension. The product $2 \beta \tau^2 R$ goes to
# zero: the squared error outweighs the KL, the noise vanishes, and what is left is the loss
# of chapter 3. The copies become those of an autoencoder; do the codes?

# %%
plain = Autoencoder(196, 2, [64], np.random.default_rng(SEED))
for steps, top in ((2000, 3e-3), (400, 1.5e-3)):
    rng = np.random.default_rng(SEED)
    optimizer = optim.Adam(plain.parameters(), schedules.cosine(top, steps))
    for _ in range(steps):
        training_step(plain, optimizer, x[rng.integers(len(x), size=100)], rng)

print("                squared error    2βτ²R")
for beta in (10, 1, 0.1, 0.01):
    p, copies = swept[beta], swept[beta]["model"].reconstruct(x)
    p["error"] = np.square(x - copies).sum(axis=1).mean()
    print(f"VAE, β = {beta:4g} {p['error']:15.2f} {2 * beta * TAU**2 * p['R']:8.4f}")
ae_error = np.square(x - plain.reconstruct(x)).sum(axis=1).mean()
print(f"autoencoder {ae_error:17.2f}")

assert abs(swept[0.01]["error"] / ae_error - 1) < 0.12
assert 2 * 0.01 * TAU**2 * swept[0.01]["R"] < 0.001 * swept[0.01]["error"]

# %% [markdown]
# The copies do, up to the luck of two trainings. The codes do not: every $\beta > 0$ has a
# scale at which $R$ is smallest, and at zero there is none. Multiply an autoencoder's codes
# by ten and divide the decoder's weights: its loss does not notice.
#
# ## 9.6 Collapse: a choice, or a hole
#
# By (S), collapse is *right* for $\beta \tau^2 > \lambda$. A large $\beta$ leads there, and
# so does a small $\lambda$: the variance that the decoder cannot explain *without* $z$. Let
# it also see all earlier pixels while it predicts the next one. If it is linear in them,
# what is left for $z$ are the errors of a regression of each pixel on the earlier ones.
# They are uncorrelated, and their variances are the squares on the diagonal of the
# covariance's Cholesky factor.

# %%
covariance = np.cov(x.T) + 1e-8 * np.eye(196)
remaining = np.diag(np.linalg.cholesky(covariance)) ** 2 / TAU**2
print(f"largest λ/τ²: {worth[0]:.0f} without the earlier pixels,",
      f"{remaining.max():.1f} with them")

assert remaining.max() < 0.1 * worth[0]

# %% [markdown]
# Beside such a decoder, a straight code that was worth its price up to $\beta = 121$ dies at
# 7.4. In general: if the decoder can be the data's distribution without $z$, then no bound
# is better than that with a KL of zero.
#
# But training can also end in the collapsed point when a better one exists. Write
# $\omega = \lambda / (\beta \tau^2)$ for the worth of the direction in units of its price,
# $a = m \sqrt\lambda$ and $b = s / \sqrt\lambda$. With the best $\sigma$, the loss is
#
# $$ \frac{D + \beta R}{\beta} = \frac\omega2 (1 - ab)^2 + \frac{a^2}{2} + \frac12 \ln(1 + \omega b^2). $$
#
# Encoder ($a$) and decoder ($b$) meet only in the product $ab$. At $a = b = 0$, neither has
# a reason to move while the other stands still: **the gradient is zero for every ω**. The
# second derivatives decide. Their matrix is
# $\begin{pmatrix} 1 & -\omega \\ -\omega & \omega \end{pmatrix}$ with determinant
# $\omega (1 - \omega)$: a minimum for $\omega < 1$, and a saddle for $\omega > 1$, as
# Figure 9.4 shows.

# %% tags=["hide-input"]
a, b = np.meshgrid(np.linspace(-1.3, 1.3, 201), np.linspace(-1.3, 1.3, 201))
fig, axes = plt.subplots(1, 2, figsize=(6, 3.1), layout="constrained", sharey=True)
for ax, omega in zip(axes, (0.8, 3.0)):
    height = omega / 2 * (1 - a * b) ** 2 + a**2 / 2 + np.log(1 + omega * b**2) / 2
    ax.contour(a, b, height, levels=height.min() + np.linspace(0.004, 1.3, 16) ** 2,
               colors="0.45")
    best = np.sqrt(max(0, 1 - 1 / omega))              # where σ² = 1/ω, by (S)
    lowest = height.ravel().argmin()
    assert np.allclose(np.abs([a.flat[lowest], b.flat[lowest]]), best, atol=0.02)
    for sign in (-1, 1):
        ax.plot(sign * best, sign * best, "*", color="tab:blue", markersize=12)
    ax.plot(0, 0, "x", color="black", markersize=9, markeredgewidth=2)
    ax.set(title=f"ω = {omega:g}", xlabel="a, the encoder", aspect="equal")
axes[0].set(ylabel="b, the decoder")
figures.show(fig, "9.4")

# %% [markdown]
# *Figure 9.4. Contours of the loss over the encoder's slope a and the decoder's slope b.
# Left, ω = 0.8: closed rings about the cross at the origin, where the only minimum is.
# Right, ω = 3: two valleys, with stars at their deepest points on the diagonal, and the
# cross at the origin lies on the saddle between them.*
#
# In the linear model, the collapsed point is a minimum only where it is the best one. A
# *bent* decoder changes that. Take a bump anywhere on a ring of 140 pixels. Its variance is
# spread over many directions. Each may be worth too little ($\omega < 1$), while the
# position, one number, would explain them all at once. Then the collapsed point is a true
# **local optimum**, a hole: no small step of encoder and decoder pays, and a large one would.
# (Here the decoder's noise is wider than the data's. If it fits, every direction with a
# signal has $\lambda > \tau^2$, and at $\beta = 1$ the hole is only a saddle.)

# %%
rng = np.random.default_rng(SEED)
place = rng.uniform(0, 140, 4000)
apart = np.abs(np.arange(140) - place[:, None])
bump = np.exp(-0.5 * (np.minimum(apart, 140 - apart) / 0.9) ** 2)
bump = 4.3 * bump + 0.1 * rng.standard_normal(bump.shape)
bump = bump.astype(np.float32)
variances = np.linalg.eigvalsh(np.cov(bump.T))[::-1]
print(f"λ/τ² with τ = 1: largest {variances[0]:.2f}, sum {variances.sum():.1f}")

assert variances[0] < 0.9 and variances.sum() > 20

# %% [markdown]
# ## 9.7 Three ways out
#
# All three replace $\beta R$ for a while, or for good
# ([KLTerm](../npvae/probability/kl_term.py)). $T$ is the number of steps of the warm-up, and $\rho_t = \min(1, t / T)$ how far it has
# risen at step $t$:
#
# | | in place of the KL | |
# | --- | --- | --- |
# | **warm-up** | $\rho_t\, \beta R$ | at first codes cost nothing, so $\omega$ begins at infinity |
# | **free bits** | $\beta \sum_j \max(\kappa, R_j)$ | the first $\kappa$ nats of each dimension are free |
# | **capacity** | $\beta\, \lvert R - \rho_t C \rvert$ | the rate must be $C$; $\beta$ says how strictly |
#
# $R_j$ is the KL of dimension $j$, averaged over the minibatch. For a warm-up, the loss
# must know the step. Write the training step yourself; it hands `step` on to `model.loss`
# ([the exercise](exercises/15_training_step.py) has the details):

# %%
def step_yourself(model, optimizer, x, rng, step=np.inf, rows=None):
    raise NotImplementedError("write the function here, in place of this line")


step_yourself.__name__ = "training_step"
learn.check(step_yourself)

# %% [markdown]
# > **Predict.** We train on the bumps for 800 steps, four times: with the plain KL, with a
# > warm-up of 400 steps, with 0.5 free nats for each of the two dimensions, and with a
# > capacity of 3 nats. What is the KL in the end? Which have a better
# > ELBO than the plain run?

# %% tags=["hide-output"]
TERMS = {
    "plain": KLTerm(),
    "warm-up": KLTerm(warm_up=400),
    "free bits": KLTerm(free_bits=0.5),
    "capacity": KLTerm(beta=5.0, capacity=3.0, warm_up=400),
}
ways = {}
print("            −ELBO     KL   KL of each dimension")
for name, term in TERMS.items():
    model = new_vae(data_dim=140, tau=1.0)
    parts = fit(model, bump, term, 800, 3e-3)
    q = model.posteriors(bump)
    each = 0.5 * (q.mu**2 + np.exp(q.logvar) - 1 - q.logvar).mean(axis=0)
    ways[name] = parts[-100:].mean(axis=0)[[0, 2]], each, parts[:, 2]
    print(f"{name:10}", "{:7.2f} {:6.2f}".format(*ways[name][0]), "  ",
          *(f"{value:5.2f}" for value in each))

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
kernel = np.ones(20) / 20
for (name, way), style in zip(ways.items(), ["-", "--", "-.", ":"]):
    smooth = np.convolve(way[2], kernel, "valid")
    ax.plot(np.arange(20, 801), smooth, style, color="black", label=name)
ax.set(xlabel="step", ylabel="KL in nats, mean of 20 steps", ylim=(-0.1, 4.4))
ax.legend(frameon=False, ncols=2)
figures.show(fig, "9.5")
elbo = {name: -way[0][0] for name, way in ways.items()}
kl = {name: way[0][1] for name, way in ways.items()}
assert kl["plain"] < 0.1 and kl["warm-up"] > 0.7 and 2.5 < kl["capacity"] < 3.5
assert 0.95 < kl["free bits"] < 1.6 and ways["free bits"][1].min() > 0.4
assert min(elbo["warm-up"], elbo["free bits"]) > elbo["plain"] + 0.1

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 9.5. The KL against the step in four trainings on the bumps. Plain (solid): it
# drops to zero and stays there. Warm-up (dashed): it begins high, falls, and settles near 1.
# Free bits (dash-dotted): near 1 from the start. Capacity (dotted): it rises in a straight
# line to 3, and stays.*
#
# The plain run falls into the hole, and in Figure 9.5 it does not leave it. The warm-up ends
# with the *same* loss function, at a better point of it: the codes were in use before they
# had a price, and beyond the hole's rim they pay for themselves. Free bits keep each
# dimension near the 0.5 nats that are free: below, there is no price and hence no hole.
# In this run, all three beat the plain one in the ELBO, the capacity by next to nothing: it
# gives the KL that you asked for, whether the data is worth it or not.
#
# </details>
#
# So a warm-up changes the way and not the goal. Free bits and a capacity change the goal, and
# their KL tells you about your setting and not about the data. Where collapse is *right*, a
# warm-up ends in it too:

# %%
model = new_vae(data_dim=140, tau=1.0)
parts = fit(model, bump, KLTerm(beta=20.0, warm_up=400), 800, 3e-3)
print(f"β = 20, with a warm-up: KL at the end {parts[-1, 2]:.3f}")

assert parts[-1, 2] < 0.1

# %% [markdown]
# ## What can go wrong
#
# **Comparing weighted losses.** You cannot compare $D + 4R$ with $D + R$. Report $D$ and $R$,
# or the ELBO; `npvae` always does.
#
# **A β from another paper.** Only $\beta \tau^2 / \lambda$ matters. With pixels from 0 to
# 255, with the mean over pixels, or with another noise, the same $\beta$ is another model.
#
# **A dead dimension that is no collapse.** Before you repair anything, compare the price
# with the worth: $\beta \tau^2$ against the largest $\lambda$ of the data.
# [warnings_about](../npvae/training/warnings.py) does that for every likelihood.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | $\beta$ | [KLTerm](../npvae/probability/kl_term.py) | [Higgins and others 2017](https://openreview.net/forum?id=Sy2fzU9gl), eq. 4 |
# | rate and distortion | | [Alemi and others 2018](https://arxiv.org/abs/1711.00464) |
# | two jobs of the KL | | [Hoffman and Johnson 2016](http://approximateinference.org/accepted/HoffmanJohnson2016.pdf) |
# | the linear model, when it collapses | [worth_of_a_code](../npvae/training/warnings.py) | [Lucas and others 2019](https://arxiv.org/abs/1911.02469) |
# | a decoder that needs no $z$ | | [Bowman and others 2016](https://arxiv.org/abs/1511.06349), section 3; [Chen and others 2017](https://arxiv.org/abs/1611.02731) |
# | warm-up | [KLTerm](../npvae/probability/kl_term.py) | [Sønderby and others 2016](https://arxiv.org/abs/1602.02282), section 2.3 |
# | free bits | [KLTerm](../npvae/probability/kl_term.py) | [Kingma and others 2016](https://arxiv.org/abs/1606.04934), eq. 15 |
# | capacity | [KLTerm](../npvae/probability/kl_term.py) | [Burgess and others 2018](https://arxiv.org/abs/1804.03599), eq. 8 |
#
# `npvae experiment kl` trains five weights on the digits at full size.
#
# ## Exercises
#
# 1. On paper: derive (S) once more with the KL weighted by $\beta$ and a *learned*
#    $\tau^2$. What does $\tau^2$ do as $\beta$ changes?
# 2. In 9.2 at $\beta = 1$, divide all $\mu$ and $\sigma$ by one number so that the mean of
#    $\mu^2 + \sigma^2$ is 1. How much smaller is $R$? Why has the training not done it?
# 3. Start the plain run of 9.7 from the weights of the warm-up. Does it return to the hole?
# 4. [`training_step`](exercises/15_training_step.py), `npvae learn check training_step`;
#    then `npvae train --latent-dim 2 --beta 30`, with and without `--warm-up 1000`.
#
# Before: [8. From EM to the encoder](08_from_em_to_the_encoder.ipynb). Next: [10. What is
# a pixel?](10_what_is_a_pixel.ipynb).
