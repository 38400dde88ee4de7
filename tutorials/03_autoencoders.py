# %% [markdown]
# # 3. Autoencoders
#
# An image of a digit has 784 pixels. But is a digit a thing with 784 degrees of freedom?
# You could describe it to somebody on the phone with a few words: a seven, slanted, thin,
# with a bar. An *autoencoder* looks for such a short description by itself: it must copy
# its input through a bottleneck of a few numbers, the *code*. We begin with the oldest one,
# principal component analysis, for which the best answer is known, and end with one that
# makes bad digits. Its failure is the reason for the next three chapters.
#
# After this chapter you can
#
# - derive PCA, and say how much is lost by keeping $k$ components;
# - train a linear autoencoder, and say how it equals PCA, and how it does not;
# - say what a nonlinear autoencoder gains, and what a denoising one learns beyond copying;
# - read a picture of a latent space;
# - explain why decoding random codes gives no good digits.
#
# You need: chapter 2, eigenvectors, and what a variance is. The symbols are on [one
# page](notation.md).

# %%
import matplotlib.pyplot as plt
import numpy as np

from npvae import datasets, figures
from npvae.models import PCA, Autoencoder, principal_angles
from npvae.nn import optim, schedules
from npvae.training import Training
from npvae.training.evaluation import nearest, share_outside

data = datasets.load("mnist")
x_train, x_test = data.x_train[:], data.x_test         # (60000, 784), (10000, 784)


def as_images(x):
    return x.reshape(-1, *data.image_shape)


rng = np.random.default_rng(0)
random_points = rng.random((10, 784)).astype(np.float32)
figures.show(
    figures.image_sheet(as_images(np.concatenate([x_test[:10], random_points])), 10),
    "Two rows of ten images: handwritten digits from the test set, and below "
    "them points drawn uniformly from the same space, which are grey noise.",
)

# %% [markdown]
# Both rows are points of the same space, $[0, 1]^{784}$. You could draw points like those
# of the second row until the end of the world and never see a digit. Digits fill a tiny,
# thin part of the space. The question is how to describe it.
#
# ## 3.1 PCA: the best flat description
#
# The simplest thin thing is a flat one: a subspace of $k$ dimensions through the mean $m$
# of the data. Let $u_1, \dots, u_k$ be perpendicular unit vectors that span it. The code of
# $x$ is its coordinates, and the copy is the nearest point of the subspace:
#
# $$ z_j = u_j^\top (x - m), \qquad \hat x = m + \sum_{j=1}^k z_j u_j. $$
#
# Which subspace loses least, $\lVert x - \hat x \rVert^2$ on average? By Pythagoras, what
# is lost and what is kept add up to $\lVert x - m \rVert^2$, which does not depend on the
# subspace. So to lose least is to *keep most*: maximise
#
# $$ \sum_j \operatorname{mean}(z_j^2) = \sum_j u_j^\top S u_j, \qquad S = \operatorname{mean}\big[(x - m)(x - m)^\top\big]. $$
#
# Let $v_i$ be the eigenvectors of the covariance $S$, with eigenvalues
# $\lambda_1 \ge \lambda_2 \ge \dots$ In terms of these, what is kept is
# $\sum_i \lambda_i c_i$ with $c_i = \sum_j (u_j^\top v_i)^2$. Each $c_i$ lies between 0 and
# 1, because the $u_j$ are perpendicular unit vectors, and they add up to $k$. So it
# is best to put all the weight on the first $k$: take $u_j = v_j$. What is kept is
# $\lambda_1 + \dots + \lambda_k$; what is lost, the sum of all the others.
#
# > **Predict.** Of 784 components, how many does it take to keep 90 % of the variance? Of
# > ten components, what do the copies look like?

# %%
m = x_train.mean(axis=0)
centred = (x_train - m).astype(np.float64)
S = centred.T @ centred / len(x_train)                 # (784, 784)
eigenvalues, U = np.linalg.eigh(S)                     # in rising order
eigenvalues, U = eigenvalues[::-1], U[:, ::-1]


def pca_copy(x, k):
    z = (x - m) @ U[:, :k]                             # codes (N, k)
    return m + z @ U[:, :k].T


