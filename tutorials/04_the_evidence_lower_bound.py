# %% [markdown]
# # 4. The evidence lower bound
#
# Chapter 1 ended with two open questions. To train a decoder we need $\ln p(x)$, which is
# out of reach; and to estimate it well we need a distribution $q(z)$ near the posterior,
# which is out of reach too. This chapter answers both with one formula: a lower bound of
# $\ln p(x)$ that can be computed, and that is the tighter the closer $q$ is to the
# posterior. Push it up with $q$, and $q$ moves to the posterior; push it up with the
# decoder from there, and the data becomes more likely.
#
# After this chapter you can
#
# - derive the bound in three ways, and say what each of them shows;
# - split it into a reconstruction and a price, and compute the price in closed form;
# - say what the gap between bound and likelihood is, and when it is zero;
# - run variational EM by hand, and say what each half of a step does to bound and
#   likelihood;
# - say what an encoder is for.
#
# You need: chapter 1, and the logarithm. All logarithms are natural, and all numbers are in
# **nats**: one nat is a factor of $e$ in probability. The symbols are on [one
# page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, gradcheck
from npvae.models import ProbabilisticPCA
from npvae.probability.gaussian import kl_to_standard_normal

rng = np.random.default_rng(0)

# %% [markdown]
# ## 4.1 A model small enough to see everything
#
# One latent number $z \sim \mathcal N(0, 1)$, one observed number $x$, and a bent decoder:
# $p(x \mid z) = \mathcal N(x;\, f(z),\, 0.3^2)$ with $f(z) = \tfrac12 z^2 + \tfrac14 z$. We
# have observed $x = 1$. With one dimension, a grid of 4,001 points on a line gives every
# integral to many digits, and nothing is left to chance.

# %%
z = np.linspace(-10, 10, 4001)
dz = z[1] - z[0]
x = 1.0


def log_normal(value, mu, sigma):
    """ln N(value; mu, sigma²)"""
    return -0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((value - mu) / sigma) ** 2


log_prior = log_normal(z, 0, 1)
log_p_x_given_z = log_normal(x, z**2 / 2 + z / 4, 0.3)  # ln p(x | z), for every z
log_joint = log_p_x_given_z + log_prior                # ln p(x, z)
log_p_x = np.log(np.sum(np.exp(log_joint)) * dz)       # ln p(x) = ln ∫ p(x, z) dz
posterior = np.exp(log_joint - log_p_x)                # p(z | x), by Bayes' rule
print(f"ln p(x) = {log_p_x:.4f} nats")

q = np.exp(log_normal(z, 0.5, 0.6))                    # some Gaussian, as a first guess
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
ax.fill_between(z, posterior, color="0.85", label="posterior p(z | x)")
ax.plot(z, np.exp(log_prior), color="black", linestyle=":", label="prior p(z)")
ax.plot(z, q, color="black", label="some q(z)")
ax.set(xlabel="z", ylabel="density", xlim=(-4, 4))
ax.legend(frameon=False)
figures.show(fig, "The posterior, shaded, has two humps: a high one near z = 1.1 and a "
             "lower one near z = −1.6, because f sends both near x = 1. The prior is a "
             "wide bell about 0, q a bell between it and the high hump.")

# %% [markdown]
# The posterior has two humps, because two different codes explain $x = 1$. No Gaussian $q$
# can be equal to it. Still, any $q$ will do for what follows.
#
# ## 4.2 The first way: a mean inside a logarithm
#
# Chapter 1 wrote the likelihood as a mean of weights under $q$. Take the logarithm, and
# pull it inside:
#
# $$ \ln p(x) = \ln \mathbb E_q\!\left[\frac{p(x \mid z)\, p(z)}{q(z)}\right] \;\ge\;
# \mathbb E_q\!\left[\ln \frac{p(x \mid z)\, p(z)}{q(z)}\right] =: \mathrm{ELBO}(q). $$
#
# The step in the middle is **Jensen's inequality**: the logarithm is bent downwards, so the
# logarithm of a mean is at least the mean of the logarithms. The right side is the
# **evidence lower bound** (*evidence* is another name for $p(x)$). It is a mean of
# logarithms under $q$: it can be estimated by drawing from $q$, and nothing under- or
# overflows.
#
# > **Predict.** When is Jensen's inequality an equality? (What must be true of the numbers
# > that are averaged?)

