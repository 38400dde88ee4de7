# %% [markdown]
# # 3. Autoencoders
#
# An image of a digit has 784 pixels. But does a digit have 784 degrees of freedom? You
# could describe it over the phone in a few words: a seven, slanted, thin, with a bar. An
# *autoencoder* looks for such a short description by itself: it must copy its input through
# a bottleneck of a few numbers, the *code*. We begin with the oldest one, principal
# component analysis, for which the best answer is known. We end with one that draws bad
# digits, and its failure is the reason for the next three chapters.
#
# After this chapter you can
#
# - derive PCA, and say how much is lost by keeping $k$ components;
# - train a linear autoencoder, and say how it equals PCA, and how it does not;
# - say what a nonlinear autoencoder gains, and what a denoising one learns beyond copying;
# - read a picture of a latent space;
# - say when decoding random codes gives digits, and why it often does not.
#
# You need: chapter 2, eigenvectors, and what a variance is. The symbols are on [one
# page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import datasets, figures, learn
from npvae.models import PCA, Autoencoder, principal_angles
from npvae.nn import optim, schedules
from npvae.training import Training
from npvae.training.evaluation import nearest, share_outside

data = datasets.load("mnist")
x_train, x_test = data.x_train[:], data.x_test         # (60000, 784), (10000, 784)


def sheet(*rows, names=()):
    """A sheet of pictures, with a row for each of the arrays (10, 784)."""
    images = np.concatenate(rows).reshape(-1, *data.image_shape)
    return figures.image_sheet(images, 10, row_names=names)


rng = np.random.default_rng(0)
random_points = rng.random((10, 784)).astype(np.float32)
figures.show(sheet(x_test[:10], random_points), "3.1")

# %% [markdown]
# *Figure 3.1. Two rows of ten images: above, handwritten digits from the test set; below,
# points drawn uniformly from the same space, which look like grey noise.*
#
# Both rows of Figure 3.1 are points of the same space, $[0, 1]^{784}$. You could draw
# points as in the second row for the rest of your life and never see a digit. Digits fill a
# tiny, thin part of the space. How can we describe it?
#
# ## 3.1 PCA: the best flat description
#
# The simplest thin set is flat: a subspace of $k$ dimensions through the mean $m$ of the
# data. Let $u_1, \dots, u_k$ be perpendicular unit vectors that span it. The code $z$ of
# $x$ holds its coordinates, and the copy $\hat x$ is the nearest point of the subspace:
#
# $$ z_j = u_j^\top (x - m), \qquad \hat x = m + \sum_{j=1}^k z_j u_j. $$
#
# Which subspace loses least, that is, has the smallest mean of
# $\lVert x - \hat x \rVert^2$? Call $\lVert \hat x - m \rVert^2 = \sum_j z_j^2$ what the
# copy *keeps*. By Pythagoras (Figure 3.2, left), what is kept and what is lost add up to
# $\lVert x - m \rVert^2$, which does not depend on the subspace. So the subspace that loses
# least is the one that keeps most. On average over the data, it keeps
#
# $$ \begin{aligned}
# \sum_j \operatorname{mean}(z_j^2) &= \sum_j u_j^\top S u_j, \\
# S &= \operatorname{mean}\big[(x - m)(x - m)^\top\big].
# \end{aligned} $$
#
# Let $v_i$ be the eigenvectors of the covariance $S$, with eigenvalues
# $\lambda_1 \ge \lambda_2 \ge \dots$ In terms of these, the sum is $\sum_i \lambda_i c_i$
# with the weights $c_i = \sum_j (u_j^\top v_i)^2$. Because the $u_j$ are perpendicular unit
# vectors, each weight lies between 0 and 1, and the weights add up to $k$. So it is best to
# give the full weight 1 to the $k$ largest eigenvalues, with $u_j = v_j$. The copies then
# keep $\lambda_1 + \dots + \lambda_k$, and lose the sum of all other eigenvalues.

# %% tags=["hide-input"]
figures.show(figures.nested_subspaces(), "3.2")