kept = np.cumsum(eigenvalues) / eigenvalues.sum()
lost = {}
print("components   variance kept   squared error   other eigenvalues")
for k in (2, 10, 87):
    lost[k] = np.square(x_train - pca_copy(x_train, k)).sum(axis=1).mean()
    others = eigenvalues[k:].sum()
    print(f"{k:10} {100 * kept[k - 1]:13.1f} % {lost[k]:15.3f} {others:19.3f}")

rows = [x_test[:10], *(pca_copy(x_test[:10], k) for k in (2, 10, 87))]
figures.show(
    figures.image_sheet(as_images(np.concatenate(rows)), 10,
                        row_names=["original", "k = 2", "k = 10", "k = 87"]),
    "Ten test digits and their copies from 2, 10 and 87 components: with 2, a few "
    "blurred shapes again and again; with 10, about half can be read; with 87, all.",
)

assert all(abs(error / eigenvalues[k:].sum() - 1) < 1e-6 for k, error in lost.items())
assert kept[86] > 0.9 > kept[85]

# %% [markdown]
# 87 of 784, about one in nine, keep 90 %. With ten components about half of the digits can
# be read; with two there are only a few blurred shapes. And the error on the training set
# is the sum of the eigenvalues that were left out, as derived.
#
# ## 3.2 The linear autoencoder finds the same subspace
#
# An autoencoder has two maps, an **encoder** and a **decoder**, and one loss:
#
# $$ z = \mathrm{encoder}(x), \qquad \hat x = \mathrm{decoder}(z), \qquad \text{loss} = \lVert x - \hat x \rVert^2, $$
#
# summed over pixels, averaged over examples. Let both be linear: $z = x A + a$ and
# $\hat x = z B + b$, trained with the engine of chapter 2, in minibatches of 100 images, by
# Adam: gradient descent in which every parameter gets its own step size. It has never
# heard of eigenvectors.
#
# > **Predict.** With ten dimensions, how close does its error come to that of PCA? Will the
# > rows of $B$ be the principal components? (Two subspaces are compared by their *principal
# > angles*: the smallest between a direction of one and a direction of the other, then the
# > same among all directions perpendicular to these, and so on. All are 0 if the subspaces
# > are the same.)

# %%
def train(model, steps, lr, seed=0):
    """Train by Adam, with a rate that falls to zero; the loss on the test set."""
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

assert 0.999 < linear_error / pca_error < 1.002 and np.median(angles) < 3
assert smallest > 20

# %% [markdown]
# The error agrees to a thousandth, and the subspaces nearly coincide. Only the last
# direction is slow to come: the tenth and the eleventh eigenvalue are nearly equal, so that
# it costs hardly anything to take a mixture of both. But the rows of $B$ are *not* the
# components; none of them even comes near one. The loss only sees $\hat x$. If $z$ is
# multiplied by any invertible matrix and the decoder undoes it, the copy is the same. So
# the linear autoencoder knows the subspace and not its axes. Keep this in mind when
# somebody gives a meaning to single latent dimensions.
#
# ## 3.3 Bend it: a deep autoencoder
#
# Put hidden layers with a nonlinearity between, and the flat subspace becomes a curved
# surface. To see the whole latent space on paper, we go down to **two** dimensions.
#
# > **Predict.** PCA with two components has an error of 43.6 on the test set. What does a
# > curved surface of two dimensions reach?

# %%
deep = Autoencoder(784, 2, hidden=[256, 64], rng=np.random.default_rng(0))
deep_error = train(deep, 3000, lr=2e-3)
flat = PCA(784, 2).fit(x_train)
flat_error = flat.loss(x_test)[1]["loss"]
print(f"two dimensions, test error: PCA {flat_error:.1f}, deep {deep_error:.1f}")

some = np.random.default_rng(1).permutation(10_000)[:2000]
figures.show(
    figures.latent_scatter(flat.codes(x_test[some]), data.y_test[some]),
    "The codes of 2,000 test digits in the plane of the first two principal components: "
    "one cloud in which most classes overlap; only 0 and 1 stand at opposite ends.",
)

assert deep_error < 0.75 * flat_error

# %%
figures.show(
    figures.latent_scatter(deep.codes(x_test[some]), data.y_test[some]),
    "The codes of the same digits in the latent space of the deep autoencoder: 0 and 1 "
    "run out in long rays; the others crowd around the origin, in short rays and patches, "
    "many of which overlap.",
)