# %%
def mean_under(q, values):
    """E_q of values on the grid; where q is 0, the value does not count."""
    return np.sum(np.where(q > 0, q * values, 0)) * dz


def elbo(mu, sigma):
    log_q = log_normal(z, mu, sigma)
    return mean_under(np.exp(log_q), log_joint - log_q)


for mu, sigma in [(0.5, 0.6), (0.0, 1.0), (-1.6, 0.2)]:
    print(f"q = N({mu:4}, {sigma}²)   ELBO {elbo(mu, sigma):.4f} ≤ {log_p_x:.4f} = ln p(x)")
    assert elbo(mu, sigma) < log_p_x

# %% [markdown]
# It is an equality when all the numbers are the same: when the weight
# $p(x \mid z)\, p(z) / q(z)$ is constant, that is, when $q(z) \propto p(x \mid z)\, p(z)$.
# There is one such $q$: the posterior. The first way is the shortest. But it does not say
# *how much* is lost.
#
# ## 4.3 The second way: where the rest goes
#
# By Bayes' rule $p(x) = p(x, z) / p(z \mid x)$, for **every** $z$ (the left side has no $z$
# in it!). Take the logarithm, and insert $q$:
#
# $$ \ln p(x) = \ln \frac{p(x, z)}{q(z)} + \ln \frac{q(z)}{p(z \mid x)}. $$
#
# Now average both sides over $q$. The left side does not change:
#
# $$ \ln p(x) = \underbrace{\mathbb E_q\!\left[\ln \frac{p(x, z)}{q(z)}\right]}_{\mathrm{ELBO}(q)}
# + \underbrace{\mathbb E_q\!\left[\ln \frac{q(z)}{p(z \mid x)}\right]}_{\mathrm{KL}(q \,\Vert\, p(z \mid x)) \;\ge\; 0}. $$
#
# An equation, not an inequality: **the gap is the divergence of $q$ from the posterior**.
# The left side does not depend on $q$ at all. So whatever raises the ELBO by moving $q$
# lowers the divergence by the same amount. Maximising the bound *is* finding the posterior,
# without ever computing it.

# %%
print("    q             ELBO  +  KL to posterior  =  ln p(x)")
for mu, sigma in [(0.5, 0.6), (0.0, 1.0), (-1.6, 0.2)]:
    log_q = log_normal(z, mu, sigma)
    gap = mean_under(np.exp(log_q), log_q - (log_joint - log_p_x))
    total = elbo(mu, sigma) + gap
    print(f"N({mu:4}, {sigma}²) {elbo(mu, sigma):8.4f}  + {gap:10.4f}       =  {total:.4f}")
    assert abs(total - log_p_x) < 1e-9

# %% [markdown]
# ## 4.4 The third way: two ways to make a pair
#
# Think of all data, not of one point. There are two ways to make a pair $(x, z)$:
#
# - the **decoder's way**: draw $z$ from the prior, then $x$ from $p(x \mid z)$. The pairs
#   have the distribution $p(x, z)$;
# - the **encoder's way**: take $x$ from the data, then draw $z$ from $q(z \mid x)$. The
#   pairs have the distribution $p_\text{data}(x)\, q(z \mid x)$.
#
# Train both so that the pairs cannot be told apart: minimise the divergence between the
# two.
#
# $$ \mathrm{KL}\big(p_\text{data}(x)\, q(z \mid x) \,\Vert\, p(x, z)\big)
# = -\,\mathbb E_{p_\text{data}}\big[\mathrm{ELBO}(x)\big] \;-\; H(p_\text{data}). $$
#
# The entropy $H$ of the data does not depend on the model. So minimising this divergence is
# maximising the ELBO, averaged over the data. This way shows what the VAE is after: not
# only that the decoder makes good data, but that *codes drawn from the prior look like
# codes of data*. That was missing in chapter 3. To check it, let $x$ take five values and
# $z$ four, with arbitrary tables for everything:

# %%
def random_table(*shape):
    """Positive numbers that add up to 1 over the last axis."""
    table = rng.random(shape) + 0.1
    return table / table.sum(axis=-1, keepdims=True)


p_joint = random_table(20).reshape(5, 4)         # p(x, z), the decoder's way
p_data = random_table(5)                         # any data
q_given_x = random_table(5, 4)                   # any encoder

pairs = p_data[:, None] * q_given_x
divergence = np.sum(pairs * np.log(pairs / p_joint))
elbo_of_x = np.sum(q_given_x * np.log(p_joint / q_given_x), axis=1)
entropy = -np.sum(p_data * np.log(p_data))
print(f"KL of the pairs {divergence:.6f}")
print(f"−E[ELBO] − H    {-p_data @ elbo_of_x - entropy:.6f}")

assert abs(divergence - (-p_data @ elbo_of_x - entropy)) < 1e-12

# %% [markdown]
# ## 4.5 Reconstruction minus a price
#
# Split the logarithm, and the ELBO becomes what is computed in practice:
#
# $$ \mathrm{ELBO} = \underbrace{\mathbb E_q[\ln p(x \mid z)]}_{\text{reconstruction}} -
# \underbrace{\mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big)}_{\text{price of the code}}. $$
#
# The first term wants codes from which $x$ can be restored. The second says what such a
# code costs: the further $q$ is from the prior, the more. (Mind which KL it is. In 4.3 it
# was the divergence from the *posterior*, which is unknown and is the gap; here it is the
# divergence from the *prior*, which is known and is part of the bound.)
#
# For $q = \mathcal N(\mu, \sigma^2)$ and the prior $\mathcal N(0, 1)$ the price needs no
# samples. For one dimension,
#
# $$ \mathrm{KL} = \mathbb E_q[\ln q(z) - \ln p(z)]
# = \mathbb E_q\Big[ -\ln \sigma - \tfrac{(z - \mu)^2}{2\sigma^2} + \tfrac{z^2}{2} \Big], $$
#
# where the two $\tfrac12 \ln 2\pi$ have cancelled. Now $\mathbb E_q (z - \mu)^2 = \sigma^2$
# and $\mathbb E_q z^2 = \mu^2 + \sigma^2$, so
#
# $$ \mathrm{KL} = \tfrac12 \big[ \mu^2 + \sigma^2 - 1 - \ln \sigma^2 \big]. $$
#
# In several dimensions, it is a sum of such terms. Each costs $\tfrac12\mu^2$ for being
# off-centre, plus a price for any width but 1. In code, networks give
# $\mathrm{logvar} = \ln \sigma^2$, because it may be any real number.
#
# > **Predict.** What does $\mathcal N(0, 1)$ cost? You may choose $\mu = 1$ or halve
# > $\sigma$: which is cheaper? What does $\sigma \to 0$ cost, a point-like code as in
# > chapter 3?

# %%
def kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)


for mu, sigma in [(0, 1), (1, 1), (0, 0.5), (0, 1e-3), (0, 1e-9)]:
    print(f"μ = {mu}, σ = {sigma:5}   {kl(mu, 2 * np.log(sigma)):7.4f} nats")

draws = rng.normal(0.8, 0.3, 100_000)
terms = log_normal(draws, 0.8, 0.3) - log_normal(draws, 0, 1)
error = terms.std() / np.sqrt(len(terms))
print(f"μ = 0.8, σ = 0.3: formula {kl(0.8, 2 * np.log(0.3)):.4f}, "
      f"100,000 draws {terms.mean():.4f} ± {error:.4f}")

