# %% [markdown]
# # 5. Reparameterization
#
# The bound of chapter 4 is a mean over draws from $q$, and we want its gradient with
# respect to $q$ itself. But a draw is a roll of the dice. How do you differentiate dice?
# The answer is the line that made VAEs possible, and it is so short that it looks trivial.
# This chapter shows what happens without it, proves that it is right, and measures how much
# better it is than the alternative. It ends with a bug of two characters that no gradient
# check can see, and with the density of a random variable that a map has moved.
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
import statistics

import matplotlib.pyplot as plt
import numpy as np

from npvae import Tensor, figures, gradcheck, learn
from npvae.figures import diagrams
from npvae.models import ProbabilisticPCA
from npvae.probability import ESTIMATORS, DiagonalGaussian, estimators, gaussian
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
# Take $f(z) = -(z - 2)^2$, for which we know the answer:
# $\mathbb E f = -(\mu - 2)^2 - \sigma^2$, so the gradient is $-2(\mu - 2)$. At $\mu = 0$
# that is 4: move right. In general we can only draw some $z$ and compute $f(z)$.
#
# The tempting way: draw $z$, compute $f(z)$, differentiate that with respect to $\mu$, and
# average. The next cell takes the derivative as a finite difference in $\mu$.
#
# > **Predict.** For $f(z) = -(z - 2)^2$ and a drawn number, say $z = 0.7$: what is
# > $\partial f(z) / \partial \mu$?

# %% tags=["hide-output"]
mu, sigma, K = 0.0, 1.0, 100_000
eps = rng.standard_normal(K)
z = mu + sigma * eps                             # K draws from q


def f(z):
    return -((z - 2) ** 2)


def f_of_a_draw(mu, z):                          # the draw z has been made
    return f(z)


h = 1e-5
tempting = (f_of_a_draw(mu + h, z) - f_of_a_draw(mu - h, z)) / (2 * h)
exact = -2 * (mu - 2)
print(f"exact: {exact:.3f}   mean of the tempting one: {tempting.mean():.3f}")

# %% tags=["hide-input"]
assert np.all(tempting == 0)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Zero, for every draw. Once you have drawn it, $z$ is just a number, and $\mu$ does not
# occur in $f(z)$.
#
# </details>
#
# The gradient cannot be moved inside, because $\mu$ sits in the *distribution* over which
# we average, not in what we average.
#
# In a VAE the mistake is better hidden. There we average $\ln p(x, z) - \ln q(z)$, and $q$
# does contain $\mu$. The naive gradient is $-\partial \ln q(z) / \partial \mu$, which is
# not zero and differs from draw to draw. But its mean is zero. For every $q$,
#
# $$ \mathbb E_q \left[ \frac{\partial \ln q}{\partial \mu} \right] = \int q\, \frac{1}{q} \frac{\partial q}{\partial \mu}\, dz
# = \frac{\partial}{\partial \mu} \int q\, dz = \frac{\partial}{\partial \mu} 1 = 0. $$
#
# For the Gaussian, $\partial \ln q / \partial \mu = (z - \mu)/\sigma^2$:

# %%
hidden = -(z - mu) / sigma**2                    # −∂ln q/∂μ, one for each draw
print(f"mean {hidden.mean():.3f} ± {hidden.std() / np.sqrt(K):.3f}, "
      f"spread of one draw {hidden.std():.2f}")

assert abs(hidden.mean()) < 5 * hidden.std() / np.sqrt(K)

