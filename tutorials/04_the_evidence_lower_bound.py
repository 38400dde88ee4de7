# %% [markdown]
# # 4. The evidence lower bound
#
# Chapter 1 ended with two open questions. To train a decoder we need $\ln p(x)$, which we
# cannot compute. To estimate it well we need a distribution $q(z)$ near the posterior,
# which we cannot compute either. This chapter answers both with one formula: a lower bound
# on $\ln p(x)$ that we can compute. The closer $q$ is to the posterior, the tighter the
# bound. If you push the bound up by changing $q$, then $q$ moves towards the posterior. If
# you then push it up by changing the decoder, the data becomes more likely.
#
# After this chapter you can
#
# - derive the bound in three ways, and say what each of them shows;
# - split it into a reconstruction and a price, and compute the price in closed form;
# - say which of two estimators of the bound scatters less, and when;
# - say what the gap between bound and likelihood is, and when it is zero;
# - run variational EM step by step, and say what each half of a step does to bound and
#   likelihood;
# - say what an encoder is for.
#
# You need: chapter 1, and the logarithm. All logarithms are natural, and all numbers are in
# **nats**: one nat is a factor of $e$ in probability. The symbols are on [one
# page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, gradcheck, learn
from npvae.models import ProbabilisticPCA
from npvae.probability.gaussian import kl_to_standard_normal as engine_kl

rng = np.random.default_rng(0)

# %% [markdown]
# ## 4.1 A model small enough to see everything
#
# One latent number $z \sim \mathcal N(0, 1)$, one observed number $x$, and a bent decoder:
# $p(x \mid z) = \mathcal N(x;\, f(z),\, 0.3^2)$ with $f(z) = \tfrac12 z^2 + \tfrac14 z$. We
# observe $x = 1$. In one dimension, a grid of 4,001 points gives every integral to many
# digits, without any draws.

# %%
z = np.linspace(-10, 10, 4001)
dz = z[1] - z[0]
x = 1.0


def log_normal(value, mu, sigma):
    """ln N(value; mu, sigma²)"""
    return -0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((value - mu) / sigma) ** 2


def f(z):
    return z**2 / 2 + z / 4


log_prior = log_normal(z, 0, 1)
log_joint = log_normal(x, f(z), 0.3) + log_prior       # ln p(x, z) = ln p(x | z) + ln p(z)
log_p_x = np.log(np.sum(np.exp(log_joint)) * dz)       # ln p(x) = ln ∫ p(x, z) dz
posterior = np.exp(log_joint - log_p_x)                # p(z | x), by Bayes' rule
print(f"ln p(x) = {log_p_x:.4f} nats")

q = np.exp(log_normal(z, 0.5, 0.6))                    # some Gaussian, as a first guess

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
ax.fill_between(z, posterior, color="0.85", label="posterior p(z | x)")
ax.plot(z, np.exp(log_prior), color="black", linestyle=":", label="prior p(z)")
ax.plot(z, q, color="black", label="a guess, q(z)")
ax.set(xlabel="z", ylabel="density", xlim=(-4, 4))
ax.legend(frameon=False)
figures.show(fig, "4.1")

# %% [markdown]
# *Figure 4.1. The posterior, shaded, has two humps: a high one near z = 1.1 and a lower one
# near z = −1.6. The prior, dotted, is a wide bell about 0. The guess q, a solid line, is a
# narrower bell about 0.5, between the two humps.*
#
# The posterior in Figure 4.1 has two humps, because two different codes explain $x = 1$:
# $f(1.1)$ and $f(-1.6)$ are both near 1. No Gaussian $q$ can equal this posterior. But
# everything that follows holds for any $q$.
#
# ## 4.2 The first way: a mean inside a logarithm
#
# Chapter 1 wrote the likelihood as the mean of weights under $q$. Take the logarithm, and
# move it inside the mean:
#
# $$ \begin{aligned}
# \ln p(x) &= \ln \mathbb E_q\!\left[\frac{p(x \mid z)\, p(z)}{q(z)}\right] \\
# &\ge \mathbb E_q\!\left[\ln \frac{p(x \mid z)\, p(z)}{q(z)}\right] =: \mathrm{ELBO}(q).
# \end{aligned} $$
#
# The inequality is **Jensen's**: the logarithm is concave, so the logarithm of a mean is at
# least the mean of the logarithms (1.3). The last line is the **evidence lower bound**
# (*evidence* is another name for $p(x)$). It is a mean of logarithms under $q$. So we can
# estimate it by drawing from $q$, and nothing underflows.
#
# > **Predict.** When is Jensen's inequality an equality? (What must be true of the numbers
# > whose mean we take?)

