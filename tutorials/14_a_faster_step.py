# %% [markdown]
# # 14. A faster step, then PyTorch and JAX
#
# Until now it was enough that a program is right. This chapter takes one training step of
# chapter 6's network, writes it as simply as possible, and makes it faster, one change
# after another. Each change has a reason that you can count on paper, and each must give
# the same result as the simple program before we time it. Then we write the same step in
# PyTorch and in JAX, and look at what comes after VAEs.
#
# After this chapter you can
#
# - compare the speed of two programs without fooling yourself;
# - count what a step must compute and what it must move, and say which of the two limits it;
# - say what float32, logits, work in place, blocks and threads each buy, and why;
# - write a VAE in PyTorch and in JAX, and name the places where a translation goes wrong;
# - find your way in the literature after the VAE.
#
# You need: chapters 6 and 7. The symbols are on [one page](notation.md).

# %%
import pathlib
import time
import types

import matplotlib.pyplot as plt
import numpy as np

from npvae import figures, learn, runtime
from npvae.bench import contenders, workloads
from npvae.figures.diagrams import Diagram
from npvae.nn import optim

reference = workloads.BY_NAME["reference"]   # 784-512-384-256-10, batch 100, Adam 1e-3
minibatches = reference.minibatches()        # 20 arrays (100, 784) of MNIST

# %% [markdown]
# ## 14.1 The step, as simply as possible
#
# This is chapter 7's program with more layers. There are nine: three of the encoder, one
# each for $\mu$ and $\mathrm{logvar}$, four of the decoder. The dict `SIMPLE` holds the
# choices that this chapter changes. At first, they are the obvious ones: float64, the
# formulas as the books print them, and a new array for every result.

# %%
SIZES = [(784, 512), (512, 384), (384, 256), (256, 10), (256, 10),
         (10, 256), (256, 384), (384, 512), (512, 784)]      # (I, O) of each layer


def by_probabilities(logits, x):
    """Σ ln p(x | z) of a minibatch, a number, and its derivative: logits, x (N, 784)."""
    p = 1 / (1 + np.exp(-logits))
    y = np.sum(x * np.log(p) + (1 - x) * np.log(1 - p))
    def dlogits(dy):
        dp = dy * (x / p - (1 - x) / (1 - p))
        return dp * p * (1 - p)
    return y, dlogits


LR, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8


def adam_of_the_paper(p, g, m, v, t):
    """Adam's step t for one array p (any shape): the new p, m and v."""
    m = BETA1 * m + (1 - BETA1) * g
    v = BETA2 * v + (1 - BETA2) * g**2
    m_hat = m / (1 - BETA1**t)
    v_hat = v / (1 - BETA2**t)
    return p - LR * m_hat / (np.sqrt(v_hat) + EPS), m, v


def by_expressions(p, g, m, v, t):
    """Adam for lists of arrays; new arrays take the places of the old ones."""
    for i in range(len(p)):
        p[i], m[i], v[i] = adam_of_the_paper(p[i], g[i], m[i], v[i], t)


SIMPLE = dict(dtype=np.float64, likelihood=by_probabilities, dx_of_images=True,
              adam=by_expressions, product=np.matmul, meanwhile=False)


def hidden(layers, h, product):
    """Dense layers with ReLU: a list of the inputs of each, and the last one's value."""
    inputs = []
    for W, b in layers:
        inputs.append(h)
        h = np.maximum(product(h, W) + b, 0)
    return inputs, h


def loss_and_gradients(p, x, eps, how):
    """The loss, and a list of gradients: p lists W (I, O) and b (O,) of each layer."""
    N, product, layers = len(x), how.product, list(zip(p[::2], p[1::2]))
    inputs, h = hidden(layers[:3], x, product)
    (W_mu, b_mu), (W_v, b_v) = layers[3:5]
    mu, logvar = h @ W_mu + b_mu, h @ W_v + b_v
    sigma = np.exp(logvar / 2)
    more, g = hidden(layers[5:8], mu + sigma * eps, product)
    inputs += [h, h, *more, g]
    log_p, dlogits = how.likelihood(product(g, layers[8][0]) + layers[8][1], x)
    loss = (0.5 * np.sum(mu**2 + sigma**2 - 1 - logvar) - log_p) / N

    calls = [None] * 9
    def give(i, d):                          # dW and db of layer i, from d = dy
        def work(): return product(inputs[i].T, d), d.sum(axis=0)
        calls[i] = runtime.Call(work)
        runtime.start(calls[i], here=not how.meanwhile)      # at once, before 14.5

    d = dlogits(-1 / N)
    for i in (8, 7, 6, 5):
        give(i, d)
        d = product(d, layers[i][0].T)
        if i > 5:
            d = d * (inputs[i] > 0)          # the ReLU's mask
    dmu = d + mu / N                         # by z, and by the KL
    dlogvar = 0.5 * (d * sigma * eps + (sigma**2 - 1) / N)
    give(3, dmu)
    give(4, dlogvar)
    d = dmu @ W_mu.T + dlogvar @ W_v.T
    for i in (2, 1, 0):
        d = d * (inputs[i + 1] > 0)
        give(i, d)
        if i > 0 or how.dx_of_images:
            d = product(d, layers[i][0].T)
    return loss, [gradient for call in calls for gradient in call.result()]


