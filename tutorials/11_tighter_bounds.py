# %% [markdown]
# # 11. Tighter bounds, honest numbers
#
# The ELBO is a lower bound of $\ln p(x)$, and chapter 4 measured what it loses. With more
# draws *inside* the logarithm, the bound rises, and in the end it reaches $\ln p(x)$
# itself. So the same few lines serve two purposes: as an objective, they train a model on
# a tighter bound; as a measurement, they give the number that papers compare. Both have a
# catch. A tighter bound teaches the encoder less, and the number depends on choices that
# are seldom printed beside it. This chapter measures both.
#
# After this chapter you can
#
# - derive the bound of $K$ weights, and prove that it rises with $K$ to $\ln p(x)$;
# - predict its error from the scatter of the weights, and say when the prediction fails;
# - say how the draws share the gradient, and what kind of $q$ that trains;
# - explain why the encoder's gradient drowns in noise as $K$ grows, and repair it;
# - say what must stand beside a published log-likelihood, and what happens without it.
#
# You need: chapters 1, 4, 5 and 6. The symbols are on [one page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import Tensor, datasets, figures, learn
from npvae.autodiff import no_grad
from npvae.models import VAE, ProbabilisticPCA
from npvae.nn import optim, schedules
from npvae.probability import DiagonalGaussian, iwae_bound, log_weights
from npvae.probability.bounds import log_weight
from npvae.training import Training
from npvae.training.evaluation import mean_loss

rng = np.random.default_rng(0)


def log_mean_exp(a, axis):
    """ln of the mean of exp(a), without underflow."""
    m = a.max(axis=axis, keepdims=True)
    return np.log(np.exp(a - m).mean(axis=axis)) + m.squeeze(axis)


# %% [markdown]
# ## 11.1 The mean of K weights
#
# Chapter 1 estimated $p(x)$ by the mean of $K$ weights,
#
# $$ \bar w_K = \frac1K \sum_{k=1}^K w_k, \qquad
# w_k = \frac{p(x \mid z_k)\, p(z_k)}{q(z_k \mid x)}, \quad z_k \sim q, $$
#
# and its mean is $p(x)$ for every $K$. The logarithm is concave, so Jensen's inequality
# (4.2) gives a bound for every $K$:
#
# $$ \mathcal L_K = \mathbb E\big[\ln \bar w_K\big] \;\le\; \ln \mathbb E\big[\bar w_K\big] = \ln p(x). $$
#
# $\mathcal L_1$ is the ELBO. The model that is trained on $\mathcal L_K$ is the
# **importance-weighted autoencoder**, IWAE. Three facts make it useful.
#
# **It rises with $K$.** Take $M < K$. From $K$ weights, pick $M$ at random: on average over
# the picks, the mean of the picked ones, $\bar w_S$, is the mean of all. So by Jensen once
# more
#
# $$ \ln \bar w_K = \ln \mathbb E_S[\bar w_S] \;\ge\; \mathbb E_S[\ln \bar w_S]. $$
#
# Now average over the draws: the left side becomes $\mathcal L_K$, the right side
# $\mathcal L_M$.
#
# **It reaches $\ln p(x)$.** By the law of large numbers, $\bar w_K \to p(x)$, so
# $\ln \bar w_K \to \ln p(x)$. If the weights are bounded, that holds for the means too.
# (Weaker conditions suffice.)
#
# **Its error is known for large $K$.** Write $\bar w_K = p(x)(1 + r)$. Then $r$ has mean 0
# and variance $\chi^2 / K$, where $\chi^2 = \mathrm{Var}(w) / p(x)^2$ is the relative
# variance of one weight. As in 1.3, $\ln(1 + r) \approx r - r^2/2$, so
#
# $$ \mathcal L_K - \ln p(x) \;\approx\; -\frac{\chi^2}{2K}. $$
#
# This is the **delta method**; it needs a finite $\chi^2$, and $K$ well above it.
#
# Now the measurement, with the oracle of chapter 1, for which $\ln p(x)$ is known. Our $q$
# is the true posterior of one example, moved by $\delta_j$ standard deviations in every
# dimension $j$. With $z_k = \mu + \sigma \odot \varepsilon_k$, the algebra is short:
#
# $$ \ln w_k = \ln p(x) - \tfrac12 \Vert\delta\Vert^2 - \delta^\top \varepsilon_k. $$
#
# So the gap of the ELBO is $\tfrac12 \Vert\delta\Vert^2$, and
# $\chi^2 = e^{\Vert\delta\Vert^2} - 1$. We choose $\Vert\delta\Vert^2 = 2$: a gap of one
# nat, and $\chi^2 = 6.4$.

# %%
oracle = ProbabilisticPCA.random(10, 5, rng)
x = oracle.sample(1, rng)
exact = oracle.log_likelihood(x)[0]
true = oracle.posterior(x)
delta = np.sqrt(2 / 5) * rng.choice([-1, 1], (1, 5))
q = DiagonalGaussian(true.mu + delta * np.exp(true.logvar / 2), true.logvar)
chi2 = np.exp(np.sum(delta**2)) - 1