guessed = {}
for name, model in [("PCA", flat), ("deep", deep)]:
    codes = model.codes(x_test)
    neighbour, _ = nearest(codes[:2000], codes[2000:])
    guessed[name] = np.mean(data.y_test[2000:][neighbour] == data.y_test[:2000])
    print(f"{name:4}: {100 * guessed[name]:.0f} % have the same digit as neighbour;",
          f"largest code {np.abs(codes).max():.1f}")

assert guessed["deep"] > guessed["PCA"] + 0.15

# %% [markdown]
# With the same two numbers for a digit it loses over a quarter less. And though it was
# never told the labels, equal digits are neighbours much more often: what looks alike is
# close together, because neighbouring codes have nearly the same copy. (In the pictures,
# the number of each class stands at the median of its codes.)
#
# ## 3.4 Restore it: a denoising autoencoder
#
# With enough dimensions, copying becomes too easy: with 784, the identity is perfect and
# has learned nothing. So make the task harder. The **denoising** autoencoder sees an image
# with noise and must return the clean one:
#
# $$ \text{loss} = \lVert x - \mathrm{decoder}(\mathrm{encoder}(x + \text{noise})) \rVert^2. $$
#
# It cannot succeed by copying. It must know what digits look like.
#
# > **Predict.** Two networks with 32 dimensions, one trained to copy, one to restore. Which
# > has the smaller error on clean images? And on noisy ones?

# %%
NOISE = 0.5
plain = Autoencoder(784, 32, hidden=[256], rng=np.random.default_rng(0))
denoising = Autoencoder(784, 32, hidden=[256], rng=np.random.default_rng(0),
                        noise="gaussian", noise_level=NOISE)
for model in (plain, denoising):
    train(model, 2000, lr=2e-3)

noisy = x_test + NOISE * rng.standard_normal(x_test.shape).astype(np.float32)


def error(model, seen):
    return np.square(model.reconstruct(seen) - x_test).sum(axis=1).mean()


errors = {name: (error(model, x_test), error(model, noisy))
          for name, model in [("plain", plain), ("denoising", denoising)]}
for name, (clean, restored) in errors.items():
    print(f"{name:10} clean images {clean:5.1f}   noisy images {restored:5.1f}")

rows = [noisy[:10], *(model.reconstruct(noisy[:10]) for model in (plain, denoising))]
figures.show(
    figures.image_sheet(as_images(np.concatenate(rows)), 10,
                        row_names=["seen", "plain", "denoising"]),
    "Ten noisy digits; below them the copies of the plain autoencoder, smeared "
    "and stained; below these the restored digits of the denoising one, clean, most of "
    "them legible, some blurred.",
)

assert errors["plain"][0] < errors["denoising"][0]
assert errors["denoising"][1] < 0.8 * errors["plain"][1]

# %% [markdown]
# On clean images, the copyist is better at copying. On noisy ones, the restorer is far
# ahead: it pulls an image back to the surface on which digits lie. This is a first hint
# that noise during training is not a nuisance but a teacher. The VAE will put noise into
# the *code*.
#
# ## 3.5 Draw from it: why this disappoints
#
# An autoencoder has a decoder, and chapter 1 said that a generative model is a decoder with
# noise at its input. So: draw random codes, decode, and enjoy new digits? But *which*
# random codes? A plain autoencoder says where the codes of the data are, and nothing about
# how likely they are. The simplest guess is a Gaussian for each latent dimension, with the
# mean and the standard deviation of the codes ([FittedPrior](../npvae/models/prior.py)).
#
# > **Predict.** Look at the picture of the latent space in 3.3, lay a round blob over it,
# > and draw ten points from the blob. What will be decoded?

# %%
for model in (deep, plain):
    model.fit_prior(x_train)
rng = np.random.default_rng(3)
samples = [deep.sample(10, rng), plain.sample(10, rng)]
figures.show(
    figures.image_sheet(as_images(np.concatenate([x_test[:10], *samples])), 10,
                        row_names=["real", "2 dim.", "32 dim."]),
    "Ten real digits, ten samples from the autoencoder with two dimensions, and "
    "ten from the one with 32. In the second row most can be read, some are blends of "
    "two; the third row is tangles of strokes.",
)