class Step:
    """Training steps by hand: SIMPLE, but for the given changes."""

    def __init__(self, **changes):
        self.how = types.SimpleNamespace(**SIMPLE | changes)
        parameters = reference.build().parameters()          # the engine draws the weights
        self.p = [p.data.astype(self.how.dtype) for p in parameters]
        self.m, self.v = ([np.zeros_like(p) for p in self.p] for _ in range(2))
        self.x = [x.astype(self.how.dtype) for x in minibatches]
        self.rng, self.t = np.random.default_rng(0), 0

    def __call__(self):
        x, self.t = self.x[self.t % len(self.x)], self.t + 1
        eps = self.rng.standard_normal((len(x), 10), dtype=np.float32).astype(x.dtype)
        with runtime.one_thread:             # of OpenBLAS: section 14.5 adds threads
            loss, g = loss_and_gradients(self.p, x, eps, self.how)
            self.how.adam(self.p, g, self.m, self.v, self.t)
        return loss


simple = Step()
losses = [simple() for _ in range(20)]
print(f"{sum(map(np.size, simple.p)):,} parameters")
print(f"loss of the first step {losses[0]:.0f}, of the twentieth {losses[-1]:.0f}")

assert abs(losses[0] - 784 * np.log(2)) < 5 and losses[-1] < 300

# %% [markdown]
# How do we know that a change keeps the step right? Before a change is timed, it takes
# three steps. Its losses must agree with those of the simple program, and its parameters
# must have moved to the same place: Adam moves every number by about 0.001 in each step,
# whatever the gradient, so compare with the movement and not with the numbers themselves.
# The engine is compared too: with the same weights and the same noise, it must give the
# same loss and gradients.

# %%
def mean_distance(a, b):
    """The mean of |a − b| over all numbers of two lists of arrays."""
    return sum(np.abs(x - y).sum() for x, y in zip(a, b)) / sum(map(np.size, a))


def is_right(step):
    """Whether three steps lead where those of the simple program lead, but for rounding."""
    simple = Step()
    start, right = simple.p[:], [simple() for _ in range(3)]
    found = [step() for _ in range(3)]
    moved, apart = mean_distance(simple.p, start), mean_distance(step.p, simple.p)
    return np.allclose(found, right, rtol=0, atol=0.001) and apart < 0.001 * moved


def runner(name):
    """One of `npvae bench`: "npvae", or "its products alone"."""
    return contenders.build(contenders.BY_NAME[name], reference, "float32")


eps = np.random.default_rng(1).standard_normal((100, 10), dtype=np.float32)
ours, simple = runner("npvae"), Step()
loss, gradients = loss_and_gradients(simple.p, simple.x[0], eps, simple.how)
engine_loss, engine_gradients = ours.loss_and_gradients(minibatches[0], eps)
assert abs(loss - engine_loss) < 0.01
assert all(np.abs(a - b).max() < 1e-4 for a, b in zip(gradients, engine_gradients))
assert not is_right(Step(adam=lambda p, g, m, v, t: by_expressions(p, g, m, v, t + 1)))

# %% [markdown]
# ## 14.2 How to time it
#
# A machine has moods: another program starts, the processor gets hot and slows down. If you
# time A for a minute and then B for a minute, you compare two minutes. So let the programs
# **take turns**, and take the **median** over the turns, which a few slow ones cannot move.
# The first step of a turn does not count: it fetches its arrays into the caches.
#
# There are two clocks. The one on the wall is what you wait for. **Processor time** adds up
# how long all threads of the program were computing. It leaves out other programs, so it is
# the better judge of a program with one thread; but it cannot show what a second thread
# gains.

# %%
def race(steps, turns=7, each=3):
    """A dict from names to medians in milliseconds: of the clock, and of the processor."""
    found = {name: [] for name in steps}
    for _ in range(turns):
        for name, step in steps.items():
            step()
            before = time.perf_counter(), time.process_time()
            for _ in range(each):
                step()
            after = time.perf_counter(), time.process_time()
            found[name].append([(b - a) * 1000 / each for a, b in zip(before, after)])
    return {name: np.median(times, axis=0) for name, times in found.items()}

