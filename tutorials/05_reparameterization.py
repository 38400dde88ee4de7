# %% [markdown]
# # 5. Reparameterization
#
# The bound of chapter 4 is a mean over draws from $q$, and we want its gradient with
# respect to $q$ itself. But a draw is a throw of dice: how do you differentiate dice? The
# answer is the line that made VAEs possible, and it is short enough to look trivial. This
# chapter shows what happens without it, proves that it is right, measures how much better
# it is than the alternative, and shows a bug of two characters that no gradient check can
# see.
#
# After this chapter you can
#
# - say why the gradient cannot simply be moved inside the expectation;
# - derive the score-function estimator and the pathwise estimator, and say when each
#   applies;
# - measure the variance of a gradient estimator, and say what a baseline does;
# - compute the density of a transformed random variable;
# - test a sampler, and not only its gradient.
#
# You need: chapters 2 and 4, and the chain rule. The symbols are on [one
# page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import Tensor, figures, gradcheck
from npvae.models import ProbabilisticPCA
from npvae.probability import ESTIMATORS, DiagonalGaussian, estimators
from npvae.probability.gaussian import reparameterize
from npvae.probability.transforms import pushed_log_prob, ring

rng = np.random.default_rng(0)

# %% [markdown]
# ## 5.1 The question
#
# Let $z \sim q = \mathcal N(\mu, \sigma^2)$, and let $f$ be some function, the larger the
# better. We want to know in which direction to move $\mu$:
#
# $$ \frac{\partial}{\partial \mu}\, \mathbb E_{z \sim \mathcal N(\mu, \sigma^2)} [f(z)]. $$
#
# Take $f(z) = -(z - 2)^2$, for which everything is known:
# $\mathbb E f = -(\mu - 2)^2 - \sigma^2$, so the gradient is $-2(\mu - 2)$. At $\mu = 0$
# that is 4: move right. In general we can only draw some $z$ and compute $f(z)$.
#
# The tempting way: draw $z$, compute $f(z)$, differentiate that with respect to $\mu$, and
# average.
#
# > **Predict.** For $f(z) = -(z - 2)^2$ and a drawn number, say $z = 0.7$: what is
# > $\partial f(z) / \partial \mu$?

# %%
mu, sigma, K = 0.0, 1.0, 100_000
z = mu + sigma * rng.standard_normal(K)


def f(z):
    return -((z - 2) ** 2)


def f_slope(z):
    return -2 * (z - 2)


exact = -2 * (mu - 2)
print(f"exact: {exact:.3f}      naive: {0.0:.3f}, whatever z is")

# %% [markdown]
# Zero. Once it has been drawn, $z$ is just a number, and $\mu$ does not occur in $f(z)$.
# The gradient cannot be moved inside, because $\mu$ sits in the *distribution* over which
# the mean is taken, not in what is averaged.
#
# In a VAE the mistake is better hidden. There, what is averaged is
# $\ln p(x, z) - \ln q(z)$, and $q$ does contain $\mu$: the naive gradient is
# $-\partial \ln q(z) / \partial \mu$, some number that is not zero and fluctuates. But its
# mean is zero. For every $q$,
#
# $$ \mathbb E_q \left[ \frac{\partial \ln q}{\partial \mu} \right] = \int q\, \frac{1}{q} \frac{\partial q}{\partial \mu}\, dz
# = \frac{\partial}{\partial \mu} \int q\, dz = \frac{\partial}{\partial \mu} 1 = 0. $$
#
# An encoder that is trained like that learns nothing, and looks busy. Keep the equation; we
# need it twice more.
#
# ## 5.2 The score function: weigh the draws
#
# Write the mean as an integral and differentiate that. Since
# $\partial q / \partial \mu = q\, \partial \ln q / \partial \mu$,
#
# $$ \frac{\partial}{\partial \mu} \int f(z)\, q(z)\, dz = \int f(z)\, \frac{\partial q(z)}{\partial \mu}\, dz
# = \mathbb E_q \left[ f(z)\, \frac{\partial \ln q(z)}{\partial \mu} \right]. $$
#
# The **score-function estimator** (in reinforcement learning, REINFORCE): draw $z$; if
# $f(z)$ was good, make this $z$ more likely. For the Gaussian,
# $\partial \ln q / \partial \mu = (z - \mu)/\sigma^2$. It needs no derivative of $f$.
#
# ## 5.3 The path: move the draws
#
# Now the trick. Draw the randomness from a distribution **without parameters**, and let the
# parameters act on it afterwards:
#
# $$ \varepsilon \sim \mathcal N(0, 1), \qquad z = \mu + \sigma \varepsilon. $$
#
# This $z$ has exactly the distribution $\mathcal N(\mu, \sigma^2)$. But now the mean is
# taken over $\varepsilon$, which knows nothing of $\mu$, and the gradient may go inside:
#
# $$ \frac{\partial}{\partial \mu}\, \mathbb E_{\varepsilon} [f(\mu + \sigma\varepsilon)]
# = \mathbb E_{\varepsilon} \big[ f'(z) \cdot \tfrac{\partial z}{\partial \mu} \big] = \mathbb E_{\varepsilon} [f'(z)],
# \qquad \frac{\partial}{\partial \sigma}\, \mathbb E_\varepsilon [f(z)] = \mathbb E_{\varepsilon} [f'(z)\, \varepsilon]. $$
#
# The **pathwise estimator**, or **reparameterization**: if $\mu$ moves, every draw moves
# along with it, and we ask how $f$ changes along that path. A random node in the middle of
# the network has become an ordinary function with one more input, the noise, through which
# backpropagation just passes.
#
# > **Predict.** Both are unbiased, so with 100,000 draws both give 4. What about the spread
# > of a single draw: which one scatters more? And what if we add 100 to $f$, which changes
# > nothing about where its maximum is?

