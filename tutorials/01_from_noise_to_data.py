# %% [markdown]
# # 1. From noise to data
#
# A generative model makes new examples: digits that nobody wrote, faces that nobody has. It
# begins with plain noise and ends with data. This chapter builds the smallest such model,
# asks it the one question that matters for learning, *how likely is this data point?*, and
# finds out why the answer is hard. Everything later, the bound, the encoder, the
# reparameterization, is there because of it.
#
# After this chapter you can
#
# - turn simple noise into complicated data with a map, and say what the map does to the
#   density;
# - write down a latent variable model, and its marginal likelihood $p(x)$ as an average;
# - estimate $p(x)$ by naive Monte Carlo, and say why that fails as the dimension grows;
# - repair it by importance sampling, and say which proposal would be perfect;
# - compute a posterior on a grid, and see that it is not Gaussian.
#
# You need: what a density, an expectation and a Gaussian are, and a little NumPy. The
# symbols of all chapters are on [one page](notation.md).
#
# Read with a pencil. Where it says **Predict**, answer before you go on; the answer follows
# in the next cell.

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures
from npvae.models import ProbabilisticPCA
from npvae.nn import schedules
from npvae.probability import DiagonalGaussian, grid_posterior, refine
from npvae.probability import ring as tensor_ring

rng = np.random.default_rng(0)

# %% [markdown]
# ## 1.1 A map turns noise into data
#
# Draw points from the roundest distribution that there is, the standard Gaussian in two
# dimensions, $z \sim \mathcal N(0, I)$. Then move every point by the same rule:
#
# $$ f(z) = \frac{z}{10} + \frac{z}{\lVert z \rVert}. $$
#
# The second term is the unit vector in the direction of $z$; the first is $z$ itself, made
# ten times smaller.
#
# > **Predict.** What does the cloud of points look like after the map? How far from the
# > origin are the points on average?

# %%
def ring(z):                             # z (N, 2)  ->  (N, 2)
    return z / 10 + z / np.linalg.norm(z, axis=1, keepdims=True)


z = rng.standard_normal((2000, 2))
x = ring(z)
figures.show(
    figures.pushed(z, x, "noise: z ~ N(0, I)", "x = f(z)"),
    "Left, a round cloud of points that is densest in the middle. Right, the same "
    "points after the map: a thin ring about the origin, empty inside.",
)
radius = np.linalg.norm(x, axis=1)
print(f"distance from the origin: mean {radius.mean():.3f}, smallest {radius.min():.3f}")

assert radius.min() > 1 and abs(radius.mean() - (1 + np.sqrt(np.pi / 2) / 10)) < 0.01

# %% [markdown]
# A ring: every point was drawn in to a tenth of its distance from the origin, and then
# pushed out by exactly 1 in its own direction, to a radius of $1 + \lVert z \rVert / 10$.
# The mean of $\lVert z \rVert$ in two dimensions is
# $\int_0^\infty r \cdot r e^{-r^2/2}\, dr = \sqrt{\pi/2} \approx 1.25$, hence a radius of
# 1.125 on average.
#
# No Gaussian looks like a ring, and yet this is nothing but a Gaussian and one line of
# arithmetic. That is the whole idea of a deep generative model: **keep the noise simple,
# and make the map complicated**. Where the map stretches space, the points thin out; where
# it squeezes, they crowd. (Chapter 5 makes that a formula.) Here the rule was made up. In
# chapter 6, it is a neural network with 700,000 parameters, the noise has ten dimensions,
# and the points that come out are images of digits.
#
# ## 1.2 A latent variable model
#
# Real data does not lie on a perfect ring. So the model has two steps:
#
# $$ z \sim p(z) = \mathcal N(0, I), \qquad x \mid z \sim p(x \mid z) = \mathcal N\big(f(z), \sigma^2 I\big). $$
#
# First a **latent variable** (or *code*) $z$ is drawn, which nobody observes; then the
# **decoder** $f$ says where the data point should be, and a little noise is added. $p(z)$
# is the **prior**, $p(x \mid z)$ the **likelihood**. In code, `decode` gets codes and
# returns `DiagonalGaussian(mean, log of the variance)`, which has a `log_prob` and an
# `rsample` that draws. Both return a `Tensor`, an array with a memory (chapter 2), and
# `.data` is the array.

# %%
NOISE_VARIANCE = 0.05


