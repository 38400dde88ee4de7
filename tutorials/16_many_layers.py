# %% [markdown]
# # 16. Many layers
#
# Chapter 15 gave the posterior a better shape. This chapter does the opposite: it takes the
# simplest encoder there is, one that adds noise and learns nothing, and spends everything
# on the decoder, in many small steps. The result is a **diffusion model**. It is a VAE with
# many layers of latent variables, and it is trained by the same bound.
#
# After this chapter you can
#
# - derive the distribution after many steps of noise, in one formula;
# - write the bound of a VAE with $T$ layers as a sum of $T$ terms, and print them;
# - say why the decoder must add more noise than the encoder's posterior has;
# - measure how the gap falls with the number of layers, and what it costs;
# - tell a bound from the weighted loss that most diffusion models minimise.
#
# You need: chapters 1, 3, 4, 5, 8, 9 and 10. The symbols are on [one page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, learn, probability
from npvae.models import VAE, Diffusion
from npvae.nn import optim, schedules
from npvae.probability import DiagonalGaussian, grid_posterior

# %% [markdown]
# ## 16.1 Noise, in many small steps
#
# The data are points of chapter 1's ring, with noise of variance 0.05. The density is the
# same in all directions, so a table of $\ln p(x)$ by the distance from the origin is
# enough, and chapter 1's grid computes it.

# %%
NOISE_VARIANCE = 0.05


def decode(z):                           # z (N, 2)  ->  p(x | z) for each of the N codes
    return DiagonalGaussian(probability.ring(z), float(np.log(NOISE_VARIANCE)))


def draw(n, rng):                        # n points of the ring, an array (n, 2)
    return decode(rng.standard_normal((n, 2))).rsample(rng).data


radii = np.linspace(0, 3, 151)
table = [grid_posterior(np.array([r, 0.0]), decode).log_likelihood for r in radii]


def log_p(x):                            # x (N, 2)  ->  ln p(x), an array (N,)
    return np.interp(np.linalg.norm(x, axis=1), radii, table)


held_out = draw(40_000, np.random.default_rng(1))
best = log_p(held_out).mean()
print(f"mean of ln p(x): {best:.3f} nats. No bound can be higher, on average")

assert abs(best + 1.92) < 0.05

# %% [markdown]
# A step of the encoder shrinks a point a little and adds a little noise:
#
# $$ q(x_t \mid x_{t-1}) = \mathcal N\bigl(\sqrt{1 - \beta_t}\, x_{t-1},\; \beta_t I\bigr),
# \qquad t = 1, \dots, T, $$
#
# where $x_0$ is the data point. Shrinking keeps the variance from growing: a variance of 1
# stays $(1 - \beta_t) + \beta_t = 1$. The numbers $\beta_t$ are chosen once and for all.
# (They have nothing to do with the $\beta$ of chapter 9; the letter is the literature's.)
#
# Two steps are again a Gaussian step. Put the first into the second:
# $x_2 = \sqrt{1-\beta_2}\sqrt{1-\beta_1}\, x_0 + \text{noise}$, and the variance of the noise
# is $(1-\beta_2)\beta_1 + \beta_2 = 1 - (1-\beta_1)(1-\beta_2)$. So with
# $\bar\alpha_t = \prod_{i \le t} (1 - \beta_i)$,
#
# $$ q(x_t \mid x_0) = \mathcal N\bigl(\sqrt{\bar\alpha_t}\, x_0,\;
# (1 - \bar\alpha_t) I\bigr). $$
#
# This is why training is cheap: any layer can be drawn without the layers before it.
#
# > **Predict.** [Diffusion](../npvae/models/diffusion.py) sets
# > $\ln \frac{\bar\alpha_t}{1 - \bar\alpha_t}$, the logarithm of signal to noise, to
# > $6 - 12\, t / T$. After which share of the steps can you no longer see the hole of the
# > ring? And how many nats, at most, does $x_T$ still tell about $x_0$?

# %% tags=["hide-output"]
T = 64
diffusion = Diffusion(2, T, [64, 64], np.random.default_rng(0))
told = diffusion.encode(held_out, T).kl_divergence().data.mean()
print(f"KL(q(x_T | x_0) ‖ N(0, I)): {told:.4f} nats, on average")

# %% tags=["hide-input"]
assert told < 0.003