# %% tags=["hide-output"]
def mean_under(q, values):
    """E_q of values on the grid. Where q is 0, the value does not count."""
    return np.sum(np.where(q > 0, q * values, 0)) * dz


def elbo(mu, sigma):
    """The bound for q = N(mu, sigma²), a sum over the grid."""
    log_q = log_normal(z, mu, sigma)
    return mean_under(np.exp(log_q), log_joint - log_q)


for mu, sigma in [(0.5, 0.6), (0.0, 1.0), (-1.6, 0.2)]:
    print(f"q = N({mu:4}, {sigma}²)   ELBO {elbo(mu, sigma):.4f} ≤ {log_p_x:.4f} = ln p(x)")
    assert elbo(mu, sigma) < log_p_x

# %% [markdown]
# <details><summary>Answer</summary>
#
# It is an equality if all the numbers are the same. Then the weight
# $p(x \mid z)\, p(z) / q(z)$ is constant, so $q(z) \propto p(x \mid z)\, p(z)$. There is
# one such $q$: the posterior. None of the three Gaussians is, so each loses something.
#
# </details>
#
# The first way is the shortest. But it does not say *how much* the bound loses.
#
# ## 4.3 The second way: what the bound loses
#
# By Bayes' rule $p(x) = p(x, z) / p(z \mid x)$ for **every** $z$, although the left side
# has no $z$ in it. Take the logarithm, and insert $q$:
#
# $$ \ln p(x) = \ln \frac{p(x, z)}{q(z)} + \ln \frac{q(z)}{p(z \mid x)}. $$
#
# Now average both sides over $q$. The left side does not change:
#
# $$ \ln p(x) = \underbrace{\mathbb E_q\!\left[\ln \frac{p(x, z)}{q(z)}\right]}_{\mathrm{ELBO}(q)}
# + \underbrace{\mathbb E_q\!\left[\ln \frac{q(z)}{p(z \mid x)}\right]}_{\mathrm{KL}(q \,\Vert\, p(z \mid x)) \;\ge\; 0}. $$
#
# This is an equation, not an inequality: **the gap is the divergence of $q$ from the
# posterior**. The left side does not depend on $q$ at all. So if you move $q$ and raise the
# ELBO, you lower the divergence by the same amount. Maximising the bound
# over *all* $q$ is finding the posterior, without ever computing it. Over the Gaussians
# alone, it finds the one with the smallest divergence (4.6). On the grid:

# %%
print("    q             ELBO  +  KL to posterior  =  ln p(x)")
for mu, sigma in [(0.5, 0.6), (0.0, 1.0), (-1.6, 0.2)]:
    log_q = log_normal(z, mu, sigma)
    gap = mean_under(np.exp(log_q), log_q - (log_joint - log_p_x))
    total = elbo(mu, sigma) + gap
    print(f"N({mu:4}, {sigma}²) {elbo(mu, sigma):8.4f}  + {gap:10.4f}       =  {total:.4f}")
    assert abs(total - log_p_x) < 1e-9

