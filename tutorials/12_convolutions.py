# %% [markdown]
# # 12. Convolutions: the VanillaVAE, line by line
#
# A dense layer gives every pair of a pixel and a hidden unit a weight of its own. It does
# not know which pixels are neighbours. For an image of $64 \times 64$ pixels in three
# colours, 512 hidden units already need six million weights. A **convolution** looks
# through a small window instead, and uses the same few weights wherever the window is.
# This chapter derives it, its derivatives, and its transpose, which turns small images
# into large ones. Then it takes a published network apart, the *VanillaVAE* that many
# programs were copied from, and rebuilds it so that the numbers agree to the last digits.
#
# After this chapter you can
#
# - write a convolution as a matrix product, and derive both of its derivatives;
# - say what a transposed convolution is, why it is no inverse, and how large its output is;
# - derive the three terms of the gradient of batch normalization;
# - carry weights from one layout of arrays to another, and prove that nothing changed;
# - translate the loss of a published program into a bound.
#
# You need: chapters 2, 6 and 7; for 12.8, chapter 10. The symbols are on [one
# page](notation.md).

# %%
import itertools

import matplotlib.pyplot as plt
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from npvae import datasets, figures, gradcheck, learn, nn
from npvae.autodiff import convolution, no_grad, normalization
from npvae.autodiff.convolution import columns
from npvae.models import Autoencoder, ConvolutionalAutoencoder, ConvolutionalVAE
from npvae.nn import optim, schedules
from npvae.probability import KLTerm

rng = np.random.default_rng(0)

# %% [markdown]
# ## 12.1 A matrix with bands
#
# Begin with one dimension: a row of $n$ numbers $x$, and a **kernel** $w$ of $k$ numbers.
# Slide the kernel along the row, $s$ places at a time (the **stride**). At each place,
# multiply and add up. So that the ends get their turn, put $p$ zeros on both sides first
# (the **padding**):
#
# $$ y_u = \sum_{i=0}^{k-1} w_i\, x_{su + i - p}, \qquad
# x_j = 0 \text{ outside of the row.} $$
#
# The last window must still fit, so there are
#
# $$ m = \Big\lfloor \frac{n + 2p - k}{s} \Big\rfloor + 1 $$
#
# outputs. (Signal processing turns the kernel around before it slides it, and calls our
# version a cross-correlation. Networks learn $w$, so to them it is the same.)
#
# All of this is linear in $x$: $y = Ax$ with a matrix $A$ $(m, n)$ that holds the kernel
# once in each row, $s$ places further to the right each time.

# %%
def matrix_of(w, n, stride, padding):
    """The matrix A of a convolution of n numbers: (m, n)."""
    m = (n + 2 * padding - len(w)) // stride + 1
    A = np.zeros((m, n))
    for u, i in np.ndindex(m, len(w)):
        j = stride * u + i - padding
        if 0 <= j < n:
            A[u, j] = w[i]
    return A


# %% [markdown]
# > **Predict.** Take $n = 8$ numbers, a kernel of $k = 3$, stride 2 and padding 1. How many
# > outputs are there? How many of them does each of the eight inputs reach?

# %% tags=["hide-output"]
A = matrix_of([1, 2, 3], n=8, stride=2, padding=1)
print(A.astype(int))
print("outputs that each input reaches:", np.count_nonzero(A, axis=0))

# %% tags=["hide-input", "hide-output"]
assert A.shape == (4, 8)
assert np.count_nonzero(A, axis=0).tolist() == [1, 2, 1, 2, 1, 2, 1, 1]

HATCHES, GREYS = {1: "", 2: "///", 3: "..."}, {1: "0.85", 2: "0.7", 3: "0.55"}
INDEX = {1: "w₀", 2: "w₁", 3: "w₂"}
fig, axes = plt.subplot_mosaic(
    [["A", "T"], ["graph", "graph"]], figsize=(6, 5.6), layout="constrained",
    width_ratios=[2, 1], height_ratios=[1.5, 1],
)
for key, matrix in (("A", A), ("T", A.T)):
    ax = axes[key]
    for (row, column), value in np.ndenumerate(matrix):
        if value:
            style = {"facecolor": GREYS[value], "hatch": HATCHES[value]}
            ax.add_patch(plt.Rectangle((column, row), 1, 1, edgecolor="0.5", **style))
            patch = {"facecolor": GREYS[value], "edgecolor": "none", "pad": 0.8}
            ax.text(column + 0.5, row + 0.5, INDEX[value], ha="center", va="center",
                    bbox=patch)
    rows, width = matrix.shape
    ax.set(xlim=(0, width), ylim=(rows, 0), aspect="equal")
    ax.set_xticks(np.arange(width) + 0.5, [f"{j}" for j in range(width)])
    ax.set_yticks(np.arange(rows) + 0.5, [f"{j}" for j in range(rows)])
    ax.tick_params(length=0)
axes["A"].set(title="A", xlabel="input j", ylabel="output u")
axes["T"].set(title="its transpose", xlabel="u", ylabel="j")
ax = axes["graph"]
STYLES = {1: "--", 2: "-", 3: ":"}
for (u, j), value in np.ndenumerate(A):
    if value:
        ax.plot([j, 2 * u], [0, 1], color="0.5", linestyle=STYLES[value], linewidth=1.8)