# %%
def score_function(f, z):
    return f(z) * (z - mu) / sigma**2            # f ∂ln q/∂μ, one for each draw


def pathwise(f_slope, z):
    return f_slope(z)                            # f'(z) ∂z/∂μ, one for each draw


def f_lifted(z):
    return f(z) + 100


found = {
    "score function, f": score_function(f, z),
    "score function, f + 100": score_function(f_lifted, z),
    "pathwise, f": pathwise(f_slope, z),
    "pathwise, f + 100": pathwise(f_slope, z),   # the slope is the same
}
spread = {name: values.std() for name, values in found.items()}
print(f"exact gradient: {exact:<8g}  mean and its error   spread of one draw")
for name, values in found.items():
    error = spread[name] / np.sqrt(K)
    print(f"{name:24}  {values.mean():7.3f} ± {error:.3f} {spread[name]:15.2f}")
    assert abs(values.mean() - exact) < 5 * error

assert spread["score function, f"] > 3 * spread["pathwise, f"]
assert spread["score function, f + 100"] > 30 * spread["pathwise, f"]

# %%
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
bins = np.linspace(-5, 35, 121)
ax.hist(found["pathwise, f"], bins, density=True, color="0.8", label="pathwise")
ax.hist(found["score function, f"], bins, density=True, histtype="step",
        color="black", label="score function")
ax.axvline(exact, color="black", linestyle=":", label="exact")
ax.set(xlabel="estimate of the gradient from one draw", ylabel="density", xlim=(-5, 35))
ax.legend(frameon=False)
figures.show(fig, "Histograms of the gradient estimated from one draw. Pathwise: a bell "
             "about the exact value 4. Score function: a high peak near −1, and a long "
             "tail to the right, beyond 30.")

# %% [markdown]
# The means agree with 4, all of them. But a single draw of the score function is off by 9
# where the path is off by 2, and **adding a constant to $f$ ruins it**: it is now off by
# more than 90. The path does not notice, since a constant has no slope.
#
# The score function learns from the *size* of $f$, and in a VAE $f$ is some $-100$ nats,
# nearly all of which is the same for every draw, so pure noise. Since
# $\mathbb E[\partial \ln q / \partial \mu] = 0$ (5.1, second use), you may subtract any
# constant $b$, the **baseline**:
#
# $$ \mathbb E_q \left[ (f(z) - b)\, \frac{\partial \ln q}{\partial \mu} \right] = \mathbb E_q \left[ f(z)\, \frac{\partial \ln q}{\partial \mu} \right]. $$
#
# That repairs the constant. What it cannot repair is that one number, $f(z)$, must tell
# all dimensions of $z$ what to do:
#
# > **Predict.** Let $z$ have $D$ dimensions, and $f(z) = -\sum_d (z_d - 2)^2$. We look at
# > the gradient for $\mu_1$ alone. How does its spread grow with $D$, for each estimator,
# > and for the score function with the mean of $f$ as baseline?

# %%
dimensions = np.array([1, 4, 16, 64, 256])
spreads = {"score function": [], "with a baseline": [], "pathwise": []}
for D in dimensions:
    z = rng.standard_normal((20_000, D))
    value = -((z - 2) ** 2).sum(axis=1)
    spreads["score function"].append((value * z[:, 0]).std())
    spreads["with a baseline"].append(((value - value.mean()) * z[:, 0]).std())
    spreads["pathwise"].append(f_slope(z[:, 0]).std())