# %% [markdown]
# You may read two wrong statements about this. The first: *we get only a bound because $z$
# has fewer dimensions than $x$*. But nothing above depends on the dimensions. The bound
# holds for a code of a million numbers too, and it is tight whenever $q$ is the posterior.
# The second: *a VAE fits a normal distribution to the data*. But the prior is normal and
# stays fixed, and $p(x)$ is as complicated as the decoder makes it. Training fits the
# decoder to the data, and a normal $q$ to each posterior.
#
# ## 4.4 The third way: two ways to make a pair
#
# Think of all data, not of one point. There are two ways to make a pair $(x, z)$:
#
# - the **decoder's way**: draw $z$ from the prior, then $x$ from $p(x \mid z)$. The pairs
#   have the distribution $p(x, z)$;
# - the **encoder's way**: take $x$ from the data, then draw $z$ from $q(z \mid x)$. The
#   pairs have the distribution $p_\text{data}(x)\, q(z \mid x)$.
#
# Train both until nobody can tell their pairs apart: minimise the divergence of one
# distribution from the other,
#
# $$ \begin{aligned}
# &\mathrm{KL}\big(p_\text{data}(x)\, q(z \mid x) \,\Vert\, p(x, z)\big) \\
# &\qquad = -\,\mathbb E_{p_\text{data}}\big[\mathrm{ELBO}(x)\big] - H(p_\text{data}).
# \end{aligned} $$
#
# The entropy $H$ of the data does not depend on the model. So minimising this divergence is
# the same as maximising the mean of the ELBO over the data. This third way shows what the
# VAE wants: not only that the decoder makes good data, but that *codes drawn from the prior
# look like codes of data*. The autoencoder of chapter 3 did not ask for that. To check the
# equation, let $x$ take five values and $z$ four, with arbitrary tables for everything:

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
# Split the logarithm, and the ELBO becomes what programs compute:
#
# $$ \mathrm{ELBO} = \underbrace{\mathbb E_q[\ln p(x \mid z)]}_{\text{reconstruction}} -
# \underbrace{\mathrm{KL}\big(q(z \mid x) \,\Vert\, p(z)\big)}_{\text{price of the code}}. $$
#
# The first term rewards codes from which the decoder can restore $x$. The second says what
# such a code costs: the further $q$ is from the prior, the more. (There are two different
# KLs. The gap of 4.3 is the divergence of $q$ from the *posterior*, which we cannot
# compute. The price is its divergence from the *prior*, which we can.)
#
# For $q = \mathcal N(\mu, \sigma^2)$ and the prior $\mathcal N(0, 1)$ the price needs no
# draws. In one dimension,
#
# $$ \begin{aligned}
# \mathrm{KL} &= \mathbb E_q[\ln q(z) - \ln p(z)] \\
# &= \mathbb E_q\Big[ -\ln \sigma - \tfrac{(z - \mu)^2}{2\sigma^2} + \tfrac{z^2}{2} \Big],
# \end{aligned} $$
#
# where the two terms $\tfrac12 \ln 2\pi$ have cancelled. Now
# $\mathbb E_q (z - \mu)^2 = \sigma^2$ and $\mathbb E_q z^2 = \mu^2 + \sigma^2$, so
#
# $$ \mathrm{KL} = \tfrac12 \big[ \mu^2 + \sigma^2 - 1 - \ln \sigma^2 \big]. $$
#
# In several dimensions, it is the sum of such terms. Each costs $\tfrac12\mu^2$ for being
# off-centre, plus a price for any width but 1. In code, networks return
# $\mathrm{logvar} = \ln \sigma^2$, because it may be any real number.
#
# For two Gaussians in $D$ dimensions with any covariances, the formula is
#
# $$ \begin{aligned}
# \mathrm{KL}(q \,\Vert\, p) = \tfrac12 \Big[ &\operatorname{tr}(\Sigma_p^{-1} \Sigma_q)
# + (\mu_p - \mu_q)^\top \Sigma_p^{-1} (\mu_p - \mu_q) \\
# &- D + \ln \frac{\det \Sigma_p}{\det \Sigma_q} \Big].
# \end{aligned} $$
#
# With $\Sigma_p = I$, $\mu_p = 0$ and a diagonal $\Sigma_q$, it is the sum above.
#
# Write the KL from $\mathcal N(0, I)$ as an operation, for the rows of `mu` and `logvar`:
# the value, and the derivatives for both. Replace each `raise` statement by your code
# ([the page of the exercise](exercises/09_kl.py)).

# %%
def kl_to_standard_normal(mu, logvar):       # mu, logvar (N, D)  ->  y (N,)
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient with respect to logvar")
    return y, dmu, dlogvar


learn.check(kl_to_standard_normal)