mu, sigma = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(0.05, 3, 119))
fig, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
levels = [0.1, 0.5, 1, 2, 3, 4]
contours = ax.contour(mu, sigma, kl(mu, 2 * np.log(sigma)), levels, colors="black")
ax.clabel(contours, fmt="%g")
ax.plot(0, 1, "k+", markersize=10)
ax.set(xlabel="μ", ylabel="σ", title="KL(N(μ, σ²) ‖ N(0, 1)) in nats")
figures.show(fig, "Contours of the KL divergence over mean and standard deviation: "
             "egg-shaped rings about the point (0, 1), where it is zero. "
             "Towards σ = 0 the contours crowd.")

assert kl(0, 0) == 0 and kl(0, 2 * np.log(0.5)) < kl(1, 0)
assert abs(terms.mean() - kl(0.8, 2 * np.log(0.3))) < 5 * error
mu, logvar = rng.standard_normal((2, 3, 5))
theirs = kl_to_standard_normal.raw(mu, logvar)[0]
assert np.allclose(theirs, kl(mu, logvar).sum(axis=1))
gradcheck(kl_to_standard_normal, mu, logvar).assert_ok()

# %% [markdown]
# Halving the width is cheaper (0.32 nats) than moving by 1 (0.5 nats). For a point the
# price grows without limit, but slowly: every factor of 10 in precision costs
# $\ln 10 = 2.3$ nats. This is the answer to chapter 3: the autoencoder put no price on
# precision, so its codes were points, with nothing between them.
#
# The derivatives are short, $\partial \mathrm{KL} / \partial \mu = \mu$ and
# $\partial \mathrm{KL} / \partial\, \mathrm{logvar} = \tfrac12 (\sigma^2 - 1)$: a pull to
# the centre, and a pull to the width 1. The check above compares them with finite
# differences.
#
# ## 4.6 The gap
#
# Back to the line. Let us try every Gaussian $q$.
#
# > **Predict.** With the best $\sigma$ for each $\mu$, how many maxima has the ELBO as a
# > function of $\mu$? Will the best $q$ cover both humps of the posterior?

# %%
mus, sigmas = np.linspace(-3, 3, 121), np.exp(np.linspace(-3, 1, 161))
bounds = np.array([[elbo(mu, sigma) for sigma in sigmas] for mu in mus])
i, j = np.unravel_index(bounds.argmax(), bounds.shape)
best_mu, best_sigma, gap = mus[i], sigmas[j], log_p_x - bounds.max()
covered = posterior[np.abs(z - best_mu) < np.abs(z + 1.6)].sum() * dz
print(f"best q = N({best_mu:.2f}, {best_sigma:.2f}²)")
print(f"ELBO {bounds.max():.3f}, gap {gap:.3f} nats")
print(f"mass of the covered hump {covered:.3f}, −ln of it {-np.log(covered):.3f} nats")

fig, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6), layout="constrained")
top.plot(mus, bounds.max(axis=1), color="black", label="ELBO, at the best σ")
top.axhline(log_p_x, color="0.4", linestyle="--", label="ln p(x)")
top.set(xlabel="μ", ylabel="nats", xlim=(-3, 3), ylim=(-6, 0.5))
top.legend(frameon=False, loc="upper left")
bottom.fill_between(z, posterior, color="0.85", label="posterior")
bottom.plot(z, np.exp(log_normal(z, best_mu, best_sigma)), color="black", label="best q")
bottom.set(xlabel="z", ylabel="density", xlim=(-4, 4))
bottom.legend(frameon=False, loc="upper left")
figures.show(fig, "Above: the ELBO against μ has two maxima, near −1.6 and 1.1, both below "
             "the dashed line ln p(x), the right one higher. Below: the best q covers the "
             "high hump of the posterior and ignores the low one.")