# %% [markdown]
# What is the least that a step can take? Nothing changes the matrix products: each layer
# has $xW$ in the forward pass, and $x^\top dy$ and $dy\, W^\top$ in the backward pass, of
# $N \cdot I \cdot O$ multiplications each. Everything else in the step is, per number, a
# handful of operations.
#
# > **Predict.** How many multiplications do the products of one step take: a million, a
# > hundred million, or a hundred billion? And which share of them is $dy\, W^\top$ of the
# > first layer, the gradient of the images, which nobody needs?

# %% tags=["hide-output"]
of_each = [100 * I * O for I, O in SIZES]
total = 3 * sum(of_each)
print(f"{total / 1e6:.0f} million multiplications, "
      f"{of_each[0] / total:.0%} of them for the gradient of the images")

# %% tags=["hide-input"]
assert 4e8 < total < 4.5e8 and 0.09 < of_each[0] / total < 0.10

# %% [markdown]
# <details><summary>Answer</summary>
#
# 420 million: 1.4 million weights, times 100 examples, times three. Nearly a tenth is for
# the images. So leaving that product out is the first gain: an engine computes a gradient
# only where somebody wants it (chapter 2), and `dx_of_images=False` does it here.
#
# </details>
#
# ## 14.3 Half as many bytes: float32
#
# A float32 has half the bytes of a float64, so half as many bytes travel between memory
# and processor, and a vector instruction handles twice as many numbers. Adam gains by the
# first, the products by the second. Nothing else in the program changes. But the formula
# for the likelihood meets its limit, because a float32 has only 24 binary digits.
#
# > **Predict.** A pixel is black, $x = 0$, and its logit is $l$, so the loss has the term
# > $-\ln(1 - \sigma(l))$, which is nearly $l$. From which $l$ on does the computer find
# > $\infty$? Try 17, 37, 88 and 700, in float32 and in float64.

# %% tags=["hide-output"]
def first_infinite(likelihood, dtype):
    """The first whole logit up to 1,000 at which a black pixel costs ∞, or None."""
    with np.errstate(all="ignore"):
        costs = [-likelihood(np.array([[l]], dtype), np.zeros((1, 1), dtype))[0]
                 for l in range(1, 1001)]
    return next((l for l, cost in enumerate(costs, 1) if not np.isfinite(cost)), None)


for dtype in (np.float32, np.float64):
    found = first_infinite(by_probabilities, dtype)
    print(f"{dtype.__name__}: infinite from the logit {found} on")

# %% tags=["hide-input"]
assert first_infinite(by_probabilities, np.float32) == 17
assert first_infinite(by_probabilities, np.float64) == 37
with np.errstate(all="ignore"):
    white = by_probabilities(np.array([[17]], np.float32), np.ones((1, 1), np.float32))[0]
assert np.exp(-17) < 2**-24 < np.exp(-16) and np.isnan(white)
assert np.exp(-37) < 2**-53 < np.exp(-36)

# %% [markdown]
# <details><summary>Answer</summary>
#
# From 17 and 37 on. The program adds $e^{-l}$ to 1, and that is lost as soon as it is less
# than half the distance from 1 to the next larger number: $2^{-24}$ in float32, $2^{-53}$
# in float64. Then $\sigma(l)$ is exactly 1. A *white* pixel with that logit is predicted
# well, and its cost contains $0 \cdot \ln 0$, which is not a number.
#
# </details>
#
# So float32 needs the likelihood from logits of chapter 6, **one operation** in place of a
# sigmoid, two logarithms and the chain rule through them:
# $y = \sum_d [x_d l_d - \zeta(l_d)]$, with $\zeta(l) = \ln(1 + e^l)$, and
# $dl = (x - \sigma(l))\, dy$. We write it for float32 like the engine, which computes
# $\zeta$ as it stands, except that a logit above 40 is its own $\zeta$.

# %%
def by_logits(logits, x):
    """The same Σ ln p(x | z), as one operation on logits."""
    with np.errstate(over="ignore"):         # e¹⁰⁰ is ∞ in float32
        zeta = np.where(logits > 40, logits, np.log(1 + np.exp(logits)))
    def dlogits(dy):
        with np.errstate(over="ignore"):
            return dy * (x - 1 / (1 + np.exp(-logits)))
    return np.vdot(x, logits) - zeta.sum(), dlogits


assert first_infinite(by_logits, np.float32) is None