print("dimensions of z ", *(f"{D:8}" for D in dimensions))
for name, values in spreads.items():
    print(f"{name:16}", *(f"{v:8.1f}" for v in values))
figures.show(
    figures.lines(
        {name: (dimensions, values) for name, values in spreads.items()},
        "dimensions of z", "spread of one estimate for μ₁", log_x=True, log_y=True,
    ),
    "The spread of one gradient estimate against the dimension, logarithmic axes: the "
    "score function rises in proportion to the dimension to above a thousand, with a "
    "baseline it rises more slowly, and the pathwise one stays at 2.",
)

sixteenfold = {name: values[-1] / values[2] for name, values in spreads.items()}
assert 12 < sixteenfold["score function"] < 20   # from D = 16 to 256: like D
assert 3 < sixteenfold["with a baseline"] < 5    # like √D
assert 1.9 < min(spreads["pathwise"]) and max(spreads["pathwise"]) < 2.1

# %% [markdown]
# The score function grows like $D$, with a baseline like $\sqrt D$, and the path not at
# all: each dimension has its own slope. (That holds exactly because this $f$ is a sum over
# dimensions. In a network it is not, but slopes still tell dimensions apart.) To halve the
# error of a mean takes four times as many draws; a spread that is 1,000 times as large
# takes a million times as many. With the path, **one** draw for each example is enough.
#
# ## 5.4 All of them, on a model for which the truth is known
#
# Back to the bound. In the linear model of chapter 1 the ELBO and its gradient are known
# exactly, so every estimator can be put to the test: 10,000 estimates of the gradient with
# respect to $\mu$ and $\mathrm{logvar}$, two draws each. *Deviation* is the distance of
# their mean from the truth, in standard errors: above 4.5, it is no accident.

# %%
oracle = ProbabilisticPCA.random(10, 5, np.random.default_rng(0), logvar=0.0)
x = np.tile(oracle.sample(1, np.random.default_rng(1)), (10_000, 1))


def gradient(value_of):
    """Return the gradients of μ and logvar, for a q that is a little off the posterior."""
    true = oracle.posterior(x)
    mu, logvar = (Tensor(p + 0.3, requires_grad=True) for p in (true.mu, true.logvar))
    q = DiagonalGaussian(mu, logvar)
    value_of(q).sum().backward()
    return np.concatenate([q.mu.grad, q.logvar.grad], axis=1)


truth = gradient(lambda q: oracle.elbo(x, q).elbo)[0]
deviation, noise = {}, {}
print(f"{'estimator':25} deviation   spread of one estimate")
for name, surrogate in ESTIMATORS.items():
    def estimate(q, surrogate=surrogate):
        rng = np.random.default_rng(2)
        fixed = estimators.hold_fixed(x, q, oracle.decode, rng, samples=2)
        return surrogate(x, q, oracle.decode, fixed).mean(axis=0)
    gradients = gradient(estimate)
    standard_error = gradients.std(axis=0) / np.sqrt(10_000)
    deviation[name] = np.abs((gradients.mean(axis=0) - truth) / standard_error).max()
    noise[name] = np.sqrt(gradients.var(axis=0).sum())
    print(f"{name:25} {deviation[name]:9.1f}   {noise[name]:9.2f}")

assert deviation["naive"] > 50
assert all(d < 4.5 for name, d in deviation.items() if name != "naive")
assert noise["score-function"] > 5 * noise["analytic-kl"]

# %% [markdown]
# *naive* is the mistake of 5.1: its gradient is a hundred standard errors from the truth,
# though its spread is as small as that of the good ones. All others are right on average.
# The score function is the noisiest. The first three use the path, and differ in what they
# do with the KL: in closed form (*analytic-kl*, which chapter 6 uses), from the same draw,
# or from the same draw without the term whose mean is zero (5.1, third use: *sticking the
# landing*). The derivations are in [estimators.py](../npvae/probability/estimators.py).
#
# ## 5.5 The bug that no gradient check can see
#
# The encoder gives $\mathrm{logvar} = \ln \sigma^2$. So $\sigma = e^{\mathrm{logvar}/2}$,
# and
#
# $$ z = \mu + e^{\mathrm{logvar}/2}\, \varepsilon, \qquad \frac{\partial z}{\partial\, \mathrm{logvar}} = \tfrac12\, e^{\mathrm{logvar}/2}\, \varepsilon. $$
#
# Several published VAEs forget the $\tfrac12$ in the exponent, and use
# the variance as the standard deviation. Their derivative is consistent with it:

