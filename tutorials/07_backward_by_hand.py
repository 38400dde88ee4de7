# %% [markdown]
# # 7. Backward by hand, and nine bugs
#
# In chapter 2 you built an engine that computes gradients, and since then it has done the
# work. This chapter takes it away. You write the backward pass of a whole VAE by hand, in
# some forty lines of NumPy, and compare every intermediate gradient with the engine's.
# Then you break the program in nine ways in which real programs have been broken, and find
# out which test sees which bug. Several of them train without complaint.
#
# After this chapter you can
#
# - write the backward pass of a network from its forward pass, line by line;
# - find the first wrong gradient by comparing intermediates;
# - tell a wrong gradient from a right gradient of a wrong loss;
# - say which of your tests sees which kind of bug, and why you need several.
#
# You need: chapters 2, 5 and 6. The symbols are on [one page](notation.md).

# %%
import inspect

import matplotlib.pyplot as plt
import numpy as np

from npvae import Tensor, datasets, figures, learn
from npvae.autodiff import ops
from npvae.autodiff.tensor import leaf_gradients
from npvae.nn import optim
from npvae.probability import bernoulli_log_likelihood, kl_to_standard_normal
from npvae.probability.gaussian import reparameterize

data = datasets.load("mnist")
x_train, x_test = data.x_train[:], data.x_test         # (60000, 784), (10000, 784)

# %% [markdown]
# ## 7.1 The forward pass, and what to keep
#
# The network is that of chapter 6 with one hidden layer on each side. For a minibatch of
# $N$ images $x$ and noise $\varepsilon$,
#
# $$ \begin{aligned}
# a &= x W_1 + b_1, & h &= \max(a, 0), \\
# \mu &= h W_\mu + b_\mu, & \mathrm{logvar} &= h W_v + b_v, \\
# \sigma &= e^{\mathrm{logvar}/2}, & z &= \mu + \sigma \odot \varepsilon, \\
# c &= z W_3 + b_3, & g &= \max(c, 0), \qquad l = g W_4 + b_4,
# \end{aligned} $$
#
# and the loss is, averaged over the minibatch,
#
# $$ \sum_d \big[\zeta(l_d) - x_d\, l_d\big] + \tfrac12 \sum_j \big[\mu_j^2 + \sigma_j^2 - 1 - \mathrm{logvar}_j\big]. $$
#
# A backward pass needs some of these values again. Which? We keep them all, in a dict, and
# find out.

# %%
def parameters(pixels, hidden, latent, rng):
    """Weights and biases by name: small random numbers, and zeros."""
    shapes = {"1": (pixels, hidden), "mu": (hidden, latent), "v": (hidden, latent),
              "3": (latent, hidden), "4": (hidden, pixels)}
    p = {}
    for name, (I, O) in shapes.items():
        p[f"W{name}"] = rng.standard_normal((I, O)) * np.sqrt(2 / (I + O))
        p[f"b{name}"] = np.zeros(O)
    return p


def forward(p, x, eps):
    """Return the loss in nats, and a dict of everything that was computed on the way."""
    N = len(x)
    a = x @ p["W1"] + p["b1"]
    h = np.maximum(a, 0)
    mu = h @ p["Wmu"] + p["bmu"]
    logvar = h @ p["Wv"] + p["bv"]
    sigma = np.exp(logvar / 2)
    z = mu + sigma * eps
    c = z @ p["W3"] + p["b3"]
    g = np.maximum(c, 0)
    l = g @ p["W4"] + p["b4"]
    rec = np.sum(np.logaddexp(0, l) - x * l) / N
    kl = 0.5 * np.sum(mu**2 + sigma**2 - 1 - logvar) / N
    return rec + kl, dict(a=a, h=h, mu=mu, logvar=logvar, sigma=sigma, z=z, c=c, g=g, l=l)