log_w = np.concatenate([log_weights(x, q, oracle.decode, rng, 102_400).data[:, 0]
                        for _ in range(10)])           # (1024000,)
elbo_gap = exact - oracle.elbo(x, q).elbo.data[0]
print(f"ln p(x) = {exact:.3f}, gap of the ELBO {elbo_gap:.3f}, χ² = {chi2:.2f}")

assert abs(elbo_gap - 1) < 1e-9 and abs(log_w.mean() - exact + 1) < 0.01

# %% [markdown]
# The million weights make 1,000 estimates with $K = 1024$, 4,000 with $K = 256$, and so on.
# The error to be measured gets small, so we use what we know: $\bar w_K / p(x) - 1$ has mean
# zero, and we subtract it from $\ln \bar w_K - \ln p(x)$. The mean stays, and most of the
# scatter goes.
#
# > **Predict.** From $K = 1$ to $K = 4$, and from 256 to 1024: by which factor does the gap
# > shrink? And can a single estimate $\ln \bar w_K$ lie *above* $\ln p(x)$?

# %% tags=["hide-output"]
counts = 4 ** np.arange(6)
gaps, above = [], []
print("   K   gap, measured   χ²/(2K)   more than a nat too high")
for K in counts:
    error = log_mean_exp(log_w.reshape(-1, K), axis=1) - exact
    gaps.append(-np.mean(error - np.expm1(error)))
    above.append(np.mean(error > 1))
    print(f"{K:4} {gaps[-1]:15.4f} {chi2 / (2 * K):9.4f} {100 * above[-1]:20.2f} %")

# %% tags=["hide-input", "hide-output"]
gaps, above = np.array(gaps), np.array(above)
delta_method = chi2 / (2 * counts)
assert np.all(np.diff(gaps) < 0) and 2 < gaps[0] / gaps[1] < 3.2
assert 3 < gaps[4] / gaps[5] < 5 and 0.8 < gaps[5] / delta_method[5] < 1.15
assert gaps[0] < delta_method[0] / 3 and 0.02 < above[1] < above[0] < np.exp(-1)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(5.5, 6.4), sharex=True,
                                  layout="constrained")
top.axhline(exact, color="0.5", linestyle="--", label="ln p(x), exact")
top.axhline(exact - 1, color="0.5", linestyle=":", label="ELBO, exact")
top.plot(counts, exact - gaps, "o-", color="black", label="bound of K weights")
top.plot(counts[2:], exact - delta_method[2:], "s--", color="tab:orange",
         markerfacecolor="none", markersize=9, label="ln p(x) − χ²/(2K)")
top.set(ylabel="nats")
top.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.1))
bottom.plot(counts, gaps, "o-", color="black", label="gap of the bound")
bottom.plot(counts, delta_method, "s--", color="tab:orange", markerfacecolor="none",
            markersize=9, label="χ²/(2K)")
bottom.set(xscale="log", yscale="log", xlabel="number of weights K", ylabel="gap in nats")
bottom.set_xticks(counts, [f"{K}" for K in counts])
bottom.minorticks_off()
bottom.yaxis.set_major_formatter("{x:g}")
bottom.legend(frameon=False)
figures.show(fig, "11.1")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 11.1. Above: the bound against K, from 1 to 1024, logarithmic. It begins on the
# dotted line of the ELBO and rises to the dashed line ln p(x), one nat higher; from K = 64
# on, the orange squares of the delta method lie close to it. Below: the gap, both axes
# logarithmic. It first falls slowly, from 1 to 0.4, and then along the straight line
# χ²/(2K), down to 0.003.*
#
# At first by a factor of two and a half, in the end by more than three, close to the four
# of the delta method. It is useless at $K = 1$, where it predicts three times the gap, and
# right once $K$ is large compared with $\chi^2$. A single estimate may be too high: only
# its *mean* is a bound.
#
# </details>
#
# Figure 11.1 is the best case, since we know the line that the bound rises to. How far can
# a single estimate overshoot? $\bar w_K$ is positive with mean $p(x)$, so by Markov's
# inequality $P(\bar w_K > e^c\, p(x)) \le e^{-c}$: it is too high by $c$ nats with a
# probability of at most $e^{-c}$. There is no such limit below. **Estimates of $\ln p(x)$
# err downwards on average: a model looks worse than it is, not better.**
#
# ## 11.2 Who gets the gradient
#
# As an objective, $\ln \bar w_K$ needs a derivative. In terms of the logarithms $\ln w_k$ it
# is `logsumexp`, up to the constant $\ln K$. Write `dx`, for `x` with any axis summed over:
# `dy.reshape(total.shape)` gives `dy` back the axis that the sum removed.
# ([The page of the exercise](exercises/25_iwae_weights.py) has the details.)