# %% [markdown]
# > **Predict.** What does $q = \mathcal N(0, 1)$ cost? From there, is it cheaper to move
# > $\mu$ to 1 or to halve $\sigma$? And what does $\sigma \to 0$ cost, a code that is a
# > point, as in chapter 3?

# %% tags=["hide-output"]
def kl(mu, logvar):
    return 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)


for mu, sigma in [(0, 1), (1, 1), (0, 0.5), (0, 1e-3), (0, 1e-9)]:
    print(f"μ = {mu}, σ = {sigma:5}   {kl(mu, 2 * np.log(sigma)):7.4f} nats")

draws = rng.normal(0.8, 0.3, 100_000)
terms = log_normal(draws, 0.8, 0.3) - log_normal(draws, 0, 1)
error = terms.std() / np.sqrt(len(terms))
print(f"μ = 0.8, σ = 0.3: formula {kl(0.8, 2 * np.log(0.3)):.4f}, "
      f"100,000 draws {terms.mean():.4f} ± {error:.4f}")

mu, sigma = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(0.01, 3, 300))

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
levels = [0.1, 0.5, 1, 2, 3, 4]
contours = ax.contour(mu, sigma, kl(mu, 2 * np.log(sigma)), levels, colors="black")
along = np.linspace(0, 3, 3000)[:, None] * [0.8, 0.6]        # a ray from (0, 1)
price = kl(along[:, 0], 2 * np.log(1 + along[:, 1]))
at = [along[np.argmax(price > level)] + [0, 1] for level in levels]
ax.clabel(contours, fmt="%g", manual=[tuple(point) for point in at])
ax.plot(0, 1, "k+", markersize=10)
ax.set(xlabel="μ", ylabel="σ", ylim=(0, 3))
figures.show(fig, "4.2")

# %% tags=["hide-input", "hide-output"]
assert kl(0, 0) == 0 and kl(0, 2 * np.log(0.5)) < kl(1, 0)
assert abs(terms.mean() - kl(0.8, 2 * np.log(0.3))) < 5 * error
mu, logvar = rng.standard_normal((2, 3, 5))
theirs = engine_kl.raw(mu, logvar)[0]
assert np.allclose(theirs, kl(mu, logvar).sum(axis=1))
gradcheck(engine_kl, mu, logvar).assert_ok()

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 4.2. Contours of the KL divergence in nats over μ and σ, at 0.1, 0.5, 1, 2, 3 and
# 4: egg-shaped rings around a cross at (0, 1), where the divergence is zero. Towards σ = 0
# the rings crowd together.*
#
# $\mathcal N(0, 1)$ is the prior itself and costs nothing. In Figure 4.2, halving the width
# is cheaper (0.32 nats) than moving by 1 (0.5 nats). For a point, the price grows without
# limit, but slowly: every tenfold decrease of $\sigma$ costs $\ln 10 = 2.3$ nats.
#
# </details>
#
# So this is what chapter 3 lacked. Its autoencoder paid no price for precision, so its
# codes were points, with nothing between them.
#
# The derivatives are short: $\partial \mathrm{KL} / \partial \mu = \mu$ pulls to the
# centre, and $\partial \mathrm{KL} / \partial\, \mathrm{logvar} = \tfrac12 (\sigma^2 - 1)$
# pulls to the width 1. A folded cell above compares the engine's with finite differences.
#
# ### Two estimators
#
# With $L$ draws from $q$, there are two ways to estimate the bound. **Estimator A**
# averages $\ln p(x, z) - \ln q(z)$, as in 4.2, and needs no formula for the KL. **Estimator
# B** averages $\ln p(x \mid z)$ alone, and subtracts the KL in closed form. (They are
# equations 6 and 7 of Kingma and Welling.)
#
# > **Predict.** Which of the two scatters less, if $q$ is close to a hump of the posterior?
# > (What is A if $q$ *is* the posterior?)

# %% tags=["hide-output"]
def spread_of_both(mu, sigma, noise=0.3):
    """The standard deviations of A and B for single draws from N(mu, sigma²)."""
    z = rng.normal(mu, sigma, 20_000)
    log_p_x_given_z = log_normal(x, f(z), noise)
    A = log_p_x_given_z + log_normal(z, 0, 1) - log_normal(z, mu, sigma)
    B = log_p_x_given_z - kl(mu, 2 * np.log(sigma))
    return A.std(), B.std()