# %% [markdown]
# With two dimensions most can be read, and some are blends of two. With 32 hardly anything
# is a digit. We can measure it. Where in the latent space do random codes fall, compared
# with the codes of real digits? For each, take the distance to the nearest code of the
# 60,000 digits of the training set, and call it unusual if only 5 % of the test digits have
# one as large ([share_outside](../npvae/training/evaluation.py)).

# %%
outside = {}
for model in (deep, plain):
    drawn = model.from_noise(rng.standard_normal((1000, model.latent_dim)))
    tests, codes = model.codes(x_test[:1000]), model.codes(x_train)
    outside[model.latent_dim] = share = share_outside(drawn, tests, codes)
    print(f"{model.latent_dim:2} dimensions: {100 * share:.0f} % of the random codes "
          "are unusually far from all digits")

codes = deep.codes(x_test[some])
drawn = deep.from_noise(rng.standard_normal((300, 2)))
fig, ax = plt.subplots(figsize=(5.5, 4.5), layout="constrained")
ax.scatter(*codes.T, s=3, color="0.6", linewidths=0, label="codes of digits")
ax.scatter(*drawn.T, s=22, color="black", marker="x", linewidths=1, label="random codes")
ax.set(xlabel="z₁", ylabel="z₂")
ax.legend(frameon=False)
figures.show(fig, "Grey points: the codes of digits, in two long rays and a heap. "
             "Black crosses: random codes from the fitted Gaussian, an oval cloud that "
             "misses the ends of the rays and spills over onto empty ground on the other "
             "sides.")

assert 0.1 < outside[2] < outside[32] and outside[32] > 0.5

# %% [markdown]
# Far more than 5 % of the random codes fall where no digit was in training. The decoder has
# never been asked about such places, and what it says there means nothing. Nothing in the
# loss told the encoder to put codes where a Gaussian would draw them, nor to leave no
# holes. In more dimensions it gets worse (the second network also has fewer hidden layers):
# there is more room for emptiness.
#
# We could fit a better distribution to the codes afterwards. The VAE does something
# simpler and deeper: it fixes the prior, $\mathcal N(0, I)$, **before** training, and makes
# the codes fit it. Two things do that: every code becomes a small cloud instead of a point,
# so that the decoder meets whole neighbourhoods; and clouds that are far from the prior
# cost something. How much should they cost? Chapter 4 derives it.
#
# ## What can go wrong
#
# **The mean was not subtracted.** PCA of uncentred data spends its first component on
# pointing at the mean:

# %%
second_moments = x_train.astype(np.float64).T @ x_train / len(x_train)
first = np.linalg.eigh(second_moments)[1][:, -1]
towards_mean = abs(first @ m) / np.linalg.norm(m)
print(f"cosine between the first uncentred 'component' and the mean: {towards_mean:.3f}")

assert towards_mean > 0.98

# %% [markdown]
# **Sum or mean over the pixels.** The squared error here is summed over 784 pixels and
# averaged over examples, as in all chapters about images. With a mean over pixels too,
# everything is 784 times smaller, and a KL term beside it, or the learning rate of plain
# gradient descent, that was right is now wrong. (Adam does not mind: it divides by the size
# of the gradient.) Compare numbers only after you have asked which of the two they are.
#
# **A latent picture is taken too seriously.** Distances, directions and empty places in
# such a picture depend on the random start of the training. Train with another seed
# (exercise 3) before you see meaning.
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
# `npvae train --model ae`, `--model dae` and `--model linear-ae` train them for longer;
# `npvae experiment copies` compares them all.
#
# ## Exercises
#
# 1. [`pca`](exercises/08_pca.py): write it, `npvae learn check pca` (after
#    `npvae learn init my-vae`).
# 2. Show that
#    $\lVert x - m \rVert^2 = \lVert \hat x - m \rVert^2 + \lVert x - \hat x \rVert^2$.
#    Where do you need that the $u_j$ are perpendicular?
# 3. Train the deep autoencoder with `seed=1` and another generator for its weights, and
#    draw its latent space. What stays?
# 4. Replace the Gaussian noise by `noise="masking"`. What does the network learn to fill
#    in?
# 5. Fit a Gaussian to the codes of each *class* and draw from those. How much better are
#    the samples? What would you need that an autoencoder without labels does not have?
#
# Before: [2. Autodiff from scratch](02_autodiff_from_scratch.ipynb). Next: [4. The evidence
# lower bound](04_the_evidence_lower_bound.ipynb).