is_maximum = np.diff(np.sign(np.diff(bounds.max(axis=1)))) < 0
assert is_maximum.sum() == 2 and 0 < gap + np.log(covered) < 0.1
assert np.exp(log_normal(-1.6, best_mu, best_sigma)) < 1e-6

# %% [markdown]
# Two maxima, one for each hump, and the better one ignores the other hump altogether. The
# divergence $\mathrm{KL}(q \,\Vert\, p(z \mid x))$ punishes $q$ for being where the
# posterior is *not*, and not for missing a place where it is: this $q$ is *too narrow
# rather than too wide*. (Remember from chapter 1 what a narrow proposal does to importance
# sampling.) The gap that remains is a little more than $-\ln$ of the mass of the hump that
# is covered, which is what it would be if $q$ fitted that hump exactly.
#
# Where the posterior *is* a Gaussian that $q$ can be, the gap closes to zero. In the linear
# model of chapter 1 it is one, and if the columns of $W$ are perpendicular, as in the
# oracle, it is one without correlations:

# %%
oracle = ProbabilisticPCA.random(5, 3, np.random.default_rng(0))
points = oracle.sample(4, rng)
exact = oracle.log_likelihood(points)
at_posterior = oracle.elbo(points, oracle.posterior(points)).elbo.data
print("ln p(x)            ", exact.round(4))
print("ELBO at q=posterior", at_posterior.round(4))

assert np.allclose(exact, at_posterior, atol=1e-10)

# %% [markdown]
# ## 4.7 Variational EM, step by step
#
# Two things can push the bound up: $q$ and the decoder. Variational EM moves one at a time:
#
# - **E-step**: hold the decoder, and move the $q_n$ of every example to the best one.
#   $\ln p(x)$ does not change, so the bound rises by *closing the gap*;
# - **M-step**: hold the $q_n$, and move the decoder to the best one. The bound rises, and
#   where it touched $\ln p(x)$ before, it pushes that up.
#
# We watch it on 200 points in the plane, and the linear model with one latent dimension,
# $x \sim \mathcal N(w z + b,\, \sigma^2 I)$, where both steps are short. For the E-step,
# the posterior is known (Tipping and Bishop): with $M = \lVert w \rVert^2 + \sigma^2$,
#
# $$ q_n = \mathcal N(\mu_n, v), \qquad \mu_n = w^\top (x_n - b) / M, \qquad v = \sigma^2 / M. $$
#
# For the M-step, the bound is a least-squares problem in $w$: setting its derivative to
# zero gives
#
# $$ w = \frac{\sum_n \mu_n (x_n - b)}{\sum_n (\mu_n^2 + v)}, \qquad
# \sigma^2 = \frac{1}{2N} \sum_n \mathbb E_{q_n} \lVert x_n - b - w z \rVert^2. $$
#
# > **Predict.** After an E-step, how large is the gap? After an M-step, is it still the
# > same?

# %%
true_w = np.array([2.0, 1.0])
data = rng.standard_normal((200, 1)) * true_w + 0.5 * rng.standard_normal((200, 2))
b = data.mean(axis=0)                            # the best b, once and for all
r = data - b


def e_step(w, variance):
    M = w @ w + variance
    return r @ w / M, variance / M                     # μ_n (N,), v


def expected_square(w, mu, v):
    """E_q ‖x − b − w z‖², summed over the examples."""
    return np.sum((r - mu[:, None] * w) ** 2) + len(r) * v * (w @ w)


def m_step(mu, v):
    w = mu @ r / np.sum(mu**2 + v)
    return w, expected_square(w, mu, v) / r.size


def bound(w, variance, mu, v):                   # in nats per example
    square = expected_square(w, mu, v)
    reconstruction = -0.5 * (r.size * np.log(2 * np.pi * variance) + square / variance)
    return (reconstruction - np.sum(kl(mu, np.log(v)))) / len(r)


