# %% [markdown]
# # 1. From noise to data
#
# A generative model makes new examples: digits that nobody wrote, faces that nobody has. It
# begins with plain noise and ends with data. This chapter builds the smallest such model,
# asks it the one question that matters for learning, *how likely is this data point?*, and
# finds out why the answer is hard. Everything later, the bound, the encoder, the
# reparameterization, exists because of it.
#
# After this chapter you can
#
# - turn simple noise into complicated data with a map, and say what the map does to the
#   density;
# - write down a latent variable model, and its marginal likelihood $p(x)$ as an average;
# - estimate $p(x)$ by naive Monte Carlo, and say why that fails as the dimension grows;
# - repair it by importance sampling, and say which proposal would be perfect;
# - compute a posterior on a grid, and compare it with the best Gaussian.
#
# You need: what a density, an expectation and a Gaussian are, and a little NumPy. The
# symbols of all chapters are on [one page](notation.md).
#
# Read with a pencil. Where it says **Predict**, write down your answer first; then open the
# output of the next cell, and *Answer* below it. The code of most plots is folded too.

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, learn, probability
from npvae.figures import diagrams
from npvae.models import ProbabilisticPCA
from npvae.nn import schedules
from npvae.probability import DiagonalGaussian, grid_posterior, refine

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1.1 A map turns noise into data
#
# Draw points from the roundest distribution that exists, the standard Gaussian in two
# dimensions, $z \sim \mathcal N(0, I)$. Then move every point by the same rule:
#
# $$ f(z) = \frac{z}{10} + \frac{z}{\lVert z \rVert}. $$
#
# The second term is the unit vector in the direction of $z$; the first is $z$ itself, made
# ten times smaller. Figure 1.1 shows the points before and after the map: `figures.pushed`
# draws them, and `figures.show` shows the drawing under its number.
#
# > **Predict.** What does the cloud of points look like after the map? How far from the
# > origin are the points on average?

# %% tags=["hide-output"]
def f(z):                                # z (N, 2)  ->  (N, 2)
    return z / 10 + z / np.linalg.norm(z, axis=1, keepdims=True)


z = rng.standard_normal((2000, 2))
x = f(z)
radius = np.linalg.norm(x, axis=1)
figures.show(figures.pushed(z, x, "noise: z ~ N(0, I)", "x = f(z)"), "1.1")
print(f"distance from the origin: mean {radius.mean():.3f}, smallest {radius.min():.3f}")

# %% tags=["hide-input"]
assert radius.min() > 1 and abs(radius.mean() - (1 + np.sqrt(np.pi / 2) / 10)) < 0.01
assert np.allclose(np.arctan2(*x.T), np.arctan2(*z.T))   # every point keeps its direction

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 1.1. Left, 2,000 points of the noise: a round cloud, densest in the middle. Right,
# the same points after the map: a thin ring about the origin, empty inside. The colour of a
# point is the direction of its z, and runs once around both pictures in the same order.*
#
# A ring. The map draws every point in to a tenth of its distance from the origin, and then
# pushes it out by exactly 1 in its own direction, to a radius of
# $1 + \lVert z \rVert / 10$. The mean of $\lVert z \rVert$ in two dimensions is
# $\int_0^\infty r \cdot r e^{-r^2/2}\, dr = \sqrt{\pi/2} \approx 1.25$, hence a radius of
# 1.125 on average. The direction does not change, so in Figure 1.1 every point has the same
# angle, and the same colour, on both sides.
#
# </details>
#
# No Gaussian looks like the right side of Figure 1.1, and yet this is only a Gaussian and
# one line of arithmetic. That is the whole idea of a deep generative model: **keep the
# noise simple, and make the map complicated**. Where the map stretches space, the points
# thin out; where it squeezes, they crowd. (Chapter 5 makes that a formula.) Here we made
# the rule up. In chapter 6, it is a neural network with 700,000 parameters, the noise has
# ten dimensions, and the points that come out are images of digits.
#
# ## 1.2 A latent variable model
#
# Real data does not lie on a perfect curve. So the model has two steps:
#
# $$ z \sim p(z) = \mathcal N(0, I), \qquad x \mid z \sim p(x \mid z) = \mathcal N\big(f(z), \sigma^2 I\big). $$
#
# First the model draws a **latent variable** (or *code*) $z$, which nobody observes. Then
# the **decoder** $f$ says where the data point should be, and the model adds a little
# noise. $p(z)$ is the **prior**, $p(x \mid z)$ the **likelihood**. Figure 1.2 draws such a
# model as a graph.