# %% [markdown]
# ## 7.2 The backward pass
#
# Start at the end and go up, one line of the forward pass at a time. Each line needs the
# gradient of its value and gives the gradients of its inputs. You know all of them:
#
# - a dense layer, $y = xW + b$: $dx = dy\, W^\top$, $dW = x^\top dy$, $db = \sum_n dy_n$
#   (2.1);
# - a ReLU passes $dy$ where its input was positive (2.2);
# - the log-likelihood by logits: $dl = (\sigma(l) - x)/N$, since $\zeta' = \sigma$ (6.1);
# - the draw: $d\mu = dz$ and
#   $d\mathrm{logvar} = \tfrac12\, \sigma \odot \varepsilon \odot dz$ (5.5);
# - the KL adds $\mu / N$ to $d\mu$ and $\tfrac12(\sigma^2 - 1)/N$ to $d\mathrm{logvar}$
#   (4.5).
#
# Two places deserve care. $\mu$ and $\mathrm{logvar}$ each act on the loss by *two* paths,
# through $z$ and through the KL, and $h$ acts through both of them: the gradients add up.
#
# Fill in the blank of the draw first: the function below has three inputs, and returns its
# value and one derivative for each but the noise, which needs none. Run the cell, and
# [check](../npvae/learn/notebook.py) tells you what is wrong.

# %%
def reparameterize_by_hand(mu, logvar, eps):
    y = mu + np.exp(0.5 * logvar) * eps
    def dmu(dy):
        raise NotImplementedError("dmu: return the gradient of the loss with respect to mu")
    def dlogvar(dy):
        raise NotImplementedError("dlogvar: return the gradient with respect to logvar")
    return y, dmu, dlogvar, None


reparameterize_by_hand.__name__ = "reparameterize"
learn.check(reparameterize_by_hand)

# %% [markdown]
# > **Predict.** Of the nine arrays that `forward` kept, which does the backward pass never
# > use? Go through the list above before you read the code.

# %% tags=["hide-output"]
def backward(p, x, eps, kept):
    """Return the gradients of the parameters, and those of everything in between."""
    N, v = len(x), kept
    d, grads = {}, {}

    d["l"] = (1 / (1 + np.exp(-v["l"])) - x) / N             # ζ'(l) = σ(l)
    grads["W4"] = v["g"].T @ d["l"]
    grads["b4"] = d["l"].sum(axis=0)
    d["g"] = d["l"] @ p["W4"].T

    d["c"] = d["g"] * (v["c"] > 0)                           # the ReLU's mask
    grads["W3"] = v["z"].T @ d["c"]
    grads["b3"] = d["c"].sum(axis=0)
    d["z"] = d["c"] @ p["W3"].T

    d["mu"] = d["z"] + v["mu"] / N                           # by z, and by the KL
    by_z = d["z"] * 0.5 * v["sigma"] * eps
    d["logvar"] = by_z + 0.5 * (v["sigma"] ** 2 - 1) / N     # the same two paths

    grads["Wmu"] = v["h"].T @ d["mu"]
    grads["bmu"] = d["mu"].sum(axis=0)
    grads["Wv"] = v["h"].T @ d["logvar"]
    grads["bv"] = d["logvar"].sum(axis=0)
    d["h"] = d["mu"] @ p["Wmu"].T + d["logvar"] @ p["Wv"].T  # h is used twice

    d["a"] = d["h"] * (v["a"] > 0)
    grads["W1"] = x.T @ d["a"]
    grads["b1"] = d["a"].sum(axis=0)
    return grads, d


class Watched(dict):
    """A dict that remembers which of its keys were read."""

    def __init__(self, *args):
        super().__init__(*args)
        self.read = set()

    def __getitem__(self, key):
        self.read.add(key)
        return super().__getitem__(key)