spreads = {"q at the high hump": spread_of_both(1.1, 0.22),
           "q at the low hump": spread_of_both(-1.6, 0.2),
           "q is the prior": spread_of_both(0, 1),
           "noise of 3, not 0.3": spread_of_both(0.5, 0.6, noise=3)}
for name, (a, b) in spreads.items():
    print(f"{name:20} A scatters by {a:5.2f}, B by {b:5.2f}")

# %% tags=["hide-input", "hide-output"]
for name in ("q at the high hump", "q at the low hump"):
    assert spreads[name][0] < 0.6 * spreads[name][1]
assert np.isclose(*spreads["q is the prior"])
assert spreads["noise of 3, not 0.3"][1] < 0.5 * spreads["noise of 3, not 0.3"][0]

# %% [markdown]
# <details><summary>Answer</summary>
#
# A. If $q$ is the posterior, every draw of A is $\ln p(x)$ (4.2), without any scatter,
# while $\ln p(x \mid z)$ still varies with $z$. Near a hump, A scatters less than B. If $q$
# is the prior, both are the same.
#
# </details>
#
# B wins if $x$ says little about $z$, as in the last line, where the decoder has ten times
# as much noise. Then $\ln p(x \mid z)$ is nearly constant, and almost all noise of A comes
# from its KL, which B knows exactly. From here on we use B, because it shows reconstruction
# and price separately. (Chapter 5 compares the noise of their gradients.)
#
# ## 4.6 The gap
#
# Back to the posterior of Figure 4.1. Let us try every Gaussian $q$.
#
# > **Predict.** With the best $\sigma$ for each $\mu$, how many maxima has the ELBO as a
# > function of $\mu$? Will the best $q$ cover the whole posterior?

# %% tags=["hide-output"]
mus, sigmas = np.linspace(-3, 3, 121), np.exp(np.linspace(-3, 1, 161))
bounds = np.array([[elbo(mu, sigma) for sigma in sigmas] for mu in mus])
i, j = np.unravel_index(bounds.argmax(), bounds.shape)
best_mu, best_sigma, gap = mus[i], sigmas[j], log_p_x - bounds.max()
print(f"best q = N({best_mu:.2f}, {best_sigma:.2f}²)")
print(f"ELBO {bounds.max():.3f}, gap {gap:.3f} nats")

# %% tags=["hide-input", "hide-output"]
covered = posterior[np.abs(z - best_mu) < np.abs(z + 1.6)].sum() * dz
print(f"mass of the covered hump {covered:.3f}, −ln of it {-np.log(covered):.3f} nats")

is_maximum = np.diff(np.sign(np.diff(bounds.max(axis=1)))) < 0
assert is_maximum.sum() == 2 and 0 < gap + np.log(covered) < 0.1
assert np.exp(log_normal(-1.6, best_mu, best_sigma)) < 1e-6