def likelihood(w, variance):                     # in nats per example
    return ProbabilisticPCA(w[:, None], b, np.log(variance)).log_likelihood(data).mean()


w, variance = np.array([-0.3, 1.0]), 1.0         # a bad guess
mu, v = np.zeros(len(r)), 1.0                    # every q_n is the prior
half_steps, bounds, likelihoods, directions = [], [], [], []


def note(half_step):
    half_steps.append(half_step)
    bounds.append(bound(w, variance, mu, v))
    likelihoods.append(likelihood(w, variance))
    directions.append(w)


note(0)
for step in range(12):
    mu, v = e_step(w, variance)
    note(step + 0.5)
    w, variance = m_step(mu, v)
    note(step + 1)

half_steps, bounds, likelihoods = map(np.array, (half_steps, bounds, likelihoods))
gaps = likelihoods - bounds
best = ProbabilisticPCA.fit(data, 1)
print("after     bound    ln p(x)     gap")
for i in (0, 1, 2, 3, 4, 5, 6, 23, 24):
    name = "start" if i == 0 else f"{(i + 1) // 2:3} {'E' if i % 2 else 'M'}"
    print(f"{name:5}  {bounds[i]:8.4f}   {likelihoods[i]:8.4f}   {abs(gaps[i]):.4f}")
print(f"best, in closed form: {best.log_likelihood(data).mean():8.4f}")

assert np.all(np.diff(bounds) > -1e-12)          # the bound never falls
assert np.all(np.diff(likelihoods) > -1e-12)     # nor does the likelihood
assert np.all(np.abs(gaps[1::2]) < 1e-9)         # after each E-step: no gap
assert np.all(gaps[2:8:2] > 1e-2)                # after an M-step there is one
assert best.log_likelihood(data).mean() - likelihoods[-1] < 0.01

# %%
fig, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6.6), layout="constrained")
top.plot(half_steps, likelihoods, color="black", linestyle="--", label="ln p(x)")
top.plot(half_steps, bounds, color="black", marker=".", label="bound")
top.set(xlabel="step (half: after E, whole: after M)", ylabel="nats per example")
top.set_xlim(-0.2, 6)
top.legend(frameon=False)
bottom.scatter(*r.T, s=6, color="0.75", linewidths=0)
for step in (0, 1, 12):
    tip = directions[2 * step]
    bottom.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "->", "lw": 2})
    bottom.annotate(f"{step}", 1.25 * tip + [-0.2, 0.2], ha="center", fontsize=12)
bottom.set(xlim=(-6, 6), ylim=(-4, 4), aspect="equal")
bottom.set(xlabel="x₁ − b₁", ylabel="x₂ − b₂")
figures.show(fig, "Above: bound and ln p(x) against the step. At every E-step the bound "
             "climbs up to ln p(x) and touches it; at every M-step both rise and part. "
             "Below: the data, an oblique cloud, and arrows for w after 0, 1 and 12 "
             "steps, turning into the cloud's long axis and growing to about one standard "
             "deviation.")

