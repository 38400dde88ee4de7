# %% [markdown]
# # 15. A posterior that bends
#
# Chapter 1 found a posterior shaped like a wedge, and the best Gaussian $q$ missed it by a
# third of a nat. Chapter 8 called this the *approximation gap*: no encoder can close it,
# since it belongs to the family from which $q$ comes. This chapter changes the family. A
# Gaussian, pushed through a few layers that are easy to invert, bends and tapers, and the
# gap shrinks.
#
# After this chapter you can
#
# - say which gap a better family closes, and which it does not;
# - derive the density of a sample that went through a chain of invertible maps;
# - explain why a coupling layer is easy to invert, and why its determinant is cheap;
# - write the bound for a $q$ whose KL has no closed form;
# - weigh what a flow costs against what it gains.
#
# You need: chapters 1, 4, 5 and 8. The symbols are on [one page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, learn, probability
from npvae.autodiff import no_grad
from npvae.nn import optim, schedules
from npvae.probability import DiagonalGaussian, Flow, grid_posterior

# %% [markdown]
# ## 15.1 The wedge again
#
# The model is that of chapter 1: two latent dimensions, the ring as the decoder, noise of
# variance 0.05, and the point A at $(1.05, 0)$. On a grid, its posterior and $\ln p(x)$ are
# known to many digits. So is $\mathrm{KL}(q \Vert p(z \mid x))$ for any $q$ whose density
# we can evaluate at the points of the grid.

# %%
A, NOISE_VARIANCE = np.array([1.05, 0.0]), 0.05


def decode(z):                           # z (N, 2)  ->  p(x | z) for each of the N codes
    return DiagonalGaussian(probability.ring(z), float(np.log(NOISE_VARIANCE)))


exact = grid_posterior(A, decode, extent=3.5, side=280)
grid, log_p = exact.z.reshape(-1, 2), exact.log_density.ravel()
area = (exact.z[0, 1, 0] - exact.z[0, 0, 0]) ** 2


def gap(q, log_p=log_p):
    """KL(q ‖ p(z | x)), a sum over the squares of the grid, in nats."""
    with no_grad():
        log_q = q.log_prob(grid).data
    return float(np.sum(np.exp(log_q) * (log_q - log_p)) * area)


# %% [markdown]
# ## 15.2 The density of a chain of maps
#
# Chapter 5 derived the change of variables: if $z = f(\varepsilon)$ is one-to-one, then
# $\ln q(z) = \ln p(\varepsilon) - \ln |\det \partial z / \partial \varepsilon|$. For a chain
# $z_0 \to z_1 \to \dots \to z_K$, determinants multiply, so their logarithms add:
#
# $$ \ln q(z_K) = \ln q_0(z_0) - \sum_{k=1}^{K}
# \ln \left| \det \frac{\partial z_k}{\partial z_{k-1}} \right|. $$
#
# Such a chain is a **normalizing flow**. Any invertible maps will do in principle. In
# practice each must be easy to invert, and its determinant must not cost $O(D^3)$. A
# **coupling layer** manages both. It splits the coordinates into two halves. The half $a$
# stays as it is, and decides how the half $b$ is stretched and moved:
#
# $$ a' = a, \qquad b' = b \odot e^{s(a)} + t(a), $$
#
# with any networks $s$ and $t$. To invert it, compute $s$ and $t$ again, which is possible
# because $a = a'$ is still there: $b = (b' - t(a)) \odot e^{-s(a)}$. Nothing inside $s$ or
# $t$ must be inverted. And the Jacobian has a block of zeros, since $a'$ does not depend on
# $b$:
#
# $$ \frac{\partial (a', b')}{\partial (a, b)} =
# \begin{pmatrix} I & 0 \\ \cdots & \mathrm{diag}\, e^{s(a)} \end{pmatrix},
# \qquad \ln |\det| = \sum_d s_d(a). $$
#
# The block of dots, which contains the derivatives of both networks, does not matter. The
# next layer exchanges the halves, so that every coordinate is moved by some layer.
#
# You know one layer already, in which nothing decides: the first map, from noise to the
# Gaussian, with $s = \ln \sigma$ and $t = \mu$. Write it once more, with its derivatives:

# %%
def reparameterize(mu, logvar, eps):         # all (N, D)   ->   y (N, D)
    raise NotImplementedError("y: compute the value here, in place of this line")
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient with respect to logvar")
    return y, dmu, dlogvar, None


learn.check(reparameterize)

# %% [markdown]
# [Flow](../npvae/probability/flow.py) puts it together: a Gaussian and a list of
# [Coupling](../npvae/probability/flow.py) layers. `rsample` goes through the layers and
# subtracts each determinant; `log_prob` goes back through them. If the two agree on
# samples, and the density integrates to 1, neither can be wrong alone:

# %%
rng = np.random.default_rng(0)
bent = Flow(2, layers=4, hidden=16, rng=rng)
for p in bent.parameters():                  # any weights: a flow that bends at random
    p.data[...] = 0.5 * rng.standard_normal(p.shape)
with no_grad():
    z, log_q = bent.rsample(rng, 1000)
    worst = np.abs(bent.log_prob(z).data - log_q.data).max()
    side = np.linspace(-15, 15, 601)
    wide = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    mass = np.exp(bent.log_prob(wide).data).sum() * (side[1] - side[0]) ** 2
print(f"out and back: the densities agree to {worst:.0e}; the integral is {mass:.3f}")

assert worst < 1e-9 and abs(mass - 1) < 0.01

# %% [markdown]
# ## 15.3 The bound, without a closed KL
#
# The KL of a flow from the prior has no formula. But the bound needs none: write it as one
# expectation,
#
# $$ \mathrm{ELBO} = \mathbb E_{z \sim q} \bigl[
# \ln p(x \mid z) + \ln p(z) - \ln q(z) \bigr], $$
#
# which is estimator A of chapter 4, and draw $z$ by the flow. Everything in the bracket is
# known for every draw, and differentiable. Here $q$ belongs to a single $x$, as in
# variational EM. In a VAE, the encoder would output the Gaussian, and perhaps also a vector
# that the networks $s$ and $t$ take as a further input.

# %%
def bound(x, q, rng, samples):
    """The bracket, for each of the samples: a Tensor (samples,)."""
    z, log_q = q.rsample(rng, samples)
    log_prior = DiagonalGaussian(np.zeros((1, 2)), 0.0).log_prob(z)
    return decode(z).log_prob(np.broadcast_to(x, z.shape)) + log_prior - log_q


def fit(layers, steps=1000, x=A, seed=0):
    """Maximise the bound over the Gaussian and all layers."""
    rng = np.random.default_rng(seed)
    q = Flow(2, layers, 16, rng)
    q.mu.data[...], q.logvar.data[...] = x, -1.0        # begin near x, not too wide
    optimizer = optim.Adam(q.parameters(), schedules.cosine(0.02, steps))
    for _ in range(steps):
        loss = -bound(x, q, rng, samples=100).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return q


# %% [markdown]
# A flow begins as the identity: its last weights are zero, so $s = t = 0$. So each of these
# runs starts from the same Gaussian.
#
# > **Predict.** First a control: the Gaussian alone, with 1,000 and with 4,000 steps. What
# > does it gain? Then two layers, four, eight. And if you add the gap to the bound, what do
# > you get in each row?

# %% tags=["hide-output"]
fitted = {"Gaussian": fit(0), "Gaussian, 4,000 steps": fit(0, 4000)}
fitted |= {f"{K} layers": fit(K) for K in (2, 4, 8)}
gaps, bounds = {}, {}
print("                           gap    bound    sum")
for name, q in fitted.items():
    with no_grad():
        bounds[name] = bound(A, q, np.random.default_rng(1), 100_000).data.mean()
    gaps[name] = gap(q)
    total = bounds[name] + gaps[name]
    print(f"{name:22} {gaps[name]:7.3f} {bounds[name]:8.3f} {total:7.3f}")
print(f"ln p(x) on the grid: {exact.log_likelihood:.3f}")