# %%
figures.show(diagrams.latent_variable_model(), "1.2")

# %% [markdown]
# *Figure 1.2. A latent variable model as a graph. An arrow leads from the open circle z
# down to the shaded circle x, and a second one from θ, on the right, to x. A frame with the
# letter N surrounds z and x, but not θ.*
#
# Read Figure 1.2 as follows. A circle is a random variable: shaded if we observe it, open
# if we do not. An arrow says what a variable depends on. The frame, called a **plate**,
# stands for $N$ copies of its contents: each of the $N$ data points has its own code.
# $\theta$ stands for the parameters of the decoder. It lies outside the plate, because
# all data points share them. In chapter 6, $\theta$ holds the weights of a network; here
# $\theta$ is fixed: the factor $1/10$ and the variance $\sigma^2$.
#
# In code, `decode` takes codes and returns `DiagonalGaussian(mean, log of the variance)`,
# a Gaussian for each row. Its method `log_prob` computes the log-density, and `rsample`
# draws. Both return a `Tensor`, an array with a memory (chapter 2), and `.data` is the
# array. Figure 1.3 shows what the model draws.

# %%
NOISE_VARIANCE = 0.05


def decode(z):                           # z (N, 2)  ->  p(x | z) for each of the N codes
    return DiagonalGaussian(f(z), float(np.log(NOISE_VARIANCE)))


x = decode(rng.standard_normal((2000, 2))).rsample(rng).data
A, B = np.array([1.05, 0.0]), np.array([0.0, 0.0])

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
ax.scatter(*x.T, s=6, color="0.55", linewidths=0)
for name, point in [("A", A), ("B", B)]:
    ax.scatter(*point, color="black", marker="x", s=60, linewidths=2)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
    ax.annotate(name, point, (8, 6), textcoords="offset points", fontsize=14, bbox=box)
ax.set(xlabel="x₁", ylabel="x₂", aspect="equal", title="2,000 points from the model")
figures.show(fig, "1.3")

# %% [markdown]
# *Figure 1.3. 2,000 points from the model form a blurred ring about the origin. Two crosses
# mark A at (1.05, 0), on the right side of the ring, where points are dense, and B at the
# origin, where there are almost none.*
#
# ## 1.3 How likely is a point?
#
# To *learn* a decoder from data, we must say how good it is. The natural measure is how
# likely it makes the data: for every data point the **marginal likelihood**
#
# $$ p(x) = \int p(x \mid z)\, p(z)\, dz = \mathbb E_{z \sim p(z)} \big[\, p(x \mid z) \,\big]. $$
#
# In other words: go through all codes $z$ that the prior could draw, ask each how likely it
# makes $x$, and take the mean. Point A in Figure 1.3 could have come from any code that
# points to the right; point B from none in particular.
#
# Draws can estimate an expectation. **Naive Monte Carlo** draws $K$ codes from the prior
# and averages:
#
# $$ \hat p(x) = \frac1K \sum_{k=1}^K p(x \mid z_k), \qquad z_k \sim p(z). $$
#
# A density of many numbers is tiny or huge, so we compute with natural logarithms, whose
# unit is the **nat**: one nat is a factor of $e$. Before averaging, subtract the largest
# logarithm, so that the largest term is $e^0 = 1$. (*What can go wrong*, at the end, says
# why.)
#
# Here we can afford the exact value too. In two dimensions, the integral is a sum over a
# fine grid of squares, which [grid_posterior](../npvae/probability/grid.py) computes.

# %%
def log_mean_exp(a, axis=None):
    """ln of the mean of exp(a), without underflow."""
    largest = a.max(axis=axis, keepdims=True)
    return np.log(np.mean(np.exp(a - largest), axis=axis)) + largest.squeeze(axis)


def naive(x, decode, latent_dim, K, rng):
    """An estimate of ln p(x) in nats for one point x (D,)."""
    z = rng.standard_normal((K, latent_dim))
    return log_mean_exp(decode(z).log_prob(np.tile(x, (K, 1))).data)


exact = {"A": grid_posterior(A, decode).log_likelihood,
         "B": grid_posterior(B, decode).log_likelihood}