# %%
def shipped(mu, logvar, eps):
    sigma = np.exp(logvar)                             # the bug
    def dmu(dy): return dy
    def dlogvar(dy): return dy * sigma * eps
    return mu + sigma * eps, dmu, dlogvar, None


arrays = [rng.standard_normal((3, 5)) for _ in range(3)]
print(gradcheck(shipped, *arrays))
print(gradcheck(reparameterize, *arrays))

assert gradcheck(shipped, *arrays).ok and gradcheck(reparameterize, *arrays).ok

# %% [markdown]
# > **Predict.** Both pass: each derivative fits its own forward pass. Which test tells them
# > apart?

# %%
logvar = np.array([-2.0, 0.0, 2.0])
eps = rng.standard_normal((200_000, 3))
expected = np.exp(logvar / 2)
spreads = {}
print("logvar                   ", logvar)
print("σ = exp(logvar/2)        ", expected.round(3))
for name, sampler in [("reparameterize", reparameterize.raw), ("shipped", shipped)]:
    spreads[name] = sampler(np.zeros(3), logvar, eps)[0].std(axis=0)
    print(f"spread of {name:15}", spreads[name].round(3))

assert np.allclose(spreads["reparameterize"], expected, rtol=0.01)
assert not np.allclose(spreads["shipped"], expected, rtol=0.5)
assert np.isclose(spreads["shipped"][1], 1, rtol=0.01)

# %% [markdown]
# Draw, and look at the spread. (Not at $\mathrm{logvar} = 0$: there both are 1, and a test
# at that single point passes.) A gradient check asks whether the derivative belongs to the
# function. Whether it is the right function, only a test of what it *means* can say: the
# moments of a sample, an integral that must be 1, a divergence that must be equal to its
# estimate by drawing. Every distribution of `npvae` has such tests.
#
# ## 5.6 The density of what was moved
#
# Where does a map carry a density? $z = g(\varepsilon)$, one-to-one. The probability in a
# small piece around $\varepsilon$ is the same as in its image, so what is stretched by a
# factor gets thinner by that factor:
#
# $$ q(z) = \frac{p(\varepsilon)}{\left| \det \frac{\partial z}{\partial \varepsilon} \right|}, \qquad
# \ln q(z) = \ln p(\varepsilon) - \ln \left| \det \frac{\partial z}{\partial \varepsilon} \right|. $$
#
# For $z = \mu + \sigma \odot \varepsilon$ the matrix is diagonal, so
# $\ln q(z) = \ln \mathcal N(\varepsilon; 0, I) - \sum_d \ln \sigma_d$: the Gaussian's own
# density, as it must be. And the ring of chapter 1?
#
# > **Predict.** Along the radius, the ring shrinks everything by 10. Around the circle, it
# > moves a point from radius $\rho$ to radius $1 + \rho/10$. Points near the origin of
# > $\varepsilon$: are they thinned or crowded? Where is the ring densest?

# %%
q = DiagonalGaussian(np.array([[0.5, -1.0]]), np.array([[0.4, -0.6]]))
eps = rng.standard_normal((1, 2))
moved, log_q = pushed_log_prob(lambda eps: eps * np.exp(q.logvar / 2) + q.mu, eps)
own = q.log_prob(moved).data
print(f"ln q(z): by the formula {log_q[0]:.6f}, the Gaussian's own {own[0]:.6f}")

rho = np.linspace(0.01, 4, 200)
on_a_ray = np.stack([rho, 0 * rho], axis=1)
points, log_density = pushed_log_prob(ring, on_a_ray)
r = points[:, 0]                                 # 1 + ρ/10
density_of_r = 2 * np.pi * r * np.exp(log_density)
radii = np.linalg.norm(ring(rng.standard_normal((200_000, 2))).data, axis=1)
fig, ax = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
ax.hist(radii, 80, density=True, color="0.8", label="200,000 points")
ax.plot(r, density_of_r, color="black", label="2πr q, by the formula")
ax.set(xlabel="distance from the origin r", ylabel="density", xlim=(0.98, 1.42))
ax.legend(frameon=False)
figures.show(fig, "A histogram of the distances of ring points from the origin, from 1.0 "
             "to 1.4 with its peak at 1.1, and on it the curve that the formula gives, in "
             "full agreement.")

inside = np.trapezoid(density_of_r, r)
print(f"∫ q = {inside:.4f} over the radii from {r[0]:.3f} to {r[-1]:.3f}")

assert np.allclose(log_q, own)
assert abs(inside - 1) < 0.002
assert abs(r[np.argmax(density_of_r)] - 1.1) < 0.01