fig, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6), layout="constrained")
top.plot(mus, bounds.max(axis=1), color="black", label="ELBO, at the best σ")
top.axhline(log_p_x, color="0.4", linestyle="--", label="ln p(x)")
top.fill_between(mus, bounds.max(axis=1), log_p_x, color="0.9", label="the gap")
top.set(xlabel="μ", ylabel="nats", xlim=(-3, 3), ylim=(-6, 0.5))
top.legend(frameon=False, loc="upper left")
bottom.fill_between(z, posterior, color="0.85", label="posterior")
bottom.plot(z, np.exp(log_normal(z, best_mu, best_sigma)), color="black", label="best q")
bottom.set(xlabel="z", ylabel="density", xlim=(-4, 4))
bottom.legend(frameon=False, loc="upper left")
figures.show(fig, "4.3")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 4.3. Above: the ELBO against μ, at the best σ, has two maxima, near −1.6 and 1.1,
# the right one higher. Both lie below the dashed line ln p(x), and the gap between curve
# and line is shaded. Below: the best q is a narrow bell over the high hump of the shaded
# posterior, and nearly zero at the low hump.*
#
# Figure 4.3 shows two maxima, one for each hump, and the best $q$ ignores the other hump
# altogether. The divergence $\mathrm{KL}(q \,\Vert\, p(z \mid x))$ penalises $q$ where the
# posterior is *small*. It does not penalise $q$ for missing a place where the posterior is
# large. So $q$ becomes *too narrow rather than too wide*. (Chapter 1 showed what a narrow
# proposal does to importance sampling.) If $q$ fitted the high hump exactly, the gap would
# be $-\ln$ of the mass of that hump; it is slightly more.
#
# </details>
#
# <!-- explorable: 04_bound -->
#
# If the posterior *is* a Gaussian that $q$ can take on, the gap closes. In the linear model
# of chapter 1, the posterior is Gaussian. If the columns of $W$ are perpendicular too, as
# in the oracle, it has no correlations:

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
# You can push the bound up by changing $q$ or by changing the decoder. Variational EM takes
# turns:
#
# - **E-step**: hold the decoder, and replace the $q_n$ of every example by the best one.
#   $\ln p(x)$ does not change;
# - **M-step**: hold the $q_n$, and replace the decoder by the best one.
#
# We watch it on 200 points in the plane, with the linear model in one latent dimension,
# $x \sim \mathcal N(w z + b,\, \sigma^2 I)$, where both steps are short. For the E-step,
# the posterior is known (Tipping and Bishop): with $M = \lVert w \rVert^2 + \sigma^2$,
#
# $$ q_n = \mathcal N(\mu_n, v), \qquad \mu_n = w^\top (x_n - b) / M, \qquad v = \sigma^2 / M. $$
#
# In the M-step, $w$ solves a least-squares problem. Setting the derivatives of the bound to
# zero gives
#
# $$ \begin{aligned}
# w &= \frac{\sum_n \mu_n (x_n - b)}{\sum_n (\mu_n^2 + v)}, \\
# \sigma^2 &= \frac{1}{2N} \sum_n \mathbb E_{q_n} \lVert x_n - b - w z \rVert^2.
# \end{aligned} $$
#
# > **Predict.** How large is the gap after an E-step? How does an M-step change it?

# %% tags=["hide-output"]
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
    """Remember bound, likelihood and w as they are now."""
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

# %% tags=["hide-input", "hide-output"]
assert np.all(np.diff(bounds) > -1e-12)          # the bound never falls
assert np.all(np.diff(likelihoods) > -1e-12)     # nor does the likelihood
assert np.all(np.abs(gaps[1::2]) < 1e-9)         # after each E-step: no gap
assert np.all(gaps[2:8:2] > 1e-2)                # after an M-step there is one
assert best.log_likelihood(data).mean() - likelihoods[-1] < 0.01

fig, (top, bottom) = plt.subplots(2, 1, figsize=(5, 6.6), layout="constrained")
shown = 11                                       # half-steps, after the start
edges = np.arange(-1, shown + 1)                 # a tread for the start, and for each
low, high = bounds[: shown + 1], likelihoods[: shown + 1]
top.stairs(high, edges, baseline=low, fill=True, color="0.85", label="the gap")
top.stairs(high, edges, baseline=None, color="black", linestyle="--", linewidth=1.5,
           label="ln p(x)")
for i in range(shown):
    is_E = i % 2 == 0
    style = {"color": "tab:blue", "linewidth": 4} if is_E else {"color": "tab:orange"}
    label = {0: "the bound, in an E-step", 1: "the bound, in an M-step"}.get(i)
    height = [bounds[i], bounds[i + 1], bounds[i + 1]]
    top.plot([i, i, i + 1], height, label=label, **style)
top.plot([-1, 0], 2 * [bounds[0]], color="black")
names = ["start", *"EM" * (shown // 2), "E"]
top.set_xticks(np.arange(-1, shown) + 0.5, names)
top.set(xlabel="half-steps, in turn", ylabel="nats per example", xlim=(-1, shown))
top.set_ylim(bounds[0] - 0.15, likelihoods[shown] + 0.15)
top.legend(frameon=False, loc="lower right")
bottom.scatter(*r.T, s=8, color="0.75", linewidths=0)
for step in (0, 1, 12):
    tip = directions[2 * step]
    bottom.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "->", "lw": 2})
    bottom.annotate(f"{step}", 1.25 * tip + [-0.2, 0.2], ha="center", fontsize=12)