# %% [markdown]
# ## 14.4 Fewer trips to memory
#
# Adam has no matrix products, only some operations for each of 1.4 million parameters. But
# NumPy makes one **pass** over its arrays for each operation: it reads the inputs, and
# writes the result into a *new* array, for which the system must first find memory. So
# what limits Adam is not arithmetic but the traffic of numbers.
#
# We can count that without a clock. The following array counts how many numbers NumPy's
# functions read and write, and how many new arrays they make.

# %%
class Counted(np.ndarray):
    """An array that counts what NumPy's functions do with it."""

    moved = made = 0                         # numbers read and written; new arrays

    def __array_ufunc__(self, function, method, *inputs, out=(), **options):
        plain = [np.asarray(a) for a in inputs]
        if out:
            options["out"] = tuple(np.asarray(a) for a in out)
        y = getattr(function, method)(*plain, **options)
        Counted.moved += sum(a.size for a in plain if a.ndim) + y.size
        Counted.made += not out
        return out[0] if out else y.view(Counted)


def count(adam):
    """Numbers moved for each parameter, and new arrays, in one step of adam(p, g, m, v)."""
    Counted.moved = Counted.made = 0
    adam(*np.random.default_rng(0).random((4, 1000)).view(Counted))
    return Counted.moved / 1000, Counted.made


# %% [markdown]
# > **Predict.** Adam must read $p$, $g$, $m$ and $v$, and write $p$, $m$ and $v$: seven
# > numbers for each parameter. Go through `adam_of_the_paper` with a pencil. How many
# > numbers does NumPy read and write for each parameter, and how many new arrays does it
# > make?

# %% tags=["hide-output"]
moved, made = count(lambda p, g, m, v: adam_of_the_paper(p, g, m, v, t=3))
print(f"as in the paper: {moved:.0f} numbers moved for each parameter, {made} new arrays")

# %% tags=["hide-input"]
assert (moved, made) == (32, 14)

# %% [markdown]
# <details><summary>Answer</summary>
#
# 32 numbers, in 14 operations, each with a new array: more than four times the least.
#
# </details>
#
# Two things help. First, write **in place**: `m *= beta1` makes no array, and
# `np.sqrt(v, out=scratch)` writes into one that exists. Try it. The checker wants the
# engine's form, in which the arrays of one call may be a part of a parameter, and `scratch`
# is an array of the same length for temporary results.

# %%
def update(self, lr, t, scratch, p, g, M, V):
    raise NotImplementedError("write the function here, in place of this line")


learn.check(update)

# %% [markdown]
# The engine's [Adam](../npvae/nn/optim.py) keeps $m / (1 - \beta_1)$ and
# $v / (1 - \beta_2)$, which saves two passes. What does it move?

# %%
ADAM = optim.Adam(reference.build().parameters(), LR)
moved, made = count(lambda p, g, m, v: ADAM.update(LR, 3, np.empty_like(p), p, g, m, v))
print(f"in place: {moved:.0f} numbers moved for each parameter, {made} new arrays")

assert (moved, made) == (25, 0)

# %% [markdown]
# Still 25, because there are still ten passes. So, second, choose **where** the numbers come
# from. The four arrays of the first layer alone have six megabytes, more than the caches
# that a core has for itself, so every pass fetches them again from further away. Cut them
# into **blocks** that fit, and finish all ten passes on one block before you touch the
# next. The 25 numbers remain; but only the first reading and the last writing of each go
# further than the cache, and those are the seven. The blocks must not be too small either,
# because each call of NumPy has a fixed cost.

# %%
def in_place(p, g, m, v, t):
    """Adam for lists of arrays, each of them as a whole."""
    for arrays in zip(p, g, m, v):
        ADAM.update(LR, t, np.empty_like(arrays[0]), *arrays)


def blocks_of(p, g, m, v, size=runtime.BLOCK):
    """A list of blocks (p, g, m, v) of at most `size` numbers, the largest first."""
    flat = [[a.reshape(-1) for a in arrays] for arrays in zip(p, g, m, v)]
    blocks = [[a[i : i + size] for a in arrays]
              for arrays in flat for i in range(0, arrays[0].size, size)]
    return sorted(blocks, key=lambda block: -block[0].size)


def in_blocks(p, g, m, v, t):
    """The same, block by block."""
    for block in blocks_of(p, g, m, v):
        ADAM.update(LR, t, np.empty_like(block[0]), *block)