# %% tags=["hide-input"]
assert 0.3 < gaps["Gaussian"] < 0.36
assert abs(gaps["Gaussian"] - gaps["Gaussian, 4,000 steps"]) < 0.01
assert gaps["Gaussian"] > gaps["2 layers"] + 0.05 > gaps["4 layers"] + 0.1
assert max(gaps["4 layers"], gaps["8 layers"]) < 0.09
for name in fitted:
    assert abs(bounds[name] + gaps[name] - exact.log_likelihood) < 0.02

# %% [markdown]
# <details><summary>Answer</summary>
#
# More steps gain nothing: the Gaussian was the best one after 1,000. The layers close the
# gap: two take a good part of it, four all but a few hundredths of a nat. And each row adds
# up to $\ln p(x)$, up to the noise of the draws, because
# $\ln p(x) = \mathrm{ELBO} + \mathrm{KL}(q \Vert p(z \mid x))$ holds for every $q$, whatever
# its shape (chapter 4).
#
# </details>
#
# Figure 15.1 shows what the layers do.

# %% tags=["hide-input"]
shown = {"Gaussian": "no layers", "2 layers": "two", "8 layers": "eight"}
fig, axes = plt.subplots(1, 3, figsize=(6.5, 2.7), sharey=True, layout="constrained")
for ax, (name, title) in zip(axes, shown.items()):
    density = np.exp(exact.log_density)
    ax.contourf(exact.z[..., 0], exact.z[..., 1], density, 9, cmap="Greys")
    with no_grad():
        z = fitted[name].rsample(np.random.default_rng(2), 150)[0].data
    ax.scatter(*z.T, s=8, color="tab:red", linewidth=0)
    ax.set(xlim=(-0.6, 3.2), ylim=(-1.6, 1.6), title=f"{title}: {gaps[name]:.2f} nats",
           xlabel="z₁", xticks=[0, 1, 2, 3])
axes[0].set_ylabel("z₂")
figures.show(fig, "15.1")

# %% [markdown]
# *Figure 15.1. The posterior of point A in grey, a wedge with its tip at the origin, and 150
# draws of q as red dots, for a Gaussian, for two layers and for eight; the titles give the
# gaps. The draws of the Gaussian form an oval that leaves the tip and spills over the sides
# of the wedge. With eight layers they fill the wedge from its tip to its wide end.*
#
# ## 15.4 What one layer can do
#
# A single layer leaves one of the two coordinates as it was: a Gaussian. It can make the
# other follow a curve ($t$) and taper ($s$).
#
# > **Predict.** The wedge runs along $z_1$ and becomes wider. Let $z_1$ decide about $z_2$,
# > in a single layer: it can give every $z_1$ its own spread across. Is that a quarter of
# > the gap, half of it, or nearly all?

# %% tags=["hide-output"]
# The first layer keeps z₂ and moves z₁. So turn x, and the wedge with it, by 90 degrees.
turned = np.array([0.0, 1.05])
turned_log_p = grid_posterior(turned, decode, extent=3.5, side=280).log_density.ravel()
one_layer = gap(fit(1, x=turned), turned_log_p)
print(f"the gap without a layer {gaps['Gaussian']:.2f}, with one {one_layer:.2f} nats")

# %% tags=["hide-input"]
assert 0.2 < one_layer < gaps["Gaussian"] - 0.05