# %% tags=["hide-input", "hide-output"]
def clouds(columns, rows, height, panels):
    """The first 400 of the points in each panel: panels is a dict from titles to (N, 2)."""
    fig, axes = plt.subplots(rows, columns, figsize=(6.5, height), sharey=True,
                             layout="constrained")
    for ax, (title, x) in zip(axes.flat, panels.items()):
        color = "tab:blue" if title[0] == "t" else "0.3"
        ax.scatter(*x[:400].T, s=8, linewidth=0, color=color)
        ax.set(xlim=(-3, 3), ylim=(-3, 3), title=title, aspect="equal", xticks=[-2, 0, 2])
    return fig


rng = np.random.default_rng(2)
noised = {f"t = {t}": diffusion.encode(held_out[:400], t).rsample(rng).data
          for t in (1, 16, 24, 32, 64)}
figures.show(clouds(5, 1, 1.8, noised), "16.1")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 16.1. 400 points after 1, 16, 24, 32 and all 64 steps. After one step they are still
# a ring. After 16 its hole is smaller, after 24 it begins to fill, and after 32 the points
# are a round cloud.*
#
# In Figure 16.1, the hole closes between steps 24 and 32, a little before half of the way.
# At the end, at most two thousandths of a nat are left. The encoder has forgotten the data,
# so $p(x_T) = \mathcal N(0, I)$ is the right prior.
#
# </details>
#
# ## 16.2 One step back
#
# The decoder has to undo a step. What should it aim at? If it knew $x_0$, Bayes' rule would
# say where $x_{t-1}$ was. As a function of $x_{t-1}$,
#
# $$ q(x_{t-1} \mid x_t, x_0) \propto q(x_t \mid x_{t-1})\; q(x_{t-1} \mid x_0), $$
#
# a product of two Gaussians. Precisions add, and each mean counts by its precision:
#
# $$ \frac{1}{v_t} = \frac{1 - \beta_t}{\beta_t} + \frac{1}{1 - \bar\alpha_{t-1}}, \qquad
# m_t = c_t\, x_0 + d_t\, x_t, $$
#
# $$ c_t = \frac{\sqrt{\bar\alpha_{t-1}}\, \beta_t}{1 - \bar\alpha_t}, \qquad
# d_t = \frac{\sqrt{1 - \beta_t}\, (1 - \bar\alpha_{t-1})}{1 - \bar\alpha_t}, $$
#
# for $t \ge 2$. In closed form, $v_t = \beta_t (1 - \bar\alpha_{t-1}) / (1 -
# \bar\alpha_t)$, because $(1-\beta_t)(1-\bar\alpha_{t-1}) + \beta_t = 1 - \bar\alpha_t$.
# The mean is a weighted sum of where the path began and where it is now. On a grid over one
# coordinate, Bayes' rule needs no algebra, so the grid can check the formulas:

# %%
t, x_0, x_t = 40, np.array([[1.0, 0.0]]), np.array([[0.4, 0.0]])
line = np.linspace(-6, 6, 6001)
before, beta = diffusion.encode(x_0, t - 1), diffusion.beta[40]
first = -((line - before.mean[0, 0]) ** 2) / (2 * np.exp(before.logvar[0, 0]))
second = -((x_t[0, 0] - np.sqrt(1 - beta) * line) ** 2) / (2 * beta)
weights = np.exp(first + second)
weights /= weights.sum()
mean = weights @ line
variance = weights @ (line - mean) ** 2

q = diffusion.posterior(x_0, x_t, t)
print(f"by the grid  mean {mean:.5f}  variance {variance:.5f}")
print(f"by algebra   mean {q.mean[0, 0]:.5f}  variance {np.exp(q.logvar[0, 0]):.5f}")

assert abs(mean - q.mean[0, 0]) < 1e-4 and abs(variance - np.exp(q.logvar[0, 0])) < 1e-4