# %% [markdown]
# ## 14.5 Two threads
#
# NumPy releases Python's lock, the GIL, while it computes, so two Python threads can
# compute at once. [share_out](../npvae/runtime.py) takes a list of *shares*, and whichever
# thread is free computes the next one: a block of Adam, or some columns of a product
# ([product](../npvae/runtime.py)). OpenBLAS, which multiplies NumPy's matrices, has threads
# too. But the bits of its results depend on how many, and ours on shapes alone.
#
# The backward pass offers a second kind of work to share. It walks from layer to layer, and
# each step of the walk needs the $dx$ of the step before. Nothing waits for $dW$ and $db$,
# the gradients of **leaves**, until Adam does. [start](../npvae/runtime.py) hands them to a
# thread that is free and returns at once; `result()` waits for the answer. In the engine,
# [leaf_gradients](../npvae/autodiff/tensor.py) does this.
#
# Threads save no work. They add a little, for handing it over, and they shorten the wait
# only while a second core is free. [The benchmarks](benchmarks.md) have the times on idle
# and on busy machines.

# %%
def in_shares(p, g, m, v, t):
    """The same, whichever thread is free takes the next block."""
    def work(block): ADAM.update(LR, t, np.empty_like(block[0]), *block)
    runtime.share_out(work, blocks_of(p, g, m, v))


CHANGES = [
    ("as simply as possible", {}),
    ("float32", {"dtype": np.float32}),
    ("likelihood by logits", {"likelihood": by_logits}),
    ("no gradient of images", {"dx_of_images": False}),
    ("Adam in place", {"adam": in_place}),
    ("Adam in blocks", {"adam": in_blocks}),
    ("two threads, in shares", {"adam": in_shares, "product": runtime.product}),
    ("dW and db meanwhile", {"meanwhile": True}),
]
steps, settings = {}, {}
for name, change in CHANGES:                 # each keeps the changes before it
    settings = settings | change
    assert is_right(Step(**settings))
    steps[name] = Step(**settings)
steps["the engine"] = ours.step

floor = runner("its products alone")


def products():
    """All matrix products of a step, one after another, in one thread."""
    with runtime.one_thread:
        floor.step()


steps["products alone"] = products

# %% [markdown]
# ## 14.6 What each change gains
#
# > **Predict.** Which of the seven changes saves most, and which save next to nothing? How
# > much do two threads save, when there are two cores? Is the engine, with its tape and its
# > checks, faster or slower than the last of our programs?

# %% tags=["hide-input", "hide-output"]
RECORDED = {"as simply as possible": 59.8, "float32": 28.5, "likelihood by logits": 28.8,
            "no gradient of images": 27.3, "Adam in place": 22.7, "Adam in blocks": 22.5,
            "two threads, in shares": 18.3, "dW and db meanwhile": 17.0, "the engine": 21.5,
            "products alone": 13.9}


def waterfall(milliseconds):
    """A bar for each change, from the time before it to the time after it."""
    names, times = list(milliseconds), list(milliseconds.values())
    fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
    for row, name in enumerate(names):
        is_change = name in dict(CHANGES[1:])
        start = times[row - 1] if is_change else 0
        ax.barh(row, times[row] - start, left=start, edgecolor="0.3",
                color="tab:orange" if is_change else "0.6", hatch="//" if is_change else "")
        ax.annotate(f"{times[row]:.1f}", (max(times[row], start), row), (4, 0), va="center",
                    textcoords="offset points")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel="milliseconds for one step", xlim=(0, 1.15 * max(times)))
    return fig


figures.show(waterfall(RECORDED), "14.1")