# %% [markdown]
# An encoder that is trained like that looks busy and learns nothing. Keep the equation; we
# need it twice more.
#
# ## 5.2 The score function: weigh the draws
#
# Write the mean as an integral and differentiate that. Since
# $\partial q / \partial \mu = q\, \partial \ln q / \partial \mu$,
#
# $$
# \begin{aligned}
# \frac{\partial}{\partial \mu} \int f(z)\, q(z)\, dz
# &= \int f(z)\, \frac{\partial q(z)}{\partial \mu}\, dz \\
# &= \mathbb E_q \left[ f(z)\, \frac{\partial \ln q(z)}{\partial \mu} \right].
# \end{aligned}
# $$
#
# This is the **score-function estimator** (in reinforcement learning, REINFORCE): draw $z$;
# if $f(z)$ was good, make this $z$ more likely. It needs no derivative of $f$, so $f$ may
# even jump.
#
# ## 5.3 The path: move the draws
#
# Now the trick. Draw the randomness from a distribution **without parameters**, and let the
# parameters act on it afterwards, through a map $g$:
#
# $$ \varepsilon \sim \mathcal N(0, 1), \qquad z = g(\varepsilon) = \mu + \sigma \varepsilon. $$
#
# This $z$ has exactly the distribution $q = \mathcal N(\mu, \sigma^2)$. To average $f(z)$,
# you do not even need the density of $z$; averaging over the noise is enough:
#
# $$ \mathbb E_{z \sim q} [f(z)] = \mathbb E_{\varepsilon} \big[ f(g(\varepsilon)) \big]. $$
#
# This is the **law of the unconscious statistician**, so called because most people use it
# without noticing that it needs a proof. It holds for every map $g$. On its right side, the
# distribution of $\varepsilon$ knows nothing of $\mu$, so the gradient may go inside:
#
# $$
# \begin{aligned}
# \frac{\partial}{\partial \mu}\, \mathbb E_{\varepsilon} [f(\mu + \sigma\varepsilon)]
# &= \mathbb E_{\varepsilon} \big[ f'(z) \cdot \tfrac{\partial z}{\partial \mu} \big]
# = \mathbb E_{\varepsilon} [f'(z)], \\
# \frac{\partial}{\partial \sigma}\, \mathbb E_\varepsilon [f(z)]
# &= \mathbb E_{\varepsilon} [f'(z)\, \varepsilon].
# \end{aligned}
# $$
#
# (For this, $f$ may have kinks, as a ReLU has, but no jumps.) This is the **pathwise
# estimator**, or **reparameterization**: if $\mu$ moves, every draw moves along with it,
# and we ask how $f$ changes along that path. Figure 5.1 compares the two ways to draw.

# %%
figures.show(diagrams.draw_as_node_and_as_input(), "5.1")

# %% [markdown]
# *Figure 5.1. The two graphs of a draw. Left, a dashed arrow leads from μ and σ to a circle
# z, a random node, and an arrow from z to f(z): the gradient stops at z. Right, z = μ + σ ε
# is a box, a function with two inputs: μ and σ from one side, a circle ε, the noise, from
# the other. Here the gradient passes.*
#
# As in chapter 1, a circle is a random variable; a box is a computation. Backpropagation
# follows the arrows of Figure 5.1 backwards, from $f(z)$. On the left it reaches the random
# node $z$, and there is nothing to differentiate: the dashed arrow says that $\mu$ and
# $\sigma$ choose a distribution, not a number. On the right, the randomness has moved to
# the edge of the graph. The node in the middle is an ordinary function with one more input,
# so the gradient reaches $\mu$ and $\sigma$. No gradient needs to go on to $\varepsilon$.
#
# Both estimators in code: `pathwise` backpropagates through the right graph, with the
# `Tensor` of chapter 2. Its `leaf` holds $\mu$ once for each draw, so that `leaf.grad` is
# one estimate for each draw.

# %%
def score_function(f, eps):
    z = mu + sigma * eps
    return f(z) * (z - mu) / sigma**2            # f ∂ln q/∂μ


def pathwise(f, eps):
    leaf = Tensor(np.full(len(eps), mu), requires_grad=True)
    z = leaf + sigma * eps
    f(z).sum().backward()
    return leaf.grad                             # f'(z) ∂z/∂μ


def f_lifted(z):
    return f(z) + 100


# %% [markdown]
# > **Predict.** Both are unbiased, so with 100,000 draws both give about 4. What about the
# > spread of a single draw: which one scatters more? And what if we add 100 to $f$, which
# > does not change where its maximum is?