def decode(z):                           # z (N, 2)  ->  p(x | z) for each of the N codes
    return DiagonalGaussian(ring(z), float(np.log(NOISE_VARIANCE)))


x = decode(rng.standard_normal((2000, 2))).rsample(rng).data
fig, ax = plt.subplots(figsize=(4, 4), layout="constrained")
ax.scatter(*x.T, s=3, color="0.4", linewidths=0)
ax.scatter([1.05, 0], [0, 0], color="black", marker="x", s=60, linewidths=2)
ax.annotate(" A", (1.05, 0), fontsize=14, va="bottom")
ax.annotate(" B", (0, 0), fontsize=14, va="bottom")
ax.set(xlabel="x₁", ylabel="x₂", aspect="equal", title="2,000 points from the model")
figures.show(
    fig,
    "A blurred ring of points about the origin. Two crosses: A at (1.05, 0), in the "
    "right side of the ring, where points are dense, and B at the origin, where there "
    "are none.",
)

# %% [markdown]
# ## 1.3 How likely is a point?
#
# To *learn* a decoder from data, we must say how good it is. The natural measure is how
# likely it makes the data: for every data point the **marginal likelihood**
#
# $$ p(x) = \int p(x \mid z)\, p(z)\, dz = \mathbb E_{z \sim p(z)} \big[\, p(x \mid z) \,\big]. $$
#
# In other words: go through all codes $z$ that the prior could draw, ask each how likely it
# makes $x$, and take the mean. Point A above could have come from all codes that point to
# the right; point B from none in particular.
#
# An expectation can be estimated by drawing. **Naive Monte Carlo** draws $K$ codes from the
# prior and averages:
#
# $$ \hat p(x) = \frac1K \sum_{k=1}^K p(x \mid z_k), \qquad z_k \sim p(z). $$
#
# Densities of many numbers are tiny or huge, so we compute with natural logarithms, whose unit
# is the **nat**: one nat is a factor of $e$. Before averaging, subtract the largest
# logarithm, so that the largest term is $e^0 = 1$. (*What can go wrong*, at the end, says
# why.)

# %%
def log_mean_exp(a, axis=None):
    """ln of the mean of exp(a), without underflow."""
    largest = a.max(axis=axis, keepdims=True)
    return np.log(np.mean(np.exp(a - largest), axis=axis)) + largest.squeeze(axis)


def naive(x, decode, latent_dim, K, rng):
    """An estimate of ln p(x) in nats for one point x (D,)."""
    z = rng.standard_normal((K, latent_dim))
    return log_mean_exp(decode(z).log_prob(np.tile(x, (K, 1))).data)


A, B = np.array([1.05, 0.0]), np.array([0.0, 0.0])
exact = {}
print("K =            10      100     1000   100000    exact")
for name, point in [("A", A), ("B", B)]:
    exact[name] = grid_posterior(point, decode).log_likelihood
    estimates = [naive(point, decode, 2, K, rng) for K in (10, 100, 1000, 100_000)]
    print(f"ln p({name})", *(f"{value:8.3f}" for value in [*estimates, exact[name]]))
    assert abs(estimates[-1] - exact[name]) < 0.05

assert exact["A"] - exact["B"] > np.log(10_000)

# %% [markdown]
# Here we can afford the exact value: in two dimensions the integral is a sum over a fine
# grid of squares. Point A, on the ring, is ten thousand times as likely as point B in its
# middle. With 100,000 codes the estimates come close to the truth. But each of them is a
# draw, and by luck ten codes may beat a thousand. To see how fast the error falls, we
# repeat every estimate 200 times.
#
# > **Predict.** With 100 times as many codes, by what factor does the error shrink?

# %%
counts, spread = [10, 100, 1000, 10_000], []
for count in counts:
    estimates = np.exp([naive(A, decode, 2, count, rng) for _ in range(200)])
    spread.append(estimates.std() / np.exp(exact["A"]))
like_root = spread[0] * np.sqrt(10 / np.array(counts))
figures.show(
    figures.lines(
        {"measured": (counts, spread), "like 1/√K": (counts, like_root)},
        "number of codes K", "relative error of p(x)", log_x=True, log_y=True,
    ),
    "The relative error of naive Monte Carlo against the number of codes, logarithmic "
    "axes: it falls along the straight line 1/√K, from 0.9 at 10 to 0.03 at 10,000.",
)
for count, error in zip(counts, spread):
    print(f"K = {count:5}   relative error {error:.3f}")