assert RECORDED["as simply as possible"] > 2.5 * RECORDED["Adam in blocks"]
assert RECORDED["Adam in blocks"] < 2 * RECORDED["products alone"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 14.1. Milliseconds by the clock for one step. Grey bars are whole steps, hatched
# orange bars the difference that a change makes, and the number is the time after it:
# as simply as possible 59.8, float32 28.5, likelihood by logits 28.8, no gradient of images
# 27.3, Adam in place 22.7, Adam in blocks 22.5, two threads in shares 18.3, dW and db
# meanwhile 17.0; the engine 21.5, the products alone, in one thread, 13.9. Medians of 31
# turns of three steps on two cores of an AMD EPYC (Zen 3) that had nothing else to do.*
#
# float32 saves half of everything. Adam in place comes next, and then the threads. The
# likelihood by logits saves nothing: what it buys is a right answer. Blocks save little
# here: this processor's third cache holds all arrays of Adam anyway. Two threads save a
# quarter and not a half, because only products and Adam are shared: everything else has one
# thread. The engine is slower than our last program: its tape, its checks and its smaller
# products have their price.
#
# </details>
#
# Figure 14.1 shows where to stop: of the last program's time in one thread, more than half
# is products, and no change of NumPy code makes those faster. The first question about a
# slow program is always: what is the least possible?
#
# The times are recorded, because yours will differ. The next cell holds the race on your
# machine, with the threads and by the clock, and draws `runs/tutorials/figure-14.1-here.png`.
# It asserts only what should hold everywhere, with a wide margin: float32 beats float64,
# Adam in place beats its expressions, and too small blocks are worse than none.

# %%
def adam_alone(adam, dtype=np.float32):
    """A step of nothing but Adam, on arrays of the network's shapes."""
    rng = np.random.default_rng(0)
    four = [[rng.random(p.shape).astype(dtype) for p in simple.p] for _ in range(4)]
    return lambda: adam(*four, t=3)


def in_small_blocks(p, g, m, v, t):
    for block in blocks_of(p, g, m, v, size=2000):
        ADAM.update(LR, t, np.empty_like(block[0]), *block)


measured = race(steps)
processor = {name: times[1] for name, times in measured.items()}
adams = race({
    "float64": adam_alone(by_expressions, np.float64),
    "float32": adam_alone(by_expressions), "in place": adam_alone(in_place),
    "in small blocks": adam_alone(in_small_blocks),
})
assert processor["as simply as possible"] > 1.3 * processor["float32"]
assert processor["as simply as possible"] > 1.5 * processor["Adam in blocks"]
assert adams["float64"][1] > 1.2 * adams["float32"][1] > 1.2 * 1.2 * adams["in place"][1]
assert adams["in small blocks"][1] > 1.3 * adams["in place"][1]

# %% tags=["hide-input"]
here = pathlib.Path("runs", "tutorials", "figure-14.1-here.png")
here.parent.mkdir(parents=True, exist_ok=True)
waterfall({name: clock for name, (clock, _) in measured.items()}).savefig(here)
plt.close()

# %% [markdown]
# ## 14.7 The same in PyTorch
#
# You know the words already. This is the complete step, and a test of npvae takes it from
# this page and compares its loss and its gradients with ours.
#
# ```python
# import torch
# import torch.nn.functional as F
# from torch import nn
#
#
# class VAE(nn.Module):
#     def __init__(self):
#         super().__init__()
#         self.encoder = nn.Sequential(
#             nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 384), nn.ReLU(),
#             nn.Linear(384, 256), nn.ReLU(),
#         )
#         self.mu, self.logvar = nn.Linear(256, 10), nn.Linear(256, 10)
#         self.decoder = nn.Sequential(
#             nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 384), nn.ReLU(),
#             nn.Linear(384, 512), nn.ReLU(), nn.Linear(512, 784),
#         )
#
#     def loss(self, x, eps):
#         h = self.encoder(x)
#         mu, logvar = self.mu(h), self.logvar(h)
#         logits = self.decoder(mu + torch.exp(logvar / 2) * eps)
#         rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
#         kl = 0.5 * (mu**2 + torch.exp(logvar) - 1 - logvar).sum()
#         return (rec + kl) / len(x)
#
#
# model = VAE()
# optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
#
#
# def training_step(x):
#     loss = model.loss(x, torch.randn(len(x), 10))
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
#     return loss.item()
# ```
#
# ## 14.8 The same in JAX
#
# JAX has no tape that you see, no `p.grad`, and no state: `value_and_grad` turns the
# function `loss` into another function, which returns the loss and a gradient for each
# array in `params`. Whatever a step changes is an argument, and comes back as a result.
# `jit` traces the step once and compiles all of it. `donate_argnums` lets the new state
# use the memory of the old one: that is "in place" here.
#
# ```python
# import functools
#
# import jax
# import jax.numpy as jnp
#
#
# def dense(layer, h):
#     return h @ layer["W"] + layer["b"]
#
#
# def loss(params, x, eps):
#     h = x
#     for layer in params["encoder"]:
#         h = jax.nn.relu(dense(layer, h))
#     mu, logvar = dense(params["mu"], h), dense(params["logvar"], h)
#     h = mu + jnp.exp(logvar / 2) * eps
#     for layer in params["decoder"][:-1]:
#         h = jax.nn.relu(dense(layer, h))
#     logits = dense(params["decoder"][-1], h)
#     rec = (jax.nn.softplus(logits) - x * logits).sum()
#     kl = 0.5 * (mu**2 + jnp.exp(logvar) - 1 - logvar).sum()
#     return (rec + kl) / len(x)
#
#
# @functools.partial(jax.jit, donate_argnums=0)
# def training_step(state, key, x):
#     params, m, v, t = state
#     key, noise = jax.random.split(key)
#     eps = jax.random.normal(noise, (len(x), 10))
#     value, grads = jax.value_and_grad(loss)(params, x, eps)
#     t = t + 1
#     m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
#     v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, v, grads)
#     def moved(p, m, v):
#         m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
#         return p - 1e-3 * m_hat / (jnp.sqrt(v_hat) + 1e-8)
#     return (jax.tree.map(moved, params, m, v), m, v, t), key, value
# ```
#
# The formulas of Adam are those of the paper, each with an array for its result, and still
# they are fast: the compiler fuses them into few passes. What section 14.4 did by hand is
# a compiler's daily work. (Most people take Adam from the library `optax`.)
#
# | here | PyTorch | JAX |
# | --- | --- | --- |
# | `Tensor(a, requires_grad=True)` | `nn.Parameter(a)` | an array in `params` |
# | `loss.backward()`, then `p.grad` | the same | `jax.grad(loss)(params)` returns it |
# | `with no_grad():` | `with torch.no_grad():` | nothing: only what `grad` calls is differentiated |
# | `x.detach()` | the same | `jax.lax.stop_gradient(x)` |
# | `Module`, `parameters()` | `nn.Module`, `parameters()` | dicts and lists of arrays |
# | `Dense`, $W$ is $(I, O)$ | `nn.Linear`, $W$ is $(O, I)$ | your choice |
# | `optim.Adam`: `zero_grad`, `step` | the same | the state goes in and comes out |
# | `rng = np.random.default_rng(0)` | `torch.manual_seed(0)` | `key = jax.random.key(0)`, and `split` |
# | `q.rsample(rng)` | `Normal(mu, sigma).rsample()` | $\mu + \sigma \odot \varepsilon$, as a formula |
# | `@op`, with its derivatives | `torch.autograd.Function` | `jax.custom_vjp` |
# | `tape(loss)` | `loss.grad_fn` | `jax.make_jaxpr(loss)(…)` |
#
# How fast they are beside ours is in [the benchmarks](benchmarks.md), on three machines,
# with the versions: `npvae bench` measures it on yours.
#
# ## 14.9 After the VAE
#
# Every arrow in Figure 14.2 stands for a change. Chapter 11 is about the IWAE, chapter 15
# about flows for $q$, and chapter 16 about diffusion.

# %% tags=["hide-input"]
def map_of_models():
    """What grew out of what, from PCA to diffusion."""
    d = Diagram(620, 560)
    for name, x, y in [
        ("PCA\n1901", 170, 40), ("autoencoder\n1986", 170, 140),
        ("probabilistic PCA\n1999", 430, 140), ("VAE\n2014", 300, 250),
        ("IWAE\n2016", 60, 375), ("flows for q\n2015", 205, 375),
        ("VQ-VAE\n2017", 350, 375), ("hierarchical\nVAEs, 2016", 515, 375),
        ("latent diffusion\n2022", 290, 500),
        ("diffusion\n2015, 2020", 515, 500),
    ]:
        d.box(name.split("\n")[0], x, y, text=name)
    for start, end in [
        ("PCA", "autoencoder"), ("PCA", "probabilistic PCA"), ("autoencoder", "VAE"),
        ("probabilistic PCA", "VAE"), ("VAE", "IWAE"), ("VAE", "flows for q"),
        ("VAE", "VQ-VAE"), ("VAE", "hierarchical"), ("hierarchical", "diffusion"),
        ("VQ-VAE", "latent diffusion"), ("diffusion", "latent diffusion"),
    ]:
        d.arrow(start, end)
    return d


figures.show(map_of_models(), "14.2")

# %% [markdown]
# *Figure 14.2. A map of models with years. From PCA, one arrow leads to the autoencoder
# and one to probabilistic PCA, and from both to the VAE. From the VAE, four arrows lead to
# IWAE, flows for q, VQ-VAE and hierarchical VAEs; from hierarchical VAEs to diffusion; from
# VQ-VAE and diffusion to latent diffusion.*
#
# | from | to | what changes | paper |
# | --- | --- | --- | --- |
# | PCA | autoencoder | the two maps are networks (chapter 3) | Rumelhart, Hinton, Williams 1986; Hinton and Salakhutdinov 2006 |
# | PCA | probabilistic PCA | the code is random, so there is a $p(x)$ (chapter 4) | Tipping and Bishop 1999 |
# | both | VAE | both changes at once, and a bound to train it (chapters 4 to 6) | [Kingma and Welling](https://arxiv.org/abs/1312.6114), [Rezende and others](https://arxiv.org/abs/1401.4082), 2014 |
# | VAE | IWAE | a tighter bound, from several draws | [Burda and others 2016](https://arxiv.org/abs/1509.00519) |
# | VAE | flows for $q$ | a posterior that is not Gaussian | [Rezende and Mohamed 2015](https://arxiv.org/abs/1505.05770) |
# | VAE | VQ-VAE | codes from a finite list, and a prior that is learned afterwards | [van den Oord and others 2017](https://arxiv.org/abs/1711.00937) |
# | VAE | hierarchical VAEs | many layers of latent variables | [Sønderby and others 2016](https://arxiv.org/abs/1602.02282), [Vahdat and Kautz 2020](https://arxiv.org/abs/2007.03898), [Child 2021](https://arxiv.org/abs/2011.10650) |
# | hierarchical VAEs | diffusion | the encoder only adds noise, and has no parameters | [Sohl-Dickstein and others 2015](https://arxiv.org/abs/1503.03585), [Ho and others 2020](https://arxiv.org/abs/2006.11239), [Kingma and others 2021](https://arxiv.org/abs/2107.00630) |
# | VQ-VAE, diffusion | latent diffusion | diffusion on the codes of an autoencoder | [Rombach and others 2022](https://arxiv.org/abs/2112.10752) |
#
# The arrows say which idea leads to which, and not who cited whom: diffusion was published
# before most hierarchical VAEs. From the VAE on, all are trained on a bound on $\ln p(x)$,
# or on a variant of one. What you derived in chapter 4 is the first line of each.
#
# ## What can go wrong
#
# **A fast step that computes something else.** Compare before you time. Of two programs
# with other results, the faster one has not won.
#
# **`reduction="mean"`.** It is PyTorch's default, averages over pixels too, and makes the
# KL weigh 784 times as much (chapter 6). Ask for the sum, and divide by $N$.
#
# **`BCELoss` for `BCEWithLogitsLoss`.** The first wants probabilities. Of a sigmoid in
# float32 it gets exactly 1 from the logit 17 on, and cuts the logarithm off at −100: no
# $\infty$, but a wrong cost. The second wants logits. If you give it probabilities, it runs,
# and applies a second sigmoid (bug C of chapter 7).
#
# **Gradients that add up.** In PyTorch as here, `backward` adds to `p.grad`: without
# `zero_grad`, a step moves along the sum of all gradients so far (bug J of chapter 7). In
# JAX that cannot happen.
#
# **A key that is used twice.** A JAX key gives the same numbers each time. Without `split`,
# every step has the same $\varepsilon$. And `np.random` inside a function under `jit` is
# called once, while JAX traces it: its numbers become constants of the compiled program.
#
# **Changes in place.** JAX arrays cannot change: `x = x.at[i].set(0)` makes another. PyTorch
# and npvae let you change an array that a derivative needs, and then refuse the backward
# pass. `optimizer.step()` between `loss` and `backward` does just that.
#
# **Another beginning.** `nn.Linear` draws its weights from another range than our layers, and
# draws its biases too. So the first steps differ. To compare runs, copy the weights,
# transposed.
#
# **A clock that stops too early.** JAX returns before it has computed: end a timing with
# `jax.block_until_ready`. PyTorch on a GPU needs `torch.cuda.synchronize`. And the first
# call of a compiled function includes the compiler.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | the likelihood from logits | [bernoulli_log_likelihood](../npvae/probability/bernoulli.py) | [Kingma and Welling 2014](https://arxiv.org/abs/1312.6114), appendix C.1 |
# | Adam in place, in blocks | [Adam](../npvae/nn/optim.py), [Optimizer.step](../npvae/nn/optim.py) | [Kingma and Ba 2015](https://arxiv.org/abs/1412.6980), algorithm 1 |
# | shares, blocks | [share_out](../npvae/runtime.py), [by_blocks](../npvae/runtime.py) | |
# | gradients of leaves meanwhile | [leaf_gradients](../npvae/autodiff/tensor.py) | |
# | the race | `race` in `npvae/bench/race.py`, [the benchmarks](benchmarks.md) | |
# | PyTorch and JAX | `npvae/bench/with_torch.py`, `npvae/bench/with_jax.py` | [Paszke and others 2019](https://arxiv.org/abs/1912.01703); Bradbury and others 2018 |
#
# ## Exercises
#
# 1. Compare your `figure-14.1-here.png` with Figure 14.1. Which changes help your machine
#    more, or less? Can you say why? (`runtime.cores()` and the sizes of its caches may.)
# 2. On paper: count the numbers that a ReLU and its derivative move for each element, as an
#    expression and in place. How much of the step can they cost? Then try it in `hidden`.
# 3. Vary the size of the blocks, `blocks_of(p, g, m, v, size)`, from 1,000 to 10,000,000,
#    and draw the time of `in_blocks` against it. What makes small blocks slow, and what
#    large ones?
# 4. [`training_step`](exercises/15_training_step.py): write it, and then translate it to
#    JAX's form, in which the state goes in and comes out.
# 5. On paper: with batches of 1, which part of the step is limited by multiplications, and
#    which by memory? And with batches of 10,000?
#
# Before: [13. What codes mean](13_what_codes_mean.ipynb). Next: [15. A posterior that
# bends](15_a_posterior_that_bends.ipynb).