# %%
def logsumexp(x, *, axis=None):          # x (K, N)  ->  y (N,), for axis=0
    m = np.max(x, axis=axis, keepdims=True)
    e = np.exp(x - m)
    total = e.sum(axis=axis, keepdims=True)
    y = np.log(total) + m
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    return np.squeeze(y, axis=axis), dx


learn.check(logsumexp)

# %% [markdown]
# <details><summary>The derivative</summary>
#
# $$ \frac{\partial \ln \bar w_K}{\partial \ln w_k} = \frac{w_k}{\sum_j w_j} =: \tilde w_k. $$
#
# </details>
#
# The **normalized weights** $\tilde w_k$ add up to 1: they say how the draws share one
# gradient. The ELBO gives each of $K$ draws the share $1/K$, and every bad draw is punished.
# Here a draw that explains $x$ badly has hardly any share. So $q$ may make mistakes, as long
# as some draws are good.
#
# What does that do to $q$? Take the bent decoder of 4.1, whose posterior has two humps. The
# best Gaussian under the ELBO covers one of them and ignores the other (4.6). We look for
# the best Gaussian under $\mathcal L_K$, among 37 means and 25 widths.
#
# > **Predict.** What does the best $q$ look like for $K = 64$?

# %% tags=["hide-output"]
def log_joint(z):
    """ln p(x, z) of chapter 4.1, for x = 1."""
    misfit = (1 - z**2 / 2 - z / 4) / 0.3
    return -0.5 * (misfit**2 + z**2) - np.log(2 * np.pi * 0.3)