assert 0.7 < spread[1] / spread[3] / 10 < 1.4

# %% [markdown]
# By a factor of ten: the error of a mean falls as $1/\sqrt K$. A thousand codes give $p(x)$
# to a tenth or so, ten thousand to three per cent. In two dimensions, that is the end of
# the story.
#
# ## 1.4 The same in more dimensions
#
# For more dimensions we need a model for which the exact answer is known. The linear one
# is: with $f(z) = W z + b$, everything stays Gaussian, and
# $p(x) = \mathcal N(b,\, W W^\top + \sigma^2 I)$. This model is called probabilistic PCA;
# `npvae` uses it as an *oracle* against which everything else is held
# ([ProbabilisticPCA](../npvae/models/ppca.py)). We let the number of latent dimensions
# grow, with twice as many data dimensions, and keep $K = 1000$.
#
# > **Predict.** The error in two dimensions is some hundredths of a nat (in the median over
# > 100 points). What is it in 8 dimensions? In 64?

# %%
def error_of(estimate, latent_dim, examples=100):
    """The error of ln p(x) in nats: median without sign; mean and largest with sign."""
    rng = np.random.default_rng(latent_dim)
    oracle = ProbabilisticPCA.random(2 * latent_dim, latent_dim, rng)
    points = oracle.sample(examples, rng)
    errors = [estimate(x, oracle, rng) for x in points] - oracle.log_likelihood(points)
    return np.median(np.abs(errors)), np.mean(errors), np.max(errors)


DIMENSIONS, K = [1, 2, 4, 8, 16, 32, 64], 1000


def naive_estimate(x, oracle, rng):
    return naive(x, oracle.decode, oracle.latent_dim, K, rng)


naive_errors = [error_of(naive_estimate, d) for d in DIMENSIONS]
print("dimensions of z       ", *(f"{d:7}" for d in DIMENSIONS))
print("error of ln p(x), nats", *(f"{typical:7.2f}" for typical, _, _ in naive_errors))
print("mean, with sign       ", *(f"{mean:7.2f}" for _, mean, _ in naive_errors))
print("largest, with sign    ", *(f"{largest:7.2f}" for _, _, largest in naive_errors))

assert naive_errors[1][0] < 0.2 and naive_errors[3][0] > 0.3 and naive_errors[6][0] > 50
assert naive_errors[6][2] < 0

# %% [markdown]
# It breaks down: about a nat in eight dimensions, and around a hundred in sixty-four.
# There, not a single estimate is too high. An error of a hundred nats means that the
# estimate of $p(x)$ is wrong by a factor of $e^{100} \approx 10^{43}$.
#
# Why? The codes that explain a given $x$ fill a small part of the space. Say that in every
# dimension the prior hits the right part with probability ½. In two dimensions a quarter of
# all draws is useful. In sixty-four it is one in $2^{64} \approx 2 \cdot 10^{19}$, and a
# thousand draws will not find it. The average is made by an event so rare that it never
# happens, so what comes out is too low. More draws do not help: to keep up, $K$ would have
# to grow exponentially with the dimension.
#
# ## 1.5 Importance sampling
#
# If almost no draw of the prior is useful, draw somewhere else. Take any distribution
# $q(z)$, the **proposal**, and multiply and divide by it:
#
# $$ p(x) = \int q(z)\, \frac{p(x \mid z)\, p(z)}{q(z)}\, dz = \mathbb E_{z \sim q} [w(z)],
# \qquad w(z) = \frac{p(x \mid z)\, p(z)}{q(z)}. $$
#
# The estimate is the mean of the **weights** $w(z_k)$ of $K$ codes from $q$. It is right on
# average for every $q$ that is nowhere zero where $p(x \mid z)\, p(z)$ is not; but how much
# it scatters depends on $q$. With $q = p(z)$ it is the naive estimate again.
#
# > **Predict.** Suppose that somebody gives us the true posterior,
# > $q(z) = p(z \mid x) = p(x \mid z)\, p(z) / p(x)$. How much do the weights scatter then?

# %%
def importance(x, decode, q, K, rng):
    """ln w of K codes from q, a Gaussian with one row, for one point x (D,): (K,)."""
    z = q.rsample(rng, K).data[:, 0]
    log_p_x_given_z = decode(z).log_prob(np.tile(x, (K, 1))).data
    log_p_z = DiagonalGaussian(np.zeros_like(z), 0.0).log_prob(z).data
    return log_p_x_given_z + log_p_z - q.log_prob(z).data