for place, number, height in ((np.arange(8), 8, 0), (2 * np.arange(4), 4, 1)):
    ax.plot(place, np.full(number, height), "o", color="tab:blue", markersize=9)
    for index, at in enumerate(place):
        text = "xy"[height] + "₀₁₂₃₄₅₆₇"[index]
        ax.annotate(text, (at, height), (0, 22 * height - 11), ha="center",
                    textcoords="offset points", va="bottom" if height else "top")
ax.set(ylim=(-0.5, 1.5))
ax.axis("off")
figures.show(fig, "12.1")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 12.1. Above, left: the matrix A of the convolution, four rows by eight columns.
# Each row holds the kernel, two columns further to the right than the row above; the first
# has lost w₀ to the padding. Right: its transpose, in which each column holds the kernel.
# Below: which output each input reaches, dashed by w₀, solid by w₁, dotted by w₂. The even
# inputs have one line; 1, 3 and 5 have two.*
#
# Four outputs. In Figure 12.1, follow a column of $A$ down, or the lines up from an input.
# The odd inputs 1, 3 and 5 reach two outputs, all others one. So where the stride does not
# divide the kernel, some pixels have more influence than others. Section 12.4 shows what
# that does to pictures.
#
# </details>
#
# ## 12.2 Windows as rows
#
# An image has two directions and $C$ channels, and the layer has $O$ outputs for each
# window instead of one. With $x$ $(N, H, W, C)$ and weights $(k, k, C, O)$,
#
# $$ y_{nuvo} = \sum_{i,j,c} x_{n,\,su+i-p,\,sv+j-p,\,c}\; W_{ijco} + b_o. $$
#
# Three sums over $i$, $j$, $c$ with the same indices in $x$ and $W$: that is a matrix
# product in disguise. Copy each window into a row of $k \cdot k \cdot C$ numbers. All rows
# together are a matrix $r$, and the convolution is **one dense layer for every window**:
# $y = rW + b$.