rng = np.random.default_rng(0)
p = parameters(7, 5, 3, rng)
x, eps = rng.random((11, 7)), rng.standard_normal((11, 3))
loss, kept = forward(p, x, eps)
watched = Watched(kept)
grads, d = backward(p, x, eps, watched)
print("kept and used:    ", *sorted(watched.read))
print("kept for nothing: ", *sorted(kept.keys() - watched.read))

# %% tags=["hide-input"]
assert kept.keys() - watched.read == {"logvar"}

# %% [markdown]
# <details><summary>Answer</summary>
#
# Only $\mathrm{logvar}$: its derivatives need $\sigma$, which is $e^{\mathrm{logvar}/2}$
# already. Everything else is needed once more. That is why training takes several times the
# memory of evaluation, and why the engine's tape lists what each derivative *keeps*.
#
# </details>
#
# That is the whole backward pass. Nobody needs the gradient of the images, so $dx$ of the
# first layer is missing.
#
# ## 7.3 Intermediate by intermediate
#
# Is it right? A check that only says "the gradient of $W_1$ is wrong" is of little use:
# everything between the loss and $W_1$ may be to blame. So compare **every intermediate**,
# from the loss upwards. The first one that differs is where the mistake is: the line that
# computes it got a right gradient and made a wrong one.
#
# Here is the same network in the engine. The walk of
# [leaf_gradients](../npvae/autodiff/tensor.py) reports the gradient of every value on the
# way, which is what `loss.backward()` uses and forgets.

# %%
def engine_gradients(p, x, eps):
    """Return the engine's loss, and its gradients of the parameters and in between."""
    t = {name: Tensor(a, requires_grad=True) for name, a in p.items()}
    v = {"a": ops.dense(x, t["W1"], t["b1"])}
    v["h"] = ops.relu(v["a"])
    v["mu"] = ops.dense(v["h"], t["Wmu"], t["bmu"])
    v["logvar"] = ops.dense(v["h"], t["Wv"], t["bv"])
    v["z"] = reparameterize(v["mu"], v["logvar"], eps)
    v["c"] = ops.dense(v["z"], t["W3"], t["b3"])
    v["g"] = ops.relu(v["c"])
    v["l"] = ops.dense(v["g"], t["W4"], t["b4"])
    kl = kl_to_standard_normal(v["mu"], v["logvar"])
    loss = (kl - bernoulli_log_likelihood(v["l"], x)).mean()
    by_record = {}
    by_leaf = leaf_gradients(loss, np.ones_like(loss.data), by_record.__setitem__)
    between = {name: by_record[value.record] for name, value in v.items()}
    return float(loss), {name: by_leaf[leaf] for name, leaf in t.items()}, between


def largest_difference(a, b):
    return np.abs(a - b).max()


engine_loss, engine_grads, engine_d = engine_gradients(p, x, eps)
print(f"loss: by hand {loss:.12f}, engine {engine_loss:.12f}")
for name in ("l", "g", "c", "z", "mu", "logvar", "h", "a"):
    difference = largest_difference(d[name], engine_d[name])
    print(f"d{name:7} differs by at most {difference:.0e}")
    assert difference < 1e-15
assert all(largest_difference(grads[name], engine_grads[name]) < 1e-14 for name in p)

# %% [markdown]
# All agree to the last digits. Note what this comparison does *not* prove: both might be
# wrong in the same way, since the same person wrote them. Finite differences know nothing
# of our algebra, so they are the better judge (2.2). The table below uses both.
#
# ## 7.4 It trains
#
# [Adam](../npvae/nn/optim.py) does not care who computed a gradient. It reads `p.grad`.

# %%
BATCH, HIDDEN, LATENT, STEPS = 100, 100, 10, 400