# %% [markdown]
# <details><summary>Answer</summary>
#
# A quarter. The sides of the wedge come out right, but the density *along* it is still that
# of a Gaussian, without the sharp end at the tip. This is why layers exchange the halves,
# and why the gap falls quickly from the second one on.
#
# </details>
#
# ## 15.5 What it costs, and what else there is
#
# The number of maps grows with the number of layers, and so does the time of a step: in
# each, a network is evaluated forward and backward. The bound is estimated with more noise,
# since the KL is no longer exact. And a flow closes one gap only. If the *encoder* is the
# bottleneck (the amortization gap of chapter 8), a bending $q$ does not help.
#
# There are other ways to a better family. Chapter 11 uses $K$ draws of a plain Gaussian and
# weighs them: that bound, too, is the bound of a richer $q$. A mixture of Gaussians needs no
# invertible map, but its choice of a component is discrete, and chapter 5's trick does not
# apply to it. And chapter 16 makes $z$ itself deep.
#
# ## What can go wrong
#
# **The sign of the determinant.** In $\ln q$, the flow *subtracts* $\sum_d s_d$. With a
# plus there, the optimiser is paid for squeezing $q$, and the "bound" rises above $\ln
# p(x)$. It is a right derivative of a wrong number, so no gradient check sees it. The
# integral over the grid does.
#
# > **Predict.** Make that mistake: add the determinants. How far does the "bound" rise, in
# > 300 steps?

# %% tags=["hide-output"]
def wrong_bound(x, q, rng, samples):
    mu, logvar = q.mu.reshape(1, -1), q.logvar.reshape(1, -1)
    z = DiagonalGaussian(mu, logvar).rsample(rng, samples).reshape(samples, 2)
    log_q = DiagonalGaussian(mu, logvar).log_prob(z)
    for layer in q.layers:
        z, log_det = layer(z)
        log_q = log_q + log_det              # the mistake: it should be a minus
    log_prior = DiagonalGaussian(np.zeros((1, 2)), 0.0).log_prob(z)
    return decode(z).log_prob(np.broadcast_to(x, z.shape)) + log_prior - log_q


rng = np.random.default_rng(3)
wrong = Flow(2, 4, 16, rng)
wrong.mu.data[...], wrong.logvar.data[...] = A, -1.0
optimizer = optim.Adam(wrong.parameters(), 0.02)
for _ in range(300):
    loss = -wrong_bound(A, wrong, rng, 100).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
above = -float(loss.data) - exact.log_likelihood
print(f'after 300 steps, the "bound" is {above:.1f} nats above ln p(x)')

# %% tags=["hide-input"]
assert above > 2

# %% [markdown]
# <details><summary>Answer</summary>
#
# It passes $\ln p(x)$ by several nats, and only the tanh stops it: each of the four layers
# can fake at most two nats. The layers squeeze $q$ to a point that explains $x$ well, and
# are paid for squeezing instead of charged. Without a grid you would not know $\ln p(x)$;
# compare the bound with an importance-sampled estimate instead (chapter 11).
#
# </details>
#
# **Scales without limits.** $e^{s}$ of a free $s$ overflows early in training. The engine
# passes $s$ through tanh.
#
# **Forgetting to exchange.** If all layers keep the same half, that half stays Gaussian
# whatever the number of layers.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | normalizing flows for q | [Flow](../npvae/probability/flow.py) | [Rezende and Mohamed 2015](https://arxiv.org/abs/1505.05770), eq. 7 and 15 |
# | coupling layers | [Coupling](../npvae/probability/flow.py) | [Dinh, Sohl-Dickstein, Bengio 2017](https://arxiv.org/abs/1605.08803), eq. 7 and 8 |
# | flows that an encoder controls | | [Kingma and others 2016](https://arxiv.org/abs/1606.04934) |
# | the exact posterior | [grid_posterior](../npvae/probability/grid.py) | |
#
# ## Exercises
#
# 1. In 15.4, fit one layer to the wedge as it lies: then $z_2$ decides about $z_1$. Try
#    several seeds. In some of them the layer gains nothing at all: why can the Gaussian be
#    a place from which no small step leads up?
# 2. Show on paper that a coupling layer with $s = 0$ preserves volume. Which posteriors can
#    such a flow not match?
# 3. Take the point at $(0.2, 0)$, inside the ring. What does its posterior look like, and
#    how many layers does it need?
# 4. Let the encoder choose: give $s$ and $t$ a further input, the hidden units of an encoder,
#    and train a VAE on the data of chapter 8 with it. Which of the two gaps falls?
#
# Before: [14. A faster step, then PyTorch and JAX](14_a_faster_step.ipynb). Next:
# [16. Many layers](16_many_layers.ipynb), where the decoder is deep.