# %%
def windows_as_rows(x, k, stride, padding):
    """Every window of x (N, H, W, C) as a row: (N · H' · W', k · k · C)."""
    p = padding
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    windows = sliding_window_view(padded, (k, k), axis=(1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, k * k * x.shape[-1])


x = rng.standard_normal((3, 8, 8, 2))
W, b = rng.standard_normal((3, 3, 2, 5)), rng.standard_normal(5)
r = windows_as_rows(x, 3, stride=2, padding=1)
y = (r @ W.reshape(-1, 5) + b).reshape(3, 4, 4, 5)
print(f"{x.size} numbers make {len(r)} windows of {r.shape[1]}: {r.size} numbers")

assert np.array_equal(r, columns(x, 3, 2, 1)) and r.size == 2.25 * x.size
assert columns(x, 3, 1, 1).size == 9 * x.size
assert np.allclose(y, convolution.conv2d(x, W, b, stride=2, padding=1).data, atol=1e-12)

# %% [markdown]
# Windows of 3 × 3 overlap, so $r$ is larger than $x$: with stride 2 by a factor of 2.25,
# with stride 1 by 9. That is the price of one fast product. The engine pays it for
# a few images at a time, and makes the rows again in the backward pass instead of keeping
# them.
#
# ## 12.3 Two derivatives
#
# **Of the weights.** $y = rW + b$ is a dense layer, and so $dW = r^\top dy$: the sum over
# all windows of all images. $db$ sums $dy$ over the same.
#
# **Of the image.** The dense layer gives $dr = dy\, W^\top$, a gradient for each number of
# each window. But the windows are *copies* of pixels, and a pixel acts on the loss through
# every copy. So add up its copies:
#
# $$ dx_a = \sum_{u,\, i\,:\, su + i - p = a} dr_{ui}
# \qquad \text{(in one dimension)}. $$
#
# In other words: put every number of a row back on the pixel that it came from, and add
# what meets there. `add_columns` does that. In the language of 12.1, the same two steps are
# one matrix. The loss changes by $\langle dy, A\,\delta x \rangle$ if $x$ changes by
# $\delta x$, and
#
# $$ \langle dy, A\, \delta x \rangle = \sum_{u,j} dy_u\, A_{uj}\, \delta x_j
# = \langle A^\top dy, \delta x \rangle, $$
#
# so $dx = A^\top dy$. Where the forward pass reads along a row of $A$, the backward
# pass reads down a column.
#
# Now write the three derivatives. `columns` and `add_columns` take the kernel's size, the
# stride and the padding; `add_columns(rows, x.shape, k, stride, padding)` also needs the
# shape to return.

# %%
def conv2d(x, W, b, *, stride=1, padding=0):     # x (N, H, W, C)   W (k, k, C, O)   b (O,)
    k, _, _, O = W.shape
    height, width = ((n + 2 * padding - k) // stride + 1 for n in x.shape[1:3])
    r = columns(x, k, stride, padding)           # (M, k·k·C), M windows
    y = (r @ W.reshape(-1, O) + b).reshape(len(x), height, width, O)
    def dx(dy):
        raise NotImplementedError("dx: return the gradient of the loss with respect to x")
    def dW(dy):
        raise NotImplementedError("dW: return the gradient of the loss with respect to W")
    def db(dy):
        raise NotImplementedError("db: return the gradient of the loss with respect to b")
    return y, dx, dW, db


learn.check(conv2d)

# %% [markdown]
# ## 12.4 The transpose as a layer
#
# A decoder must turn small images into large ones. The backward pass does just that: $A$
# $(4, 8)$ halves a row, and $A^\top$ $(8, 4)$ doubles it. Use it in the *forward* pass, with
# weights of its own, and you have the **transposed convolution**. Every input paints its
# copy of the kernel, $s$ places further each time, and paint adds up where copies overlap:
# read Figure 12.1 from top to bottom.
#
# That it is the transpose is a statement that you can test without any matrix. $B$ is
# $A^\top$ exactly if, for *all* $x$ and $y$,
#
# $$ \langle A x,\, y \rangle = \langle x,\, B y \rangle, $$
#
# and if $B$ is wrong anywhere, a random pair shows it, except with probability 0. $B$ is
# then called the **adjoint** of $A$. Its own derivative is $(A^\top)^\top = A$: the gradient of a transposed
# convolution is a convolution.

# %%
def conv(x, W, stride=2, padding=1):
    return convolution.conv2d(
        x, W, np.zeros(W.shape[-1]), stride=stride, padding=padding).data


def transposed(y, W, output_padding=0, stride=2, padding=1):
    options = {"stride": stride, "padding": padding, "output_padding": output_padding}
    return convolution.conv_transpose2d(y, W, np.zeros(W.shape[-2]), **options).data


y = rng.standard_normal((3, 4, 4, 5))
left, right = np.sum(conv(x, W) * y), np.sum(x * transposed(y, W, output_padding=1))
back = transposed(conv(x, W), W, output_padding=1)
print(f"⟨Ax, y⟩ = {left:.12f}\n⟨x, Aᵀy⟩ = {right:.12f}")
print("Aᵀ A x has the shape of x:", back.shape == x.shape)
print("Aᵀ A x is x:", np.allclose(back, x))

assert abs(left - right) < 1e-9 and not np.allclose(back, x)
options = {"stride": 2, "padding": 1}            # each is the derivative of the other
dx = convolution.conv2d.raw(x, W, np.zeros(5), **options)[1](y)
backward = convolution.conv_transpose2d.raw(
    y, W, np.zeros(2), **options, output_padding=1)[1]
assert np.allclose(dx, transposed(y, W, output_padding=1), atol=1e-12)
assert np.allclose(backward(x)[0], conv(x, W), atol=1e-12)

# %% [markdown]
# **It is no inverse.** Some libraries call it a deconvolution, but the last line shows that
# $A^\top A x$ has only the *shape* of $x$. Four numbers cannot hold eight.
#
# And which shape? From $m$ inputs, the last copy of the kernel begins at $(m - 1)s$ and
# ends $k$ places later; then $p$ places are cut off at both ends:
# $n = (m - 1)s - 2p + k$. But the convolution rounded down, so several $n$ have the same
# $m$, and the transpose of each is another matrix. **`output_padding`** says which: it adds
# from $0$ to $s - 1$ places at the end.

# %%
print(" n   windows m   (m − 1) s − 2p + k   output_padding to get n back")
for n in range(5, 10):
    m = conv(np.zeros((1, n, n, 2)), W).shape[1]
    smallest = (m - 1) * 2 - 2 + 3
    print(f"{n:2} {m:11} {smallest:20} {n - smallest:30}")
    y_m = rng.standard_normal((1, m, m, 5))
    assert transposed(y_m, W, output_padding=n - smallest).shape == (1, n, n, 2)

# %% [markdown]
# The name misleads: these places are not zeros around the result. The kernel reaches the
# last one too, if $p > 0$. For even sizes, a kernel of 3, stride 2 and padding 1, we always
# need 1: the images then double exactly.
#
# > **Predict.** A transposed convolution with stride 2 paints an image that is 1 everywhere,
# > with a kernel that is 1 everywhere. Is the inside of the result constant? Try a kernel
# > of 3 × 3, and one of 4 × 4.

# %% tags=["hide-output"]
painted = {k: transposed(np.ones((1, 4, 4, 1)), np.ones((k, k, 1, 1)))[0, ..., 0]
           for k in (3, 4)}
for k, image in painted.items():
    print(f"kernel {k} × {k}, the upper left corner:")
    print(image[:5, :6].astype(int))

# %% tags=["hide-input"]
assert set(painted[3][1:-1, 1:-1].ravel()) == {1, 2, 4}
assert set(painted[4][1:-1, 1:-1].ravel()) == {4}

# %% [markdown]
# <details><summary>Answer</summary>
#
# With a kernel of 3, no: 1, 2 and 4 in a **checkerboard**. It is Figure 12.1 in two
# directions: an odd pixel is painted twice along each direction, an even one once. A kernel
# of 4 is divisible by the stride, and paints every pixel inside four times.
#
# </details>
#
# Training can balance the weights, but it must learn to. You will see the pattern in the
# pictures of many generative models
# ([Odena and others 2016](https://distill.pub/2016/deconv-checkerboard/)). The published
# network ends in an ordinary convolution of stride 1, which can smooth it.
#
# ## 12.5 Batch normalization
#
# Every layer of a deep stack multiplies the scale of its numbers, and over many layers they
# may grow huge or tiny. **Batch normalization** sets the mean and the spread of each channel back to 0 and 1,
# over all $M$ numbers that the minibatch has in it (images times pixels), and then lets the
# network choose others:
#
# $$ \begin{aligned}
# m &= \tfrac1M \textstyle\sum_i x_i, & v &= \tfrac1M \textstyle\sum_i (x_i - m)^2, \\
# r &= (v + \epsilon)^{-1/2}, & \hat x_i &= r\,(x_i - m), \qquad y_i = \gamma\, \hat x_i + \beta.
# \end{aligned} $$
#
# ($\gamma$ and $\beta$ are learned; $\epsilon = 10^{-5}$ avoids a division by 0. Here $\beta$
# is not the weight of a KL, $\epsilon$ is no noise, and $\hat x$ is no copy.)
#
# The derivatives of $\gamma$ and $\beta$ are those of a scale and a shift:
# $d\gamma = \sum_i dy_i\, \hat x_i$ and $d\beta = \sum_i dy_i$. For $x$, note that $x_j$
# acts on *every* $\hat x_i$, by three paths: directly, through $m$, and through $v$. With
# $\partial m / \partial x_j = 1/M$, $\partial v / \partial x_j = 2(x_j - m)/M$ and
# $dr/dv = -r^3/2$,
#
# $$ \begin{aligned}
# \frac{\partial \hat x_i}{\partial x_j}
# &= \underbrace{r\, \delta_{ij}}_{\text{itself}} - \underbrace{\frac rM}_{\text{by } m}
# - \underbrace{(x_i - m)\, \frac{r^3}{2}\, \frac{2 (x_j - m)}{M}}_{\text{by } v} \\
# &= r\, \Big[ \delta_{ij} - \frac1M - \frac{\hat x_i\, \hat x_j}{M} \Big].
# \end{aligned} $$
#
# ($\delta_{ij}$ is 1 for $i = j$ and 0 otherwise. Moving $m$ does not change $v$ to first
# order, because $\sum_i (x_i - m) = 0$.) Multiply by $d\hat x_i = \gamma\, dy_i$ and sum
# over $i$:
#
# $$ dx_j = r\, \Big[ d\hat x_j - \tfrac1M \textstyle\sum_i d\hat x_i
# - \hat x_j \cdot \tfrac1M \sum_i d\hat x_i\, \hat x_i \Big]. $$

# %%
def batch_norm(keep=(1, 1, 1)):
    """Batch normalization of x (M, C); keep: the terms of its derivative."""
    def function(x, gamma, beta):
        r = 1 / np.sqrt(x.var(axis=0) + 1e-5)
        x_hat = r * (x - x.mean(axis=0))
        def dx(dy):
            d = gamma * dy
            terms = d, -d.mean(axis=0), -x_hat * (d * x_hat).mean(axis=0)
            return r * sum(k * term for k, term in zip(keep, terms))
        def dgamma(dy): return (dy * x_hat).sum(axis=0)
        def dbeta(dy): return dy.sum(axis=0)
        return gamma * x_hat + beta, dx, dgamma, dbeta
    return function


x = 3 + 2 * rng.standard_normal((7, 5))
gamma, beta = 1 + rng.random(5), rng.standard_normal(5)
dy = rng.standard_normal((7, 5))
for name, keep in {"all three terms": (1, 1, 1), "without the mean": (1, 0, 1),
                   "without the variance": (1, 1, 0), "only itself": (1, 0, 0)}.items():
    report = gradcheck(batch_norm(keep), x, gamma, beta)
    print(f"{name:21}", "agrees with finite differences" if report.ok else "is wrong")
    assert report.ok == (keep == (1, 1, 1))
dx = batch_norm()(x, gamma, beta)[1](dy)
engine = normalization.batch_norm.raw(x, gamma, beta)[1]
assert np.allclose(dx, engine(dy)[0], atol=1e-12)

# %% [markdown]
# > **Predict.** $dy$ was drawn at random. For each channel, what is the sum of $dx$ over the
# > minibatch? And the sum of $dx \cdot \hat x$? (What happens to $y$ if you add a constant
# > to all $x$? If you double their distance from the mean?)

# %% tags=["hide-output"]
x_hat = (x - x.mean(axis=0)) / x.std(axis=0)
for name, a in {"dx": dx, "sum of dx": dx.sum(axis=0),
                "sum of dx · x̂": (dx * x_hat).sum(axis=0)}.items():
    print(f"{name:14} at most {np.abs(a).max():.3f} in absolute value")

# %% tags=["hide-input"]
assert np.abs(dx.sum(axis=0)).max() < 1e-12 and np.abs(dx).max() > 0.05
assert np.abs((dx * x_hat).sum(axis=0)).max() < 1e-3

# %% [markdown]
# <details><summary>Answer</summary>
#
# Both are 0 (the second up to $\epsilon$). A constant that is added to all $x$ leaves $y$
# as it was, so the derivative in that direction must vanish: $\sum_j dx_j = 0$. A change of
# the spread changes nothing either, so $\sum_j dx_j\, \hat x_j = 0$. The two subtracted
# terms of the formula remove exactly these two directions.
#
# </details>
#
# Therefore **a bias in front of batch normalization has no gradient**: $db = \sum_j dx_j =
# 0$. Each network of 12.7 has ten layers with such biases. They do nothing.
#
# **In evaluation mode** an image must not depend on its neighbours in the minibatch. So the
# layer keeps running means of $m$ and $v$, which move by a tenth towards each minibatch's
# (with $M - 1$ in the denominator of $v$). `eval()` puts them in place of $m$ and $v$.
# They are constants, and the layer is a scale and a shift: only the first of the three
# terms is left.
#
# ## 12.6 What it knows, and a test of it
#
# A convolution assumes two things: neighbours belong together, and what is worth seeing in
# one place is worth seeing in another. To test what these assumptions are worth, destroy
# them: permute the 784 pixels of MNIST, the same way in every image. No information is
# lost. We train a convolutional autoencoder and a dense one (chapter 3) on both versions,
# with ten latent dimensions and 300 steps each.
#
# > **Predict.** Four squared errors on test images: convolutional and dense, as they are
# > and permuted. Order them.

# %% tags=["hide-output"]
data = datasets.load("mnist")
x_train, x_test = data.x_train[:20_000], data.x_test[:2000]
shuffle = np.random.default_rng(1).permutation(784)
MODELS = {
    "convolutional": lambda rng: ConvolutionalAutoencoder((28, 28, 1), 10, [16, 32], rng),
    "dense": lambda rng: Autoencoder(784, 10, [128], rng),
}


def train(model, x_train, steps, batch, lr, rng):
    """Train a model on rows (N, D); lr: a number or a schedule."""
    optimizer = optim.Adam(model.parameters(), lr)
    for step in range(steps):
        loss, _ = model.loss(x_train[rng.integers(len(x_train), size=batch)], rng, step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


error, trained = {}, {}
for (name, make), order in itertools.product(MODELS.items(), ("as they are", "permuted")):
    pixels = shuffle if order == "permuted" else np.arange(784)
    rng = np.random.default_rng(0)
    model = train(make(rng), x_train[:, pixels], 300, 32, 3e-3, rng)
    copies = model.reconstruct(x_test[:, pixels])
    error[name, order] = np.square(copies - x_test[:, pixels]).sum(axis=1).mean()
    trained[name, order] = model
    count = sum(p.data.size for p in model.parameters())
    print(f"{name:14} {count:8,} parameters, pixels {order:11}  {error[name, order]:6.2f}")

# %% tags=["hide-input"]
conv_error, conv_permuted, dense_error, dense_permuted = error.values()
assert conv_error + 1 < min(dense_error, dense_permuted) < conv_permuted - 1
assert abs(dense_error - dense_permuted) < 1

# %% [markdown]
# <details><summary>Answer</summary>
#
# The dense network cannot tell the two versions apart: permuting the pixels permutes the
# rows of its first matrix, and these are random anyway. With a fifth of the parameters, the
# convolutional network is best on images and worst on permuted ones. It is not a stronger
# network, but one with the right prejudice.
#
# </details>
#
# ## 12.7 The published network, block by block
#
# [PyTorch-VAE](https://github.com/AntixK/PyTorch-VAE) is a collection of VAEs for PyTorch;
# its `VanillaVAE` takes images of $64 \times 64$. Here it stands beside
# [ConvolutionalVAE](../npvae/models/convolutional.py):
#
# | block | published | gives | ours |
# | --- | --- | --- | --- |
# | pixels | rescaled to $[-1, 1]$ | 3, 64 × 64 | the same |
# | encoder, five times | Conv2d (kernel 3, stride 2, padding 1), BatchNorm2d, LeakyReLU | 32, 32 × 32, … 512, 2 × 2 | the same |
# | flatten | channel, row, column | 2048 | row, column, channel |
# | $\mu$ and $\ln \sigma^2$ | Linear, twice | 128 each | the same |
# | decoder input | Linear | 512, 2 × 2 | Dense, **BatchNorm, LeakyReLU** |
# | decoder, four times | ConvTranspose2d (3, 2, 1, output_padding 1), BatchNorm2d, LeakyReLU | 256, 4 × 4, … 32, 32 × 32 | the same |
# | end | ConvTranspose2d 32 → 32, **BatchNorm2d, LeakyReLU, Conv2d** 32 → 3, Tanh | 3, 64 × 64 | ConvTranspose2d 32 → 3, Tanh |
# | first weights | uniform, $\pm 1/\sqrt{\text{fan-in}}$, biases too | | He and Xavier, biases 0 |
#
# So the encoder is the same, and the decoder differs in two places. Our layers make the
# published decoder in a few lines:

# %%
def published_decoder(image_shape, channels, latent_dim, rng):
    """The published decoder of our layers: codes (N, latent_dim) -> (N, H · W · C)."""
    H, W, C = image_shape
    up = channels[::-1]
    h, w = H >> len(up), W >> len(up)
    layers = [nn.Dense(latent_dim, h * w * up[0], rng), nn.Reshape(h, w, up[0])]
    for before, after in [*itertools.pairwise(up), (up[-1], up[-1])]:
        layers.append(nn.ConvTranspose2d(before, after, rng, stride=2, output_padding=1))
        layers += [nn.BatchNorm(after), nn.LeakyReLU()]
    return nn.Sequential(
        *layers, nn.Conv2d(up[-1], C, rng), nn.Tanh(), nn.Reshape(H * W * C)
    )


def published_vae(image_shape, channels, latent_dim, rng, **options):
    """A ConvolutionalVAE, whose encoder is the published one, with that decoder."""
    vae = ConvolutionalVAE(image_shape, latent_dim, channels, rng, **options)
    vae.decoder = published_decoder(image_shape, channels, latent_dim, rng)
    return vae


CHANNELS, LATENT = [32, 64, 128, 256, 512], 128
plain = ConvolutionalVAE((64, 64, 3), LATENT, CHANNELS, np.random.default_rng(0))
vanilla = published_vae((64, 64, 3), CHANNELS, LATENT, np.random.default_rng(0))
count = {name: sum(p.data.size for p in model.parameters())
         for name, model in (("published", vanilla), ("ours", plain))}
print(*(f"{name} {n:,} parameters" for name, n in count.items()), sep=", ")

# %% tags=["hide-input"]
ends = vanilla.decoder.layers, plain.decoder.layers[0].layers    # then Tanh
in_order = [*vanilla.encoder.layers, *ends[0], *ends[1]]
normalized = [before for before, after in itertools.pairwise(in_order)
              if isinstance(after, nn.BatchNorm)]
assert count["published"] == 3_937_635 and len(normalized) == 5 + 5 + 5

# %% [markdown]
# Is that really the same network? PyTorch may not be installed here, so we write what it
# documents once more, as loops: channels *first*, weights $(O, C, k, k)$ for Conv2d,
# $(C, O, k, k)$ for ConvTranspose2d and $(O, I)$ for Linear, under the published names.
# These loops share no line with the engine.

# %%
def conv_by_loops(x, w, b, stride):              # x (N, C, H, W)   w (O, C, 3, 3)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    H, W = ((n + 2 - 3) // stride + 1 for n in x.shape[2:])
    y = np.empty((len(x), len(w), H, W))
    for u, v in np.ndindex(H, W):
        window = padded[:, :, stride * u : stride * u + 3, stride * v : stride * v + 3]
        y[:, :, u, v] = np.tensordot(window, w, axes=[[1, 2, 3]] * 2) + b
    return y


def transposed_by_loops(x, w, b):                # x (N, C, H, W)   w (C, O, 3, 3)
    N, _, H, W = x.shape
    painted = np.zeros((N, w.shape[1], 2 * H + 2, 2 * W + 2))
    for u, v in np.ndindex(H, W):
        painted[:, :, 2 * u : 2 * u + 3, 2 * v : 2 * v + 3] += np.tensordot(
            x[:, :, u, v], w, axes=1)
    return painted[:, :, 1 : 2 * H + 1, 1 : 2 * W + 1] + b[:, None, None]


def norm_and_leaky(x, weight, bias):             # in training mode, slope 0.01
    mean, var = (f(x, axis=(0, 2, 3), keepdims=True) for f in (np.mean, np.var))
    y = (x - mean) / np.sqrt(var + 1e-5) * weight[:, None, None] + bias[:, None, None]
    return np.where(y > 0, y, 0.01 * y)


def published_by_loops(p, x, eps):
    """x (N, 3, 64, 64) in [−1, 1], eps (N, 128)  ->  mu, logvar, the decoder's output."""
    def of(name): return p[f"{name}.weight"], p[f"{name}.bias"]
    def linear(x, name): return x @ of(name)[0].T + of(name)[1]
    for i in range(5):
        h = conv_by_loops(x, *of(f"encoder.{i}.0"), 2)
        x = norm_and_leaky(h, *of(f"encoder.{i}.1"))
    flat = x.reshape(len(x), -1)                 # channel, row, column
    mu, logvar = linear(flat, "fc_mu"), linear(flat, "fc_var")
    h = linear(mu + np.exp(0.5 * logvar) * eps, "decoder_input").reshape(x.shape)
    for block in ("decoder.0", "decoder.1", "decoder.2", "decoder.3", "final_layer"):
        h = norm_and_leaky(transposed_by_loops(h, *of(f"{block}.0")), *of(f"{block}.1"))
    return mu, logvar, np.tanh(conv_by_loops(h, *of("final_layer.3"), 1))


# %% [markdown]
# Now carry our weights over. Both kinds of kernels need the same exchange of axes,
# $(k, k, a, b) \to (b, a, k, k)$. The two dense layers at the bottleneck need care: their
# 2,048 numbers are pixels and channels, in another order.

# %%
def to_published(vae, C=512, side=2):
    """Our weights, as a dict of arrays with the published names and layouts."""
    blocks = [f"encoder.{i}.{j}" for i in range(5) for j in (0, 1)]
    blocks_up = [f"decoder.{i}.{j}" for i in range(4) for j in (0, 1)]
    blocks_up += ["final_layer.0", "final_layer.1", "final_layer.3"]
    kept = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm)
    p = {}
    for names, network in ((blocks, vae.encoder), (blocks_up, vae.decoder)):
        layers = [layer for layer in network.layers if isinstance(layer, kept)]
        for name, layer in zip(names, layers, strict=True):
            is_norm = isinstance(layer, nn.BatchNorm)
            weight, bias = (layer.gamma, layer.beta) if is_norm else (layer.W, layer.b)
            a = weight.data
            p[f"{name}.weight"] = a if is_norm else a.transpose(3, 2, 0, 1)
            p[f"{name}.bias"] = bias.data
    for name, layer in (("fc_mu", vae.mu), ("fc_var", vae.logvar)):
        W = layer.W.data.reshape(side, side, C, -1)          # row, column, channel
        p[f"{name}.weight"] = W.transpose(3, 2, 0, 1).reshape(W.shape[-1], -1)
        p[f"{name}.bias"] = layer.b.data
    W, b = (a.data.reshape(-1, side, side, C) for a in
            (vae.decoder.layers[0].W, vae.decoder.layers[0].b))
    p["decoder_input.weight"] = W.transpose(3, 1, 2, 0).reshape(C * side * side, -1)
    p["decoder_input.bias"] = b.transpose(3, 1, 2, 0).ravel()
    return p


def randomised(vae, rng):
    """The model in float64 with no parameter at 0 or 1, where mistakes could hide."""
    vae = vae.astype(np.float64)
    for p in vae.parameters():
        p.data += 0.1 * rng.standard_normal(p.data.shape) * (p.data.ndim < 2)
    return vae


def ours(vae, x, eps):
    """mu, logvar and the decoder's output for rows x (N, D) in [0, 1]: three arrays."""
    with no_grad():
        q = vae.encode(x)
        z = q.mu.data + np.exp(0.5 * q.logvar.data) * eps
        return q.mu.data, q.logvar.data, vae.decoder(z).data


rng = np.random.default_rng(0)
vanilla = randomised(vanilla, rng)
images = datasets.load("shapes").x_test[:3].astype(np.float64)
eps = rng.standard_normal((3, LATENT))
channels_first = (2 * images - 1).reshape(3, 64, 64, 3).transpose(0, 3, 1, 2)
by_loops = published_by_loops(to_published(vanilla), channels_first, eps)
by_engine = ours(vanilla, images, eps)
theirs = by_loops[2].transpose(0, 2, 3, 1).reshape(3, -1)    # channels last, as rows
for name, a, b in zip(("mu", "logvar", "image"), by_engine, (*by_loops[:2], theirs)):
    print(f"{name:7} from {a.min():6.2f} to {a.max():5.2f},",
          "equal to 10 digits" if np.abs(a - b).max() < 1e-10 else "DIFFERENT")
    assert np.abs(a - b).max() < 1e-10 < 0.1 < np.ptp(a)

# %% [markdown]
# Two ways to the same numbers: the table above is right, for every block. (Where PyTorch is
# installed, a test of `npvae` compares this page with PyTorch's own layers, gradients
# included.)
#
# ## 12.8 The published loss
#
# The program minimises the mean squared error, *averaged over pixels*, plus $w$ times the
# KL. Multiply by $D = 64 \cdot 64 \cdot 3$, which changes no minimum:
#
# $$ \tfrac1D \Vert x - \hat x \Vert^2 + w\, \mathrm{KL}
# \;\propto\; \Vert x - \hat x \Vert^2 + wD \cdot \mathrm{KL}. $$
#
# That is the bound for a Gaussian with $\sigma^2 = \tfrac12$ and a KL weight
# $\beta = wD$; or, with $\beta = 1$, for a Gaussian with $2\sigma^2 = wD$ (chapter 10). The
# first version takes $w = M/N$, minibatch over data, with $M = 144$ and the 162,770 faces
# of CelebA; later settings fix $w = 0.00025$. (Here pixels lie in $[-1, 1]$. Chapter 10
# measures them in $[0, 1]$, where the same loss has half the $\sigma$ and a quarter of the
# $\beta$.)

# %%
D = 64 * 64 * 3
for name, w in {"w = M/N = 144/162,770": 144 / 162_770, "w = 0.00025": 0.00025}.items():
    print(f"{name:22} β = {w * D:5.2f}, or β = 1 and σ = {np.sqrt(w * D / 2):.2f}")

assert 10.8 < 144 / 162_770 * D < 10.9 and 3.0 < 0.00025 * D < 3.1
assert 2 < np.sqrt(144 / 162_770 * D / 2) < 2.4 and D * 512 > 6e6

# %% [markdown]
# A noise of $\sigma = 2.3$, on pixels that run from $-1$ to $1$: read as a likelihood, the
# loss never claims to know a pixel. And $M/N$ is no correction for minibatches. Error and
# KL are both means over the minibatch already (8.2), so $w$ only makes $\beta$ depend on
# the batch size: twice the batch, twice the $\beta$.
#
# ## 12.9 Shapes in colour
#
# Train it: the published layout with three blocks, on images of coloured shapes reduced to
# $32 \times 32$, with eight latent dimensions and $\beta = 3$, as in the second line above.
# `KLTerm` raises $\beta$ from 0 during the first 250 steps, so that the codes are in use
# before they cost anything.

# %%
def reduce(x):
    """Images (N, 64 · 64 · 3) at half the size, by means of 2 × 2: (N, 32 · 32 · 3)."""
    return np.reshape(x, (-1, 32, 2, 32, 2, 3)).mean(axis=(2, 4)).reshape(len(x), -1)


data = datasets.load("shapes")
x_train, x_test = reduce(data.x_train[:]), reduce(data.x_test)
rng = np.random.default_rng(0)
vae = published_vae((32, 32, 3), [16, 32, 64], 8, rng, kl_term=KLTerm(beta=3, warm_up=250))
train(vae, x_train, 800, batch=16, lr=schedules.cosine(6e-3, 800), rng=rng)
copies = vae.reconstruct(x_test)
mean_error = np.square(x_test - x_train.mean(axis=0)).sum(axis=1).mean()
copy_error = np.square(x_test - copies).sum(axis=1).mean()
samples = vae.sample(500, rng)
print(f"squared error: the mean image {mean_error:.1f}, copies {copy_error:.1f}")


def spread(x):
    """The standard deviation of where an image's light is, in pixels: (N,)."""
    light = x.reshape(-1, 32, 32, 3).sum(axis=-1) / x.sum(axis=1)[:, None, None]
    at = np.arange(32)
    return np.sqrt(sum(light.sum(axis=a) @ at**2 - (light.sum(axis=a) @ at) ** 2
                       for a in (1, 2)))


for name, x in {"test images": x_test, "copies": copies, "samples": samples}.items():
    print(f"{name:12} spread: median {np.median(spread(x)):.1f} pixels,",
          f"over 6 pixels: {np.mean(spread(x) > 6):.0%}")

assert copy_error < 0.55 * mean_error and spread(x_test).max() < 6
assert np.mean(spread(samples) > 6) > 0.15 > np.mean(spread(copies) > 6)

# %% tags=["hide-input"]
sheet = np.concatenate([x_test[:8], copies[:8], samples[:24]]).reshape(-1, 32, 32, 3)
fig = figures.image_sheet(sheet, 8, row_names=["test", "copies", "samples", "", ""])
figures.show(fig, "12.2")

# %% [markdown]
# *Figure 12.2. Five rows of eight coloured images. First, test images: a square, triangle
# or disc of one colour on black. Second, their copies: the right place, size and colour, but
# corners are rounded off. The other three rows are samples from the prior: some show one
# round shape of one colour, others a smear, or two shapes at once.*
#
# The copies in Figure 12.2 are good, and the samples are mixed. `spread` puts a number to
# it: how far the light of an image lies from its centre. No test image exceeds 6 pixels;
# of the samples, more than a third do. (Chapter 10 says why the means of a Gaussian look
# blurred.)
#
# ## What can go wrong
#
# **Flattening in another order.** Channels first or last, both have 2,048 numbers. If you
# load weights across, nothing complains, and the codes are wrong:

# %%
straight = to_published(vanilla) | {"fc_mu.weight": vanilla.mu.W.data.T}
wrong = published_by_loops(straight, channels_first, eps)[0]
off, scatter = np.abs(wrong - by_engine[0]).mean(), by_engine[0].std()
print(f"codes that scatter by {scatter:.2f} are wrong by {off:.2f} on average")

assert off > 0.3 * scatter

# %% [markdown]
# **Forgetting `eval()`.** In training mode, an image's copy depends on what else is in the
# minibatch. The autoencoder of 12.6 was trained on minibatches of all digits. Show it
# nothing but ones:

# %%
model = trained["convolutional", "as they are"]
mnist = datasets.load("mnist")
ones = mnist.x_test[mnist.y_test == 1][:64]
with no_grad():
    in_training = model(ones).data
by_mode = {"eval()": model.reconstruct(ones), "training mode": in_training}
ones_error = {mode: np.square(copies - ones).sum(axis=1).mean()
              for mode, copies in by_mode.items()}
print("squared error of ones:", *(f"{mode} {e:.1f}" for mode, e in ones_error.items()))

assert ones_error["training mode"] > 1.3 * ones_error["eval()"]

# %% [markdown]
# **A gradient that is 0, and Adam.** The biases in front of batch normalization have no
# gradient except for rounding errors. Adam divides a gradient by its own size (3.2), so it
# turns rounding errors into steps:

# %%
convolutions = [layer for layer in model.encoder.layers[0].layers if hasattr(layer, "W")]
drift = [float(np.abs(layer.b.data).max()) for layer in convolutions]
print("largest bias, after a start at 0:", *(f"{b:.3f}" for b in drift))

assert min(drift) > 0.01

# %% [markdown]
# Here it does no harm, since the next layer subtracts them. Elsewhere, a parameter that
# wanders about may be one that does nothing: leave it out (`bias=False` in PyTorch).
#
# **No `output_padding`.** Each layer then gives $2m - 1$ pixels instead of $2m$: from 2 the
# sizes are 3, 5, 9, 17, 33, and the loss complains about shapes. Worse if it does not,
# because something downstream crops or broadcasts.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | `windows_as_rows`, `conv2d` | [columns](../npvae/autodiff/convolution.py), [conv2d](../npvae/autodiff/convolution.py) | [Dumoulin and Visin 2016](https://arxiv.org/abs/1603.07285), section 2 |
# | the transposed convolution | [add_columns](../npvae/autodiff/convolution.py), [conv_transpose2d](../npvae/autodiff/convolution.py) | the same, section 4 |
# | batch normalization | [batch_norm](../npvae/autodiff/normalization.py), [BatchNorm](../npvae/nn/layers.py) | [Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167), algorithms 1 and 2 |
# | the networks | [convolutional_encoder](../npvae/models/networks.py), [convolutional_decoder](../npvae/models/networks.py) | [Radford and others 2016](https://arxiv.org/abs/1511.06434), section 3 |
# | the models | [ConvolutionalVAE](../npvae/models/convolutional.py), [ConvolutionalAutoencoder](../npvae/models/autoencoder.py) | [PyTorch-VAE](https://github.com/AntixK/PyTorch-VAE), `models/vanilla_vae.py` |
# | the images | [load_shapes](../npvae/datasets/shapes.py) | |
#
# `npvae train --model conv-vae --data shapes --beta 20 --warm-up 500 --batch-size 64 --steps
# 1500` trains our version on the full $64 \times 64$.
#
# ## Exercises
#
# 1. On paper: a kernel of 5, stride 2, padding 2. How many outputs do eight inputs make, and
#    how many of them does each input reach? For which kernels does a stride of 3 paint
#    evenly? Check with `matrix_of`.
# 2. Find the matrix of a two-dimensional convolution of $4 \times 4$ pixels column by
#    column, from images with a single 1. Compare its transpose with `transposed`.
# 3. Train 12.9 with $\beta$ of 1, 10 and 30. What becomes of the copies, and of the share
#    of samples that spread over more than 6 pixels?
# 4. On paper: derive the gradients of batch normalization in *evaluation* mode. Write the
#    operation, and check it with `gradcheck`.
# 5. In `published_decoder`, replace the kernel of 3 and `output_padding` 1 by a kernel of 4
#    and none. Is the checkerboard gone from an untrained decoder? Does it matter after
#    training?
#
# The blank of 12.3 is also [exercise 26](exercises/26_convolution.py): `npvae learn check
# convolution`.
#
# Before: [11. Tighter bounds, honest numbers](11_tighter_bounds.ipynb). Next: [13. What
# codes mean](13_what_codes_mean.ipynb).