# %% [markdown]
# ## 16.3 The bound, layer by layer
#
# The decoder does not know $x_0$. So a network guesses it, $\hat x_0 = g(x_t, t)$, and the
# decoder takes the guess for the truth:
#
# $$ p(x_{t-1} \mid x_t) = \mathcal N\bigl(c_t\, \hat x_0 + d_t\, x_t,\; \beta_t I\bigr). $$
#
# One network serves all $T$ steps. In code,
# $\hat x_0 = \sqrt{\bar\alpha_t}\, x_t + \sqrt{1 - \bar\alpha_t}\, \mathrm{network}(x_t, t)$:
# with little noise, the guess is near $x_t$.
# The latent variable of this VAE is the whole path $z = (x_1, \dots, x_T)$, so chapter 4's
# bound reads
#
# $$ \ln p(x_0) \ge \mathbb E_q \left[ \ln
# \frac{p(x_T) \prod_{t=1}^{T} p(x_{t-1} \mid x_t)}{q(x_1, \dots, x_T \mid x_0)} \right]. $$
#
# Write the denominator backward, too. By Bayes' rule, $q(x_t \mid x_{t-1}) = q(x_{t-1} \mid
# x_t, x_0)\, q(x_t \mid x_0) / q(x_{t-1} \mid x_0)$ for $t \ge 2$. In the product over $t$
# the fractions cancel, and $q(x_T \mid x_0) \prod_{t=2}^{T} q(x_{t-1} \mid x_t, x_0)$
# remains. Now every factor above has its partner below, and the logarithm of each pair,
# averaged over $x_{t-1}$, is a KL divergence:
#
# $$ \begin{aligned} -\mathrm{ELBO} = \;& \mathrm{KL}\bigl(q(x_T \mid x_0) \,\Vert\, p(x_T)\bigr) \\
# &+ \sum_{t=2}^{T} \mathbb E\, \mathrm{KL}\bigl(q(x_{t-1} \mid x_t, x_0) \,\Vert\,
# p(x_{t-1} \mid x_t)\bigr) \\ &- \mathbb E \ln p(x_0 \mid x_1). \end{aligned} $$
#
# For $T = 1$ the sum is empty, and this is the bound of chapter 4 with $z = x_1$. All
# distributions are Gaussians, and the two means in a KL differ by
# $c_t (x_0 - \hat x_0)$. So each term but the first is a squared error plus a number. (The
# first has no parameters. The last has this form because $c_1 = 1$ and $d_1 = 0$.)
#
# $$ \frac{c_t^2}{2 \beta_t} \Vert x_0 - \hat x_0 \Vert^2
# + \text{a number that depends on } t \text{ alone}. $$
#
# Training is denoising, as in chapter 3, at $T$ levels of noise, and the bound says what
# each level weighs.
#
# The last term is the log-density of a Gaussian. Write it once more, with its derivatives:

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
# To sum $T$ terms for every example would take $T$ passes through the network. An unbiased
# estimate takes one: draw $t$ uniformly for each example, and multiply its term by $T$.
# `Diffusion.loss` does this.

# %%
def train(model, updates=2000, seed=0):
    """Minimise −ELBO with Adam, on new points of the ring in each minibatch."""
    rng = np.random.default_rng(seed)
    optimizer = optim.Adam(model.parameters(), schedules.cosine(0.005, updates))
    for _ in range(updates):
        loss = model.loss(draw(250, rng), rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


# %% [markdown]
# ## 16.4 The terms, printed
#
# > **Predict.** Eight steps. Which term is the largest, and can a term be negative? Is the
# > sum near the $-\ln p(x)$ of 16.1, one nat away, or more?

# %% tags=["hide-output"]
eight = train(Diffusion(2, 8, [64, 64], np.random.default_rng(0)))
terms = eight.all_terms(held_out, np.random.default_rng(3)).mean(axis=0)
print(" t      ᾱ_t        term")
for t in range(8, 0, -1):
    print(f"{t:2}   {eight.alpha_bar[t]:6.4f}  {terms[t]:10.3f}")
print(f"the prior's KL  {terms[0]:8.3f}")
print(f"−ELBO           {terms.sum():8.3f}")
print(f"−ln p(x)        {-best:8.3f}")

# %% tags=["hide-input"]
assert terms[1] < -0.5 and min(terms[2:]) > 0
assert 0.15 < terms.sum() + best < 0.45

# %% [markdown]
# <details><summary>Answer</summary>
#
# The term of step 2 is the largest, and steps 2 to 4 cost most: they lie between the ring
# and the cloud. A KL divergence is never
# negative, but the last step's term is $-\ln p(x_0 \mid x_1)$ of a *density* with a narrow
# Gaussian, and it is. The first steps of the decoder cost nearly nothing: in pure noise
# there is nothing to know. In total, eight layers are 0.3 nats away from the best.
#
# </details>
#
# ## 16.5 How many layers?
#
# Averaged over the data, the encoder's step back, $q(x_{t-1} \mid x_t)$, is not a Gaussian:
# seen from the middle of the cloud, the point before may have been on either side of the
# ring. The smaller the step, the less this matters, and in the limit every step back *is* a
# Gaussian. A smaller part of the gap comes from the fixed variance $\beta_t$, which is
# right only for data from $\mathcal N(0, I)$ (exercise 1). To separate what few steps cost
# from what a network cannot learn, replace the network by the best guess, $\mathbb E[x_0
# \mid x_t]$, a sum over a grid. By symmetry, $x_t = (r, 0)$ is enough.

# %%
side = np.linspace(-2.6, 2.6, 131)
p_of_grid = np.exp(log_p(np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)))


