# %% [markdown]
# # 8. From EM to the encoder
#
# Chapter 4 ended with a staircase: E-step, M-step, E-step, … Chapter 6 trained an encoder
# and a decoder at once. This chapter walks from one to the other in four small steps, and
# every step changes one thing. On the way it measures what the encoder costs: how many
# nats the bound loses because *one network* must answer for all examples.
#
# After this chapter you can
#
# - write variational EM for a decoder that has no closed E-step;
# - say what a minibatch does to the bound, and to the posteriors that it does not visit;
# - derive the encoder as the map from an example to its best posterior;
# - split the gap of the bound into an approximation gap and an amortization gap, and
#   measure both;
# - choose the minibatch size, the number of draws and the optimiser by measuring.
#
# You need: chapters 4 and 5. The symbols are on [one page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, learn
from npvae.autodiff import no_grad
from npvae.nn import Dense, Sequential, Tanh, optim, schedules
from npvae.probability import ELBO, DiagonalGaussian, elbo, refine

# %% [markdown]
# ## 8.1 A model small enough to know everything
#
# The data are 300 points near a bent line in the plane. The model has **one** latent
# dimension, and its decoder is a small network $f$ with noise of a fixed width:
# $p(x \mid z) = \mathcal N(f(z), \sigma^2 I)$ with $\sigma = 0.15$. In one dimension every
# integral over $z$ is a sum over a fine grid, so at any moment we can compute
# $\ln p(x)$ exactly, whatever the decoder is.

# %%
rng = np.random.default_rng(0)
N, SIGMA = 300, 0.15
t = rng.uniform(-1.6, 1.6, N)
data = np.stack([t, np.cos(2 * t)], axis=1) + SIGMA * rng.standard_normal((N, 2))


def new_decoder(seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(Dense(1, 30, rng), Tanh(), Dense(30, 2, rng)).astype(np.float64)


def likelihood(decoder):
    """The function from codes z to the distribution p(x | z)."""
    return lambda z: DiagonalGaussian(decoder(z), float(2 * np.log(SIGMA)))


GRID = np.linspace(-8, 8, 1601)
LOG_PRIOR = -0.5 * (np.log(2 * np.pi) + GRID**2)


def log_evidence(decoder):
    """ln p(x) of every data point, by a sum over the grid: (N,)."""
    with no_grad():
        f = decoder(GRID[:, None]).data                # (1601, 2)
    square = ((data[:, None] - f) ** 2).sum(axis=-1)
    log_joint = -square / (2 * SIGMA**2) - np.log(2 * np.pi * SIGMA**2) + LOG_PRIOR
    top = log_joint.max(axis=1)
    return top + np.log(np.exp(log_joint - top[:, None]).sum(axis=1) * (GRID[1] - GRID[0]))


NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(120)  # ∫ e^(−ε²/2) g(ε) dε


def exact_elbo(decoder, mu, logvar):
    """The bound of every data point for q = N(mu, exp(logvar)), (N, 1) each: (N,)."""
    z = mu + np.exp(0.5 * logvar) * NODES              # (N, 120)
    with no_grad():
        f = decoder(z.reshape(-1, 1)).data.reshape(*z.shape, 2)
    square = ((data[:, None] - f) ** 2).sum(axis=-1)
    log_p = -square / (2 * SIGMA**2) - np.log(2 * np.pi * SIGMA**2)
    reconstruction = log_p @ NODE_WEIGHTS / NODE_WEIGHTS.sum()
    return reconstruction - 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)[:, 0]