print("K =            10      100     1000   100000    exact")
for name, point in [("A", A), ("B", B)]:
    estimates = [naive(point, decode, 2, K, rng) for K in (10, 100, 1000, 100_000)]
    print(f"ln p({name})", *(f"{value:8.3f}" for value in [*estimates, exact[name]]))
    assert abs(estimates[-1] - exact[name]) < 0.05

# %% [markdown]
# Point A, on the ring, is ten thousand times as likely as point B in its middle. With
# 100,000 codes the estimates come close to the exact values. But each estimate is random,
# and by luck ten codes may beat a thousand. To see how fast the error falls, we repeat
# every estimate 200 times. Figure 1.4 plots the error of $\hat p$, relative to $p$, against
# $K$; `figures.lines` draws such curves.
#
# > **Predict.** With 100 times as many codes, by what factor does the error shrink?

# %% tags=["hide-output"]
counts = [10, 100, 1000, 10_000]
ln_ratio = np.array([[naive(A, decode, 2, count, rng) for _ in range(200)]
                     for count in counts]) - exact["A"]    # ln p̂ − ln p (4, 200)
ratio = np.exp(ln_ratio)                                   # p̂ / p
spread = ratio.std(axis=1)
for count, error in zip(counts, spread):
    print(f"K = {count:5}   relative error {error:.3f}")

# %% tags=["hide-input", "hide-output"]
assert exact["A"] - exact["B"] > np.log(10_000)
assert 0.7 < spread[1] / spread[3] / 10 < 1.4
like_root = spread[0] * np.sqrt(10 / np.array(counts))
series = {"measured": (counts, spread), "like 1/√K": (counts, like_root)}
axes = "number of codes K", "relative error of p(x)"
figures.show(figures.lines(series, *axes, log_x=True, log_y=True), "1.4")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 1.4. The relative error of naive Monte Carlo at point A against the number of
# codes K, both axes logarithmic. The measured error follows the straight line 1/√K: it
# falls from 0.9 with 10 codes to 0.03 with 10,000.*
#
# By a factor of ten: the error of a mean falls as $1/\sqrt K$, the straight line in
# Figure 1.4. A thousand codes give $p(x)$ to a tenth or so, ten thousand to three per cent.
#
# </details>
#
# The estimate $\hat p(x)$ is **unbiased**: its mean over many repetitions is $p(x)$,
# however small $K$ is. **Its logarithm is not unbiased.** The logarithm is concave, and so
# **Jensen's inequality** says
#
# $$ \mathbb E\big[\ln \hat p(x)\big] \le \ln \mathbb E\big[\hat p(x)\big] = \ln p(x). $$
#
# On average, the estimate of $\ln p(x)$ is too low. If the relative error $r$ of $\hat p$
# is small, then $\ln(1 + \delta) \approx \delta - \delta^2/2$ shows by how much: about
# $r^2/2$. The same repetitions show both:

# %%
print("        K   mean of p̂/p   mean of ln p̂ − ln p     −r²/2")
for row in zip(counts, ratio.mean(axis=1), ln_ratio.mean(axis=1), -(spread**2) / 2):
    print("{:9} {:13.3f} {:21.3f} {:9.3f}".format(*row))

# %% tags=["hide-input"]
assert np.all(np.abs(ratio.mean(axis=1) - 1) < 3 * spread / np.sqrt(200))   # unbiased
assert ln_ratio[0].mean() < -0.3 and abs(ln_ratio[1].mean() + spread[1] ** 2 / 2) < 0.02

# %% [markdown]
# With ten codes, $\hat p$ is right on average, up to the noise of 200 repetitions, but its
# logarithm is too low by a nat. With a hundred codes $r$ is small, and $r^2/2$ fits. From a
# thousand codes on, the bias is smaller than the noise of the repetitions. In two
# dimensions, that is the end of the story.
#
# ## 1.4 The same in more dimensions
#
# For more dimensions we need a model for which we know the exact answer. The linear one is
# such a model: with $f(z) = W z + b$, everything stays Gaussian, and
# $p(x) = \mathcal N(b,\, W W^\top + \sigma^2 I)$. This model is called probabilistic PCA;
# `npvae` compares everything else with it, as with an *oracle*
# ([ProbabilisticPCA](../npvae/models/ppca.py)). `ProbabilisticPCA.random` makes one with
# random $W$ and $b$, `sample` draws data points, and `log_likelihood` is the exact
# $\ln p(x)$. We let the number of latent dimensions grow, with twice as many data
# dimensions, and keep $K = 1000$.
#
# > **Predict.** The error in two dimensions is some hundredths of a nat (in the median over
# > 100 points). What is it in 8 dimensions? In 64?