def train(forward, backward, seed, images=x_train, clear=True, steps=STEPS):
    """Train with hand-written gradients; return the parameters, and each step's loss."""
    rng = np.random.default_rng(seed)
    p = parameters(784, HIDDEN, LATENT, rng)
    p = {name: Tensor(a.astype(np.float32)) for name, a in p.items()}
    optimizer, losses = optim.Adam(p.values(), lr=2e-3), []
    for _ in range(steps):
        x = images[rng.integers(len(images), size=BATCH)]
        eps = rng.standard_normal((BATCH, LATENT), dtype=np.float32)
        arrays = {name: tensor.data for name, tensor in p.items()}
        loss, kept = forward(arrays, x, eps)
        grads, _ = backward(arrays, x, eps, kept)
        for name, tensor in p.items():
            new = grads[name].astype(np.float32)
            tensor.grad = new if clear or tensor.grad is None else tensor.grad + new
        optimizer.step()
        losses.append(loss)
    return {name: tensor.data for name, tensor in p.items()}, np.array(losses)


def held_out_loss(p, rng):
    """The right loss on 2,000 test images, whatever the program itself printed."""
    eps = rng.standard_normal((2000, LATENT), dtype=np.float32)
    return forward(p, x_test[:2000], eps)[0]


trained = [train(forward, backward, seed) for seed in range(6)]
healthy_losses = np.array([losses for _, losses in trained])
healthy = np.array([held_out_loss(p, np.random.default_rng(0)) for p, _ in trained])
print("held-out loss of six healthy runs:", *healthy.round(1))

assert healthy.max() - healthy.min() < 8 and healthy.max() < 165

# %% [markdown]
# Six seeds, six runs, and after 400 steps their losses lie within a few nats of one
# another. This **band of healthy runs** is a measuring device: you need it to say that
# some other run is *not* healthy. A single run has nothing to be compared with.
#
# ## 7.5 Nine bugs
#
# Each of the following is one change of the program, or the same change in the forward and
# in the backward pass. Programs that people published and used have contained each kind.
# (The letters are those of the bug museum, where you find them by yourself: G, which needs
# an importance-weighted bound, is replaced here by J.)
#
# | | bug | where |
# | --- | --- | --- |
# | A | $\sigma = e^{\mathrm{logvar}}$: the variance taken for the standard deviation | forward and backward |
# | B | the KL averaged over the latent dimensions instead of summed | forward and backward |
# | C | the logits pass through a sigmoid, and then once more through the loss's | forward and backward |
# | D | the ReLU's mask from the gradient instead of the input | backward |
# | E | the KL's gradient for $\mu$ with the wrong sign | backward |
# | F | pixels averaged, the KL summed | forward and backward |
# | H | the backward pass draws new noise | backward |
# | I | the program trains on the test set | the loop |
# | J | gradients are not cleared between two steps | the loop |
#
# The code below makes each of them by replacing text in the source of `forward` and
# `backward`, so that every program differs from the right one in nothing else.

# %%
KL = "0.5 * np.sum(mu**2 + sigma**2 - 1 - logvar) / N"
BUGS = {
    "A": [("np.exp(logvar / 2)", "np.exp(logvar)"),
          ("* 0.5 * v[\"sigma\"]", "* v[\"sigma\"]"),
          (KL, KL.replace("sigma**2", "np.exp(logvar)")),
          ("(v[\"sigma\"] ** 2 - 1)", "(v[\"sigma\"] - 1)")],
    "B": [(KL, f"{KL} / mu.shape[1]"), ("v[\"mu\"] / N", "v[\"mu\"] / v[\"mu\"].size"),
          ("(v[\"sigma\"] ** 2 - 1) / N", "(v[\"sigma\"] ** 2 - 1) / v[\"mu\"].size")],
    "C": [("g @ p[\"W4\"] + p[\"b4\"]", "1 / (1 + np.exp(-g @ p[\"W4\"] - p[\"b4\"]))"),
          ("- x) / N ", "- x) / N * v[\"l\"] * (1 - v[\"l\"])")],
    "D": [("(v[\"c\"] > 0)", "(d[\"g\"] > 0)")],
    "E": [("d[\"z\"] + v[\"mu\"] / N", "d[\"z\"] - v[\"mu\"] / N")],
    "F": [("x * l) / N", "x * l) / l.size"), ("- x) / N", "- x) / x.size")],
    "H": [("v[\"sigma\"] * eps",
           "v[\"sigma\"] * np.random.default_rng(1).permutation(eps)")],
    "I": [],
    "J": [],
}
LOOP = {"I": {"images": x_test}, "J": {"clear": False}}