# %% [markdown]
# ## 8.2 Variational EM with a network as the decoder
#
# Every example $n$ has its own $q_n = \mathcal N(\mu_n, e^{\mathrm{logvar}_n})$. Together
# they are a table $\lambda$ of $2N$ numbers. The bound of all data is
# $\mathcal L(\theta, \lambda) = \sum_n \mathrm{ELBO}(x_n;\, \theta, \lambda_n)$.
#
# > **Algorithm 7: variational EM.** Repeat: **E-step**, for every $n$:
# > $\lambda_n \leftarrow \arg\max_\lambda \mathrm{ELBO}(x_n; \theta, \lambda)$.
# > **M-step**:
# > $\theta \leftarrow \arg\max_\theta \sum_n \mathrm{ELBO}(x_n; \theta, \lambda_n)$.
#
# With a network, neither maximum has a formula. So take gradient steps instead, and draw
# $z$ with the trick of chapter 5, so that the gradient passes to $\lambda$:
#
# > **Algorithm 8: the same with the reparameterization trick.** Repeat: draw
# > $\varepsilon_n$ and set $z_n = \mu_n + \sigma_n \varepsilon_n$; move $\lambda_n$ along
# > the gradient of $\ln p(x_n \mid z_n) - \mathrm{KL}(q_n \Vert p)$, a few times; move
# > $\theta$ along the gradient of the sum, once.
#
# `elbo` of `npvae` is estimator B of chapter 4 ([elbo](../npvae/probability/bounds.py)).
# The M-step needs nothing new, and neither does the E-step: to both, the other's numbers
# are constants. (The three algorithms of this chapter are numbered 7, 8 and 9, as in the
# lecture that takes the same path, so that you can lay the two side by side.)