# %% tags=["hide-output"]
def error_of(estimate, latent_dim, examples=100):
    """The error of ln p(x) in nats: median without sign; mean and largest with sign."""
    rng = np.random.default_rng(latent_dim)
    oracle = ProbabilisticPCA.random(2 * latent_dim, latent_dim, rng)
    points = oracle.sample(examples, rng)
    errors = [estimate(x, oracle, rng) for x in points] - oracle.log_likelihood(points)
    return np.median(np.abs(errors)), np.mean(errors), np.max(errors)


def naive_estimate(x, oracle, rng):
    return naive(x, oracle.decode, oracle.latent_dim, K, rng)


DIMENSIONS, K = [1, 2, 4, 8, 16, 32, 64], 1000
naive_errors = np.array([error_of(naive_estimate, d) for d in DIMENSIONS])
print("dimensions of z       ", *(f"{d:7}" for d in DIMENSIONS))
for name, row in zip(["median without sign", "mean, with sign", "largest, with sign"],
                     naive_errors.T):
    print(f"{name:22}", *(f"{error:7.2f}" for error in row))

# %% tags=["hide-input"]
assert naive_errors[1][0] < 0.2 and naive_errors[3][0] > 0.3 and naive_errors[6][0] > 50
assert naive_errors[6][2] < 0 and abs(naive_errors[6][1] + 105) < 1
assert np.all(np.diff(naive_errors[2:, 1]) < 0)            # the bias grows

# %% [markdown]
# <details><summary>Answer</summary>
#
# It breaks down: about a nat in eight dimensions, and around a hundred in sixty-four. An
# error of a hundred nats means that the estimate of $p(x)$ is wrong by a factor of
# $e^{100} \approx 10^{43}$.
#
# The second row is the bias of the logarithm, averaged over the 100 points. In two
# dimensions it is too small to see. In sixty-four, $\ln \hat p$ is too low by about
# **105 nats on average**, and the third row says that not a single estimate is too high.
#
# </details>
#
# Why does the error grow? The codes that explain a given $x$ fill a small part of the
# space. Say that in every dimension the prior hits the right part with probability ½. In
# two dimensions a quarter of all draws is useful. In sixty-four it is one in
# $2^{64} \approx 2 \cdot 10^{19}$, and a thousand draws will not find it.
#
# This does not contradict 1.3: even here, $\hat p(x)$ is unbiased. But its mean comes from
# an event so rare that you never see it happen; in every run that you do see, $\hat p(x)$
# is too low. A few more draws do not help: to keep up, $K$ would have to grow exponentially
# with the dimension.
#
# ## 1.5 Importance sampling
#
# If almost no draw of the prior is useful, draw somewhere else. Take any distribution
# $q(z)$, the **proposal**, and multiply and divide by it:
#
# $$
# \begin{aligned}
# p(x) &= \int q(z)\, \frac{p(x \mid z)\, p(z)}{q(z)}\, dz = \mathbb E_{z \sim q} [w(z)], \\
# w(z) &= \frac{p(x \mid z)\, p(z)}{q(z)}.
# \end{aligned}
# $$
#
# The estimate $\hat p(x)$ is the mean of the **weights** $w(z_k)$ of $K$ codes from $q$. It
# is unbiased for every $q$ that is nowhere zero where $p(x \mid z)\, p(z)$ is not. That
# holds for $\hat p(x)$ only: by Jensen's inequality, $\ln \hat p(x)$ is again too low on
# average, the more so the more the weights scatter. How much they scatter depends on $q$.
# With $q = p(z)$ it is the naive estimate again.
#
# > **Predict.** Suppose that somebody gives us the true posterior,
# > $q(z) = p(z \mid x) = p(x \mid z)\, p(z) / p(x)$. How much do the weights scatter then?

# %% tags=["hide-output"]
def importance(x, decode, q, K, rng):
    """ln w of K codes from q, a Gaussian with one row, for one point x (D,): (K,)."""
    z = q.rsample(rng, K).data[:, 0]
    log_p_x_given_z = decode(z).log_prob(np.tile(x, (K, 1))).data
    log_p_z = DiagonalGaussian(np.zeros_like(z), 0.0).log_prob(z).data
    return log_p_x_given_z + log_p_z - q.log_prob(z).data