class BestGuess(Diffusion):
    """In place of the network, E[x₀ | x_t], a sum over a grid. Here t is one number."""

    def guess(self, x_t, t):
        a, r = self.alpha_bar[t], np.linspace(0, 5, 201)[:, None]
        across = np.exp(-a * side**2 / (2 * (1 - a)))            # of the second coordinate
        along = np.exp(-((r - np.sqrt(a) * side) ** 2) / (2 * (1 - a)))
        w = along * (across @ p_of_grid.reshape(131, 131)) + 1e-300
        outward = w @ side / w.sum(axis=1)                       # E[x₀ | x_t = (r, 0)]
        length = np.linalg.norm(x_t, axis=1)
        return x_t * (np.interp(length, r[:, 0], outward) / length)[:, None]


def gap(model):
    """Mean of ln p(x) − ELBO over the held-out points, in nats."""
    return best + model.all_terms(held_out, np.random.default_rng(4)).sum(axis=1).mean()


# %% [markdown]
# A VAE with two latent dimensions takes part, too. Its networks have as many hidden units,
# it sees as many points, and it starts from the right noise variance.
#
# > **Predict.** With twice as many layers, does the gap of the best guess shrink by a tenth,
# > to one half, or to a quarter? Where do trained networks leave this line? And how many
# > layers does a diffusion model need to pass the VAE?