# %%
def variational_em(rounds, e_steps, batch=N, seed=0, on_round=None):
    """Algorithm 8; returns the decoder and the table. A round visits every example once."""
    rng = np.random.default_rng(seed)
    decoder = new_decoder(seed)
    mu, logvar = np.zeros((N, 1)), np.zeros((N, 1))    # every q_n begins as the prior
    rate = schedules.polynomial_decay(0.02, scale=2000)
    optimizer = optim.Adam(decoder.parameters(), rate)
    e_rate = schedules.polynomial_decay(0.1, scale=50)
    for done in range(rounds):
        for rows in np.array_split(rng.permutation(N), N // batch):
            p = likelihood(decoder)
            with decoder.frozen():                     # E-step: θ is a constant
                q = DiagonalGaussian(mu[rows], logvar[rows])
                q = refine(data[rows], q, p, rng, e_steps, e_rate(done))
            mu[rows], logvar[rows] = q.mu, q.logvar
            loss = -elbo(data[rows], q, p, rng).elbo.mean() * float(N)     # M-step
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if on_round is not None:
            on_round(done, decoder, mu, logvar)
    return decoder, mu, logvar


decoder, mu, logvar = variational_em(rounds=1500, e_steps=5)
bound, evidence = exact_elbo(decoder, mu, logvar).mean(), log_evidence(decoder).mean()
gap = evidence - bound
print(f"after 1,500 rounds: bound {bound:.2f}, ln p(x) {evidence:.2f}, gap {gap:.2f}")
assert 0 < gap < 1.5


# %% [markdown]
# The loss is the *mean* over the minibatch, times $N$. Of $M$ examples, drawn at random,
# $\tfrac{N}{M} \sum_{n \in \text{batch}} \mathrm{ELBO}_n$ is an unbiased estimate of the
# bound of all data: the mean of the batch stands for the mean of everything. In other
# words, the bound is $N \cdot \mathbb E[\mathrm{ELBO}]$, with the expectation over
# examples. Adam divides the factor $N$ out again; plain gradient descent needs a learning
# rate that allows for it. Both learning rates decay, since a step of fixed size under
# noise never comes to rest.
#
# ## 8.3 θ in every batch, λ once a round
#
# Now use small minibatches. The decoder moves in every batch. But $\lambda_n$ moves only in
# the batch that holds example $n$, **once a round**.
#
# > **Predict.** We train for as many decoder steps, with one E-step per visit: first with
# > all examples in each batch, then with 10 of 300. In which of the two is the table
# > further behind the decoder, and why?

# %% tags=["hide-output"]
def staleness(batch, decoder_steps=600, e_steps=1):
    """Nats that the table loses against the best q_n for the decoder as it is now."""
    rounds = decoder_steps * batch // N
    decoder, mu, logvar = variational_em(rounds, e_steps, batch)
    return best_bound(decoder, mu, logvar) - exact_elbo(decoder, mu, logvar).mean()


def best_bound(decoder, mu, logvar):
    """The mean over examples of max_q ELBO, by many careful E-steps from a given q."""
    start = DiagonalGaussian(mu, logvar)
    falling = schedules.cosine(0.05, 300)
    with decoder.frozen():
        rng = np.random.default_rng(9)
        q = refine(data, start, likelihood(decoder), rng, 300, falling, samples=16)
    before = exact_elbo(decoder, mu, logvar)
    better = np.maximum(before, exact_elbo(decoder, q.mu, q.logvar))
    return better.mean()


behind = {batch: staleness(batch) for batch in (300, 10)}
for batch, nats in behind.items():
    print(f"batches of {batch:3}: the table is {nats:.2f} nats behind")

# %% tags=["hide-input"]
assert behind[10] > 1.5 * behind[300]

# %% [markdown]
# <details><summary>Answer</summary>
#
# With small batches: each example was visited only 20 times, and between two visits the
# decoder took 29 steps without it. When the next visit came, $\lambda_n$ belonged to a
# decoder that no longer existed. (One E-step per visit is little in both cases. Several
# would help both, and cost several times as much.)
#
# </details>
#
# So a table does not like minibatches. And it has two more weaknesses: it grows with the
# data, and a *new* example has no row in it.
#
# ## 8.4 The best posterior is a function of the example
#
# Look at what the E-step computes, once it has converged:
#
# $$ \lambda_n^* = \arg\max_\lambda \mathrm{ELBO}(x_n; \theta, \lambda) =: f^*(x_n, \theta). $$
#
# Two examples with the same $x$ have the same best $\lambda$. So $\lambda^*$ is a
# **function** of $x$, for every $\theta$, and near examples usually have near posteriors,
# except where the best $q$ jumps from one hump to another (4.6). A function can be learned:
# take a network $f_\varphi(x)$ with the output $(\mu, \mathrm{logvar})$, and train
# $\varphi$ on the same bound. That is the **encoder**. When $\theta$ moves, the encoder
# moves with it in the same step, for *all* examples at once, visited or not.
#
# > **Algorithm 9: amortized variational inference.** Repeat: take a minibatch;
# > $\lambda_n = f_\varphi(x_n)$; draw $\varepsilon_n$,
# > $z_n = \mu_n + \sigma_n \varepsilon_n$; move $\theta$ *and* $\varphi$ along the
# > gradient of $\tfrac{N}{M} \sum_n \mathrm{ELBO}(x_n; \theta, f_\varphi(x_n))$.
#
# This is the auto-encoding variational Bayes of Kingma and Welling, and chapter 6. The
# heart of it is the draw. Write the bound with $L$ draws yourself, as estimator B: the KL
# by its formula, and the mean of $\ln p(x \mid z)$ over the draws
# ([the page of the exercise](exercises/10_elbo.py) says more). `q.rsample(rng, samples)`
# draws all codes, `q.kl_divergence()` is the KL, and `decode(z)` takes codes (rows, latent
# dimensions) to a distribution with the method `log_prob(x)`. Return both terms, as
# `ELBO(reconstruction, kl)`.

# %%
def elbo_yourself(x, q, decode, rng, samples=1):     # x (N, D), q of N rows  ->  two (N,)
    raise NotImplementedError("write the function here, in place of this line")


elbo_yourself.__name__ = "elbo"
learn.check(elbo_yourself)

# %%
class Encoder(Sequential):
    """2 → 30 → 30 → (μ, logvar)."""

    def q(self, x):
        output = self(x)
        return DiagonalGaussian(output[:, :1], output[:, 1:])


def new_encoder(seed=0, width=30):
    rng = np.random.default_rng(seed + 100)
    return Encoder(
        Dense(2, width, rng), Tanh(), Dense(width, width, rng), Tanh(),
        Dense(width, 2, rng),
    ).astype(np.float64)


def amortized(steps, batch=30, samples=1, make_optimizer=None, seed=0, on_step=None):
    """Algorithm 9; returns the decoder and the encoder."""
    rng = np.random.default_rng(seed)
    decoder, encoder = new_decoder(seed), new_encoder(seed)
    parameters = decoder.parameters() + encoder.parameters()
    make_optimizer = make_optimizer or adam
    optimizer = make_optimizer(parameters)
    for step in range(steps):
        x = data[rng.integers(N, size=batch)]
        loss = -elbo(x, encoder.q(x), likelihood(decoder), rng, samples).elbo.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if on_step is not None:
            on_step(step + 1, decoder, encoder)
    return decoder, encoder


def adam(parameters):
    return optim.Adam(parameters, schedules.polynomial_decay(0.02, scale=2000))


def table_of(encoder):
    with no_grad():
        q = encoder.q(data)
    return q.mu.data, q.logvar.data


decoder, encoder = amortized(600, batch=10)
by_encoder = exact_elbo(decoder, *table_of(encoder)).mean()
behind_encoder = best_bound(decoder, *table_of(encoder)) - by_encoder
print(f"600 steps, batches of 10: the table was {behind[10]:.2f} nats behind,",
      f"the encoder is {behind_encoder:.2f}")

assert behind_encoder < 0.5 * behind[10]

# %% [markdown]
# With the same number of steps and the same minibatches, the encoder is much closer to the
# best posteriors than the table was. What an E-step learns about one example helps all
# others.
#
# ## 8.5 Two gaps
#
# The price is that one network must serve all. So the gap of the bound has two parts:
#
# $$
# \begin{aligned}
# \ln p(x) - \mathrm{ELBO}
# &= \underbrace{\ln p(x) - \max_q \mathrm{ELBO}}_{\text{approximation gap}} \\
# &+ \underbrace{\max_q \mathrm{ELBO} - \mathrm{ELBO}(\text{encoder})}_{\text{amortization gap}}.
# \end{aligned}
# $$
#
# The first is there because the best Gaussian is not the posterior; no encoder can close
# it. The second is how far the encoder's answer falls short of the best Gaussian. We know
# $\ln p(x)$ by the grid and $\max_q$ by careful E-steps, so both can be measured, at any
# moment of training.
#
# > **Predict.** Early in training, which of the two gaps is larger? And in the end?

# %% tags=["hide-input", "hide-output"]
LOOK_AT = [10, 30, 60, 100, 200, 400, 800, 1500, 3000]
found = []


def measure(step, decoder, encoder):
    if step in LOOK_AT:
        table = table_of(encoder)
        own, best = exact_elbo(decoder, *table).mean(), best_bound(decoder, *table)
        found.append((step, log_evidence(decoder).mean(), best, own))


decoder, encoder = amortized(LOOK_AT[-1], on_step=measure)
steps, evidence, best, own = np.array(found).T
fig, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
ax.fill_between(steps, 0, evidence - best, color="0.55", label="approximation gap")
ax.fill_between(steps, evidence - best, evidence - own, facecolor="tab:orange", hatch="//",
                edgecolor="0.25", linewidth=0, label="amortization gap")
ax.set(xscale="log", xlabel="step", ylabel="nats per example", ylim=(0, None))
ax.legend(frameon=False)
figures.show(fig, "8.1")
print("step   approximation gap   amortization gap   ln p(x)")
for step, e, b, o in zip(steps, evidence, best, own):
    print(f"{step:4.0f} {e - b:19.3f} {b - o:18.3f} {e:9.3f}")

gap_a, gap_b = evidence - best, best - own
assert gap_b[0] > 5 * gap_a[0] and gap_b[-1] < 0.2 * gap_b[0] and gap_a.min() > 0

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 8.1. The gap of the bound over training, in two parts, stacked: below, grey, what
# the best Gaussian loses against the posterior; above it, orange and hatched, what the
# encoder loses against the best Gaussian. At first nearly all of the gap is the encoder's
# fault; in the end little is left of it.*
#
# Early, the amortization gap is a hundred times as large: the encoder knows nothing yet,
# while the posteriors of an untrained decoder are as simple as the prior. In the end, both
# are a few hundredths of a nat.
#
# </details>
#
# Figure 8.1 has two lessons. While the decoder moves fast, the encoder runs behind it: the
# orange part even grows for a while, between steps 200 and 800. And the table shows that
# the grey part grows from 0.01 to 0.03, as the decoder bends the line and makes the
# posteriors less Gaussian. Since the decoder is trained on the bound, and not on $\ln
# p(x)$, it avoids shapes whose posteriors $q$ cannot follow. On digits, the amortization
# gap is the larger one. There, `npvae experiment amortization` finds that better posteriors
# gain 3.0 nats over those of the encoder, and that the estimate of $\ln p(x)$ lies only 0.2
# nats higher ([results](results.md); a few hundred draws estimate $\ln p(x)$ from below).
#
# ## 8.6 How many examples, how many draws, which optimiser?
#
# A step of algorithm 9 uses $M$ examples and $L$ draws for each. Both reduce the noise of
# the gradient, and both cost decoder evaluations, $M \cdot L$ of them.
#
# > **Predict.** A step may evaluate the decoder 100 times. Is it better to use 100 examples
# > with one draw each, 10 with 10, or one with 100? And which optimiser wins: plain SGD,
# > Adagrad, or Adam?

# %% tags=["hide-output"]
def sgd(parameters):
    return optim.SGD(parameters, schedules.polynomial_decay(0.01, scale=2000))


def adagrad(parameters):
    return optim.Adagrad(parameters, 0.05)


result = {}
choices = [(100, 1, adam), (10, 10, adam), (1, 100, adam), (100, 1, adagrad), (100, 1, sgd)]
for M, L, make in choices:
    bounds = []
    for seed in range(3):
        decoder, encoder = amortized(600, M, L, make, seed)
        bounds.append(exact_elbo(decoder, *table_of(encoder)).mean())
    result[M, L, make.__name__] = np.mean(bounds)
    print(f"M = {M:3}, L = {L:3}, {make.__name__:7}   bound {np.mean(bounds):7.3f}, from",
          f"{min(bounds):7.3f} to {max(bounds):7.3f}")

# %% tags=["hide-input"]
assert result[1, 100, "adam"] < min(result[100, 1, "adam"], result[10, 10, "adam"]) - 1
assert result[100, 1, "adam"] > max(result[100, 1, "adagrad"], result[100, 1, "sgd"]) + 0.3

# %% [markdown]
# <details><summary>Answer</summary>
#
# A single example in each step is far worse, however many draws it gets: its draws say
# nothing about the other examples. Ten with ten draws and a hundred with one are alike,
# within what another seed changes. At these learning rates, which nobody tuned, Adam wins
# on average. One reason may be that it gives each parameter its own step (3.2). The seeds
# scatter widely: never compare optimisers on one run.
#
# </details>
#
# Kingma and Welling use $M = 100$ and one draw, and so does chapter 6: examples are what a
# data set has plenty of, and each brings its own draw.
#
# ## What can go wrong
#
# **The E-step inside, the M-step outside, and a graph through both.** The M-step must see
# $q_n$ as a constant. If the tape still holds the E-step's operations, the decoder's
# gradient contains derivatives through the E-step. `refine` returns plain arrays.
#
# **An E-step that differentiates the decoder.** It needs the gradient with respect to $z$,
# and none with respect to $\theta$. For every dense layer, `decoder.frozen()` saves one of
# three matrix products: those of the value, of $dx$ and of $dW$.
#
# **The factor $N/M$.** With the sum over the minibatch in place of the mean, doubling $M$
# doubles the gradient. Adam hides that; SGD does not. Nor does a prior on
# $\theta$: its weight beside the data would change with $M$.
#
# **A bound that stalls because the encoder is behind.** Before you enlarge the decoder,
# refine the posteriors of some examples for a while and see whether the bound rises. If it
# does, the encoder is the bottleneck.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | algorithms 7 and 8 | [VariationalEM](../npvae/models/variational_em.py), [refine](../npvae/probability/amortization.py) | Neal and Hinton 1998; Hoffman and others 2013, section 2 |
# | algorithm 9 | [VAE](../npvae/models/vae.py) | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), algorithm 1, eq. 8 |
# | decaying rates | [polynomial_decay](../npvae/nn/schedules.py) | Robbins and Monro 1951 |
# | the two gaps | [refine](../npvae/probability/amortization.py) | [Cremer, Li, Duvenaud 2018](https://arxiv.org/abs/1801.03558), section 3 |
# | SGD, Adagrad, Adam | [SGD](../npvae/nn/optim.py), [Adagrad](../npvae/nn/optim.py), [Adam](../npvae/nn/optim.py) | Kingma and Welling 2014, section 5 (Adagrad) |
#
# ## Exercises
#
# 1. Give algorithm 8 ten E-steps for each visit. How far behind is the table then, and what
#    did it cost?
# 2. Widen the encoder, `new_encoder(width=200)`, and narrow it to 3. Which of the two gaps
#    changes?
# 3. *Semi-amortized*: let the encoder propose, refine its answer by two steps of `refine`,
#    and train the decoder on that. What happens to the gaps?
# 4. On paper: show that $\tfrac{N}{M} \sum_{n \in \text{batch}} g_n$ is an unbiased
#    estimate of $\sum_n g_n$, for draws with and without replacement. Which has the
#    smaller variance?
#
# Before: [7. Backward by hand, and nine bugs](07_backward_by_hand.ipynb). Next: [9. What
# the KL is for](09_what_the_kl_is_for.ipynb).