# %% tags=["hide-output"]
found = {
    "score function, f": score_function(f, eps),
    "score function, f + 100": score_function(f_lifted, eps),
    "pathwise, f": pathwise(f, eps),
    "pathwise, f + 100": pathwise(f_lifted, eps),
}
spread = {name: values.std() for name, values in found.items()}
print(f"exact gradient: {exact:<8g}  mean and its error   spread of one draw")
for name, values in found.items():
    error = spread[name] / np.sqrt(K)
    print(f"{name:24}  {values.mean():7.3f} ± {error:.3f} {spread[name]:15.2f}")

# %% tags=["hide-input", "hide-output"]
for name, values in found.items():
    assert abs(values.mean() - exact) < 5 * spread[name] / np.sqrt(K)
assert np.allclose(found["pathwise, f"], -2 * (z - 2))
assert np.allclose(found["pathwise, f + 100"], found["pathwise, f"])
assert spread["score function, f"] > 3 * spread["pathwise, f"]
assert spread["score function, f + 100"] > 30 * spread["pathwise, f"]
counts, edges = np.histogram(found["score function, f"], np.arange(-5, 36, 0.5))
assert -1.5 <= edges[np.argmax(counts)] <= -0.5      # the peak
assert np.mean(found["score function, f"] > 30) > 0.01

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
bins = np.linspace(-5, 35, 121)
weights = np.full(K, 1 / K / (bins[1] - bins[0]))     # a density, with what lies outside
styles = {"pathwise": {"color": "0.8"},
          "score function": {"color": "black", "histtype": "step", "linewidth": 1.3}}
for name, style in styles.items():
    ax.hist(found[f"{name}, f"], bins, weights=weights, label=name, **style)
ax.axvline(exact, color="tab:red", linestyle="--", label="exact")
ax.set(xlabel="estimate of the gradient from one draw", ylabel="density", xlim=(-5, 35))
ax.legend(frameon=False)
figures.show(fig, "5.2")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 5.2. Histograms of the gradient that a single draw estimates. Pathwise, in grey: a
# bell about the exact value 4, a dashed line. Score function, the outline: a high peak
# near −1, and a long tail to the right that goes beyond 30.*
#
# The score function scatters more. All four means agree with 4, but a single draw of the
# score function is typically off by 9, and a single draw of the path by 2. In Figure 5.2,
# the score function is most often near −1, which even has the wrong sign; rare large values
# bring its mean to 4.
#
# **Adding a constant to $f$ ruins it**: it is now off by more than 90. The path does not
# notice, since a constant has no slope.
#
# </details>
#
# <!-- explorable: 05_gradients -->
#
# The score function learns from the *size* of $f$. In a VAE, $f$ is some $-100$ nats,
# nearly all of it the same for every draw, and that part contributes pure noise. Since
# $\mathbb E[\partial \ln q / \partial \mu] = 0$ (5.1, second use), you may subtract any
# constant $b$, the **baseline**:
#
# $$ \mathbb E_q \left[ (f(z) - b)\, \frac{\partial \ln q}{\partial \mu} \right] = \mathbb E_q \left[ f(z)\, \frac{\partial \ln q}{\partial \mu} \right]. $$
#
# That repairs the constant. It cannot repair that a single number, $f(z)$, must tell all
# dimensions of $z$ what to do. Figure 5.3 measures how much that costs.
#
# > **Predict.** Let $z$ have $D$ dimensions, and $f(z) = -\sum_d (z_d - 2)^2$. We look at
# > the gradient for $\mu_1$ alone. How does its spread grow with $D$, for each estimator,
# > and for the score function with the mean of $f$ as its baseline?

# %% tags=["hide-output"]
dimensions = np.array([1, 4, 16, 64, 256])
spreads = {"score function": [], "with a baseline": [], "pathwise": []}
for D in dimensions:
    z = rng.standard_normal((20_000, D))                      # μ = 0 and σ = 1
    value, score = f(z).sum(axis=1), z[:, 0]                  # f, ∂ln q/∂μ₁
    spreads["score function"].append((value * score).std())
    spreads["with a baseline"].append(((value - value.mean()) * score).std())
    spreads["pathwise"].append((-2 * (z[:, 0] - 2)).std())    # ∂f/∂z₁
print("dimensions of z ", *(f"{D:8}" for D in dimensions))
for name, values in spreads.items():
    print(f"{name:16}", *(f"{v:8.1f}" for v in values))