oracle = ProbabilisticPCA.random(128, 64, np.random.default_rng(64))
x64 = oracle.sample(1, rng)
exact64 = oracle.log_likelihood(x64)[0]
log_w = importance(x64[0], oracle.decode, oracle.posterior(x64), K, rng)
print(f"64 dimensions, ln w: smallest {log_w.min():.6f}, largest {log_w.max():.6f}")
print(f"       exact ln p(x):         {exact64:.6f}")

# %% tags=["hide-input"]
assert log_w.std() < 1e-9 and abs(log_w.mean() - exact64) < 1e-9

# %% [markdown]
# <details><summary>Answer</summary>
#
# Not at all. Put the posterior into the formula of $w$: everything cancels but $p(x)$, so
# **every** draw has the weight $p(x)$, and a single one would do.
#
# </details>
#
# So the perfect proposal is the posterior. We rarely have it. But a proposal that is *near*
# it is nearly as good. In Figure 1.5, the proposal is the posterior with a wrong mean and a
# variance that is too large, for the same models as in 1.4.

# %%
def near_posterior(x, oracle, rng):
    """The posterior, shifted by 0.2 of its standard deviation, e^0.2 times its variance."""
    q = oracle.posterior(x[None])
    shift = 0.2 * np.exp(0.5 * q.logvar) * rng.choice([-1, 1], q.mu.shape)
    return DiagonalGaussian(q.mu + shift, q.logvar + 0.2)


def estimate(x, oracle, rng):
    q = near_posterior(x, oracle, rng)
    return log_mean_exp(importance(x, oracle.decode, q, K, rng))


importance_errors = np.array([error_of(estimate, d) for d in DIMENSIONS])
print("dimensions of z       ", *(f"{d:7}" for d in DIMENSIONS))
for name, row in zip(["median without sign", "mean, with sign"], importance_errors.T):
    print(f"{name:22}", *(f"{error:7.3f}" for error in row))

# %% tags=["hide-input"]
assert importance_errors[:, 0].max() < 0.3 and abs(importance_errors[:, 1]).max() < 0.1
series = {
    "naive Monte Carlo": (DIMENSIONS, naive_errors[:, 0]),
    "importance sampling": (DIMENSIONS, importance_errors[:, 0]),
}
axes = "dimensions of z", "error of ln p(x) in nats"
figures.show(figures.lines(series, *axes, log_x=True, log_y=True), "1.5")

# %% [markdown]
# *Figure 1.5. The median error of ln p(x) with 1,000 draws against the dimension of z, both
# axes logarithmic. Naive Monte Carlo rises from below 0.1 to around 100 nats; importance
# sampling rises only from 0.005 to 0.1.*
#
# The same thousand draws, and in 64 dimensions the error is a tenth of a nat instead of a
# hundred nats. So this is what we need: **for every data point a distribution $q(z)$ that
# resembles the posterior**. It may be rough, but it must be cheap, because there are
# 60,000 digits. Making it is the job of the *encoder*, and making it resemble the posterior
# is what the bound of chapter 4 does.
#
# Now write the estimate yourself, for all $N$ examples at once. `q` has one row for each
# example, so `q.rsample(rng, K)` has the shape $(K, N, \text{latent\_dim})$, while `decode`
# takes the codes as the rows of one matrix. Return
# `probability.ImportanceSampling(log_likelihood, effective_sample_size)`, two arrays
# $(N,)$: the logarithm of the mean weight of each example, and its **effective sample
# size** $(\sum_k w_k)^2 / \sum_k w_k^2$. The latter is $K$ when all weights are equal, and
# 1 when a single one outweighs the rest.
# [The page of the exercise](exercises/02_importance_sampling.py) has the details. Replace
# the `raise` statement by your code, and run the cell: `learn.check` compares your function
# with the engine's, and prints what is wrong.

# %%
def importance_sampling(x, q, decode, rng, samples):
    """Estimate ln p(x) by importance sampling with K samples: an
    `ImportanceSampling`."""
    raise NotImplementedError(
        "importance_sampling: write the function here, in place of this line")


learn.check(importance_sampling)