def best_gaussian(K, draws=64_000):
    """The mean, the width and the bound of the best q for K weights."""
    eps, best = rng.standard_normal((draws // K, K)), (0, 0, -np.inf)
    for mu in np.linspace(-1.8, 1.8, 37):
        for sigma in np.geomspace(0.15, 2.5, 25):
            log_q = -0.5 * (np.log(2 * np.pi) + eps**2) - np.log(sigma)
            log_w = log_joint(mu + sigma * eps) - log_q
            best = max(best, (mu, sigma, log_mean_exp(log_w, axis=1).mean()),
                       key=lambda found: found[2])
    return best


line = np.linspace(-10, 10, 4001)
log_p = log_mean_exp(log_joint(line), axis=0) + np.log(20.005)       # the integral
best = {K: best_gaussian(K) for K in (1, 8, 64)}
for K, (mu, sigma, bound) in best.items():
    print(f"K = {K:2}   best q = N({mu:5.2f}, {sigma:.2f}²)   gap {log_p - bound:5.2f}")

# %% tags=["hide-input", "hide-output"]
assert best[1][1] < 0.3 and best[1][0] > 0.9 and best[64][1] > 1 and best[8][1] > 0.9
assert abs(log_p - best[1][2] - 0.45) < 0.1 and abs(log_p - best[64][2]) < 0.08
assert 0.05 < log_p - best[8][2] < 0.25

fig, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
ax.fill_between(line, np.exp(log_joint(line) - log_p), color="0.8", label="posterior")
for (K, (mu, sigma, _)), style in zip(best.items(), ("-", "--", ":")):
    density = np.exp(-0.5 * ((line - mu) / sigma) ** 2) / sigma / np.sqrt(2 * np.pi)
    ax.plot(line, density, style, color="black", label=f"best q, K = {K}")
ax.set(xlabel="z", ylabel="density", xlim=(-4.5, 4.5))
ax.legend(frameon=False, loc="upper left")
figures.show(fig, "11.2")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 11.2. The posterior of the bent decoder, shaded, with a high hump near 1.1 and a
# low one near −1.6, and the best Gaussian for three K. For K = 1 it is narrow and covers the
# high hump only. For K = 8 and 64 it is a low, wide bell over both.*
#
# It covers both humps, and wastes many draws on the valley between them. In Figure 11.2, it
# looks nothing like the posterior, and yet the bound is nearly tight.
#
# </details>
#
# So an encoder that was trained on $\mathcal L_K$ is a good **proposal** and no longer a
# good *picture* of the posterior. Its draws must be weighted before you use them.
#
# ## 11.3 A tighter bound teaches the encoder less
#
# As $K$ grows, $\mathcal L_K$ approaches $\ln p(x)$, which does not depend on $q$ at all. So
# the encoder's gradient must vanish: by the delta method, the **signal**, its mean, is the
# derivative of $-\chi^2 / (2K)$ and falls as $1/K$. The **noise**, the standard deviation
# of a gradient estimate, is that of a mean over $K$ draws, and falls only as $1/\sqrt K$.
# The decoder is better off: its signal tends to the gradient of $\ln p(x)$, and stays.
#
# We measure it on the oracle: for the encoder, the gradient for $\mu$ of $q$; for the
# decoder, that for $b$. $q$ is that of 11.1, made wider by a fifth. We estimate each
# gradient 4,000 times, and every repetition has its own copy of the parameters.

# %%
def tensors(K, R):
    """R copies of μ and b with a gradient, and K draws for each: q, b, z, decode."""
    copies = [np.tile(a, (R, 1)) for a in (q.mu, q.logvar + 2 * np.log(1.2), oracle.b)]
    mu, b = Tensor(copies[0], requires_grad=True), Tensor(copies[2], requires_grad=True)

    def decode(z):                                     # (K R, 5) -> (K R, 10)
        mean = (z @ oracle.W.T).reshape(K, R, 10) + b
        return DiagonalGaussian(mean.reshape(K * R, 10), oracle.logvar)

    moved = DiagonalGaussian(mu, copies[1])
    return moved, b, moved.rsample(rng, K), decode


def plain(K, R):
    """R gradients of ln w̄ for μ (R, 5), and for b (R, 10)."""
    moved, b, z, decode = tensors(K, R)
    iwae_bound(log_weight(np.tile(x, (R, 1)), z, decode, moved)).sum().backward()
    return moved.mu.grad, b.grad


def doubly(K, R):
    """R doubly reparameterized gradients for μ (R, 5)."""
    moved, _, z, decode = tensors(K, R)
    log_w = log_weight(np.tile(x, (R, 1)), z, decode, moved.detach())
    share = np.exp(log_w.data - log_w.data.max(axis=0))
    share /= share.sum(axis=0)                         # w̃, a constant
    (share**2 * log_w).sum().backward()
    return moved.mu.grad


def ratio(gradients, like=None):
    """Signal to noise; `like`: other estimates of the same gradient, with less noise."""
    signal = np.linalg.norm((gradients if like is None else like).mean(axis=0))
    return signal / np.sqrt(gradients.var(axis=0).sum())


# %% [markdown]
# `doubly` is a repair. The parameters of $q$ act on $\ln w_k$ along two ways: through the
# draw $z_k$, and directly in $\ln q(z_k \mid x)$. For $K = 1$, the mean of the direct part
# is zero (5.1), and *sticking the landing* (5.4) drops it. For $K > 1$ it is not zero, since
# it is multiplied by $\tilde w_k$, which depends on the draw. But a second use of the
# reparameterization turns it into a path again. With $\nabla$ along the path only, what
# remains is
#
# $$ \nabla \mathcal L_K = \mathbb E \Big[ \sum_k \tilde w_k^2\, \nabla \ln w_k \Big], $$
#
# the **doubly reparameterized** gradient: the same mean, with the weights squared. In code,
# we detach $q$ in the density, and the share is a constant. Since both have the same mean,
# we take the signal of both from the one with less noise.
#
# > **Predict.** With 16 times as many draws, by which factor does the ratio of signal to
# > noise change for the encoder's plain gradient? For the decoder's?

# %% tags=["hide-output"]
counts, ratios = np.array([1, 4, 16, 64, 256]), []
print("   K   encoder   encoder, doubly   decoder")
for K in counts:
    blocks = [(*plain(K, 400), doubly(K, 400)) for _ in range(10)]
    by_mu, by_b, by_path = map(np.concatenate, zip(*blocks))
    ratios.append([ratio(by_mu, like=by_path), ratio(by_path), ratio(by_b)])
    print("{:4} {:9.3f} {:17.2f} {:9.2f}".format(K, *ratios[-1]))
    error = np.sqrt((by_mu.var(axis=0) + by_path.var(axis=0)) / len(by_mu))
    assert np.all(np.abs(by_mu.mean(axis=0) - by_path.mean(axis=0)) < 5 * error)

# %% tags=["hide-input", "hide-output"]
ratios = np.array(ratios)
assert 3 < ratios[2, 0] / ratios[4, 0] < 5 and 3 < ratios[4, 2] / ratios[2, 2] < 5
assert 1.5 < ratios[4, 1] / ratios[3, 1] < 2.5 and ratios[:, 1].min() > 1
assert np.all(np.diff(ratios[:, 0]) < 0) and ratios[4, 1] > 50 * ratios[4, 0]
fig, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
names = [("decoder", "^-", "black"), ("encoder, doubly reparameterized", "s--", "tab:blue"),
         ("encoder", "o-.", "tab:orange")]
for (name, style, colour), column in zip(names, (2, 1, 0)):
    ax.plot(counts, ratios[:, column], style, color=colour, label=name)
for end, slope in ((1.5 * ratios[4, 2], 0.5), (ratios[4, 0] / 1.5, -0.5)):
    ax.plot(counts[2:], end * (counts[2:] / 256) ** slope, ":", color="0.5", linewidth=2,
            label="slopes ½ and −½" if slope > 0 else None)
ax.set(xscale="log", yscale="log", xlabel="number of weights K", ylabel="signal : noise")
ax.set_xticks(counts, [f"{K}" for K in counts])
ax.minorticks_off()
ax.yaxis.set_major_formatter("{x:g}")
ax.set_ylim(0.008, 40)
ax.legend(frameon=False, loc="lower left")
figures.show(fig, "11.3")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 11.3. The ratio of signal to noise of three gradients against K, both axes
# logarithmic. The decoder's rises, in the end with slope ½; the encoder's falls with slope
# −½. The doubly reparameterized one lies above it from the start, falls a little to K = 4,
# and rises from there.*
#
# By $\sqrt{16} = 4$ in both cases, once $K$ is large: down for the encoder, up for the
# decoder.
#
# </details>
#
# Figure 11.3 repeats a result of Rainforth and others. It does not say that the tighter
# bound is useless: its gradient is right on average. It says that a minibatch of a given
# size shows the encoder less and less of it. There are three ways out: a moderate $K$
# (Burda and others use 5 and 50); different objectives for encoder and decoder; or the
# doubly reparameterized gradient. Its signal falls as $1/K$ too. But the square of a share
# is of the size $1/K^2$, and the noise of a sum of $K$ of them is $\sqrt K / K^2$: it falls
# faster than the signal.
#
# ## 11.4 As a measurement
#
# To report $\ln p(x)$ of a trained model, take the mean of $\ln \bar w_K$ over the test
# images. How large must $K$ be? The delta method has an answer. The **effective sample
# size** of 1.5 is $\mathrm{ESS} = (\sum w_k)^2 / \sum w_k^2$. Put the sample variance
# of the weights into $\chi^2/(2K)$, and
#
# $$ \mathcal L_K - \ln p(x) \;\approx\; -\frac12 \Big( \frac{1}{\mathrm{ESS}} - \frac1K \Big). $$
#
# So with an ESS of 10, only one twentieth of a nat should be missing. Is that so? We train
# a VAE on binarized digits: [binarize](../npvae/datasets/binarization.py) makes a pixel white
# with the probability of its grey value, anew for every minibatch.

# %%
data = datasets.load("mnist")
model = VAE(784, latent_dim=20, hidden=[200], rng=rng)
optimizer = optim.Adam(model.parameters(), lr=schedules.cosine(2e-3, 1500))
training = Training(model, optimizer, data.x_train, 100, rng,
                    transform=datasets.binarize)
while training.step < 1500:
    training.take_step()
x_test = datasets.binarize(data.x_test, np.random.default_rng(0))
images = x_test[:100]


def many_log_weights(factor, K):
    """K weights of the 100 images, with the encoder's σ times the factor: (100, K)."""
    with no_grad():
        q = model.encode(images).detach()
        q = DiagonalGaussian(q.mu, q.logvar + np.float32(2 * np.log(factor)))
        parts = [log_weights(images, q, model.decode, rng, 50).data for _ in range(K // 50)]
    return np.concatenate(parts).T.astype(float)


def effective_sample_size(log_w):
    """(Σ w)² / Σ w² of the last axis."""
    w = np.exp(log_w - log_w.max(axis=-1, keepdims=True))
    return w.sum(axis=-1) ** 2 / np.sum(w**2, axis=-1)


log_w = {1.0: many_log_weights(1.0, 5000)}
first = log_w[1.0].reshape(100, 10, 500)               # ten estimates with K = 500
missing = 0.5 * np.mean(1 / effective_sample_size(first) - 1 / 500)
gained = np.mean(log_mean_exp(log_w[1.0], 1)[:, None] - log_mean_exp(first, 2))
print(f"effective samples of 500, median: {np.median(effective_sample_size(first)):.0f}")
print(f"missing at K = 500, by their number: {missing:.2f} nats")
print(f"what K = 5,000 finds in addition:    {gained:.2f} nats")

assert gained > 1.5 * missing and 0.15 < gained < 0.8

# %% [markdown]
# It is not: ten times as many draws find more than the formula says is missing in total.
# The sample variance is itself an estimate, and it misses what was not drawn.
#
# How heavy are the tails? Let the posterior be $\mathcal N(0, s^2)$ in one dimension and $q$
# narrower by a factor, $t = f s$ with $f < 1$. With $z = t \varepsilon$,
#
# $$ \begin{aligned}
# \ln w &= \text{const} + \tfrac12 (1 - f^2)\, \varepsilon^2, \\
# P(w > u) &\sim u^{-1/\xi}, \qquad \xi = 1 - f^2,
# \end{aligned} $$
#
# up to a power of $\ln u$: a **heavy tail** with the index $\xi$. From $\xi = \tfrac12$ on,
# the variance is infinite, which is the rule of chapter 1, $f^2 \le \tfrac12$. A sample
# shows $\xi$ in its largest weights: those above a threshold exceed it, in $\ln w$, by
# $\xi$ on average. This is **Hill's estimator**. We test it on an oracle with two
# dimensions, for which the power of $\ln u$ vanishes.

# %%
def tail_index(log_w, largest=100):
    """Hill's estimate of ξ from the largest weights along the last axis."""
    tail = np.sort(log_w, axis=-1)[..., -largest - 1:]
    return np.mean(tail[..., 1:] - tail[..., :1], axis=-1)


flat = ProbabilisticPCA.random(5, 2, rng)
point = flat.sample(1, rng)
for f in (0.9, 0.7, 0.5):
    right = flat.posterior(point)
    narrow = DiagonalGaussian(right.mu, right.logvar + 2 * np.log(f))
    w = log_weights(point, narrow, flat.decode, rng, 200_000).data[:, 0]
    print(f"σ times {f}: ξ = {1 - f**2:.2f}, by Hill {tail_index(w, 1000):.2f}")
    assert abs(tail_index(w, 1000) / (1 - f**2) - 1) < 0.2

# %% [markdown]
# Now shrink and stretch the σ of the trained encoder. The decoder stays, so $\ln p(x)$ of
# the 100 images is the same for all three.
#
# > **Predict.** With σ times 0.6, and with σ times 1.2: what happens to the ELBO, and what
# > to the estimate with $K = 2000$?

# %% tags=["hide-output"]
log_w |= {factor: many_log_weights(factor, 2000) for factor in (0.6, 1.2)}
curves = {}
print("σ times     K = 1      10      50     500    2000     ESS     ξ")
for factor in (0.6, 1.0, 1.2):
    w = log_w[factor][:, :2000]
    curves[factor] = [np.mean(log_mean_exp(w.reshape(100, -1, K), 2))
                      for K in (1, 10, 50, 500, 2000)]
    print(f"{factor:7} ", *(f"{value:7.2f}" for value in curves[factor]),
          f"{np.median(effective_sample_size(w)):7.1f} {np.median(tail_index(w)):5.2f}")

# %% tags=["hide-input", "hide-output"]
assert curves[1.0][0] > max(curves[0.6][0], curves[1.2][0]) + 0.3
assert curves[1.2][4] > curves[1.0][4] + 0.05 and curves[1.2][2] > curves[1.0][2]
assert 1.5 < curves[1.0][4] - curves[0.6][4] < 4.5
assert all(np.all(np.diff(curve) > 0) for curve in curves.values())
index = {factor: np.median(tail_index(w[:, :2000])) for factor, w in log_w.items()}
assert index[0.6] > index[1.0] and min(index.values()) > 0.7
assert np.median(effective_sample_size(log_w[0.6])) > 2
fig, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
styles = {1.2: ("^--", "tab:blue"), 1.0: ("o-", "black"), 0.6: ("s-.", "tab:orange")}
for factor, (style, colour) in styles.items():
    ax.plot([1, 10, 50, 500, 2000], curves[factor], style, color=colour,
            label=f"σ times {factor:g}")
ax.set(xscale="log", xlabel="number of weights K", ylabel="estimate of ln p(x), nats")
ax.set_xticks([1, 10, 50, 500, 2000], ["1", "10", "50", "500", "2000"])
ax.minorticks_off()
ax.legend(frameon=False)
figures.show(fig, "11.4")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 11.4. Estimates of the same ln p(x) against K, logarithmic, with three proposals.
# All rise, and ever more slowly. The wider one begins a nat below the encoder's own, and
# ends some tenths of a nat above it. The narrow one runs two to four nats below both.*
#
# Both ELBOs fall: the encoder's σ was trained for the ELBO. The narrow proposal stays some
# three nats too low. **The wider one ends higher than the encoder's own**: training on the
# ELBO made σ too narrow for a proposal (4.6).
#
# </details>
#
# Each curve of Figure 11.4 looks sound by itself, and a larger $K$ seems to add little. But
# the truth is the same for all three and, but for luck, at least as high as the highest. So
# the encoder's own estimate is still too low, by some tenths of a nat at least. The tail
# indices warn of that: a common rule is not to trust an estimate if $\xi > 0.7$. (Hill's estimator is
# crude, and reads high if $\ln w$ scatters by several nats.)
#
# Is the variance of a VAE's weights finite, at least in theory? For a decoder of dense
# layers and ReLUs: **never**, if any $\sigma_j^2 < \tfrac12$. Far from the origin, its logits
# grow at most linearly, so $\ln p(x \mid z)$ falls at most linearly, while
# $\ln p(z)$ and $\ln q$ fall quadratically. The integrand of $\mathbb E_q[w^2]$ is
# $p(x, z)^2 / q$, and with growing $z_j$
#
# $$ 2 \ln p(x, z) - \ln q(z) \;\approx\; z_j^2 \Big( \frac{1}{2\sigma_j^2} - 1 \Big) \to \infty. $$

# %%
with no_grad():
    q = model.encode(images[:1]).detach()
j = q.logvar[0].argmin()
growth = {}
print(f"σ_j² = {np.exp(q.logvar[0, j]):.3f}")
for steps in (0, 10, 1000):
    z = q.mu.copy()
    z[0, j] += steps * np.exp(q.logvar[0, j] / 2)
    with no_grad():
        ln_w = log_weight(images[:1], z[None], model.decode, q)
    growth[steps] = 2 * float(ln_w.data[0, 0]) + float(q.log_prob(z).data[0])
    print(f"{steps:4} standard deviations out: ln of the integrand {growth[steps]:9.0f}")

assert growth[10] < growth[0] - 5 and growth[1000] > 1e4 and q.logvar[0, j] < np.log(0.5)

# %% [markdown]
# The integrand falls at first, and then explodes where no draw will ever land. So an error
# bar from the variance has no basis in theory; but the tail that hurts in practice is the one
# that is drawn now and then. Judge by what you can see: the tail index, what a tenfold $K$
# finds, and what another proposal finds.
#
# ## 11.5 One model, many numbers
#
# Our model is trained and will not change any more. Here is what could be published as its
# "log-likelihood on MNIST", depending on the protocol:
#
# - **ELBO**, one draw of $z$ for each of the 10,000 test images, binarized;
# - **$K = 50$** and **$K = 500$**, on the first 1,000 of them (which are typical: their ELBO
#   is that of all, within half a nat);
# - the ELBO of the **grey** images, as in chapter 6: a convention, not a likelihood;
# - the ELBO of images that are **thresholded** at ½ instead of binarized at random;
# - the "ELBO" **without noise**, with $z = \mu$ in place of a draw: not a bound of anything;
# - the **reconstruction alone**, which some programs print as the "NLL".
#
# > **Predict.** Which of these seven is the highest, and which is the lowest? How many nats
# > lie between $K = 1$ and $K = 500$?

# %% tags=["hide-output"]
def parts(x):
    return mean_loss(model, x, np.random.default_rng(0))


def without_noise(x):
    with no_grad():
        q = model.encode(x)
        return float((model.decode(q.mu).log_prob(x) - q.kl_divergence()).mean())


def estimates(K):
    """ln w̄ of K weights for the first 1,000 images: (1000,)."""
    return model.importance_sampling(x_test[:1000], rng, K).log_likelihood


honest = {K: estimates(K) for K in (1, 50, 500)}
published = {
    "reconstruction alone": -parts(x_test)["rec"],
    "thresholded, ELBO": -parts((data.x_test > 0.5).astype(np.float32))["loss"],
    "without noise": without_noise(x_test),
    "K = 500": honest[500].mean(),
    "K = 50": honest[50].mean(),
    "ELBO": -parts(x_test)["loss"],
    "grey, ELBO": -parts(data.x_test)["loss"],
}
for name, value in published.items():
    print(f"{name:22} {value:8.2f} nats")

# %% tags=["hide-input", "hide-output"]
values = np.array(list(published.values()))
assert np.ptp(values) > 20 and 3.5 < published["K = 500"] - published["ELBO"] < 6.5
assert values.argmax() == 0 and published["without noise"] > published["K = 500"] + 2
assert published["thresholded, ELBO"] > published["K = 500"] + 2
assert published["grey, ELBO"] < published["ELBO"] - 1
assert honest[500].mean() > honest[50].mean() + 0.4
assert abs(honest[1].mean() - published["ELBO"]) < 0.5
fig, ax = plt.subplots(figsize=(5.5, 4), layout="constrained")
for i, (name, value) in enumerate(published.items()):
    is_bound = name in ("ELBO", "K = 50", "K = 500")
    ax.plot(value, i, "o", color="black", markersize=9,
            markerfacecolor="black" if is_bound else "none")
    ax.annotate(f"−{-value:.1f}", (value, i), (8, 3), textcoords="offset points")
ax.set_yticks(range(len(published)), list(published))
ax.set(xlabel="nats per image", xlim=(values.min() - 2, values.max() + 5))
ax.invert_yaxis()
ax.grid(axis="y", color="0.5", alpha=0.3)
figures.show(fig, "11.5")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 11.5. Seven numbers of one model, as dots on a scale of nats, from the
# reconstruction alone at about −91 to the ELBO of grey images at about −118. Filled dots are
# bounds of ln p(x) of the binarized images: the ELBO, K = 50 and K = 500, from about −115 to
# −110. Hollow dots are not.*
#
# The reconstruction alone is the highest, because it leaves out the price of the code. Next
# come thresholded images, which have clean edges, and the code without noise. The grey
# images are the lowest: this model was trained on black and white ones. From $K = 1$ to 500
# the bound gains about five nats.
#
# </details>
#
# More than twenty nats lie between the ends of Figure 11.5, and five between the honest
# numbers, for one and the same network. Three more choices do not even show in it:

# %%
deviation = honest[500].std()
draws = [-parts(datasets.binarize(data.x_test, np.random.default_rng(seed)))["loss"]
         for seed in range(1, 5)]
bits = -published["K = 500"] / (784 * np.log(2))
wider, own = (log_mean_exp(log_w[factor], axis=1) for factor in (1.2, 1.0))
paired = (wider - own).std() / 10
print("standard errors of the mean over images")
for n in (100, 1000, 10_000):
    print(f"{n:8,} images: {deviation / np.sqrt(n):.2f} nats")
print(f"     100 images, difference of two encoders: {paired:.2f} nats")
print("ELBO of four other binarizations:", *(f"{value:.2f}" for value in draws))
print(f"K = 500 in bits per pixel: {bits:.3f}")

assert 20 < deviation < 40 and 0.01 < np.ptp(draws) < 0.6 and paired < deviation / 100

# %% [markdown]
# - **How many test images.** The standard error over 1,000 images is about a nat. On the
#   same images, *differences* are far more precise: the images that are hard for one model
#   are hard for the other.
# - **Which binarization.** *Static*: drawn once, before training. *Dynamic*: training draws
#   anew each time, which acts like more data, and only the test set is drawn once. Another
#   draw of the test set moves the mean by a tenth of a nat or so. What it does in training
#   is exercise 4.
# - **Which unit.** Nats per image, bits per image, bits per pixel.
#
# So write beside the number: the binarization in training and in testing; the number of test
# images, and the standard error; the estimator, its $K$ and its proposal; and the ELBO.
#
# ## What can go wrong
#
# **The logarithm at the wrong place.** $\frac1K \sum_k \ln w_k$ is the ELBO, with less noise
# and the same gap. Only $\ln \frac1K \sum_k w_k$ is tighter.

# %%
right = log_mean_exp(log_w[1.0], axis=1).mean()
wrong = log_w[1.0].mean()
print(f"ln of the mean {right:.2f}, mean of the ln {wrong:.2f}, for K = 5,000")

assert right > wrong + 3

# %% [markdown]
# **Choosing the proposal on the test images.** The highest of several estimates is partly
# luck. Choose on other images.
#
# **Comparing two models at one K.** In Figure 11.4, two encoders change places between
# $K = 1$ and $K = 50$; two models can do the same. Report the ELBO beside the estimate: the
# difference shows how much of a model's number is its encoder's.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | $\mathcal L_K$, its proof | [iwae_bound](../npvae/probability/bounds.py), [log_weights](../npvae/probability/bounds.py) | [Burda, Grosse, Salakhutdinov 2016](https://arxiv.org/abs/1509.00519), eq. 8 and theorem 1 |
# | training on it | [IWAE](../npvae/models/iwae.py) | the same, section 3 |
# | $\ln p(x)$, effective sample size | [importance_sampling](../npvae/probability/bounds.py) | the same; Kong, Liu, Wong 1994 |
# | the error, by the delta method | | [Nowozin 2018](https://openreview.net/forum?id=HyZoi-WRb) |
# | signal and noise | | [Rainforth and others 2018](https://arxiv.org/abs/1802.04537), theorem 1 |
# | the doubly reparameterized gradient | [sticking_the_landing](../npvae/probability/estimators.py) is its case $K = 1$ | [Tucker and others 2019](https://arxiv.org/abs/1810.04152) |
# | the tail index | | Hill 1975; [Vehtari and others 2024](https://arxiv.org/abs/1507.02646) |
# | binarization | [binarize](../npvae/datasets/binarization.py) | Salakhutdinov and Murray 2008; Burda and others 2016, section 5.1 |
#
# `npvae experiment likelihood` measures $\ln p(x)$ with $K = 5{,}000$ on all test images, in
# the protocol of Burda and others.
#
# ## Exercises
#
# 1. On paper: derive $\ln w_k$ of 11.1, the gap $\tfrac12 \Vert\delta\Vert^2$ and $\chi^2$.
#    (The mean of $e^{a\varepsilon}$ is $e^{a^2/2}$.) How large must $K$ be for a bias of a
#    tenth of a nat if $\Vert\delta\Vert^2 = 10$, a gap of five nats?
# 2. [`iwae_weights`](exercises/25_iwae_weights.py), the blank of 11.2, in a file of your
#    own: `npvae learn check iwae_weights`.
# 3. Draw $K$ codes from $q$, and keep one of them, with the probabilities $\tilde w_k$. Do so
#    20,000 times with the wide $q$ of 11.2. Compare the histogram with the posterior, for
#    $K = 1$, 8 and 64.
# 4. In 11.4, binarize the training set once, before training, and drop `transform`. What
#    happens to the ELBO of the test set after 1,500 steps? After 6,000?
# 5. In 11.4, train [IWAE](../npvae/models/iwae.py) with `samples=20` in place of `VAE`, for
#    300 steps, and `VAE` for 1,500. Compare ELBO, $K = 500$, the effective sample size and
#    the median of $\sigma$. Which of them should be larger, by 11.2?
#
# Before: [10. What is a pixel?](10_what_is_a_pixel.ipynb). Next: [12. Convolutions: the
# VanillaVAE, line by line](12_convolutions.ipynb).