bottom.set(xlim=(-6, 6), ylim=(-4, 4), aspect="equal")
bottom.set(xlabel="x₁ − b₁", ylabel="x₂ − b₂")
figures.show(fig, "4.4")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 4.4. Above: a staircase of half-steps after the start, E and M in turn. In every
# E-step (thick, blue) the bound climbs to the dashed line ln p(x), which stays where it is.
# In every M-step (thin, orange) both rise, ln p(x) by more, and the gap between them is
# shaded. Below: the data, an oblique cloud, and arrows for w after 0, 1 and 12 steps. The
# arrows turn into the long axis of the cloud, and grow to about one standard deviation.*
#
# After an E-step the gap is zero, and the M-step opens it again. In the staircase of
# Figure 4.4, each **E-step** raises the bound to $\ln p(x)$, which stays where it is. Each
# **M-step** raises both, $\ln p(x)$ by more, so a gap opens: the $q_n$ were right for the
# old decoder.
#
# </details>
#
# Bound and likelihood never fall. From one E-step to the next,
#
# $$ \ln p_\text{new}(x) \ge \text{bound}_\text{new} \ge \text{bound}_\text{old} = \ln p_\text{old}(x). $$
#
# Here the E-step had a formula. With a network as the decoder, it has none. Then gradient
# steps must find every $q_n$, for 60,000 images, again and again as the decoder changes:
# [VariationalEM](../npvae/models/variational_em.py) does that. The VAE replaces the E-step
# by a second network, the **encoder**, which computes $\mu(x)$ and $\mathrm{logvar}(x)$
# from $x$ at once. Training moves it along the gradient of the same bound. Sharing one
# network among all examples is called *amortization*; chapter 8 measures what it costs in
# nats.
#
# One thing is missing before chapter 6. The bound contains an expectation over $q$, and we
# need its gradient with respect to $q$. How do you differentiate a random draw? Chapter 5
# answers that.
#
# ## What can go wrong
#
# **The sign.** The ELBO is a *lower* bound and is *maximised*; the loss is its negative. In
# the loss, the KL is *added*. With the wrong sign, training pays the encoder for running
# away from the prior.
#
# **The bound rises, and the likelihood falls.** If $q$ cannot become the posterior, the
# decoder can raise the bound by making its *posterior* easier to reach. Force $v = 0.01$ in
# the E-step above, and start at the best decoder:

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
# **Sums and means.** The KL is a *sum* over latent dimensions, and the reconstruction a
# *sum* over pixels. Averaging over 784 pixels, as many programs do, makes the KL weigh 784
# times as much, and trains another model.
#
# **Comparing what cannot be compared.** The ELBO of grey pixels under a Bernoulli
# likelihood, the ELBO of bytes and the ELBO of densities are different quantities. Compare
# bounds only if data and likelihood are the same.
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
# 1. [`kl`](exercises/09_kl.py), the blank of 4.5, in a file of your own:
#    `npvae learn check kl` (after `npvae learn init my-vae`).
# 2. [`elbo`](exercises/10_elbo.py): the bound with $L$ samples, `npvae learn check elbo`.
# 3. [`e_step`](exercises/11_e_step.py): a posterior for every example,
#    `npvae learn check e_step`.
# 4. On paper: show that $\mathrm{KL} \ge 0$, with Jensen's inequality. When is it 0?
# 5. In 4.1, observe $x = 0.4$ and then $x = -0.4$ instead. What happens to the humps, and
#    to the gap? And with $x = 1$ and a noise of 0.5 instead of 0.3: is it still best to
#    cover one hump? (Remove the folded cell of 4.6 with its asserts, which knows where the
#    humps are, and the asserts about the two estimators in 4.5.)
# 6. In 4.7, take the M-step before the first E-step. What does it do to $w$, and why?
#
# Before: [3. Autoencoders](03_autoencoders.ipynb). Next: [5.
# Reparameterization](05_reparameterization.ipynb).