def broken(bug):
    """Return forward and backward with the bug."""
    source = inspect.getsource(forward) + "\n\n" + inspect.getsource(backward)
    for right, wrong in BUGS[bug]:
        assert source.count(right) == 1, right
        source = source.replace(right, wrong)
    namespace = {"np": np}
    exec(source, namespace)
    return namespace["forward"], namespace["backward"]


# %% [markdown]
# > **Predict.** You watch only the printed loss of each program. Which of the nine would
# > you notice?

# %% tags=["hide-input", "hide-output"]
curves, final = {}, {}
for bug in BUGS:
    with np.errstate(all="ignore"):                          # one of them overflows
        p, curves[bug] = train(*broken(bug), seed=0, **LOOP.get(bug, {}))
        final[bug] = held_out_loss(p, np.random.default_rng(0))

fig, axes = plt.subplots(
    3, 3, figsize=(7.5, 7), layout="constrained", sharex=True, sharey=True
)
steps = np.arange(1, STEPS + 1)
low, high = healthy_losses.min(axis=0), healthy_losses.max(axis=0)
for ax, (bug, printed) in zip(axes.flat, curves.items()):
    ax.fill_between(steps, low, high, color="0.8")
    ax.plot(steps, np.clip(printed, -20, 700), color="black", linewidth=1)
    ax.axhline(final[bug], color="tab:red", linestyle="--", linewidth=1.2)
    ax.set(title=bug, xscale="log", ylim=(-20, 700))
fig.supxlabel("step")
fig.supylabel("loss in nats")
figures.show(fig, "7.1")
for bug, printed in curves.items():
    print(f"{bug}: printed {printed[-50:].mean():11.4g}   right loss {final[bug]:11.4g}")

band = healthy_losses[:, -50:].mean(axis=1)
last = {bug: printed[-50:].mean() for bug, printed in curves.items()}
assert all(abs(last[bug] - band.mean()) < 25 for bug in "ABHI")
assert all(last[bug] > band.max() + 50 for bug in "CDEJ") and last["F"] < 1
assert last["B"] < band.min() and final["B"] > healthy.max() + 5

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 7.1. What each program prints (the curve) beside the band of six healthy runs
# (grey). The dashed red line is the right loss of its trained network on held-out images;
# for C and E it lies above the frame. C, D, E, F and J leave the band. A, B, H and I do
# not, or hardly: they look like programs that work.*
#
# Five of the nine. E explodes, C and D stay high, J jumps about, and F prints numbers near
# zero, which you notice only if you know what the loss should be. The other four pass for
# healthy. **B even looks better than healthy**: it prints 20 nats less than the band, and
# its right loss is worse.
#
# </details>
#
# In Figure 7.1 the red line is what counts, and no program prints it: each is judged by
# the right loss of chapter 4. A program that computes the wrong loss cannot tell you.
#
# ## 7.6 Which test sees which bug
#
# A curve is one test. Here are five, each of a different kind:
#
# 1. **finite differences** of the program's own loss against the gradients that its loop
#    holds after two backward passes, so that what is left over from the first is seen too;
# 2. **the value** of the loss against the engine's, for the same weights and noise;
# 3. **the draws**: for a given $\mu$ and $\mathrm{logvar}$, has $z$ the spread
#    $e^{\mathrm{logvar}/2}$?
# 4. **the curve**: is the right loss on held-out images outside the healthy band?
# 5. **another test set**: does training give the same weights if the test set is replaced?
#
# > **Predict.** Which bugs does the gradient check see? Which bug does only test 3, or only
# > test 5, see?