# %% tags=["hide-input", "hide-output"]
sixteenfold = {name: values[-1] / values[2] for name, values in spreads.items()}
assert 12 < sixteenfold["score function"] < 20   # from D = 16 to 256: like D
assert 3 < sixteenfold["with a baseline"] < 5    # like √D
assert 600 < spreads["score function"][-1] / spreads["pathwise"][-1] < 680
assert 1.9 < min(spreads["pathwise"]) and max(spreads["pathwise"]) < 2.1
series = {name: (dimensions, values) for name, values in spreads.items()}
axes = "dimensions of z", "spread of one estimate for μ₁"
figures.show(figures.lines(series, *axes, log_x=True, log_y=True), "5.3")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 5.3. The spread of one gradient estimate against the dimension of z, both axes
# logarithmic. From 1 to 256 dimensions, the score function rises from 9 to almost 1,300.
# With a baseline it rises from 6.5 to 68. The pathwise one stays at 2.*
#
# In Figure 5.3, the score function ends up growing like $D$, with a baseline like
# $\sqrt D$, and the path not at all: each dimension has its own slope. (It does not grow at
# all because this $f$ is a sum over dimensions. A network is no such sum, but its slopes
# still tell the dimensions apart.)
#
# Halving the error of a mean takes four times as many draws. In 256 dimensions, the spread
# of the score function is 640 times that of the path, so for the same error it needs about
# 400,000 times as many draws.
#
# </details>
#
# This is why a VAE can train with the path and **one** draw for each example.
#
# ## 5.4 All of them, on a model for which the truth is known
#
# Back to the bound. For the linear model of chapter 1,
# [ProbabilisticPCA](../npvae/models/ppca.py), we know the ELBO and its gradient exactly, so
# we can put every estimator to the test. Its `elbo` is the exact bound for any Gaussian
# $q$, and its `posterior` the best $q$, which we move a little, by 0.3, in every $\mu$ and
# every $\mathrm{logvar}$.
#
# `ESTIMATORS` holds six estimators by name. Each one is a *surrogate*, a function of $q$
# that we backpropagate through; the gradient that comes out is the estimate.
# [hold_fixed](../npvae/probability/estimators.py) draws $\varepsilon$ and $z$ first, and
# computes everything that a surrogate treats as a constant. We make 10,000 estimates of the
# gradient with respect to $\mu$ and $\mathrm{logvar}$, from two draws each. *Deviation* is
# the distance of their mean from the truth, in standard errors, for the worst of the ten
# parameters. Above 4.5, it is no accident.

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

# %% tags=["hide-input"]
assert deviation["naive"] > 50
assert all(d < 4.5 for name, d in deviation.items() if name != "naive")
assert noise["score-function"] > 5 * noise["analytic-kl"]
assert noise["score-function"] == max(noise.values())
assert noise["naive"] < noise["monte-carlo-kl"]

# %% [markdown]
# *naive* is the mistake of 5.1: its mean is about a hundred standard errors from the truth,
# although its spread is as small as that of the good ones. All others are right on average.
# The score function is the noisiest.
#
# The first three use the path, and differ in how they treat the KL. *analytic-kl*, which
# chapter 6 uses, computes it in closed form, and *monte-carlo-kl* from the same draws.
# *sticking-the-landing* does the same as *monte-carlo-kl*, but drops the term whose mean is
# zero (5.1, third use). The derivations are in
# [estimators.py](../npvae/probability/estimators.py).
#
# ## 5.5 The bug that no gradient check can see
#
# The encoder gives $\mathrm{logvar} = \ln \sigma^2$. So $\sigma = e^{\mathrm{logvar}/2}$,
# and
#
# $$ z = \mu + e^{\mathrm{logvar}/2}\, \varepsilon. $$
#
# Write it yourself, in the form of chapter 2: the value `y`, which is $z$, and a derivative
# for each input. The noise has none, hence the `None`. For `dlogvar`, ask how $\sigma$
# changes with $\mathrm{logvar}$. All arrays are $(N, D)$, and
# [the page of the exercise](exercises/12_reparameterize.py) has the details. Replace each
# `raise` statement by your code, the first by `y = …`, and run the cell. `learn.check`
# compares your function with the engine's, and prints what is wrong.