# %% [markdown]
# ## 1.6 What a posterior looks like
#
# Go back to the ring, and to point A at $(1.05, 0)$. Which codes could it have come from?
# In two dimensions we can apply Bayes' rule by brute force: on a grid of small squares,
# take $p(x \mid z)\, p(z)$, and divide by the sum. `grid_posterior` does it.
#
# Beside it we want the Gaussian $q(z)$ that is closest to this posterior (chapter 4 says in
# which sense). [refine](../npvae/probability/amortization.py) finds it: beginning with
# `start`, it improves the mean and the variance in 1,000 small steps along a gradient.
# [cosine](../npvae/nn/schedules.py) makes the steps smaller and smaller: their size, the
# learning rate, falls from 0.02 to 0. `figures.posterior` draws both, in Figure 1.6.
#
# > **Predict.** Which codes $z$ does $f$ send near $(1.05, 0)$? Sketch the region. Is it a
# > Gaussian blob?

# %%
def decode_tensor(z):                    # like decode, with derivatives: see chapter 2
    return DiagonalGaussian(probability.ring(z), float(np.log(NOISE_VARIANCE)))


exact_posterior = grid_posterior(A, decode, extent=3.5, side=280)
grid, log_p = exact_posterior.z, exact_posterior.log_density

start = DiagonalGaussian(np.array([[1.0, 0.0]]), np.full((1, 2), -1.0))
learning_rate = schedules.cosine(0.02, 1000)
best = refine(A[None], start, decode_tensor, rng, steps=1000, lr=learning_rate, samples=50)
log_q = best.log_prob(grid.reshape(-1, 2)).data.reshape(log_p.shape)

# %% tags=["hide-input", "hide-output"]
fig = figures.posterior(grid, log_p, log_q)
title = "grey: the posterior; red: the best Gaussian"
fig.axes[0].set(xlim=(-0.5, 3.2), ylim=(-1.6, 1.6), title=title)
figures.show(fig, "1.6")

# %% tags=["hide-output"]
def spread_at(z1):
    """The standard deviation of z₂ in the posterior, given z₁."""
    column = np.abs(grid[0, :, 0] - z1).argmin()
    p, z2 = np.exp(log_p[:, column]), grid[:, 0, 1]
    return np.sqrt(np.sum(p * z2**2) / np.sum(p))


for z1 in (0.5, 1, 2):
    print(f"at z₁ = {z1:3}, the standard deviation of z₂ is {spread_at(z1):.2f}")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 1.6. The posterior of point A over the plane of codes, in grey: a wedge that
# begins at the origin in a sharp point, runs to the right along z₂ = 0, and becomes wider
# and fainter. The red ellipses of the best Gaussian lie at one (solid), two (dashed) and
# three (dotted) standard deviations. The tip, where the posterior is densest, is outside of
# the dashed one, and the dotted one bulges beyond the sides of the wedge.*
#
# A wedge. The map looks mostly at the *direction* of $z$, which Figure 1.1 shows as colour.
# All codes on the ray to the right give nearly the same point, and so the posterior runs
# along that ray. Near the origin the rays are close together, further out they are apart:
# the wedge becomes wider. In a Gaussian, the standard deviation across would be the same
# everywhere; here it triples from $z_1 = 0.5$ to $z_1 = 2$.
#
# </details>
#
# The red ellipses in Figure 1.6 show the best Gaussian. It cannot bend or taper. What it
# loses is measured by the **Kullback–Leibler divergence**
#
# $$ \mathrm{KL}(q \,\Vert\, p) = \mathbb E_{z \sim q} [\ln q(z) - \ln p(z)] \ge 0, $$
#
# which is 0 only if both are the same. On the grid, it is a sum over the squares:

# %%
area = (grid[0, 1, 0] - grid[0, 0, 0]) ** 2
kl = float(np.sum(np.exp(log_q) * (log_q - log_p)) * area)
print(f"KL(best Gaussian ‖ posterior) = {kl:.3f} nats")

# %% tags=["hide-input"]
assert spread_at(2) > 2.5 * spread_at(0.5) and 0.28 < kl < 0.38

# %% [markdown]
# For this posterior it is a third of a nat: not much, but it does not go away, however long
# you train.
#
# Two questions remain: where does $q$ come from, and what do we train the decoder on,
# if $p(x)$ itself is out of reach? Figure 1.7 shows where the course goes.

# %%
figures.show(diagrams.autoencoder_with_noise(), "1.7")