# %% [markdown]
# A staircase. In each **E-step** the bound rises to $\ln p(x)$ and touches it, while
# $\ln p(x)$ stays where it is. In each **M-step** both rise, and $\ln p(x)$ by more, so a
# gap opens: the $q_n$ were right for the old decoder. Neither ever falls:
#
# $$ \ln p_\text{new}(x) \ge \text{bound}_\text{new} \ge \text{bound}_\text{old} = \ln p_\text{old}(x). $$
#
# Here the E-step had a formula. With a network as the decoder it has none, and every $q_n$
# must be found by gradient steps, for 60,000 images, again and again as the decoder
# changes: [VariationalEM](../npvae/models/variational_em.py) does that. The VAE replaces
# the E-step by a second network, the **encoder**, which looks at $x$ and gives $\mu(x)$ and
# $\mathrm{logvar}(x)$ at once. It is trained on the same bound. Sharing one network among
# all examples is called *amortization*; what it costs in nats is measured by
# `npvae experiment amortization`.
#
# One thing is missing before chapter 6: the bound contains an expectation over $q$, and we
# need its gradient with respect to $q$. How do you differentiate a random draw? That is
# chapter 5.
#
# ## What can go wrong
#
# **The sign.** The ELBO is a *lower* bound and is *maximised*; the loss is its negative. In
# the loss, the KL is *added*. With the wrong sign, training pays the encoder for running
# away from the prior.
#
# **A bound that rises is not a likelihood that rises.** If $q$ is not allowed to become the
# posterior, the bound can rise because the decoder changes so that its *posterior* is
# easier to reach. Force $v = 0.01$ in the E-step above, and start at the best decoder there
# is:

# %%
w, variance, v = best.W[:, 0], np.exp(best.logvar), 0.01
mu = e_step(w, variance)[0]
before = bound(w, variance, mu, v), likelihood(w, variance)
for _ in range(50):
    w, variance = m_step(mu, v)
    mu = e_step(w, variance)[0]
after = bound(w, variance, mu, v), likelihood(w, variance)
print(f"bound    from {before[0]:.3f} to {after[0]:.3f}")
print(f"ln p(x)  from {before[1]:.3f} to {after[1]:.3f}")

assert after[0] > before[0] and after[1] < before[1] - 0.01

# %% [markdown]
# **Sums and means.** The KL is a *sum* over latent dimensions, the reconstruction a *sum*
# over pixels. Averaging over 784 pixels, as many programs do, makes the KL weigh 784 times
# as much, and trains something else.
#
# **Two numbers that look alike.** An ELBO of grey pixels under a Bernoulli likelihood, of
# bytes, and of densities are in different units. Compare bounds only where data and
# likelihood are the same.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | the bound | [elbo](../npvae/probability/bounds.py), [ELBO](../npvae/probability/bounds.py) | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), eq. 2, 3 and 7 |
# | the gap is a KL | the docstring of [bounds.py](../npvae/probability/bounds.py) | the same, eq. 1 |
# | two ways to make a pair | | [Kingma and Welling 2019](https://arxiv.org/abs/1906.02691), section 2.7 |
# | the closed-form KL | [kl_to_standard_normal](../npvae/probability/gaussian.py) | Kingma and Welling 2014, appendix B |
# | E-step and M-step | [VariationalEM](../npvae/models/variational_em.py), [refine](../npvae/probability/amortization.py) | Neal and Hinton 1998 |
# | posterior and bound of the linear model | [ProbabilisticPCA.posterior](../npvae/models/ppca.py), [ProbabilisticPCA.elbo](../npvae/models/ppca.py) | Tipping and Bishop 1999, eq. 6 (the posterior) |
#
# ## Exercises
#
# 1. [`kl`](exercises/09_kl.py): value and both derivatives, `npvae learn check kl`.
# 2. [`elbo`](exercises/10_elbo.py): the bound with $L$ samples, `npvae learn check elbo`.
# 3. [`e_step`](exercises/11_e_step.py): a posterior for every example,
#    `npvae learn check e_step`.
# 4. On paper: show that $\mathrm{KL} \ge 0$, with Jensen's inequality. When is it 0?
# 5. In 4.1, observe $x = 0.4$ and then $x = -0.4$ instead. What happens to the humps, and
#    to the gap? And with $x = 1$ and a noise of 0.5 instead of 0.3: is it still best to
#    cover one hump? (Remove the asserts of 4.6, and the lines about the covered hump: they
#    know where the humps are.)
# 6. In 4.7, take the M-step before the first E-step. What does it do to $w$, and why?
#
# Before: [3. Autoencoders](03_autoencoders.ipynb). Next: [5.
# Reparameterization](05_reparameterization.ipynb).