# %% tags=["hide-input", "hide-output"]
def numeric_gradient(f, a, h=1e-5):
    """Central differences of f with respect to every element of a."""
    gradient = np.zeros_like(a)
    for i in np.ndindex(a.shape):
        old = a[i]
        a[i] = old + h
        up = f()
        a[i] = old - h
        gradient[i] = (up - f()) / (2 * h)
        a[i] = old
    return gradient


def by_differences(bug):
    run, back = broken(bug)
    rng = np.random.default_rng(3)
    p = parameters(7, 5, 3, rng)
    x, eps = rng.random((11, 7)), rng.standard_normal((11, 3))
    clear, given = LOOP.get(bug, {}).get("clear", True), None
    for _ in range(2):                             # what the loop of `train` makes of them
        new = back(p, x, eps, run(p, x, eps)[1])[0]
        given = new if clear or given is None else {n: given[n] + new[n] for n in p}

    def loss():
        return run(p, x, eps)[0]

    numeric = {name: numeric_gradient(loss, p[name]) for name in p}
    return any(largest_difference(given[name], numeric[name]) > 1e-7 for name in p)


def by_value(bug):
    rng = np.random.default_rng(3)
    p = parameters(7, 5, 3, rng)
    x, eps = rng.random((11, 7)), rng.standard_normal((11, 3))
    return abs(broken(bug)[0](p, x, eps)[0] - engine_gradients(p, x, eps)[0]) > 1e-9


def by_draws(bug):
    p = parameters(7, 5, 3, np.random.default_rng(3))
    p["Wv"] *= 0
    p["bv"] += np.log(4)                               # a variance of 4 for every image
    eps = np.random.default_rng(4).standard_normal((20_000, 3))
    kept = broken(bug)[0](p, np.zeros((20_000, 7)), eps)[1]
    return abs((kept["z"] - kept["mu"]).std() - 2) > 0.05


def by_curve(bug):
    return final[bug] > healthy.max() + (healthy.max() - healthy.min())


def by_another_test_set(bug):
    """Replace the test set by its negative; what trains on it changes."""
    runs = []
    for test in (x_test, 1 - x_test):
        images = test if "images" in LOOP.get(bug, {}) else x_train
        runs.append(train(*broken(bug), seed=0, images=images, steps=3)[0]["W1"])
    return not np.array_equal(*runs)


TESTS = {"differences": by_differences, "value": by_value, "draws": by_draws,
         "curve": by_curve, "test set": by_another_test_set}
seen = {bug: {name for name, test in TESTS.items() if test(bug)} for bug in BUGS}
print("bug ", *(f"{name:>12}" for name in TESTS))
for bug, names in seen.items():
    print(f"{bug}   ", *(f"{'sees it' if name in names else '–':>12}" for name in TESTS))

assert seen == {
    "A": {"value", "draws", "curve"}, "B": {"value", "curve"}, "C": {"value", "curve"},
    "D": {"differences", "curve"}, "E": {"differences", "curve"}, "F": {"value", "curve"},
    "H": {"differences", "curve"}, "I": {"test set"}, "J": {"differences", "curve"},
}