# %% [markdown]
# *Figure 1.7. A variational autoencoder as a chain of arrows, from left to right: an image
# x, the encoder, two boxes μ and σ, the code z = μ + σ ε, the decoder, and at the end the
# distribution of the image, p(x | z). The noise ε enters the code from below.*
#
# Read Figure 1.7 from left to right. For every data point $x$, the **encoder**, a network,
# computes $\mu$ and $\sigma$: the mean and the standard deviation of a Gaussian $q(z)$ that
# stands in for the posterior. Noise $\varepsilon$ from $\mathcal N(0, I)$ turns them into a
# code $z = \mu + \sigma \varepsilon$, a draw from $q$. The decoder, also a network, turns
# the code into $p(x \mid z)$, as in 1.2. Chapter 4 answers both open questions with one
# formula, which trains the two networks together. Before that, we need derivatives
# (chapter 2) and networks that map data to codes and back (chapter 3). Chapter 5 explains
# why the noise enters from the side.
#
# ## What can go wrong
#
# **The logarithm of the mean is not the mean of the logarithms.** Averaging
# $\ln p(x \mid z_k)$ in place of $p(x \mid z_k)$ gives a number that is too low by a lot,
# and larger $K$ does not improve it.
#
# **Underflow.** The density of an image of 784 pixels is easily $e^{-800}$, and a computer
# rounds that to 0.

# %%
z = rng.standard_normal((1000, 2))
log_p_given_z = decode(z).log_prob(np.tile(A, (1000, 1))).data
print(f"exact                {exact['A']:8.3f}")
print(f"ln of the mean of p  {log_mean_exp(log_p_given_z):8.3f}")
print(f"mean of ln p         {log_p_given_z.mean():8.3f}   <- wrong")

tiny = np.array([-800.0, -801.0])
with np.errstate(divide="ignore"):
    straight = np.log(np.mean(np.exp(tiny)))
print(f"\nln of the mean of e⁻⁸⁰⁰ and e⁻⁸⁰¹: {straight}   <- wrong")
print(f"with log_mean_exp:                 {log_mean_exp(tiny):.3f}")

# %% tags=["hide-input"]
assert log_p_given_z.mean() < exact["A"] - 5
assert abs(log_mean_exp(tiny) - (-800 + np.log((1 + np.exp(-1)) / 2))) < 1e-9

# %% [markdown]
# **A proposal that is too narrow hides its error.** You would think the weights themselves
# say whether to trust them, by their effective sample size (1.5). But codes that $q$ never
# draws have no weight in that sum.

# %%
def effective_sample_size(log_w):
    w = np.exp(log_w - log_w.max())
    return w.sum() ** 2 / np.sum(w**2)


oracle = ProbabilisticPCA.random(32, 16, np.random.default_rng(16))
points = oracle.sample(200, rng)
mean_error, effective = {}, {}
for name, factor in [("twice as wide", 2.0), ("right", 1.0), ("half as wide", 0.5)]:
    errors, sizes = [], []
    for x in points:
        q = oracle.posterior(x[None])
        q = DiagonalGaussian(q.mu, q.logvar + 2 * np.log(factor))
        log_w = importance(x, oracle.decode, q, K, rng)
        errors.append(log_mean_exp(log_w) - oracle.log_likelihood(x[None])[0])
        sizes.append(effective_sample_size(log_w))
    mean_error[name], effective[name] = np.mean(errors), np.median(sizes)
    print(f"{name:13}  mean error {mean_error[name]:5.2f} nats,",
          f"effective samples {effective[name]:6.1f}")

# %% tags=["hide-input"]
assert effective["half as wide"] > effective["twice as wide"]
assert mean_error["half as wide"] < 3 * mean_error["twice as wide"] < 0

# %% [markdown]
# By the effective sample size, both wrong proposals waste nearly all of their thousand
# draws, and the narrow one looks even a little better. But its estimates of $\ln p(x)$ are
# too low by a nat and a half on average, the wide one's by a quarter of a nat. The number
# warns of both; it cannot say which of them is worse.
#
# How narrow is too narrow? In one dimension, let the posterior be $\mathcal N(0, s^2)$ and
# the proposal $\mathcal N(0, t^2)$. Then
#
# $$
# \begin{aligned}
# \mathbb E_q[w^2] &= p(x)^2 \int \frac{p(z \mid x)^2}{q(z)}\, dz \\
# &= p(x)^2\, \frac{t}{\sqrt{2\pi}\, s^2}
# \int \exp\Big[ -z^2 \Big(\frac{1}{s^2} - \frac{1}{2 t^2}\Big) \Big]\, dz.
# \end{aligned}
# $$
#
# The integral is finite only if the bracket is positive: $t^2 > s^2/2$, and then
# $\mathbb E_q[w^2] = p(x)^2\, t^2 / (s \sqrt{2 t^2 - s^2})$. **If the variance of the
# proposal is half of the posterior's or less, the variance of the weights is infinite.**
# (If the means differ too, the value changes, but not whether it is finite.) "Half as wide"
# means a quarter of the variance, so its weights have infinite variance. A finite sample
# cannot show that, but here is the symptom: with more draws, the sample variance of the
# weights does not settle. We take $s = p(x) = 1$, and the median over 20 repetitions.