# %%
def reparameterize(mu, logvar, eps):     # mu, logvar, eps (N, D)  ->  z (N, D)
    """z = μ + σ ⊙ ε: for ε ~ N(0, I) a sample of N(μ, σ²) with derivatives ∂z/∂μ and
    ∂z/∂logvar."""
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient of the loss with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError(
            "dlogvar: return the gradient of the loss with respect to logvar")
    return y, dmu, dlogvar, None


learn.check(reparameterize)

# %% [markdown]
# <details><summary>The derivatives</summary>
#
# $$ \frac{\partial z}{\partial \mu} = 1, \qquad \frac{\partial z}{\partial\, \mathrm{logvar}} = \tfrac12\, e^{\mathrm{logvar}/2}\, \varepsilon. $$
#
# </details>
#
# Several published VAEs forget to halve the exponent, so they use the variance as the
# standard deviation. `shipped` below does that, and its derivative is consistent with it.
# `gaussian.reparameterize` is the engine's operation. The function
# [gradcheck](../npvae/autodiff/gradcheck.py) of chapter 2 compares the derivatives of both
# with finite differences:

# %%
def shipped(mu, logvar, eps):
    sigma = np.exp(logvar)                             # the bug
    def dmu(dy): return dy
    def dlogvar(dy): return dy * sigma * eps
    return mu + sigma * eps, dmu, dlogvar, None


arrays = [rng.standard_normal((3, 5)) for _ in range(3)]
print(gradcheck(shipped, *arrays))
print(gradcheck(gaussian.reparameterize, *arrays))

assert gradcheck(shipped, *arrays).ok and gradcheck(gaussian.reparameterize, *arrays).ok

# %% [markdown]
# > **Predict.** Both pass: each derivative fits its own forward pass. Which test tells them
# > apart? And for which value of $\mathrm{logvar}$ would that test, too, see nothing?

# %% tags=["hide-input", "hide-output"]
logvar = np.array([-2.0, 0.0, 2.0])
eps = rng.standard_normal((200_000, 3))
expected = np.exp(logvar / 2)
samplers = {"reparameterize": gaussian.reparameterize.raw, "shipped": shipped}
measured = {}
print("logvar                   ", logvar)
print("σ = exp(logvar/2)        ", expected.round(3))
for name, sampler in samplers.items():
    measured[name] = sampler(np.zeros(3), logvar, eps)[0].std(axis=0)
    print(f"spread of {name:15}", measured[name].round(3))

assert np.allclose(measured["reparameterize"], expected, rtol=0.01)
assert not np.allclose(measured["shipped"], expected, rtol=0.5)
assert np.isclose(measured["shipped"][1], 1, rtol=0.01)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Draw many times, and compare the standard deviation of the draws with $\sigma$. But not at
# $\mathrm{logvar} = 0$: there both are 1, and a test at that single point passes. (The code
# is folded because it is the answer. The `.raw` of an operation takes plain arrays, and
# returns its value and its derivatives, as `shipped` does.)
#
# </details>
#
# A gradient check asks whether the derivative belongs to the function. It does not ask
# whether it is the right function. Only a test of what the function *means* does that: the
# moments of a sample, an integral that must be 1, a closed-form divergence that must equal
# its estimate from draws. Every distribution of `npvae` has such tests.
#
# ## 5.6 The density of what was moved
#
# Where does a map carry a density? Let $z = g(\varepsilon)$ be one-to-one. A small piece
# around $\varepsilon$ holds the same probability as its image around $z$. So where the map
# stretches space by a factor, the density falls by that factor:
#
# $$ q(z) = \frac{p(\varepsilon)}{\left| \det \frac{\partial z}{\partial \varepsilon} \right|}, \qquad
# \ln q(z) = \ln p(\varepsilon) - \ln \left| \det \frac{\partial z}{\partial \varepsilon} \right|. $$
#
# For $z = \mu + \sigma \odot \varepsilon$ the matrix is diagonal, so
# $\ln q(z) = \ln \mathcal N(\varepsilon; 0, I) - \sum_d \ln \sigma_d$: the Gaussian's own
# density, as it must be. [pushed_log_prob](../npvae/probability/transforms.py) takes any
# map and computes the matrix by backpropagation, one row for each output:

# %%
q = DiagonalGaussian(np.array([[0.5, -1.0]]), np.array([[0.4, -0.6]]))
eps = rng.standard_normal((1, 2))
moved, log_q = pushed_log_prob(lambda eps: eps * np.exp(q.logvar / 2) + q.mu, eps)
own = q.log_prob(moved).data
print(f"ln q(z): by the formula {log_q[0]:.6f}, the Gaussian's own {own[0]:.6f}")

assert np.allclose(log_q, own)

# %% [markdown]
# And the ring of chapter 1,
# $z = \varepsilon / 10 + \varepsilon / \lVert \varepsilon \rVert$? It is the function
# [ring](../npvae/probability/transforms.py). By symmetry, one ray from the origin is
# enough. The circle of radius $r$ is $2 \pi r$ long, so the radius has the
# density $2 \pi r\, q$. Figure 5.4 compares it with a histogram of 200,000 points.
#
# > **Predict.** Along the radius, the ring shrinks everything by 10. Around the circle, it
# > moves a point from radius $\rho$ to radius $1 + \rho/10$. Does the map thin or crowd
# > points near the origin of $\varepsilon$? At which radius is the ring densest?

# %% tags=["hide-output"]
rho = np.linspace(0.01, 4, 400)
on_a_ray = np.stack([rho, 0 * rho], axis=1)      # ε (400, 2)
points, log_density = pushed_log_prob(ring, on_a_ray)
r = points[:, 0]                                 # 1 + ρ/10
density_of_r = 2 * np.pi * r * np.exp(log_density)
radii = np.linalg.norm(ring(rng.standard_normal((200_000, 2))).data, axis=1)

inside = np.trapezoid(density_of_r, r)
print(f"∫ q = {inside:.4f} over the radii from {r[0]:.3f} to {r[-1]:.3f}")
print(f"largest 2πr q at r = {r[np.argmax(density_of_r)]:.3f}, "
      f"largest q at r = {r[np.argmax(log_density)]:.3f}")

# %% tags=["hide-input", "hide-output"]
determinant = (1 + rho / 10) / (10 * rho)
assert np.allclose(log_density, -(rho**2) / 2 - np.log(2 * np.pi * determinant))
assert abs(inside - 1) < 0.002
assert abs(r[np.argmax(density_of_r)] - 1.1) < 0.01
assert 1.09 < r[np.argmax(log_density)] < 1.1
counts, edges = np.histogram(radii, 80, range=(1, 1.4), density=True)
curve = np.interp((edges[1:] + edges[:-1]) / 2, r, density_of_r)
assert np.abs(counts - curve).max() < 0.03 * curve.max()

fig, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.hist(radii, 80, density=True, color="0.8", label="200,000 points")
ax.plot(r, density_of_r, color="black", label="2πr q, by the formula")
ax.set(xlabel="distance from the origin r", ylabel="density", xlim=(0.98, 1.42))
ax.legend(frameon=False)
figures.show(fig, "5.4")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 5.4. A histogram of the distance of ring points from the origin, and on it the
# curve 2πr q of the formula. Both begin at zero at r = 1, peak at 1.1, and fade out near
# 1.4; they agree everywhere.*
#
# Stretched by $(1 + \rho/10)/\rho$ around the circle and by $1/10$ along the radius, areas
# grow by $(1 + \rho/10) / (10 \rho)$. That is huge near the origin and below 1 from
# $\rho \approx 0.1$ on: the map thins the points near the origin, and crowds all others.
#
# In Figure 5.4 the formula agrees with the histogram, and the curve integrates to 1. At the
# inner edge, the map stretches a tiny circle of noise to the full circumference of the
# ring, so the density falls to zero there. The most likely radius is not the edge but
# $r = 1.1$, where $\rho = 1$. (The density $q$ itself is largest slightly further in, since
# there is more room outside.)
#
# </details>
#
# How far does the idea reach? In one dimension, **every distribution with a continuous
# distribution function is a map of a normal one**. Let $\Phi$ be the distribution function
# of $\mathcal N(0, 1)$, and $F(z)$ the one that we want. Then
#
# $$ z = F^{-1}(\Phi(\varepsilon)), \qquad \varepsilon \sim \mathcal N(0, 1), $$
#
# has it. First, $u = \Phi(\varepsilon)$ is uniform on $(0, 1)$, since
# $P(\Phi(\varepsilon) \le u) = P(\varepsilon \le \Phi^{-1}(u)) = u$. Then
# $P(F^{-1}(u) \le t) = P(u \le F(t)) = F(t)$. (If $F(z) = u$ for several $z$, then
# $F^{-1}(u)$ is the smallest of them.) Take the exponential distribution with mean $\beta$
# and variance $\beta^2$, for which $F(z) = 1 - e^{-z/\beta}$. Three lines draw it from
# normal noise:

# %%
beta, K = 2.0, 100_000
eps = rng.standard_normal(K)
u = np.vectorize(statistics.NormalDist().cdf)(eps)   # Φ(ε)
z = -beta * np.log(1 - u)                            # F⁻¹(u)

mean_error, variance_error = beta / np.sqrt(K), beta**2 * np.sqrt(8 / K)
print(f"mean     {z.mean():.3f} ± {mean_error:.3f}, expected {beta:g}")
print(f"variance {z.var():.3f} ± {variance_error:.3f}, expected {beta**2:g}")

assert abs(z.mean() - beta) < 3 * mean_error
assert abs(z.var() - beta**2) < 3 * variance_error

# %% [markdown]
# Both agree within three standard errors. In several dimensions, go coordinate by
# coordinate: first $z_1$, then each further $z_d$ with the distribution function of $z_d$
# given the coordinates that you already have. That is why chapter 1 could keep the noise
# simple: a flexible enough map turns it into any distribution of this kind.
#
# For a *path*, $z$ must also be differentiable in the parameters. An exponential variable
# is: since $1 - u$ is uniform too, $z = -\beta \ln u$, and
# $\partial z / \partial \beta = z / \beta$. So is a logistic one,
# $\mu + s \ln \frac{u}{1 - u}$. A *discrete* variable is not. Its $F$ has jumps, so $z$
# jumps where the noise crosses a threshold and is flat elsewhere. The derivative along its
# path is zero wherever it exists. For a discrete variable, only the score function is left
# (or a relaxation, a continuous variable that resembles it).
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
# **One noise for all.** NumPy silently broadcasts an $\varepsilon$ of shape $(D,)$ instead
# of $(N, D)$, and all examples of a minibatch get the same noise. Each single sample is
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
# $\mathrm{logvar} \approx 89$, and $\sigma = e^{\mathrm{logvar}/2}$ at 177. A healthy run
# never gets there, because the KL pulls $\mathrm{logvar}$ towards 0; a learning rate that
# is far too large may lead there. When the loss becomes infinite, `npvae` stops, says which
# operation gave the first infinity, and keeps the last checkpoint.
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
# 1. On paper (5.3): which constant $b$ makes the variance of the score-function estimator
#    smallest?
# 2. In 5.4, set the shift of 0.3 to 0, and remove the asserts. Which two spreads go to
#    zero, and why? Why is *naive* suddenly right? (The deviation of an estimate without
#    spread means nothing: it is rounding divided by rounding.)
# 3. [`reparameterize`](exercises/12_reparameterize.py), the blank of 5.5, in a file of your
#    own: `npvae learn check reparameterize`.
# 4. The bug museum (5.5): nine programs, each with a bug of a kind that published VAEs have
#    had. Begin with [`bug_1`](exercises/16_bug_1.py): `npvae learn check bug_1`. Which of
#    them can a gradient check see?
# 5. For an exponential variable with mean $\beta$ (5.6) and $f(z) = -(z - 2)^2$, write the
#    pathwise and the score-function estimator, and compare their spreads.
#
# Before: [4. The evidence lower bound](04_the_evidence_lower_bound.ipynb). Next: [6. A VAE
# on MNIST](06_a_vae_on_mnist.ipynb).