# %% tags=["hide-output"]
def train_vae(updates=2000, seed=0):
    rng = np.random.default_rng(seed)
    vae = VAE(2, 2, [64, 64], rng, "gaussian")
    vae.likelihood.logvar.data[...] = np.log(NOISE_VARIANCE)
    optimizer = optim.Adam(vae.parameters(), schedules.cosine(0.005, updates))
    for _ in range(updates):
        loss, _ = vae.loss(draw(250, rng), rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return vae


layers = [1, 2, 4, 8, 16, 32, 64]
by_best_guess = {T: gap(BestGuess(2, T, [1], 0).astype(np.float64)) for T in layers}
diffusion = train(diffusion)
trained = {1: train(Diffusion(2, 1, [64, 64], 0)), 8: eight, 64: diffusion}
by_network = {T: gap(model) for T, model in trained.items()}
vae = train_vae()
with vae.evaluating():
    of_vae = best + vae.loss(held_out, np.random.default_rng(4))[1]["loss"]
some = held_out[:1000]
estimate = vae.importance_sampling(some, np.random.default_rng(4), samples=500)
of_decoder = np.mean(log_p(some) - estimate.log_likelihood)
print("layers   best guess   network")
for T in layers:
    network = f"{by_network[T]:10.3f}" if T in by_network else ""
    print(f"{T:6} {by_best_guess[T]:12.3f} {network}")
print(f"the VAE {of_vae:21.3f}, of which its decoder {of_decoder:.2f}")

# %% tags=["hide-input"]
for T in layers[3:-1]:
    assert 1.5 < by_best_guess[T] / by_best_guess[2 * T] < 2.7
for T, found in by_network.items():
    assert by_best_guess[T] - 0.02 < found < by_best_guess[T] + 0.12
assert by_network[64] < of_vae and abs(of_vae - by_network[8]) < 0.05
assert 0.03 < of_decoder < of_vae - 0.05

# %% tags=["hide-input", "hide-output"]
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(layers, by_best_guess.values(), "o-", label="best guess")
ax.plot(by_network.keys(), by_network.values(), "s", markersize=9, fillstyle="none",
        color="tab:red", label="trained network")
ax.axhline(of_vae, color="0.4", linestyle="--", label="a VAE with two latents")
ax.set(xscale="log", yscale="log", xlabel="layers T", ylabel="gap to ln p(x), in nats",
       xticks=layers, xticklabels=layers, yticks=[0.05, 0.1, 0.2, 0.5],
       yticklabels=["0.05", "0.1", "0.2", "0.5"])
ax.minorticks_off()
ax.legend()
figures.show(fig, "16.2")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 16.2. The gap against the number of layers, both on logarithmic axes. The line of
# the best guess falls slowly at first, from 0.61 to 0.39 nats with four layers, and in the
# end to one half with every doubling, to 0.04 with 64. Red squares mark trained networks:
# those with 1 and 8 layers lie on the line, that with 64 lies above it, at 0.07. The dashed
# line of the VAE, at 0.26, crosses the line near eight layers.*
#
# One half, as soon as the steps are small, as Figure 16.2 shows. With few layers, the
# network's own error is small beside that of the steps; with 64, it is a third to a half of
# the gap. (The standard error is about 0.007 for eight layers and more, which is also why
# 16.4 printed a slightly different gap.) The VAE is matched by eight layers. A tenth of a
# nat of its gap belongs to the decoder, the rest to $q$: both gaps of chapter 8, and the
# wedge of chapter 15. What a diffusion model gains, it pays for in time: a new example
# costs 64 passes through the network in place of one.
#
# </details>
#
# ## 16.6 From noise to the ring
#
# To draw, start from $\mathcal N(0, I)$ and take all steps of the decoder, each with its
# noise:

# %%
rng = np.random.default_rng(5)
paths = {64: rng.standard_normal((5000, 2))}
with diffusion.evaluating():
    for t in range(64, 1, -1):
        paths[t - 1] = diffusion.decode(paths[t], t).rsample(rng).data
    paths[0] = diffusion.decode(paths[1], 1).mean

# %% tags=["hide-input"]
with vae.evaluating():
    z = np.random.default_rng(7).standard_normal((5000, 2), dtype=np.float32)
    of_the_vae = vae.decode(z).rsample(np.random.default_rng(8)).data
drawn = {"data": held_out, "diffusion": paths[0], "VAE": of_the_vae}

panels = {f"t = {t}": paths[t] for t in (64, 32, 24, 16, 1)} | drawn
figures.show(clouds(4, 2, 3.9, panels), "16.3")

print("distance from the origin    mean   spread   below ½")
distances = {name: np.linalg.norm(x, axis=1) for name, x in drawn.items()}
for name, r in distances.items():
    print(f"{name:26} {r.mean():6.3f} {r.std():7.3f} {np.mean(r < 0.5):9.1%}")

spread = {name: r.std() for name, r in distances.items()}
inside = {name: np.mean(r < 0.5) for name, r in distances.items()}
assert spread["data"] - 0.02 < spread["diffusion"] < spread["data"] + 0.05 < spread["VAE"]
assert inside["data"] < inside["diffusion"] < 0.03 and inside["diffusion"] < inside["VAE"]

# %% [markdown]
# *Figure 16.3. Blue: the same 400 points on their way back, at t = 64, 32, 24, 16 and 1. A
# round cloud contracts, opens in the middle, and becomes a ring. Grey: data, the finished
# draws of the diffusion model, and draws of the VAE. The ring of the diffusion model looks
# like that of the data; the VAE's is wider, with more points in the hole.*
#
# The numbers say what Figure 16.3 shows. The VAE must tear a round prior open with one continuous map,
# and leaves points in the hole. The diffusion model does it in many small steps, and leaves
# fewer.
#
# What you do not get is a code. The latent variable is a path of 64 points, and the last of
# them knows at most two thousandths of a nat about $x_0$. For the maps and axes of chapters
# 6 and 13 you need an encoder that learns.
#
# ## What can go wrong
#
# **The wrong variance in the decoder.** The encoder's posterior has the variance $v_t$, and
# it is tempting to give the decoder the same. But the posterior knows $x_0$. The decoder
# does not, so it must be wider: what it does not know about $x_0$ adds $c_t^2$ times the
# variance of $x_0$ given $x_t$. Here it has $\beta_t$, always more than $v_t$, and exactly
# right if the data is from $\mathcal N(0, I)$.
#
# > **Predict.** The best guess, once with $\beta_t$ and once with $v_t$. What does the
# > mistake cost with four layers: a tenth of a nat, one nat, or more? And with 64, where
# > $v_t$ and $\beta_t$ are nearly the same?

# %% tags=["hide-output"]
rng, more = np.random.default_rng(9), {4: 0.0, 64: 0.0}
for T in more:
    exact = BestGuess(2, T, [1], 0).astype(np.float64)
    for t in range(2, T + 1):
        x_t = exact.encode(held_out, t).rsample(rng).data
        q, p = exact.posterior(held_out, x_t, t), exact.decode(x_t, t)
        narrow = DiagonalGaussian(p.mean, q.logvar)
        more[T] += (q.kl_divergence(narrow).data - q.kl_divergence(p).data).mean()
    print(f"{T:2} layers: v costs {more[T]:.2f} nats more than β; the gap with β was",
          f"{by_best_guess[T]:.2f}")

# %% tags=["hide-input"]
assert more[4] > 10 * by_best_guess[4] and more[64] > 5 * by_best_guess[64]

# %% [markdown]
# <details><summary>Answer</summary>
#
# More than five nats with four layers, and a third of a nat with 64: in both cases about ten
# times the gap, or more. A Gaussian that is too narrow is surprised far more than one that
# is too wide. With more layers the mistake costs less, but the gap shrinks as well.
#
# </details>
#
# **The variance as the standard deviation**, again. In training, nothing draws from the
# decoder, so the bound is right, the gradients are right, and the draws are not. Chapter 5's
# cure holds: compare the spread of what is drawn with that of the data.

# %%
x = rng.standard_normal((5000, 2))
with diffusion.evaluating():
    for t in range(64, 1, -1):
        p = diffusion.decode(x, t)
        sigma = np.exp(p.logvar)             # the mistake: it should be logvar / 2
        x = p.mean + sigma * rng.standard_normal(x.shape)
    x = diffusion.decode(x, 1).mean
wrong = np.linalg.norm(x, axis=1).std()
print(f"spread of the distance: data {spread['data']:.2f}, wrong draws {wrong:.2f}")

assert wrong < 0.75 * spread["data"]

# %% [markdown]
# **Weights that make no bound.** A guess of $x_0$ is a guess of the noise, $\hat\varepsilon
# = (x_t - \sqrt{\bar\alpha_t}\, \hat x_0) / \sqrt{1 - \bar\alpha_t}$. In the bound, $\Vert
# \varepsilon - \hat\varepsilon \Vert^2$ has the weight $\beta_t / (2 (1 - \beta_t) (1 -
# \bar\alpha_t))$. Most diffusion models replace it by 1. Ho and others found that this
# gives better pictures. But, as with chapter 9's $\beta$, the number that is minimised is
# no bound any more, and says nothing about $\ln p(x)$.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | the model and its bound | [Diffusion](../npvae/models/diffusion.py) | [Sohl-Dickstein and others 2015](https://arxiv.org/abs/1503.03585) |
# | $q(x_t \mid x_0)$, the posterior, the terms | [Diffusion](../npvae/models/diffusion.py) | [Ho, Jain, Abbeel 2020](https://arxiv.org/abs/2006.11239), eq. 4 to 8 |
# | how the bound depends on the levels of noise | | [Kingma and others 2021](https://arxiv.org/abs/2107.00630) |
# | layers with encoders that learn | | [Sønderby and others 2016](https://arxiv.org/abs/1602.02282) |
#
# ## Exercises
#
# 1. Show on paper that $v_t < \beta_t$, and that for data from $\mathcal N(0, I)$ the decoder
#    with $\beta_t$ and the best guess is exact for any $T$. (The tests of `Diffusion` use
#    this.)
# 2. Draw the terms of the 64 layers against $t$. Which levels of noise cost most, and where
#    would you place the steps if you had only 16?
# 3. Draw without noise: take the mean in each step. Where do the points end, and why?
# 4. Train with the error of the guessed noise in place of the bound. Compare the bound, and
#    the draws.
# 5. Replace the ring by your own map from the first exercise of chapter 1. Which of the two
#    models has more trouble with it?
#
# Before: [15. A posterior that bends](15_a_posterior_that_bends.ipynb). This is the last
# chapter. All chapters: [contents](README.md).