# %%
def sample_variance(t, K):
    """The variance of K weights p(z | x) / q(z) with s = 1: its median over 20 samples."""
    z = t * rng.standard_normal((20, K))
    w = t * np.exp(-0.5 * z**2 * (1 - 1 / t**2))
    return np.median(w.var(axis=1))


variance = {}
print("K =                  100     10000   1000000     exact")
for t in (2.0, 0.8, 0.5):
    variance[t] = [sample_variance(t, K) for K in (100, 10_000, 1_000_000)]
    variance[t].append(t**2 / np.sqrt(2 * t**2 - 1) - 1 if t**2 > 0.5 else np.inf)
    print(f"t = {t} s     ", *(f"{value:9.2f}" for value in variance[t]))

# %% tags=["hide-input"]
for t in (2.0, 0.8):
    assert abs(variance[t][2] - variance[t][3]) < 0.02
assert variance[0.5][2] > 5 * variance[0.5][1] > 25 * variance[0.5][0]

# %% [markdown]
# For $t = 2s$ and $t = 0.8\,s$ (a variance of $0.64\,s^2$), the sample variance settles at
# its exact value. For $t = s/2$ it grows eightfold to tenfold with every factor of 100 in
# $K$. So its square root is no error bar, and the error of $\hat p(x)$ does not fall as
# $1/\sqrt K$. The estimate is still unbiased, but rare and huge weights carry a large part
# of its mean. In the sixteen dimensions above, the weight is a product with one factor for
# each dimension, and a single narrow dimension would be enough. When in doubt, make $q$
# wider.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | the ring | [ring](../npvae/probability/transforms.py) | [Doersch 2016](https://arxiv.org/abs/1606.05908), figure 2 |
# | the latent variable model | [DiagonalGaussian](../npvae/probability/gaussian.py) as `decode(z)` | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), section 2.1 |
# | `naive`, `importance`, `log_mean_exp` | [importance_sampling](../npvae/probability/bounds.py), [log_weights](../npvae/probability/bounds.py) | [Burda, Grosse, Salakhutdinov 2016](https://arxiv.org/abs/1509.00519), eq. 8 |
# | the oracle | [ProbabilisticPCA](../npvae/models/ppca.py) | Tipping and Bishop 1999, eq. 3 and 6 |
# | the posterior on a grid | [grid_posterior](../npvae/probability/grid.py) | Bayes' rule |
# | the best Gaussian | [refine](../npvae/probability/amortization.py) | [Cremer, Li, Duvenaud 2018](https://arxiv.org/abs/1801.03558), section 3 |
#
# `npvae experiment dimension` repeats Figure 1.5, `npvae experiment ring` Figures 1.1 and
# 1.6, with more samples.
#
# ## Exercises
#
# 1. Replace the ring by a map of your own (a spiral, two moons) and draw Figures 1.1 and
#    1.3 again.
# 2. How many codes does naive Monte Carlo need in 4 dimensions for the error that it has in
#    2 with 1,000? In 8? Measure as far as your patience goes (with `examples=20`;
#    `naive_estimate` reads the global `K`), and extrapolate.
# 3. On paper: show that the mean of $w$ under $q$ is $p(x)$ for every $q$. Where do you
#    need that $q$ is not zero?
# 4. If you have not yet filled in
#    [`importance_sampling`](exercises/02_importance_sampling.py) in 1.5, do so now. Or
#    write it in a file: `npvae learn init my-vae` makes a folder to work in, and
#    `npvae learn check importance_sampling` checks the function. The density of a Gaussian,
#    which it uses, is also an exercise: [`gaussian`](exercises/01_gaussian.py),
#    `npvae learn check gaussian`. Its derivatives need chapter 2.
#
# Next: [2. Autodiff from scratch](02_autodiff_from_scratch.ipynb).