oracle = ProbabilisticPCA.random(128, 64, np.random.default_rng(64))
x64 = oracle.sample(1, rng)
posterior = oracle.posterior(x64)
log_w = importance(x64[0], oracle.decode, posterior, K, rng)
exact64 = oracle.log_likelihood(x64)[0]
print(f"64 dimensions, q = posterior: ln w is {log_w.mean():.6f}, always the same")
print(f"                    exact: ln p(x) is {exact64:.6f}")

assert log_w.std() < 1e-9 and abs(log_w.mean() - exact64) < 1e-9

# %% [markdown]
# Not at all. Put the posterior into the formula of $w$: everything cancels but $p(x)$, so
# **every** draw has the weight $p(x)$, and a single one would do. The perfect proposal is
# the posterior. We rarely have it. But a proposal that is *near* it is nearly as good:

# %%
def near_posterior(x, oracle, rng):
    """The posterior, off by 0.2 of its standard deviation, and by e^0.2 in its variance."""
    q = oracle.posterior(x[None])
    shift = 0.2 * np.exp(0.5 * q.logvar) * rng.choice([-1, 1], q.mu.shape)
    return DiagonalGaussian(q.mu + shift, q.logvar + 0.2)


def estimate(x, oracle, rng):
    q = near_posterior(x, oracle, rng)
    return log_mean_exp(importance(x, oracle.decode, q, K, rng))


importance_errors = [error_of(estimate, d) for d in DIMENSIONS]
figures.show(
    figures.lines(
        {
            "naive Monte Carlo": (DIMENSIONS, [e for e, _, _ in naive_errors]),
            "importance sampling": (DIMENSIONS, [e for e, _, _ in importance_errors]),
        },
        "dimensions of z", "error of ln p(x) in nats", log_x=True, log_y=True,
    ),
    "The error of ln p(x) with 1,000 samples against the dimension of z, logarithmic "
    "axes. Naive Monte Carlo rises from below 0.1 to around 100 nats; importance "
    "sampling stays below 0.3.",
)
print("dimensions of z    ", *(f"{d:6}" for d in DIMENSIONS))
print("importance sampling", *(f"{typical:6.3f}" for typical, _, _ in importance_errors))

assert max(typical for typical, _, _ in importance_errors) < 0.3

# %% [markdown]
# The same thousand draws, and in 64 dimensions the error is a fraction of a nat instead of
# a hundred nats. So this is what we need: **for every data point a distribution $q(z)$ that
# resembles the posterior**. It may be rough, but it must be cheap, because there are
# 60,000 digits. Making it is the job of the *encoder*, and making it resemble the posterior
# is what the bound of chapter 4 does.
#
# ## 1.6 What a posterior looks like
#
# Go back to the ring, and to point A at $(1.05, 0)$. Which codes could it have come from?
# In two dimensions Bayes' rule can be computed by force: on a grid of small squares, take
# $p(x \mid z)\, p(z)$, and divide by the sum.
#
# > **Predict.** Which codes $z$ does the ring send near $(1.05, 0)$? Sketch the region. Is
# > it a Gaussian blob?

# %%
exact_posterior = grid_posterior(A, decode, extent=3.5, side=280)
grid, log_p = exact_posterior.z, exact_posterior.log_density
start = DiagonalGaussian(np.array([[1.0, 0.0]]), np.full((1, 2), -1.0))


def decode_tensor(z):                    # the same with derivatives: see chapter 2
    return DiagonalGaussian(tensor_ring(z), float(np.log(NOISE_VARIANCE)))


falling = schedules.cosine(0.02, 1000)   # the learning rate
best = refine(A[None], start, decode_tensor, rng, steps=1000, lr=falling, samples=50)
log_q = best.log_prob(grid.reshape(-1, 2)).data.reshape(log_p.shape)
fig = figures.posterior(grid, log_p, log_q)
fig.axes[0].set(xlim=(-0.5, 3.2), ylim=(-1.6, 1.6))
figures.show(
    fig,
    "The posterior of point A over the plane of codes: a wedge that begins at the "
    "origin in a sharp point, runs to the right along z₂ = 0, and becomes wider and "
    "fainter. The ellipses of the best Gaussian leave the tip, where the posterior is "
    "densest, outside of two standard deviations, and bulge beyond the sides.",
)