# %% [markdown]
# <details><summary>Answer</summary>
#
# The gradient check sees D, E, H and J: the bugs that are in the backward pass, or in the
# loop, *alone*. A, B, C and F are wrong in the forward pass too, and there the gradient
# belongs to the loss. Only a comparison of the loss itself with a right one sees them.
# The draws single out A, and nothing but another test set sees I.
#
# </details>
#
# Read the table by columns. **Finite differences** compare the backward pass with the
# forward pass, and can say nothing about the forward pass. **The value** needs a right
# loss to compare with: another program, an oracle, or an integral that must be 1 (5.5).
# **The draws** test what the sampler *means*. **The curve** sees eight of nine, but only
# because we knew the band, and it says nothing about where the mistake is. And I is
# invisible to these four, because every function in it is right; what is wrong is what
# the loop does with them. No single test sees more than eight. Finite differences and the
# value tell you *where* to look, in the backward or in the forward pass, but each of them
# sees only four. You need several tests, of different kinds.
#
# ## 7.7 Find it
#
# Once you know that a gradient is wrong, the comparison of 7.3 finds the line. Go from the
# loss upwards to the first intermediate that differs.
#
# > **Predict.** In program D, the ReLU's mask is taken from the wrong array, in the
# > line that computes $dc$. Which gradients in between are right, and which are wrong?

# %% tags=["hide-output"]
run, back = broken("D")
rng = np.random.default_rng(0)
p = parameters(7, 5, 3, rng)
x, eps = rng.random((11, 7)), rng.standard_normal((11, 3))
found = back(p, x, eps, run(p, x, eps)[1])[1]
right = engine_gradients(p, x, eps)[2]
wrong = [name for name in right if largest_difference(found[name], right[name]) > 1e-12]
for word in ("right", "wrong"):
    print(f"{word}:", *(name for name in found if (name in wrong) == (word == "wrong")))

# %% tags=["hide-input"]
assert set(right) - set(wrong) == {"l", "g"}

# %% [markdown]
# <details><summary>Answer</summary>
#
# $dl$ and $dg$ are right; $dc$ and everything before it in the network are wrong. The line
# that makes $dc$ of $dg$ is the culprit.
#
# </details>
#
# One wrong line spoils everything that comes after it in the backward pass. So never begin
# with the first gradient in the list of parameters: begin at the loss.
#
# ## What can go wrong
#
# **Shapes that broadcast.** In the backward pass, `dy * mask` with a mask of shape `(1,
# 5)` or `(11, 1)` runs, and is wrong. Compare the shape of every gradient with that of
# its array; the engine does (2.4).
#
# **Float32 in a check.** With differences in float32, an error of a per cent hides in the
# rounding (2.2). Check in float64, train in float32, from the same source.
#
# **A comparison that stops at "close".** A loss that agrees to three digits with another
# program's is not a loss that agrees. With the same weights and the same noise, two right
# programs agree to the last digits, as in 7.3.
#
# **Twins.** If you translate your own forward pass into a second program, it contains the
# same misunderstanding. A test needs a *different* way to the same number.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | `forward`, `backward` | [VAE.loss](../npvae/models/vae.py), [Tensor.backward](../npvae/autodiff/tensor.py) | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), appendix C |
# | the comparison of intermediates | [leaf_gradients](../npvae/autodiff/tensor.py) | |
# | finite differences | [gradcheck](../npvae/autodiff/gradcheck.py) | |
# | what a wrong gradient is called | [diagnose](../npvae/diagnosis/diagnose.py) | |
# | the bugs, to be found | [the bug museum](exercises/README.md) | |
#
# ## Exercises
#
# 1. Add a second hidden layer to `forward` and `backward`, and compare every intermediate
#    with the engine's again.
# 2. On paper: which of the nine bugs would the *naive* reading of a loss curve prefer to
#    the right program? Why does averaging the KL over dimensions lower the printed loss?
# 3. Invent a tenth bug that all five tests miss. (Look at what none of them varies: the
#    batch size, the order of the images, the number of steps.)
# 4. The bug museum: `npvae learn check bug_1` to `bug_9`. Each file is a program with one
#    defect; find it, name it, repair it. [`bug_1`](exercises/16_bug_1.py) and
#    [`bug_4`](exercises/19_bug_4.py) are written by hand like the program above.
#
# Before: [6. A VAE on MNIST](06_a_vae_on_mnist.ipynb). Next: [8. From EM to the
# encoder](08_from_em_to_the_encoder.ipynb).