# %% [markdown]
# It integrates to 1, and the histogram lies under it. At the inner edge, a tiny circle of
# noise is stretched to the full circumference of the ring, and so thinned to nothing: so
# most points are found not at the edge but at $r = 1.1$, where $\rho = 1$. (The density $q$
# itself is largest a little further in, since there is more room outside.)
#
# The same idea gives other distributions a path: whatever can be written as a smooth
# function of parameter-free noise. An exponential variable with mean $\beta$ is
# $-\beta \ln u$ with $u$ uniform; a logistic one is $\mu + s \ln \frac{u}{1 - u}$. A
# *discrete* variable is not: it jumps where the noise crosses a threshold and is flat
# elsewhere, so the derivative along its path is always zero. For those, only the score
# function is left (or a relaxation).
#
# ## What can go wrong
#
# **New noise in the gradient check.** Differences compare two values of the same function.
# If each call draws its own $\varepsilon$, they compare two functions. Draw it once,
# outside. `gradcheck` notices and says so:

# %%
def restless(mu, logvar):
    eps = rng.standard_normal(mu.shape)
    def dmu(dy): return dy
    def dlogvar(dy): return dy * 0.5 * np.exp(logvar / 2) * eps
    return mu + np.exp(logvar / 2) * eps, dmu, dlogvar


print(gradcheck(restless, *arrays[:2]))

assert not gradcheck(restless, *arrays[:2]).ok

# %% [markdown]
# **One noise for all.** $\varepsilon$ of shape $(D,)$ instead of $(N, D)$ is broadcast
# without a word, and all examples of a minibatch get the same noise. Each single sample is
# right, in mean and in spread, and the gradient check passes. But the errors of the
# examples no longer average out:

# %%
N, trials = 100, 2000
own = np.mean(rng.standard_normal((trials, N)), axis=1).std()
shared = np.mean(np.tile(rng.standard_normal((trials, 1)), N), axis=1).std()
print(f"spread of the mean over {N} examples: own noise {own:.3f}, shared {shared:.3f}")

assert own < 0.12 and shared > 0.9

# %% [markdown]
# **A logvar that runs away.** In float32, $e^{\mathrm{logvar}}$ in the KL overflows at
# $\mathrm{logvar} \approx 89$, and $\sigma = e^{\mathrm{logvar}/2}$ at 177. It never gets
# there in a healthy run, in which the KL pulls it to 0; it does after a learning rate that
# is far too large. `npvae` says which operation gave the first infinity, and goes back to
# the last checkpoint.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | $z = \mu + \sigma\varepsilon$ | [reparameterize](../npvae/probability/gaussian.py), [DiagonalGaussian.rsample](../npvae/probability/gaussian.py) | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), section 2.4 and eq. 10; [Rezende and others 2014](https://arxiv.org/abs/1401.4082) |
# | the score function | [score_function](../npvae/probability/estimators.py) | Williams 1992; [Mnih and Gregor 2014](https://arxiv.org/abs/1402.0030) |
# | with a baseline | [score_function_baseline](../npvae/probability/estimators.py) | [Kool and others 2019](https://openreview.net/forum?id=r1lgTGL5DE) |
# | sticking the landing | [sticking_the_landing](../npvae/probability/estimators.py) | [Roeder, Wu, Duvenaud 2017](https://arxiv.org/abs/1703.09194), eq. 7 |
# | the change of variables | [pushed_log_prob](../npvae/probability/transforms.py), [jacobian](../npvae/probability/transforms.py) | Bishop 2006, eq. 1.27 |
#
# `npvae experiment estimators` repeats 5.4 and measures the same on a VAE for MNIST.
#
# ## Exercises
#
# 1. [`reparameterize`](exercises/12_reparameterize.py): `npvae learn check reparameterize`.
# 2. The bug museum: nine programs with bugs of kinds that VAEs were shipped with. Begin
#    with [`bug_1`](exercises/18_bug_1.py): `npvae learn check bug_1`. Which of them can a
#    gradient check see?
# 3. On paper: which constant $b$ makes the variance of the score-function estimator
#    smallest?
# 4. Write the pathwise and the score-function estimator for an exponential variable with
#    mean $\beta$ and $f(z) = -(z - 2)^2$, and compare their spreads.
# 5. In 5.4, set the shift of 0.3 to 0, and remove the asserts. Which two spreads go to
#    zero, and why? Why is *naive* suddenly right? (The deviation of an estimate without
#    spread means nothing: it is rounding divided by rounding.)
#
# Before: [4. The evidence lower bound](04_the_evidence_lower_bound.ipynb). Next: [6. A VAE
# on MNIST](06_a_vae_on_mnist.ipynb).