area = (grid[0, 1, 0] - grid[0, 0, 0]) ** 2
kl = float(np.sum(np.exp(log_q) * (log_q - log_p)) * area)


def width_at(z1):
    """The standard deviation of z₂ in the posterior, given z₁."""
    column = np.abs(grid[0, :, 0] - z1).argmin()
    p, z2 = np.exp(log_p[:, column]), grid[:, 0, 1]
    return np.sqrt(np.sum(p * z2**2) / np.sum(p))


for z1 in (0.5, 1, 2):
    print(f"at z₁ = {z1:3} the wedge is {width_at(z1):.2f} wide")
print(f"KL(best Gaussian ‖ posterior) = {kl:.3f} nats")

assert width_at(2) > 2.5 * width_at(0.5) and 0.28 < kl < 0.38

# %% [markdown]
# A wedge. The map looks mostly at the *direction* of $z$, so all codes on the ray to the
# right give nearly the same point, and the posterior runs along that ray. Near the origin
# the rays are close together, further out they are apart: the wedge becomes wider. In a
# Gaussian, the width across would be the same everywhere; here it triples between the first
# line and the last.
#
# The red ellipses show the Gaussian that comes closest (chapter 4 says in which sense, and
# finds it). It cannot bend or taper. What it loses is measured by the **Kullback–Leibler
# divergence**
#
# $$ \mathrm{KL}(q \,\Vert\, p) = \mathbb E_{z \sim q} [\ln q(z) - \ln p(z)] \ge 0, $$
#
# which is 0 only where both are the same. For this posterior it is a third of a nat: not
# much, but it does not go away, however long one trains.
#
# So there are two open ends: where does $q$ come from, and what do we train the decoder on,
# if $p(x)$ itself is out of reach? Chapter 4 answers both with one formula. Before that, we
# need derivatives (chapter 2) and networks that map data to codes and back (chapter 3).
#
# ## What can go wrong
#
# **The logarithm of the mean is not the mean of the logarithms.** Averaging
# $\ln p(x \mid z_k)$ in place of $p(x \mid z_k)$ gives a number that is too low, by a lot,
# and that does not improve with $K$.
#
# **Underflow.** The density of an image of 784 pixels is easily $e^{-800}$, and that is 0
# on a computer.

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

assert log_p_given_z.mean() < exact["A"] - 5
assert abs(log_mean_exp(tiny) - (-800 + np.log((1 + np.exp(-1)) / 2))) < 1e-9

# %% [markdown]
# **A proposal that is too narrow lies without blushing.** You would think the weights
# themselves say whether to trust them: the *effective sample size* $(\sum w)^2 / \sum w^2$ is $K$ when
# all weights are equal, and 1 when a single one outweighs the rest. But codes that $q$
# never draws have no weight in that sum.

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

assert effective["half as wide"] > effective["twice as wide"]
assert mean_error["half as wide"] < 3 * mean_error["twice as wide"] < 0

# %% [markdown]
# By the effective sample size, both wrong proposals waste nearly all of their thousand
# draws, and the narrow one looks even a little better. But its estimates are too low by a
# nat and a half on average, the wide one's by a fraction of a nat. The number warns of
# both; what it cannot say is which of them is the worse. What a narrow $q$ never draws is
# missing, and has no weight. When in doubt, make $q$ wider.
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
# `npvae experiment dimension` repeats the figure of 1.5, `npvae experiment ring` those of
# 1.1 and 1.6, with more samples.
#
# ## Exercises
#
# 1. On paper: show that the mean of $w$ under $q$ is $p(x)$ for every $q$. Where do you
#    need that $q$ is not zero?
# 2. Replace the ring by a map of your own (a spiral, two moons) and draw 1.1 and 1.2 again.
# 3. How many codes does naive Monte Carlo need in 4 dimensions for the error that it has in
#    2 with 1,000? In 8? Measure as far as your patience goes (with `examples=20`;
#    `naive_estimate` reads the global `K`), and extrapolate.
# 4. Write the function yourself, for all examples at once and without underflow:
#    [`importance_sampling`](exercises/02_importance_sampling.py), checked by
#    `npvae learn check importance_sampling` (after `npvae learn init my-vae`, which makes a
#    folder to work in). Before it, the density that you need for it:
#    [`gaussian`](exercises/01_gaussian.py), `npvae learn check gaussian`.
#
# Next: [2. Autodiff from scratch](02_autodiff_from_scratch.ipynb).