# %% [markdown]
# *Figure 3.2. Left: the mean m, a data point x and its copy on a blue line through m form a
# triangle with a right angle at the copy x̂. The side from m to the copy is kept, the
# dashed side from the copy to x is lost. Right: a blue line within a blue plane, both
# through m. A dashed path leads from x straight down to its copy in the plane, k = 2, and
# from there to its copy on the line, k = 1.*
#
# The best subspaces are nested (Figure 3.2, right): if you add a component, the others stay
# where they are. Write PCA as a function, with `np.linalg.eigh` or `np.linalg.svd`, before
# you see how we do it. `learn.check` compares yours with the engine's
# ([the page of the exercise](exercises/08_pca.py)):

# %%
def principal_components(x, count):          # x (N, D)
    """Return the mean (D,), the first components (count, D), and all eigenvalues."""
    raise NotImplementedError("write the function here, in place of this line")


learn.check(principal_components)

# %% [markdown]
# > **Predict.** Of 784 components, how many does it take to keep 90 % of the variance? And
# > with two or ten components, can you read the copies?

# %% tags=["hide-output"]
m = x_train.mean(axis=0)
centred = (x_train - m).astype(np.float64)
S = centred.T @ centred / len(x_train)                 # (784, 784)
eigenvalues, U = np.linalg.eigh(S)                     # in rising order
eigenvalues, U = eigenvalues[::-1], U[:, ::-1]


def pca_copy(x, k):
    z = (x - m) @ U[:, :k]                             # codes (N, k)
    return m + z @ U[:, :k].T


kept = np.cumsum(eigenvalues) / eigenvalues.sum()
enough = int(np.argmax(kept >= 0.9)) + 1               # components for 90 %
lost = {}
print("components   variance kept   squared error   other eigenvalues")
for k in (2, 10, enough):
    lost[k] = np.square(x_train - pca_copy(x_train, k)).sum(axis=1).mean()
    others = eigenvalues[k:].sum()
    print(f"{k:10} {100 * kept[k - 1]:13.1f} % {lost[k]:15.3f} {others:19.3f}")

copies = [pca_copy(x_test[:10], k) for k in lost]
names = ["original", *(f"k = {k}" for k in lost)]
figures.show(sheet(x_test[:10], *copies, names=names), "3.3")

# %% tags=["hide-input", "hide-output"]
assert all(abs(error / eigenvalues[k:].sum() - 1) < 1e-6 for k, error in lost.items())
assert enough == 87

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 3.3. Ten test digits, and below them their copies from 2, 10 and 87 components.
# With 2, the same few blurred shapes come again and again. With 10, you can read about half
# of the digits. With 87, you can read them all.*
#
# 87 of 784 components, about one in nine, keep 90 %. In Figure 3.3, two components give
# only a few blurred shapes, and ten make about half of the digits legible. The table
# confirms the derivation: the squared error on the training set is the sum of the other
# eigenvalues.
#
# </details>
#
# ## 3.2 The linear autoencoder finds the same subspace
#
# An autoencoder has two maps, an **encoder** and a **decoder**, and one loss:
#
# $$ z = \mathrm{encoder}(x), \qquad \hat x = \mathrm{decoder}(z), \qquad \text{loss} = \lVert x - \hat x \rVert^2, $$
#
# summed over pixels and averaged over examples. Let both maps be linear, $z = x A + a$ and
# $\hat x = z B + b$, and train them with the engine of chapter 2, in minibatches of 100
# images. Nothing in this training knows of eigenvectors.
#
# ### Adam, the optimiser of all chapters
#
# Gradient descent moves every parameter by $-\mathrm{lr} \cdot g$: its gradient times the
# learning rate. So a parameter with small gradients hardly moves. **Adam** divides by the
# size of the gradient. For each parameter, it keeps two running means, of the gradient and
# of its square:
#
# $$ \begin{aligned}
# m_t &= \beta_1 m_{t-1} + (1 - \beta_1)\, g_t, & m_0 &= 0, \\
# v_t &= \beta_2 v_{t-1} + (1 - \beta_2)\, g_t^2, & v_0 &= 0.
# \end{aligned} $$
#
# Both begin at zero, so at first they are too small. By how much? Insert the recursion into
# itself: $m_t = (1 - \beta_1) \sum_{i=1}^t \beta_1^{t-i} g_i$. If all gradients have the
# same mean, the geometric sum gives
#
# $$ \mathbb E\, m_t = \mathbb E\, g \cdot (1 - \beta_1) \sum_{i=1}^t \beta_1^{t-i}
# = \mathbb E\, g \cdot (1 - \beta_1^t). $$
#
# So Adam divides $m_t$ by $1 - \beta_1^t$, and $v_t$ by $1 - \beta_2^t$:
#
# $$ \begin{aligned}
# \hat m_t &= \frac{m_t}{1 - \beta_1^t}, \qquad \hat v_t = \frac{v_t}{1 - \beta_2^t}, \\
# p &\leftarrow p - \mathrm{lr} \cdot \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}.
# \end{aligned} $$
#
# Usually $\beta_1 = 0.9$, $\beta_2 = 0.999$ and $\epsilon = 10^{-8}$. If the gradients keep
# their size, the quotient is at most about 1, whatever that size is, and a step is at most
# about as long as lr. The first step is exactly that long. Without the correction, it would
# be too long by a factor of $(1 - \beta_1)/\sqrt{1 - \beta_2} = 3.2$:

# %%
def adam_steps(gradients, corrected, lr=0.001, beta1=0.9, beta2=0.999):
    """The step of one parameter for each of its gradients, with or without correction."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        a, b = (1 - beta1**t, 1 - beta2**t) if corrected else (1, 1)
        yield lr * (m / a) / (np.sqrt(v / b) + 1e-8)


for size in (1e-3, 1.0, 1e3):
    right, wrong = (next(adam_steps([size], corrected)) for corrected in (True, False))
    print(f"gradient {size:7g}: first step {right:.4f}, without the correction {wrong:.4f}")
    assert abs(right - 0.001) < 1e-7 and abs(wrong / right - 0.1 / np.sqrt(0.001)) < 1e-3

# %% [markdown]
# In `npvae` this is [Adam](../npvae/nn/optim.py). [Training](../npvae/training/loop.py)
# draws the minibatches and calls it, and [cosine](../npvae/nn/schedules.py) lets the
# learning rate fall to zero.
#
# ### What the linear autoencoder finds
#
# To compare two subspaces we need their *principal angles*. The first is the smallest angle
# between a direction of one and a direction of the other. The next is the smallest among
# all directions perpendicular to these, and so on. All angles are 0 if the subspaces are
# the same.
#
# > **Predict.** With ten dimensions, how close does the error of the linear autoencoder
# > come to that of PCA? Will the rows of $B$ be the principal components?

# %% tags=["hide-output"]
def train(model, steps, lr, seed=0):
    """Train by Adam, with a rate that falls to zero; return the loss on the test set."""
    optimizer = optim.Adam(model.parameters(), schedules.cosine(lr, steps))
    training = Training(model, optimizer, x_train, 100, np.random.default_rng(seed))
    for _ in range(steps):
        training.take_step()
    return model.loss(x_test, rng)[1]["loss"]


linear = Autoencoder(784, 10, hidden=[], rng=np.random.default_rng(0))
linear_error = train(linear, 2000, lr=3e-3)
pca_error = np.square(x_test - pca_copy(x_test, 10)).sum(axis=1).mean()
B = linear.decoder.layers[-1].W.data                   # (10, 784)
angles = principal_angles(B, U[:, :10].T)
cosine = np.abs(B @ U[:, :10]) / np.linalg.norm(B, axis=1, keepdims=True)
print(f"test error: PCA {pca_error:.2f}, linear autoencoder {linear_error:.2f}")
print("angles between both, in degrees:", *angles.round(1))
print(f"eigenvalues 10 and 11: {eigenvalues[9]:.2f}, {eigenvalues[10]:.2f}")
smallest = np.degrees(np.arccos(cosine.max()))
print(f"smallest angle between a row of B and a component: {smallest:.0f}°")

# %% tags=["hide-input", "hide-output"]
assert 0.999 < linear_error / pca_error < 1.002 and np.median(angles) < 3
assert angles[:9].max() < 4 and smallest > 20

# %% [markdown]
# <details><summary>Answer</summary>
#
# The errors agree to about a thousandth, and the subspaces nearly coincide. Only the last
# direction is still a few degrees off: the tenth and the eleventh eigenvalue are nearly
# equal, so a mixture of both components costs hardly more.
#
# But the rows of $B$ are *not* the components; none of them even comes near one. The loss
# sees only $\hat x$. If the encoder multiplies $z$ by an invertible matrix and the decoder
# undoes it, the copy stays the same. So the linear autoencoder finds the subspace, and not
# its axes.
#
# </details>
#
# Remember this when somebody gives a meaning to a single latent dimension.
#
# ## 3.3 Bend it: a deep autoencoder
#
# Give the encoder and the decoder hidden layers with a nonlinearity, and the flat subspace
# becomes a curved surface. To see the whole latent space on paper, we go down to **two**
# dimensions.
#
# > **Predict.** PCA with two components has an error of 43.6 on the test set. By how much
# > can a curved surface of two dimensions do better?

# %% tags=["hide-output"]
deep = Autoencoder(784, 2, hidden=[256, 64], rng=np.random.default_rng(0))
deep_error = train(deep, 3000, lr=2e-3)
flat = PCA(784, 2).fit(x_train)
flat_error = flat.loss(x_test)[1]["loss"]
print(f"two dimensions, test error: PCA {flat_error:.1f}, deep {deep_error:.1f}")

# %% tags=["hide-input", "hide-output"]
assert abs(flat_error - 43.6) < 0.1 and deep_error < 0.75 * flat_error

# %% [markdown]
# <details><summary>Answer</summary>
#
# With the same two numbers for a digit, the deep autoencoder loses over a quarter less.
#
# </details>
#
# Figure 3.4 shows where PCA puts 2,000 digits of the test set, and Figure 3.5 where the
# deep autoencoder puts them. Each label stands where its digit outnumbers the others most
# clearly. If two labels would meet, one moves aside, and a line leads from it to its place.

# %%
some = np.random.default_rng(1).permutation(10_000)[:2000]
figures.show(figures.latent_scatter(flat.codes(x_test[some]), data.y_test[some]), "3.4")

# %%
figures.show(figures.latent_scatter(deep.codes(x_test[some]), data.y_test[some]), "3.5")

# %% [markdown]
# *Figure 3.4. The codes of 2,000 test digits in the plane of the first two principal
# components: one cloud in which most digits overlap. Only the 1s, at the left end, and the
# 0s, at the right end, stand apart.*
#
# *Figure 3.5. The codes of the same digits in the latent space of the deep autoencoder. The
# 0s and the 1s run out in long rays. The other digits crowd around the origin in short rays
# and patches, many of which overlap.*
#
# Nobody told the networks the labels. Is the nearest neighbour of a code still a code of
# the same digit?

# %%
same = {}
for name, model in [("PCA", flat), ("deep", deep)]:
    codes = model.codes(x_test)
    neighbour, _ = nearest(codes[:2000], codes[2000:])
    same[name] = np.mean(data.y_test[2000:][neighbour] == data.y_test[:2000])
    print(f"{name:4}: for {100 * same[name]:.0f} % the neighbour is the same digit;",
          f"largest coordinate {np.abs(codes).max():.1f}")

# %% tags=["hide-input"]
assert same["deep"] > max(0.5, same["PCA"] + 0.15)

# %% [markdown]
# In the deep autoencoder it is so for more than half of the digits, much more often than in
# PCA. Neighbouring codes have nearly the same copy. So the encoder does well to give
# neighbouring codes to images that look alike.
#
# ## 3.4 Restore it: a denoising autoencoder
#
# With enough dimensions, copying becomes too easy: with 784, the identity makes perfect
# copies and knows nothing about digits. So make the task harder. The **denoising**
# autoencoder sees an image with noise and must return the clean one:
#
# $$ \text{loss} = \lVert x - \mathrm{decoder}(\mathrm{encoder}(x + \text{noise})) \rVert^2. $$
#
# It cannot succeed by copying. It must know what digits look like.
#
# > **Predict.** We train two networks with 32 dimensions, one to copy and one to restore.
# > Which has the smaller error on clean images? And on noisy ones?

# %% tags=["hide-output"]
NOISE = 0.5
plain = Autoencoder(784, 32, hidden=[256], rng=np.random.default_rng(0))
denoising = Autoencoder(784, 32, hidden=[256], rng=np.random.default_rng(0),
                        noise="gaussian", noise_level=NOISE)
for model in (plain, denoising):
    train(model, 2000, lr=2e-3)

noisy = x_test + NOISE * rng.standard_normal(x_test.shape).astype(np.float32)


def error(model, seen):
    """Mean over the test set: the squared error of the copies of what the model sees."""
    return np.square(model.reconstruct(seen) - x_test).sum(axis=1).mean()


errors = {name: (error(model, x_test), error(model, noisy))
          for name, model in [("plain", plain), ("denoising", denoising)]}
for name, (clean, restored) in errors.items():
    print(f"{name:10} clean images {clean:5.1f}   noisy images {restored:5.1f}")

restored = [model.reconstruct(noisy[:10]) for model in (plain, denoising)]
figures.show(sheet(noisy[:10], *restored, names=["seen", "plain", "denoising"]), "3.6")

# %% tags=["hide-input", "hide-output"]
assert errors["plain"][0] < errors["denoising"][0]
assert errors["denoising"][1] < 0.8 * errors["plain"][1]

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 3.6. Ten noisy digits; below them the copies of the plain autoencoder, smeared
# and stained; below these the copies of the denoising one, clean, most of them legible,
# some blurred.*
#
# On clean images, the plain network has the smaller error. On noisy ones, in Figure 3.6,
# the denoising network is far ahead: it pulls an image back to the surface on which digits
# lie.
#
# </details>
#
# So noise in training teaches a network something. The VAE will put noise into the *code*.
#
# ## 3.5 Draw from it
#
# An autoencoder has a decoder, and in chapter 1 a generative model was a decoder with noise
# at its input. So can we draw random codes, decode them, and get new digits? *Which* random
# codes? A plain autoencoder has no prior. The simplest guess is a Gaussian for each latent
# dimension, with the mean and the standard deviation of the codes
# ([FittedPrior](../npvae/models/prior.py)).
#
# > **Predict.** Lay a round blob over Figure 3.5, centred on the codes and about as wide,
# > and draw ten points from it. What will the decoder make of them? And will the network
# > with 32 dimensions do better or worse?

# %% tags=["hide-output"]
for model in (deep, plain):
    model.fit_prior(x_train)
samples = [deep.sample(10, rng), plain.sample(10, rng)]
figures.show(sheet(x_test[:10], *samples, names=["real", "2 dim.", "32 dim."]), "3.7")

# %% [markdown]
# <details><summary>Answer</summary>
#
# *Figure 3.7. Ten real digits; ten samples from the autoencoder with two dimensions; ten
# from the one with 32. In the second row, you can read most, and some are blends of two
# digits. The third row holds tangles of strokes, and hardly a digit.*
#
# With two dimensions, most samples in Figure 3.7 can be read, and some are blends. With 32,
# which makes much better *copies*, hardly any sample is a digit.
#
# </details>
#
# We can measure it: how far are random codes from the codes of real digits? For each random
# code, take the distance to the nearest code of the 60,000 training digits. Call the
# distance unusual if only 5 % of the test digits have one as large
# ([share_outside](../npvae/training/evaluation.py)).

# %%
outside = {}
for model in (deep, plain):
    drawn = model.from_noise(rng.standard_normal((1000, model.latent_dim)))
    tests, codes = model.codes(x_test[:1000]), model.codes(x_train)
    outside[model.latent_dim] = share = share_outside(drawn, tests, codes)
    print(f"{model.latent_dim:2} dimensions: {100 * share:.0f} % of the random codes "
          "are unusually far from all digits")

codes = deep.codes(x_test[some])
drawn = deep.from_noise(rng.standard_normal((200, 2)))

# %% tags=["hide-input"]
assert 0.1 < outside[2] < outside[32] and outside[32] > 0.5

fig, ax = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
ax.scatter(*codes.T, s=8, color="0.6", linewidths=0, label="codes of digits")
ax.scatter(*drawn.T, s=30, color="tab:red", marker="x", linewidths=1.2,
           label="random codes")
ax.set(xlabel="z₁", ylabel="z₂")
ax.legend(frameon=False, markerscale=1.5)
figures.show(fig, "3.8")

# %% [markdown]
# *Figure 3.8. Grey points: the codes of 2,000 digits, two long rays and a dense heap where
# they meet. Red crosses: 200 random codes from the fitted Gaussian, an oval cloud. It does
# not reach the ends of the rays, and many crosses lie on empty ground between and beside
# them.*
#
# Far more than 5 % of the random codes are unusually far from all digits: with two
# dimensions, the crosses on empty ground in Figure 3.8. In training, the decoder never saw
# a code from there, so what it makes of one means nothing. The loss gave the encoder no
# reason to put codes where a Gaussian would draw them, or to leave no holes between them.
# With 32 dimensions it is worse: there is more room for emptiness. (That network also has
# fewer hidden layers.)
#
# We could fit a better distribution to the codes afterwards. The VAE does something
# simpler and deeper: it fixes the prior, $\mathcal N(0, I)$, **before** training, and makes
# the codes fit it. Two changes do that. Every code becomes a small cloud instead of a
# point, so the decoder sees whole neighbourhoods. And clouds that differ from the prior
# cost something. How much should they cost? Chapter 4 derives it.
#
# ## What can go wrong
#
# **Forgetting to subtract the mean.** PCA of uncentred data spends its first component on
# pointing at the mean:

# %%
second_moments = x_train.astype(np.float64).T @ x_train / len(x_train)
first = np.linalg.eigh(second_moments)[1][:, -1]
towards_mean = abs(first @ m) / np.linalg.norm(m)
print(f"cosine between the first uncentred 'component' and the mean: {towards_mean:.3f}")

assert towards_mean > 0.98

# %% [markdown]
# **Sum or mean over the pixels.** All chapters about images sum the error over the 784
# pixels, and average it over the examples. If you average over pixels too, the loss is 784
# times smaller. Then the learning rate of plain gradient descent is wrong, and so is the
# weight of a KL term beside the loss. (Adam alone does not mind: it divides by the size of
# the gradient.) Before you compare two numbers, find out which of the two kinds they are.
#
# **Reading too much into a latent picture.** Its distances, directions and empty places
# depend on the random start of the training. Train with another seed (exercise 3) before
# you read meaning into them.
#
# ## Where to find it
#
# | here | in npvae | in the literature |
# | --- | --- | --- |
# | PCA | [PCA](../npvae/models/pca.py), [principal_components](../npvae/models/pca.py) | Bishop 2006, section 12.1.2 |
# | the angle between subspaces | [principal_angles](../npvae/models/pca.py) | Björck and Golub 1973, theorem 1 |
# | linear, deep, denoising | [Autoencoder](../npvae/models/autoencoder.py) | Baldi and Hornik 1989; Hinton and Salakhutdinov 2006; [Vincent and others 2010](https://www.jmlr.org/papers/v11/vincent10a.html), section 3 |
# | the training | [Training.take_step](../npvae/training/loop.py) | |
# | the fitted Gaussian | [FittedPrior](../npvae/models/prior.py) | |
#
# `npvae train --model ae`, `--model dae` and `--model linear-ae` train them for longer.
# `npvae experiment copies` compares PCA, autoencoder, denoising autoencoder and VAE.
#
# ## Exercises
#
# 1. [`pca`](exercises/08_pca.py), the blank of 3.1, in a file of your own:
#    `npvae learn check pca` (after `npvae learn init my-vae`).
# 2. On paper: show that
#    $\lVert x - m \rVert^2 = \lVert \hat x - m \rVert^2 + \lVert x - \hat x \rVert^2$.
#    Where do you need that the $u_j$ are perpendicular?
# 3. Train the deep autoencoder with `seed=1` and another generator for its weights, and
#    draw its latent space. What stays?
# 4. Replace the Gaussian noise by `noise="masking"`. What does the network learn to fill
#    in?
# 5. Fit a Gaussian to the codes of each *digit*, and draw from these. How much better are
#    the samples? What do you use here that an autoencoder does not have?
#
# Before: [2. Autodiff from scratch](02_autodiff_from_scratch.ipynb). Next: [4. The evidence
# lower bound](04_the_evidence_lower_bound.ipynb).
